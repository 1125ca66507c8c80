"""What happens to a question because time has passed; each call handles one batch.

Every function locks row by row with SKIP LOCKED, so that two workers share the work, and
returns how many questions it handled: the caller commits and calls again while it is full.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, select

from upss.forum.events import DraftEnding, OfferEnded, PromiseMissed, QuestionExpired
from upss.forum.models import Question
from upss.forum.models_inviting import ToldUntil
from upss.forum.rules import timers as rules
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.timers import GRACE
from upss.forum.service import moves
from upss.forum.service.moves import lock_due, make_move
from upss.kernel.ids import QuestionId
from upss.payments.models import Payment
from upss.payments.service import charging, refunding

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.kernel.events import Event

# A complete but unconfirmed payment keeps its question from falling back for this long.
_CHECKING_AT_MOST = timedelta(days=7)
_A_DAY = timedelta(days=1)
_log = logging.getLogger(__name__)
_UNANSWERED = (Status.QUEUED, Status.CLAIMED)


def end_offers(uow: UnitOfWork) -> int:
    """Q6: an unpaid offer ends; the text is a draft again."""
    now = uow.clock.now()
    is_checking = exists().where(
        Payment.question_id == Question.id,
        Payment.status == "checking",
        Question.offer_ends_at > now - _CHECKING_AT_MOST,
    )
    due = lock_due(
        uow,
        Question.status == Status.AWAITING_PAYMENT,
        Question.offer_ends_at <= now,
        ~is_checking,
        first=Question.id,
    )
    for question in due:
        make_move(uow, question, "offer_ends", actor="timer")
    return len(due)


def expire_unanswered(uow: UnitOfWork) -> int:
    """Q15: 48 hours after the promise the whole price goes back by itself."""
    now = uow.clock.now()
    due = lock_due(
        uow, Question.status == Status.QUEUED, Question.promise_at <= now - GRACE, first=Question.id
    )

    def expire(question: Question) -> None:
        number = QuestionId(question.id)
        make_move(uow, question, "promise_grace_ends", actor="timer")
        refunding.refund_in_full(uow, question_id=number, cause="expired")
        uow.emit(QuestionExpired(at=now, question_id=number))

    return moves.each(uow, due, expire)


def retire_drafts(uow: UnitOfWork) -> int:
    """Q3: a draft that nobody touched for 90 days goes."""
    before = uow.clock.now() - rules.DRAFT_RETENTION
    due = lock_due(
        uow, Question.status == Status.DRAFT, Question.updated_at <= before, first=Question.id
    )
    for question in due:
        charging.close_offer(uow, question_id=QuestionId(question.id))
        make_move(uow, question, "draft_retention", actor="timer")
    return len(due)


def tell_what_is_due(uow: UnitOfWork) -> int:
    """Emit the reminders and the late promises that came due since the last time; return how many.

    After a standstill those of the last day, and the promises of the last two, are told. A notice
    goes out once per fact, however often it is told: where one cannot be told now, all are told
    again the next time.
    """
    now = uow.clock.now()
    mark = uow.session.scalars(
        select(ToldUntil).with_for_update().execution_options(populate_existing=True)
    ).one()
    # what a clock that was set back had told ahead of its time is told again, to nobody twice
    known = now - mark.at if mark.at <= now else GRACE
    untouched = now - (rules.DRAFT_RETENTION - rules.DRAFT_WARNING)
    missed = _within(min(GRACE, known), uow, Question.promise_at, now, *_UNANSWERED)
    # all of a day each time: while a payment is looked into, an ended offer is no draft yet
    ended = _within(_A_DAY, uow, Question.offer_ends_at, now - rules.OFFER_REMINDER, Status.DRAFT)
    ending = _within(min(_A_DAY, known), uow, Question.updated_at, untouched, Status.DRAFT)
    events = [
        *(PromiseMissed(at=now, question_id=each) for each in missed),
        *(OfferEnded(at=now, question_id=each) for each in ended),
        *(DraftEnding(at=now, question_id=each) for each in ending),
    ]
    told = _tell(uow, events)
    if told == len(events):
        mark.at = now
    return told


def _tell(uow: UnitOfWork, events: Sequence[Event]) -> int:
    """Emit each fact apart: one that cannot be told is logged, and the others are told."""
    told = 0
    for event in events:
        try:
            with uow.part():
                uow.emit(event)
        except Exception:  # noqa: BLE001 - the other mails are other people's
            _log.exception("nobody was told: %s", event)
        else:
            told += 1
    return told


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
