"""What answerers declare of their hours, languages and topics, kept as versions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    String,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base


class HoursVersion(Base):
    """All that one person declared; the newest by id is in force, and no row ever changes.

    A window is [weekday, start in minutes, length in minutes], an absence two instants of ISO
    8601 in UTC.
    """

    __tablename__ = "hours_version"
    __table_args__ = (
        CheckConstraint("quiet_start_min BETWEEN 0 AND 1439", name="quiet_start"),
        CheckConstraint("quiet_end_min BETWEEN 0 AND 1439", name="quiet_end"),
        CheckConstraint("daily_minutes BETWEEN 15 AND 480", name="daily_minutes"),
        CheckConstraint("daily_answers >= 1", name="daily_answers"),
        CheckConstraint("cardinality(languages) > 0", name="languages"),
        CheckConstraint("jsonb_typeof(windows) = 'array'", name="windows"),
        CheckConstraint("jsonb_typeof(absences) = 'array'", name="absences"),
        Index("ix_hours_version_account", "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime]
    zone: Mapped[str] = mapped_column(String(64))
    windows: Mapped[list[list[int]]] = mapped_column(JSONB)
    quiet_start_min: Mapped[int] = mapped_column(SmallInteger)
    quiet_end_min: Mapped[int] = mapped_column(SmallInteger)
    absences: Mapped[list[list[str]]] = mapped_column(JSONB)
    paused_until: Mapped[datetime | None]
    rest_days: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    daily_minutes: Mapped[int] = mapped_column(SmallInteger)
    daily_answers: Mapped[int | None] = mapped_column(SmallInteger)
    languages: Mapped[list[str]] = mapped_column(ARRAY(String(2)))
    topics_off: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
