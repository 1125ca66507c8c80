"""Who is paid where, and the runs that pay them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base
from upss.db.types import MinorUnits


class Recipient(Base):
    """An answerer's account at the provider; until transfers are active, money waits."""

    __tablename__ = "recipient"
    __table_args__ = (
        CheckConstraint(
            "transfers IN ('none', 'pending', 'active', 'restricted', 'unsupported')",
            name="transfers",
        ),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    provider_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    transfers: Mapped[str] = mapped_column(String(12))
    updated_at: Mapped[datetime]


class PayoutRun(Base):
    """One organizer prepares, another approves: the database refuses the same person twice."""

    __tablename__ = "payout_run"
    __table_args__ = (
        CheckConstraint("status IN ('prepared', 'approved', 'cancelled', 'done')", name="status"),
        CheckConstraint("approved_by <> prepared_by", name="two_people"),
        CheckConstraint(
            "status NOT IN ('approved', 'done') OR approved_by IS NOT NULL", name="approved"
        ),
        # one run at a time: a payable is never in two open runs
        Index(
            "uq_payout_run_open",
            text("(true)"),
            unique=True,
            postgresql_where=text("status = 'prepared'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    status: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(String(3))
    total_minor: Mapped[int] = mapped_column(MinorUnits)
    prepared_by: Mapped[int] = mapped_column(ForeignKey("account.id"))
    prepared_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    approved_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class PayoutItem(Base):
    """What one answerer gets in one run: one transfer."""

    __tablename__ = "payout_item"
    __table_args__ = (
        CheckConstraint(
            "status IN ('prepared', 'reserved', 'sent', 'refused', 'cancelled')", name="status"
        ),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_payout_item_run", "run_id", "id"),
        Index("ix_payout_item_answerer", "answerer_id", "id"),
        Index("ix_payout_item_open", "id", postgresql_where=text("status = 'reserved'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("payout_run.id"))
    answerer_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    status: Mapped[str] = mapped_column(String(10))
    amount_minor: Mapped[int] = mapped_column(MinorUnits)
    currency: Mapped[str] = mapped_column(String(3))
    idempotency_key: Mapped[str] = mapped_column(String(100), unique=True)
    destination: Mapped[str | None] = mapped_column(String(255))
    provider_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    balance_transaction_id: Mapped[str | None] = mapped_column(
        ForeignKey("balance_transaction.id"), unique=True
    )
    failure_reason: Mapped[str | None] = mapped_column(String(200))
    first_sent_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]


class PayoutLine(Base):
    """The part of an item that comes from one question."""

    __tablename__ = "payout_line"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_positive"),)

    item_id: Mapped[int] = mapped_column(ForeignKey("payout_item.id"), primary_key=True)
    question_id: Mapped[int] = mapped_column(
        ForeignKey("question.id"), primary_key=True, index=True
    )
    amount_minor: Mapped[int] = mapped_column(MinorUnits)
