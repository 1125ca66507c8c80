"""What an answerer writes: saved as a draft, handed back with the question, or sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from upss.forum.events import ClaimLapsed, QuestionAnswered
from upss.forum.models import Answer, AnswerDraft, Claim, Question
from upss.forum.rules import lease as leases
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.texts import answer_fault, clean, kept
from upss.forum.rules.timers import REVIEW
from upss.forum.service import claiming, surcharges
from upss.forum.service.claiming import ClaimEnded
from upss.forum.service.moves import by, locked, make_move
from upss.kernel.errors import DomainError
from upss.kernel.ids import AccountId, ClaimId, QuestionId

if TYPE_CHECKING:
    from datetime import datetime

    from upss.db.work import UnitOfWork


class AnswerRefused(DomainError):
    """The text cannot be sent as an answer; the fact `reason`: empty, too_short or too_long."""

    code = "answer_refused"
    status = 422


@dataclass(frozen=True, slots=True)
class Saved:
    """What the server keeps now. `ends_at` is None when the claim had already ended.

    `is_aside`: the page was of an earlier claim, or older than the draft, so its text is kept beside.
    """

    saved_at: datetime
    ends_at: datetime | None
    revision: int
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page for writing: its own `token`, and the `revision` of the draft that it began with."""

    token: str
    revision: int

    def knows(self, draft: AnswerDraft) -> bool:
        """Tell whether the draft is what the page began with, or what it saved itself."""
        return self.revision == draft.revision or self.token == draft.page


def save_draft(
    uow: UnitOfWork,
    *,
    question_id: QuestionId,
    answerer_id: AccountId,
    body: str,
    claim_id: ClaimId | None = None,
    page: Page | None = None,
) -> Saved:
    """Keep what was written so far; a change moves the end of the claim, the same text does not.

    Whoever ever claimed the question may save, so that nothing typed is lost. `claim_id` is the
    claim that the page was made for (None: the newest): what comes late from an earlier one is
    kept aside, and so is what comes from a `page` that does not know the present draft. Raises `DraftTooLong`, or `NotFound` for anybody else.
    """
    text = kept(body)
    question = locked(uow, question_id)
    # read before it is decided whether the claim lasts: a later look could find that it has ended
    now = uow.clock.now()
    newest = claiming.newest_claim(uow, question, answerer_id)
    draft = _draft(uow, question_id, answerer_id)
    is_late = page is not None and not page.knows(draft) and text != draft.body
    is_aside = is_late or claim_id not in {None, newest.id}
    if is_aside:
        draft.aside = "" if text == draft.body else text
    elif draft.body != text:
        draft.body, draft.saved_at = text, now
        draft.page = "" if page is None else page.token
        draft.revision += 1
        _save(question, newest, now)
    ends_at = newest.ends_at if newest.status == "active" and not is_aside else None
    return Saved(draft.saved_at, ends_at, draft.revision, is_aside)


def _draft(uow: UnitOfWork, question_id: QuestionId, answerer_id: AccountId) -> AnswerDraft:
    found = uow.session.get(AnswerDraft, (question_id, answerer_id), populate_existing=True)
    if found is None:
        found = AnswerDraft(
            question_id=question_id,
            answerer_id=answerer_id,
            body="",
            aside="",
            page="",
            revision=0,
            saved_at=uow.clock.now(),
        )
        uow.session.add(found)
    return found


def _save(question: Question, newest: Claim, now: datetime) -> None:
    if newest.status == "active":
        lease = leases.saved(claiming.lease_of(newest), now, claiming.POLICY)
        claiming.lease_again(question, newest, lease)


def hand_back(
    uow: UnitOfWork,
    *,
    question_id: QuestionId,
    answerer_id: AccountId,
    claim_id: ClaimId | None = None,
) -> None:
    """Put the question back into the queue, without penalty; the draft is kept.

    Raises `ClaimEnded` if the answerer does not hold it by this claim any more, `NotFound` if
    they never did.
    """
    question = locked(uow, question_id)
    held = claiming.active_claim(uow, question, answerer_id, claim_id)
    claiming.end(uow, held, "handed_back")
    make_move(uow, question, "hand_back", actor=by(answerer_id))


def send_answer(
    uow: UnitOfWork, *, question_id: QuestionId, answerer_id: AccountId, body: str
) -> None:
    """Send the answer; it can never be changed afterwards. Sending it twice changes nothing.

    A claim that has ended is no obstacle while the question still waits in the queue. Otherwise
    raises `ClaimEnded`; also `ClaimRefused`, `AnswerRefused` or `NotFound`. The caller has saved
    the same text as a draft before, in a unit of its own, so that a refusal loses nothing.
    """
    text = clean(body)
    question = locked(uow, question_id)
    held = claiming.newest_claim(uow, question, answerer_id)
    # read once: what follows may wait for a lock, and in time must mean one moment everywhere
    now = uow.clock.now()
    if held.status == "posted":
        return
    fault = answer_fault(text)
    if fault is not None:
        raise AnswerRefused(reason=fault)
    if held.status != "active" and question.status != Status.QUEUED:
        raise ClaimEnded(status=held.status)
    surcharges.return_if_missed(uow, question, at=now)  # before what the answer earns is counted
    if held.status != "active":
        held = claiming.take_again(uow, question, answerer_id)
        # it went back for no longer than this takes
        uow.retract(ClaimLapsed, question_id=question_id, answerer_id=answerer_id)
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
    claiming.end(uow, held, "posted")
    make_move(uow, question, "post_answer", actor=by(answerer_id))
    question.answered_at, question.accept_due_at = now, now + REVIEW
    uow.emit(QuestionAnswered(at=now, question_id=question_id, answerer_id=answerer_id))
