"""What the off-peak engine keeps: the organizer's dials, each topic's desk, and promises given."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    Float,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base


class OffpeakVersion(Base):
    """The organizer's dials; the newest by id is in force, and no row ever changes.

    `pins` are [hour of the week, is a peak].
    """

    __tablename__ = "offpeak_version"
    __table_args__ = (
        CheckConstraint("mode IN ('open', 'deferred', 'strict')", name="mode"),
        CheckConstraint("urgency BETWEEN 0 AND 1", name="urgency"),
        CheckConstraint("margin BETWEEN 0 AND 1", name="margin"),
        CheckConstraint("max_promise_hours BETWEEN 2 AND 720", name="max_promise"),
        CheckConstraint("prior_per_hour > 0", name="prior"),
        CheckConstraint("stagger_minutes BETWEEN 0 AND 1440", name="stagger"),
        CheckConstraint("peak_source IN ('fixed', 'learned', 'learned_pins')", name="peak_source"),
        CheckConstraint("express_percent BETWEEN 10 AND 100", name="express_percent"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    mode: Mapped[str] = mapped_column(String(10))
    urgency: Mapped[float]
    margin: Mapped[float]
    max_promise_hours: Mapped[int] = mapped_column(SmallInteger)
    prior_per_hour: Mapped[float]
    stagger_minutes: Mapped[int] = mapped_column(SmallInteger)
    peak_source: Mapped[str] = mapped_column(String(12))
    fixed_cells: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    pins: Mapped[list[list[int]]] = mapped_column(JSONB)
    closed_dates: Mapped[list[date]] = mapped_column(ARRAY(Date))
    express: Mapped[bool] = mapped_column(server_default="false")
    express_percent: Mapped[int] = mapped_column(SmallInteger, server_default="50")


class PeakVersion(Base):
    """The peaks of the week; the newest by id is in force. The rows are the log of their changes.

    `changes` are [weekday, from hour, until hour, is a peak now].
    """

    __tablename__ = "peak_version"
    __table_args__ = (CheckConstraint("source IN ('start', 'week', 'organizer')", name="source"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    created_at: Mapped[datetime]
    cells: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    source: Mapped[str] = mapped_column(String(12))
    changes: Mapped[list[list[int]]] = mapped_column(JSONB)


class Activity(Base):
    """The arrivals by pooled hour as they weighed in `week`, and how many were seen in all."""

    __tablename__ = "activity"
    __table_args__ = (
        CheckConstraint("id = 1", name="single_row"),
        CheckConstraint("cardinality(counts) = 48", name="counts"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    counts: Mapped[list[float]] = mapped_column(ARRAY(Float))
    seen: Mapped[int]
    week: Mapped[int]
    counted_until: Mapped[datetime]


class AnswererRank(Base):
    """Who earned less per declared hour lately than which share of the others; of each night."""

    __tablename__ = "answerer_rank"
    __table_args__ = (CheckConstraint("percentile BETWEEN 0 AND 1", name="percentile"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    percentile: Mapped[float]
    at: Mapped[datetime]


class TopicDesk(Base):
    """One topic in one language: where its clock starts, and what was counted for its rate."""

    __tablename__ = "topic_desk"

    topic: Mapped[str] = mapped_column(ForeignKey("topic.code"), primary_key=True)
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    clock_start: Mapped[datetime]
    clock_base: Mapped[float]
    completions: Mapped[float]
    exposure_h: Mapped[float]
    counted_until: Mapped[datetime]


class Calibration(Base):
    """The factors of the last full hour, and how many scores stand behind each."""

    __tablename__ = "calibration"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    factor: Mapped[float]
    n_scores: Mapped[int]
    express_factor: Mapped[float] = mapped_column(server_default="2.5")
    n_express_scores: Mapped[int] = mapped_column(server_default="0")
    at: Mapped[datetime]


class QuestionPromise(Base):
    """What a promise was calculated from; it never changes once the question is paid.

    Of an express promise `ordinary_by` is the ordinary one that was offered beside it.
    """

    __tablename__ = "question_promise"

    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), primary_key=True)
    offered_at: Mapped[datetime]
    by_at: Mapped[datetime]
    n_ahead: Mapped[int]
    rate: Mapped[float]
    factor: Mapped[float]
    margin: Mapped[float]
    base_h: Mapped[float]
    reading: Mapped[float]
    n_scores: Mapped[int]
    is_express: Mapped[bool] = mapped_column(server_default="false")
    ordinary_by: Mapped[datetime | None]


class PromiseScore(Base):
    """How many times its base a question took until its first answer."""

    __tablename__ = "promise_score"
    __table_args__ = (
        Index("ix_promise_score_newest", "at", "question_id"),
        Index("ix_promise_score_express", "at", "question_id", postgresql_where=text("is_express")),
    )

    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), primary_key=True)
    at: Mapped[datetime]
    value: Mapped[float]
    is_express: Mapped[bool] = mapped_column(server_default="false")


class Waiting(Base):
    """Somebody who wants to hear when a topic can be promised again; told once."""

    __tablename__ = "waiting_list"
    __table_args__ = (UniqueConstraint("topic", "language", "email"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    topic: Mapped[str] = mapped_column(ForeignKey("topic.code"))
    language: Mapped[str] = mapped_column(String(2))
    email: Mapped[str] = mapped_column(String(254))
    reads: Mapped[str] = mapped_column(String(2))
    created_at: Mapped[datetime]
