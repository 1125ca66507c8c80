"""Questions, claims, drafts of answers, answers, and the history of every move."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    case,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base
from upss.db.types import MinorUnits
from upss.forum.rules.express import shared_minor
from upss.forum.rules.lifecycle import Status

_STATUSES = ", ".join(f"'{status}'" for status in Status)
_UNPAID = "status IN ('draft', 'awaiting_payment', 'abandoned')"


class Question(Base):
    """One question. Price, split rule and promise are the frozen offer it was paid under."""

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        CheckConstraint("asker_id IS NOT NULL OR session_id IS NOT NULL", name="has_owner"),
        CheckConstraint(
            f"{_UNPAID} OR (asker_id IS NOT NULL AND price_minor IS NOT NULL "
            "AND promise_at IS NOT NULL AND paid_at IS NOT NULL)",
            name="paid_is_complete",
        ),
        CheckConstraint("price_minor > 0", name="price_positive"),
        CheckConstraint("express_minor > 0 AND express_minor < price_minor", name="express"),
        CheckConstraint(
            "express_returned_at IS NULL OR express_minor IS NOT NULL", name="express_returned"
        ),
        CheckConstraint("commission_bp BETWEEN 0 AND 2500", name="commission_ceiling"),
        CheckConstraint("fund_bp BETWEEN 0 AND commission_bp", name="fund_within_commission"),
        CheckConstraint("size IN ('small', 'medium', 'large')", name="size"),
        CheckConstraint("honour_until < promise_at", name="honour_before_promise"),
        CheckConstraint("(reserved_for IS NULL) = (reserved_until IS NULL)", name="reserved"),
        Index(
            "ix_question_queue",
            "topic",
            "language",
            "paid_at",
            "id",
            postgresql_where=text("status = 'queued'"),
        ),
        Index(
            "ix_question_reserved",
            "reserved_for",
            postgresql_where=text("status = 'queued' AND reserved_for IS NOT NULL"),
        ),
        Index(
            "ix_question_express",
            "topic",
            "language",
            "paid_at",
            "id",
            postgresql_where=text("status = 'queued' AND express_minor IS NOT NULL"),
        ),
        Index(
            "ix_question_express_due",
            "promise_at",
            postgresql_where=text(
                "status IN ('queued', 'claimed') AND express_minor IS NOT NULL"
                " AND express_returned_at IS NULL"
            ),
        ),
        Index("ix_question_released", "released_at", postgresql_where=text("status = 'queued'")),
        Index("ix_question_urgent", "urgent_at", postgresql_where=text("status = 'queued'")),
        Index("ix_question_asker", "asker_id", "id"),
        Index(
            "ix_question_session",
            "session_id",
            postgresql_where=text("session_id IS NOT NULL"),
        ),
        Index("ix_question_paid", "paid_at"),
        Index(
            "ix_question_offer_end",
            "offer_ends_at",
            postgresql_where=text("status = 'awaiting_payment'"),
        ),
        Index(
            "ix_question_accept_due", "accept_due_at", postgresql_where=text("status = 'answered'")
        ),
        Index("ix_question_promise", "promise_at", postgresql_where=text("status = 'queued'")),
        Index("ix_question_fitted", "fitted_at", postgresql_where=text("status = 'queued'")),
        Index("ix_question_accepted", "answered_at", postgresql_where=text("status = 'accepted'")),
        Index("ix_question_draft", "updated_at", postgresql_where=text("status = 'draft'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(start=1001), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    asker_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    session_id: Mapped[int | None] = mapped_column(ForeignKey("web_session.id"))
    status: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(2))
    topic: Mapped[str | None] = mapped_column(ForeignKey("topic.code"))
    size: Mapped[str | None] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(String(254), server_default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    # the asker would like whoever answered them before to see it first
    wants_previous: Mapped[bool] = mapped_column(server_default="false")
    # the offer
    price_minor: Mapped[int | None] = mapped_column(MinorUnits)
    # of an express question: the part of the price that goes back if the promise is missed
    express_minor: Mapped[int | None] = mapped_column(MinorUnits)
    currency: Mapped[str | None] = mapped_column(String(3))
    commission_bp: Mapped[int | None]
    fund_bp: Mapped[int | None]
    offered_at: Mapped[datetime | None]
    offer_ends_at: Mapped[datetime | None]
    honour_until: Mapped[datetime | None]
    promise_at: Mapped[datetime | None]
    # what happened since
    paid_at: Mapped[datetime | None]
    # may be taken in a quieter hour from `released_at` on, in any hour from `urgent_at` on
    released_at: Mapped[datetime | None]
    urgent_at: Mapped[datetime | None]
    # the newest change of hours or dials that both of them know of
    fitted_at: Mapped[datetime | None]
    # until then it is kept for this answerer, who answered the asker before
    reserved_for: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    reserved_until: Mapped[datetime | None]
    express_returned_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    accept_due_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    @hybrid_property
    def is_express(self) -> bool:
        """Whether a quicker answer was bought."""
        return self.express_minor is not None

    @is_express.inplace.expression
    @classmethod
    def _is_express(cls) -> ColumnElement[bool]:
        return cls.express_minor.is_not(None)

    @hybrid_property
    def shared_minor(self) -> int | None:
        """Price less a surcharge that went back: an accepted answer is paid from it."""
        if self.price_minor is None:
            return None
        return shared_minor(self.price_minor, self.express_minor, self.express_returned_at)

    @shared_minor.inplace.expression
    @classmethod
    def _shared_minor(cls) -> ColumnElement[int | None]:
        returned = case((cls.express_returned_at.is_not(None), cls.express_minor), else_=0)
        return cls.price_minor - returned


class Claim(Base):
    """An answerer's hold on a question; at most one is active (a unique partial index)."""

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint(
            "status IN ('active', 'posted', 'handed_back', 'lapsed', 'reassigned')", name="status"
        ),
        CheckConstraint("(status = 'active') = (ended_at IS NULL)", name="ended"),
        Index(
            "uq_claim_active",
            "question_id",
            unique=True,
            postgresql_where=text("status = 'active'"),
        ),
        Index("ix_claim_ends", "ends_at", postgresql_where=text("status = 'active'")),
        Index("ix_claim_answerer", "answerer_id", "ended_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), index=True)
    answerer_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    status: Mapped[str] = mapped_column(String(20))
    claimed_at: Mapped[datetime]
    # the lease: `ends_at` is what rules/lease.py makes of the three others
    last_saved: Mapped[datetime]
    extensions: Mapped[int] = mapped_column(server_default="0")
    kept_until: Mapped[datetime | None]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class AnswerDraft(Base):
    """What an answerer has written so far; kept when the claim ends.

    `aside` is what a page of an earlier claim saved after a later one had begun, or a page in a
    second window; `page` is the one that saved `body`.
    """

    __tablename__ = "answer_draft"

    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), primary_key=True)
    answerer_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    aside: Mapped[str] = mapped_column(Text, server_default="")
    page: Mapped[str] = mapped_column(String(24), server_default="")
    revision: Mapped[int]
    saved_at: Mapped[datetime]


class Answer(Base):
    """An answer as it was sent; a row never changes."""

    __tablename__ = "answer"
    __table_args__ = (Index("ix_answer_posted", "posted_at"),)

    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"), unique=True)
    answerer_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    posted_at: Mapped[datetime]


class Move(Base):
    """One transition of a question: what happened, from where to where, by whom, when."""

    __tablename__ = "question_move"
    __table_args__ = (
        Index(
            "ix_question_move_queue",
            "at",
            postgresql_where=text("from_status = 'queued' OR to_status = 'queued'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), index=True)
    event: Mapped[str] = mapped_column(String(40))
    from_status: Mapped[str] = mapped_column(String(20))
    to_status: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
