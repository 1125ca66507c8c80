"""An answerer's way through one question: claim it, write, hand it back or send the answer.

Every function locks the question before the claim, so that two of them never wait for each
other in a circle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select
from sqlalchemy.exc import IntegrityError

from upss.accounts.models import Account, TopicApproval
from upss.forum.events import ClaimLapsed, QuestionAnswered, QuestionClaimed
from upss.forum.models import Answer, AnswerDraft, Claim, Question
from upss.forum.rules.claims import ClaimFacts, ClaimRefused, check_claim, lease_end
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.texts import DRAFT_MAX, answer_fault, clean
from upss.forum.rules.timers import REVIEW
from upss.forum.service.moves import by, locked, make_move
from upss.kernel.errors import DomainError, NotFound
from upss.kernel.ids import AccountId, ClaimId, QuestionId

if TYPE_CHECKING:
    from datetime import datetime

    from upss.db.work import UnitOfWork

BATCH = 100


class DraftTooLong(DomainError):
    """More text than the server keeps (fact `most`, in characters); the stored draft stays."""

    code = "draft_too_long"
    status = 422


class AnswerRefused(DomainError):
    """The text cannot be sent as an answer; the fact `reason`: empty, too_short or too_long."""

    code = "answer_refused"
    status = 422


class ClaimEnded(DomainError):
    """The answerer does not hold the question any more; what was written is kept."""

    code = "claim_ended"


@dataclass(frozen=True, slots=True)
class Saved:
    """What the server keeps now. `ends_at` is None when the claim had already ended."""

    saved_at: datetime
    ends_at: datetime | None
    revision: int


def claim(uow: UnitOfWork, *, question_id: QuestionId, answerer_id: AccountId) -> ClaimId:
    """Give a queued question to one answerer; a second press by the same person changes nothing.

    Raises `ClaimRefused` (its fact `reason` says why) or `NotFound`.
    """
    question = locked(uow, question_id)
    if question.paid_at is None:
        raise NotFound(question_id=question_id)  # no answerer may know of it
    if question.status != Status.QUEUED:
        held = _active(uow, question_id)
        if held is None or held.answerer_id != answerer_id:
            raise ClaimRefused(reason="taken")
        return ClaimId(held.id)
    # Two claims of one person at once must count each other; a key lock leaves foreign keys alone.
    uow.session.execute(
        select(Account.id).where(Account.id == answerer_id).with_for_update(key_share=True)
    )
    open_claims = uow.session.scalar(
        select(func.count()).where(Claim.answerer_id == answerer_id, Claim.status == "active")
    )
    taken = _take(uow, question, answerer_id, open_claims=open_claims or 0)
    uow.emit(QuestionClaimed(at=uow.clock.now(), question_id=question_id, answerer_id=answerer_id))
    return ClaimId(taken.id)


def save_draft(
    uow: UnitOfWork, *, question_id: QuestionId, answerer_id: AccountId, body: str
) -> Saved:
    """Keep what was written so far; a change moves the end of the claim, the same text does not.

    Whoever ever claimed the question may save, so that nothing typed is lost. Raises
    `DraftTooLong`, or `NotFound` for anybody else.
    """
    text = clean(body)
    if len(text) > DRAFT_MAX:
        raise DraftTooLong(most=DRAFT_MAX)
    question = locked(uow, question_id)
    held = _own_claim(uow, question_id, answerer_id)
    active = held if held.status == "active" else None
    now = uow.clock.now()
    draft = uow.session.get(AnswerDraft, (question_id, answerer_id), populate_existing=True)
    if draft is None:
        draft = AnswerDraft(
            question_id=question_id, answerer_id=answerer_id, body="", revision=0, saved_at=now
        )
        uow.session.add(draft)
    if draft.body != text:
        draft.body, draft.saved_at = text, now
        draft.revision += 1
        if active is not None and question.promise_at is not None:
            active.ends_at = lease_end(saved_at=now, promise_at=question.promise_at)
    return Saved(draft.saved_at, active.ends_at if active else None, draft.revision)


def hand_back(uow: UnitOfWork, *, question_id: QuestionId, answerer_id: AccountId) -> None:
    """Put the question back into the queue, without penalty; the draft is kept.

    Raises `ClaimEnded` if the answerer does not hold it any more, `NotFound` if they never did.
    """
    question = locked(uow, question_id)
    held = _own_claim(uow, question_id, answerer_id)
    if held.status != "active":
        raise ClaimEnded(status=held.status)
    _end(uow, held, "handed_back")
    make_move(uow, question, "hand_back", actor=by(answerer_id))


def send_answer(
    uow: UnitOfWork, *, question_id: QuestionId, answerer_id: AccountId, body: str
) -> None:
    """Send the answer; it can never be changed afterwards. Sending it twice changes nothing.

    A claim that has ended is no obstacle while the question still waits in the queue. Otherwise
    raises `ClaimEnded`; also `AnswerRefused` or `NotFound`. The caller has saved the same text
    as a draft before, in a unit of its own, so that a refusal loses nothing.
    """
    text = clean(body)
    question = locked(uow, question_id)
    held = _own_claim(uow, question_id, answerer_id)
    if held.status == "posted":
        return
    fault = answer_fault(text)
    if fault is not None:
        raise AnswerRefused(reason=fault)
    if held.status != "active":
        if question.status != Status.QUEUED:
            raise ClaimEnded(status=held.status)
        held = _take(uow, question, answerer_id, open_claims=0)
    now = uow.clock.now()
    uow.session.add(
        Answer(
            question_id=question_id,
            revision=1,
            claim_id=held.id,
            answerer_id=answerer_id,
            body=text,
            posted_at=now,
        )
    )
    _end(uow, held, "posted")
    make_move(uow, question, "post_answer", actor=by(answerer_id))
    question.answered_at, question.accept_due_at = now, now + REVIEW
    uow.emit(QuestionAnswered(at=now, question_id=question_id, answerer_id=answerer_id))


def lapse_due(uow: UnitOfWork) -> int:
    """End claims whose time has passed, 100 at most; return how many. Drafts are kept.

    Rows that somebody is working on at this moment are left for the next time.
    """
    now = uow.clock.now()
    due = uow.session.execute(
        select(Question, Claim)
        .join(Claim, Claim.question_id == Question.id)
        .where(Claim.status == "active", Claim.ends_at <= now)
        .order_by(Claim.ends_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for question, held in due:
        _end(uow, held, "lapsed")
        make_move(uow, question, "lease_ends", actor="timer")
        uow.emit(
            ClaimLapsed(
                at=now,
                question_id=QuestionId(question.id),
                answerer_id=AccountId(held.answerer_id),
            )
        )
    return len(due)


def _take(
    uow: UnitOfWork, question: Question, answerer_id: AccountId, *, open_claims: int
) -> Claim:
    """Claim a queued and locked question by the rules; the unique index has the last word."""
    assert question.asker_id is not None  # as for every paid question
    assert question.promise_at is not None
    check_claim(
        ClaimFacts(
            asker_id=question.asker_id,
            answerer_id=answerer_id,
            topic_approved=_is_approved(uow, answerer_id, question.topic),
            open_claims=open_claims,
        )
    )
    now = uow.clock.now()
    ends_at = lease_end(saved_at=now, promise_at=question.promise_at)
    if ends_at <= now:  # in this moment the money goes back to the asker
        raise ClaimRefused(reason="taken")
    taken = Claim(
        question_id=question.id,
        answerer_id=answerer_id,
        status="active",
        claimed_at=now,
        ends_at=ends_at,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(taken)
    except IntegrityError as error:
        raise ClaimRefused(reason="taken") from error
    make_move(uow, question, "claim", actor=by(answerer_id))
    return taken


def _is_approved(uow: UnitOfWork, answerer_id: AccountId, topic: str | None) -> bool:
    approval = exists().where(TopicApproval.account_id == answerer_id, TopicApproval.topic == topic)
    return bool(uow.session.scalar(select(approval)))


def _active(uow: UnitOfWork, question_id: QuestionId) -> Claim | None:
    return uow.session.scalar(
        select(Claim)
        .where(Claim.question_id == question_id, Claim.status == "active")
        .execution_options(populate_existing=True)
    )


def _own_claim(uow: UnitOfWork, question_id: QuestionId, answerer_id: AccountId) -> Claim:
    """Return the newest claim of this person on a locked question; raises `NotFound`."""
    found = uow.session.scalar(
        select(Claim)
        .where(Claim.question_id == question_id, Claim.answerer_id == answerer_id)
        .order_by(Claim.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(question_id=question_id)
    return found


def _end(uow: UnitOfWork, held: Claim, status: str) -> None:
    held.status, held.ended_at = status, uow.clock.now()
