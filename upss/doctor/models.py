"""Runs of the self-checks, and what they found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base


class SelfCheckRun(Base):
    """One run of the quick or the full set; kept for 30 days."""

    __tablename__ = "self_check_run"
    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'running', 'done', 'stopped')", name="status"),
        CheckConstraint("(status = 'done') = (results IS NOT NULL)", name="results"),
        Index("ix_self_check_run_set", "is_quick", "id", postgresql_where=text("status = 'done'")),
        Index(
            "ix_self_check_run_open",
            "id",
            postgresql_where=text("status IN ('waiting', 'running')"),
        ),
        # whoever presses twice waits for the same run
        Index(
            "uq_self_check_run_asked",
            text("(true)"),
            unique=True,
            postgresql_where=text("status = 'waiting'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    is_quick: Mapped[bool]
    status: Mapped[str] = mapped_column(String(10))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    checks: Mapped[int]
    done: Mapped[int]
    errors: Mapped[int]
    warnings: Mapped[int]
    # check -> how many findings, or the words of why it could not be run
    results: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class SelfCheckFinding(Base):
    """Something that differs, from the run that first saw it until one that no longer does."""

    __tablename__ = "self_check_finding"
    __table_args__ = (
        CheckConstraint("severity IN ('error', 'warning')", name="severity"),
        Index(
            "uq_self_check_finding_open",
            "check_code",
            "subject",
            "what",
            unique=True,
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index("ix_self_check_finding_ended", "resolved_at"),
        Index("ix_self_check_finding_run", "first_run_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    check_code: Mapped[str] = mapped_column(String(40))
    severity: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(String(200))
    what: Mapped[str] = mapped_column(String(200))
    expected: Mapped[int | None] = mapped_column(BigInteger)
    found: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    # no reference: a finding that stays open outlives the run that first saw it
    first_run_id: Mapped[int] = mapped_column(BigInteger)
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
