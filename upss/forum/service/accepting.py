"""What follows an answer: acceptance and its split, the reminders before it, and the end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Interval, and_, literal, or_, select

from upss.forum.events import AcceptanceDue, AnswerAccepted, ReviewEnded
from upss.forum.models import Answer, Question
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.timers import CLOSE_FOR_GOOD, REVIEW, REVIEW_REMINDERS
from upss.forum.service.moves import by, each, lock_due, locked, make_move
from upss.kernel.errors import NotFound
from upss.kernel.ids import AccountId, QuestionId
from upss.kernel.money import Money
from upss.ledger.rules.posting.questions import answer_accepted
from upss.ledger.rules.split import Terms
from upss.ledger.service.posting import post

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork

# A reminder that could not be sent for a whole day (the worker stood still) is left out.
REMINDER_PATIENCE = timedelta(hours=24)


def accept(uow: UnitOfWork, *, question_id: QuestionId, actor_id: AccountId | None) -> None:
    """Accept the answer: the price is split by the rule that was frozen when it was offered.

    `actor_id` is the asker, or None for the timer. Accepting what is accepted changes nothing.
    Raises `NotFound` for anybody else, `MoveRefused` when there is nothing to accept.
    """
    question = locked(uow, question_id)
    if actor_id is not None and actor_id != question.asker_id:
        raise NotFound(question_id=question_id)
    if question.status not in (Status.ACCEPTED, Status.FINAL):
        _accept(uow, question, actor_id)


def auto_accept_due(uow: UnitOfWork) -> int:
    """End reviews whose time has passed, 100 at most; return how many.

    What follows accepts the answer, or prolongs the review of an asker who was never told; 30 days
    after the answer it is accepted in any case, for the work is done and nobody can be reached.
    """
    now = uow.clock.now()
    questions = lock_due(
        uow,
        Question.status == Status.ANSWERED,
        Question.accept_due_at <= now,
        first=Question.accept_due_at,
    )

    def end(question: Question) -> None:
        assert question.answered_at is not None
        if question.answered_at + CLOSE_FOR_GOOD <= now:
            _accept(uow, question, None)
        else:
            uow.emit(ReviewEnded(at=now, question_id=QuestionId(question.id)))

    return each(uow, questions, end)


def prolong_review(uow: UnitOfWork, *, question_id: QuestionId) -> None:
    """Begin the time for review anew: silence means nothing while there was no word to break it."""
    question = locked(uow, question_id)
    assert question.answered_at is not None
    last = question.answered_at + CLOSE_FOR_GOOD
    question.accept_due_at = min(uow.clock.now() + REVIEW, last)


def remind_due(uow: UnitOfWork) -> int:
    """Remind askers who have not accepted 1, 3 and 6 days after the answer; return how many.

    At most 100 at once. `updated_at` notes the reminder: each is given once.
    """
    now = uow.clock.now()
    due = [
        and_(
            Question.answered_at <= now - step,
            Question.answered_at > now - step - REMINDER_PATIENCE,
            Question.updated_at < Question.answered_at + literal(step, Interval()),
        )
        for step in REVIEW_REMINDERS
    ]
    questions = lock_due(
        uow, Question.status == Status.ANSWERED, or_(*due), first=Question.accept_due_at
    )

    def remind(question: Question) -> None:
        assert question.answered_at is not None
        passed = now - question.answered_at
        day = max(step.days for step in REVIEW_REMINDERS if step <= passed)
        uow.emit(AcceptanceDue(at=now, question_id=QuestionId(question.id), day=day))
        question.updated_at = now

    return each(uow, questions, remind)


def close_due(uow: UnitOfWork) -> int:
    """Close accepted questions for good 30 days after the answer, 100 at most; return how many."""
    questions = lock_due(
        uow,
        Question.status == Status.ACCEPTED,
        Question.answered_at <= uow.clock.now() - CLOSE_FOR_GOOD,
        first=Question.answered_at,
    )
    for question in questions:
        make_move(uow, question, "close_for_good", actor="timer")
    return len(questions)


def _accept(uow: UnitOfWork, question: Question, actor_id: AccountId | None) -> None:
    """Move a locked question and split what is held for it."""
    by_timer = actor_id is None
    actor = "timer" if actor_id is None else by(actor_id)
    make_move(uow, question, "auto_accept" if by_timer else "accept", actor=actor)
    now = uow.clock.now()
    question.accepted_at = now
    answerer_id = _answerer(uow, question)
    _split(uow, question, answerer_id, actor)
    uow.emit(
        AnswerAccepted(
            at=now,
            question_id=QuestionId(question.id),
            answerer_id=answerer_id,
            by_timer=by_timer,
        )
    )


def _answerer(uow: UnitOfWork, question: Question) -> AccountId:
    """Return whose answer it is that is accepted: the newest."""
    newest = (
        select(Answer.answerer_id)
        .where(Answer.question_id == question.id)
        .order_by(Answer.revision.desc())
        .limit(1)
    )
    return AccountId(uow.session.execute(newest).scalar_one())


def _split(uow: UnitOfWork, question: Question, answerer_id: AccountId, actor: str) -> None:
    """Split what is still held by the offer's own terms, which every paid question has."""
    assert question.shared_minor is not None
    assert question.currency is not None
    assert question.commission_bp is not None
    assert question.fund_bp is not None
    draft = answer_accepted(
        question_id=question.id,
        amount=Money(question.shared_minor, question.currency),
        terms=Terms(question.commission_bp, question.fund_bp, ((answerer_id, 1),)),
    )
    post(uow, draft.by(actor))
