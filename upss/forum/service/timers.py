"""What happens to a question because time has passed; each call handles one batch.

Every function locks row by row with SKIP LOCKED, so that two workers share the work, and
returns how many questions it handled: the caller commits and calls again while it is full.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, select

from upss.forum.events import DraftEnding, OfferEnded, PromiseMissed, QuestionExpired
from upss.forum.models import Question
from upss.forum.rules import timers as rules
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.promise import GRACE
from upss.forum.service.moves import each, make_move
from upss.kernel.ids import QuestionId
from upss.payments.models import Payment
from upss.payments.service import charging, refunding

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork

BATCH = 100
# A complete but unconfirmed payment keeps its question from falling back for this long.
_CHECKING_AT_MOST = timedelta(days=7)
_A_DAY = timedelta(days=1)
_UNANSWERED = (Status.QUEUED, Status.CLAIMED)


def end_offers(uow: UnitOfWork) -> int:
    """Q6: an unpaid offer ends; the text is a draft again."""
    now = uow.clock.now()
    is_checking = exists().where(
        Payment.question_id == Question.id,
        Payment.status == "checking",
        Question.offer_ends_at > now - _CHECKING_AT_MOST,
    )
    due = _due(
        uow,
        Question.status == Status.AWAITING_PAYMENT,
        Question.offer_ends_at <= now,
        ~is_checking,
    )
    for question in due:
        make_move(uow, question, "offer_ends", actor="timer")
    return len(due)


def expire_unanswered(uow: UnitOfWork) -> int:
    """Q15: 48 hours after the promise the whole price goes back by itself."""
    now = uow.clock.now()
    due = _due(uow, Question.status == Status.QUEUED, Question.promise_at <= now - GRACE)

    def expire(question: Question) -> None:
        number = QuestionId(question.id)
        make_move(uow, question, "promise_grace_ends", actor="timer")
        refunding.refund_in_full(uow, question_id=number, cause="expired")
        uow.emit(QuestionExpired(at=now, question_id=number))

    return each(uow, due, expire)


def retire_drafts(uow: UnitOfWork) -> int:
    """Q3: a draft that nobody touched for 90 days goes."""
    before = uow.clock.now() - rules.DRAFT_RETENTION
    due = _due(uow, Question.status == Status.DRAFT, Question.updated_at <= before)
    for question in due:
        charging.close_offer(uow, question_id=QuestionId(question.id))
        make_move(uow, question, "draft_retention", actor="timer")
    return len(due)


def tell_what_is_due(uow: UnitOfWork) -> int:
    """Emit the reminders of the last day, and each promise that is late; return how many.

    A notice goes out once per fact, however often it is told.
    """
    now = uow.clock.now()
    missed = _within(GRACE, uow, Question.promise_at, now, *_UNANSWERED)
    for question_id in missed:
        uow.emit(PromiseMissed(at=now, question_id=question_id))
    ended = _within(_A_DAY, uow, Question.offer_ends_at, now - rules.OFFER_REMINDER, Status.DRAFT)
    for question_id in ended:
        uow.emit(OfferEnded(at=now, question_id=question_id))
    untouched = now - (rules.DRAFT_RETENTION - rules.DRAFT_WARNING)
    ending = _within(_A_DAY, uow, Question.updated_at, untouched, Status.DRAFT)
    for question_id in ending:
        uow.emit(DraftEnding(at=now, question_id=question_id))
    return len(missed) + len(ended) + len(ending)


def _due(uow: UnitOfWork, *which: Any) -> Sequence[Question]:
    return uow.session.scalars(
        select(Question)
        .where(*which)
        .order_by(Question.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def _within(
    span: timedelta, uow: UnitOfWork, column: Any, until: datetime, *statuses: Status
) -> Sequence[QuestionId]:
    rows = uow.session.scalars(
        select(Question.id).where(
            Question.status.in_(statuses),
            Question.asker_id.is_not(None),
            column <= until,
            column > until - span,
        )
    )
    return [QuestionId(row) for row in rows]
