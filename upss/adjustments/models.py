"""What was proposed, by whom, and who decided."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from upss.adjustments.rules.proposals import REASON_LEAST, REASON_MOST, Purpose, Status
from upss.db.base import Base
from upss.db.types import MinorUnits

_PURPOSES = ", ".join(f"'{purpose}'" for purpose in Purpose)
_STATUSES = ", ".join(f"'{status}'" for status in Status)


class Adjustment(Base):
    """One proposal. The database refuses that the same person proposes and approves or refuses."""

    __tablename__ = "adjustment"
    __table_args__ = (
        CheckConstraint(f"purpose IN ({_PURPOSES})", name="purpose"),
        CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("debit_account <> credit_account", name="two_accounts"),
        CheckConstraint(
            f"length(btrim(reason)) >= {REASON_LEAST} AND length(reason) <= {REASON_MOST}",
            name="reason",
        ),
        CheckConstraint(
            "CASE status WHEN 'proposed' THEN decided_by IS NULL AND decided_at IS NULL"
            " WHEN 'withdrawn' THEN decided_by IS NOT DISTINCT FROM proposed_by"
            " AND decided_at IS NOT NULL"
            " ELSE decided_by IS NOT NULL AND decided_by <> proposed_by"
            " AND decided_at IS NOT NULL END",
            name="two_people",
        ),
        CheckConstraint("(status = 'approved') = (entry_id IS NOT NULL)", name="posted"),
        CheckConstraint("(purpose = 'reversal') = (reverses_id IS NOT NULL)", name="reverses"),
        Index("ix_adjustment_status", "status", "id"),
        # an entry is reversed once: a second proposal only after the first came to nothing
        Index(
            "uq_adjustment_reverses",
            "reverses_id",
            unique=True,
            postgresql_where=text("status IN ('proposed', 'approved')"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    purpose: Mapped[str] = mapped_column(String(10))
    question_id: Mapped[int | None] = mapped_column(ForeignKey("question.id"), index=True)
    answerer_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    debit_account: Mapped[str] = mapped_column(Text)
    credit_account: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(MinorUnits)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(Text)
    reverses_id: Mapped[int | None] = mapped_column(BigInteger)  # an entry of the ledger
    proposed_by: Mapped[int] = mapped_column(ForeignKey("account.id"))
    proposed_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(10))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None]
    entry_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
