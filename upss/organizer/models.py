"""What the simulator found for positions of the dials, calculated by a job."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, SmallInteger, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base


class DialTrial(Base):
    """One calculation: of this site as it was (`people`, `questions`), or of the model's.

    `positions` are how many it tries; it has ended when `ended_at` is set.
    """

    __tablename__ = "dial_trial"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    asked_at: Mapped[datetime]
    asked_by: Mapped[int] = mapped_column(ForeignKey("account.id"))
    is_model: Mapped[bool | None]
    people: Mapped[int | None]
    questions: Mapped[int | None]
    positions: Mapped[int | None] = mapped_column(SmallInteger)
    ended_at: Mapped[datetime | None]


class DialPosition(Base):
    """What one position of the dials does, in figures of the simulator; a row never changes."""

    __tablename__ = "dial_position"
    __table_args__ = (
        CheckConstraint("mode IN ('open', 'deferred', 'strict')", name="mode"),
        CheckConstraint("urgency BETWEEN 0 AND 1", name="urgency"),
    )

    trial_id: Mapped[int] = mapped_column(ForeignKey("dial_trial.id"), primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    mode: Mapped[str] = mapped_column(String(10))
    urgency: Mapped[float]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
