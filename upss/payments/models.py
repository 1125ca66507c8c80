"""Payments, refunds, the provider's events and its balance transactions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base
from upss.db.types import MinorUnits


class Payment(Base):
    """One offer taken to the hosted payment page; it holds its own terms of being honoured."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint(
            "status IN ('new', 'open', 'checking', 'expired', 'paid', 'returned')", name="status"
        ),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index(
            "uq_payment_paid", "question_id", unique=True, postgresql_where=text("status = 'paid'")
        ),
        Index("ix_payment_question", "question_id", "id"),
        Index(
            "ix_payment_waiting",
            "id",
            postgresql_where=text("status IN ('new', 'open', 'checking')"),
        ),
        Index(
            "ix_payment_fee_unknown",
            "id",
            postgresql_where=text(
                "status IN ('paid', 'returned') AND balance_transaction_id IS NULL"
            ),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"))
    status: Mapped[str] = mapped_column(String(10))
    amount_minor: Mapped[int] = mapped_column(MinorUnits)
    currency: Mapped[str] = mapped_column(String(3))
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    expires_at: Mapped[datetime]
    honour_until: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    idempotency_key: Mapped[str] = mapped_column(String(100), unique=True)
    session_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    checkout_url: Mapped[str | None] = mapped_column(Text)
    payment_intent_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    charge_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    receipt_url: Mapped[str | None] = mapped_column(Text)
    balance_transaction_id: Mapped[str | None] = mapped_column(
        ForeignKey("balance_transaction.id"), unique=True
    )
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class Refund(Base):
    """Money to give back; requested in the ledger first, then sent, then settled or failed."""

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("status IN ('requested', 'sent', 'settled', 'failed')", name="status"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_refund_question", "question_id"),
        Index(
            "uq_refund_express",
            "question_id",
            unique=True,
            postgresql_where=text("cause = 'express_missed'"),
        ),
        Index("ix_refund_open", "id", postgresql_where=text("status IN ('requested', 'sent')")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"))
    cause: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(10))
    amount_minor: Mapped[int] = mapped_column(MinorUnits)
    currency: Mapped[str] = mapped_column(String(3))
    attempt: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(String(100), unique=True)
    provider_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    # The movement that took the money out, as long as it did not come back.
    balance_transaction_id: Mapped[str | None] = mapped_column(
        ForeignKey("balance_transaction.id"), unique=True
    )
    failure_reason: Mapped[str | None] = mapped_column(String(200))
    requested_at: Mapped[datetime]
    first_sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class ProviderEvent(Base):
    """A webhook delivery that was verified; the id makes a second delivery a no-op."""

    __tablename__ = "provider_event"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    type: Mapped[str] = mapped_column(String(120))
    object_id: Mapped[str | None] = mapped_column(String(255))
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]


class BalanceTransactionRow(Base):
    """One movement of the provider's balance, each booked by exactly one entry."""

    __tablename__ = "balance_transaction"
    __table_args__ = (CheckConstraint("net_minor = amount_minor - fee_minor", name="net"),)

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[int] = mapped_column(MinorUnits)
    fee_minor: Mapped[int] = mapped_column(MinorUnits)
    net_minor: Mapped[int] = mapped_column(MinorUnits)
    currency: Mapped[str] = mapped_column(String(3))
    seen_at: Mapped[datetime]
