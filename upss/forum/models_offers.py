"""What came of offering a question: who passed it over, and why a claim on it was refused."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base
from upss.forum.rules.skips import SkipReason

_REASONS = ", ".join(f"'{reason}'" for reason in SkipReason)


class Skip(Base):
    """A question that somebody passed over: not offered to them again on their own day of `at`."""

    __tablename__ = "question_skip"
    __table_args__ = (CheckConstraint(f"reason IN ({_REASONS})", name="reason"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(
        ForeignKey("question.id"), primary_key=True, index=True
    )
    reason: Mapped[str] = mapped_column(String(12))


class Refusal(Base):
    """How often a claim on a question was refused for one reason; nobody's name is with it."""

    __tablename__ = "claim_refusal"
    __table_args__ = (CheckConstraint("times > 0", name="times"),)

    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(String(20), primary_key=True)
    times: Mapped[int]
    last_at: Mapped[datetime]
