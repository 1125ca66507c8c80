"""A claim from its beginning to its end: taken, kept longer, lapsed.

Every function locks the question before the claim, so that two of them never wait for each
other in a circle. A claim's number fences it: what a page of an earlier claim sends late never
touches a later one.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from sqlalchemy import select

from upss.accounts import queries as people
from upss.forum import queries_hours, queries_offpeak, queries_queue
from upss.forum.events import ClaimLapsed, QuestionClaimed
from upss.forum.models import Claim, Question
from upss.forum.rules import lease as leases
from upss.forum.rules.hours import end_of_next_window
from upss.forum.rules.lease import Lease
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import ClaimRefused, Reason, check_claim, claimable
from upss.forum.service import caps, claim_statements
from upss.forum.service.moves import each, known, locked, make_move
from upss.kernel.errors import DomainError, NotFound
from upss.kernel.ids import AccountId, ClaimId, QuestionId

if TYPE_CHECKING:
    from datetime import datetime

    from upss.db.work import UnitOfWork
    from upss.forum.queries_queue import Facts

BATCH = 100
POLICY = Policy()

# Somebody who has written the answer already is not turned away for the hour or for other work.
_FOR_WHAT_IS_WRITTEN = frozenset(
    {Reason.TOPIC, Reason.OWN_QUESTION, Reason.EXCLUDED, Reason.NO_PAID_WORK, Reason.OWN_LIMITS}
)


class ClaimEnded(DomainError):
    """The answerer does not hold the question by this claim any more; what was written is kept."""

    code = "claim_ended"


def claim(uow: UnitOfWork, *, question_id: QuestionId, answerer_id: AccountId) -> ClaimId:
    """Give a queued question to one answerer; a second press by the same person changes nothing.

    Raises `ClaimRefused` (its fact `reason` says why) or `NotFound`.
    """
    question = claim_statements.lock(uow, question_id, answerer_id)
    if question.paid_at is None:
        raise NotFound(question_id=question_id)  # no answerer may know of it
    if question.status == Status.CLAIMED:
        held = _still_held(uow, question_id)
        if held is not None and held.answerer_id == answerer_id:
            return ClaimId(held.id)
        if held is None:
            question = claim_statements.lock(uow, question_id, answerer_id)
    if question.status != Status.QUEUED:
        raise _refused(Reason.TAKEN)
    now = uow.clock.now()
    person = queries_queue.facts(uow.session, answerer_id, now, uow.zone)
    check_claim(
        queries_queue.question_view(question),
        person.answerer,
        now,
        person.dials.policy,
        is_peak=person.dials.peak_map(uow.zone).is_peak(now),
    )
    taken = _take(uow, question, person)
    uow.emit(QuestionClaimed(at=uow.clock.now(), question_id=question_id, answerer_id=answerer_id))
    return taken


def take_again(uow: UnitOfWork, question: Question, answerer_id: AccountId) -> Claim:
    """Claim a queued and locked question for somebody whose claim ended before the answer was sent.

    Raises `ClaimRefused` for lasting reasons alone: the hour or other open claims are none.
    """
    caps.lock(uow, answerer_id)
    now, view = uow.clock.now(), queries_queue.question_view(question)
    person = queries_queue.facts(uow.session, answerer_id, now, uow.zone)
    verdict = claimable(view, person.answerer, now, POLICY)
    lasting = tuple(sorted(verdict.reasons & _FOR_WHAT_IS_WRITTEN))
    if Reason.TOPIC in lasting and question.topic in people.topics(uow.session, answerer_id):
        lasting = tuple(each for each in lasting if each is not Reason.TOPIC)  # only switched off
    if lasting:
        raise ClaimRefused(reason=lasting[0], reasons=lasting)
    return uow.session.get_one(Claim, _take(uow, question, person))


def extend(
    uow: UnitOfWork, *, question_id: QuestionId, answerer_id: AccountId, claim_id: ClaimId | None
) -> datetime:
    """Keep the question a full claim's time from now, and return until when; any number of times.

    After the promise idle presses end with the tenth. Raises `ClaimEnded`, or `NotFound` for somebody who never claimed it.
    """
    question = locked(uow, question_id)
    assert question.promise_at is not None
    now, held = uow.clock.now(), active_claim(uow, question, answerer_id, claim_id)
    lease = leases.extend(lease_of(held), now, POLICY, promise_at=question.promise_at)
    return lease_again(question, held, lease)


def keep(
    uow: UnitOfWork, *, question_id: QuestionId, answerer_id: AccountId, claim_id: ClaimId | None
) -> datetime:
    """Keep the question until the person's next own hours end, and return until when.

    The promise's least time is left for somebody else. Who has no hours in five weeks gets a full
    claim's time. Raises as `extend`.
    """
    question, now = locked(uow, question_id), uow.clock.now()
    assert question.promise_at is not None
    held = active_claim(uow, question, answerer_id, claim_id)
    hours = queries_hours.in_force(uow.session, answerer_id, uow.zone).hours
    window_end = end_of_next_window(hours, now, queries_offpeak.dials(uow.session).closed)
    lease = leases.keep_until(
        lease_of(held),
        now,
        POLICY,
        window_end=window_end or now + POLICY.lease,
        promise_at=question.promise_at,
    )
    return lease_again(question, held, lease)


def lapse_due(uow: UnitOfWork) -> int:
    """End claims whose time has passed, of 100 at most; return how many. Drafts are kept.

    Rows that somebody is working on at this moment are left for the next time.
    """
    due = uow.session.execute(
        select(Question, Claim)
        .join(Claim, Claim.question_id == Question.id)
        .where(Claim.status == "active", Claim.ends_at <= uow.clock.now())
        .order_by(Claim.ends_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    held = {question.id: claim for question, claim in due}
    return each(
        uow,
        [question for question, _claim in due],
        lambda question: _lapse(uow, question, held[question.id]),
    )


def lapse_if_due(uow: UnitOfWork, question: Question) -> None:
    """End the claim of a locked question if its time has passed: no act waits for the timer."""
    if question.status == Status.CLAIMED:
        _still_held(uow, QuestionId(question.id))


def newest_claim(uow: UnitOfWork, question: Question, answerer_id: AccountId) -> Claim:
    """Return the newest claim of this person on a locked question; raises `NotFound`."""
    lapse_if_due(uow, question)
    found = uow.session.scalar(
        select(Claim)
        .where(Claim.question_id == question.id, Claim.answerer_id == answerer_id)
        .order_by(Claim.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(question_id=question.id)
    return found


def active_claim(
    uow: UnitOfWork, question: Question, answerer_id: AccountId, claim_id: ClaimId | None
) -> Claim:
    """Return the claim of this number (None: the newest) on a locked question, while it lasts.

    Raises `ClaimEnded`, or `NotFound` for somebody who never claimed it.
    """
    newest = newest_claim(uow, question, answerer_id)
    if newest.status != "active" or claim_id not in {None, newest.id}:
        raise ClaimEnded(status=newest.status)
    return newest


def lease_of(held: Claim) -> Lease:
    """Return the time of a claim as the rules see it."""
    return Lease(held.claimed_at, held.last_saved, held.extensions, held.kept_until)


def lease_again(question: Question, held: Claim, lease: Lease) -> datetime:
    """Give a claim its new time, and return when it ends."""
    assert question.promise_at is not None  # as for every paid question
    held.last_saved, held.extensions = lease.last_saved, lease.extensions
    held.kept_until = lease.kept_until
    held.ends_at = leases.expires_at(lease, POLICY, question.promise_at)
    return held.ends_at


def end(uow: UnitOfWork, held: Claim, status: str) -> None:
    """End a claim: posted, handed_back or lapsed."""
    held.status, held.ended_at = status, uow.clock.now()
    caps.claim_ended(uow, held)


def _lapse(uow: UnitOfWork, question: Question, held: Claim) -> None:
    end(uow, held, "lapsed")
    make_move(uow, question, "lease_ends", actor="timer")
    uow.emit(
        ClaimLapsed(
            at=uow.clock.now(),
            question_id=QuestionId(question.id),
            answerer_id=AccountId(held.answerer_id),
        )
    )


def _take(uow: UnitOfWork, question: Question, person: Facts) -> ClaimId:
    """Claim a question that may be claimed, with room under the person's own limits or not at all."""
    assert question.promise_at is not None
    who, now = AccountId(person.answerer.id), uow.clock.now()
    lease = leases.begin(now)
    ends_at = leases.expires_at(lease, POLICY, question.promise_at)
    if ends_at <= now:  # in this moment the money goes back to the asker
        raise _refused(Reason.TAKEN)
    with uow.session.begin_nested() if person.is_limited else nullcontext():
        taken = claim_statements.take(uow, question, who, lease, ends_at)
        if taken is None:
            raise _refused(Reason.TAKEN)
        if person.is_limited:
            view = queries_queue.question_view(question)
            caps.reserve(
                uow,
                claim_id=taken,
                answerer_id=who,
                share_minor=view.share_minor,
                currency=view.currency,
                minutes=view.minutes,
            )
    known(uow, question.id, status=Status.CLAIMED, updated_at=now)
    return taken


def _refused(reason: Reason) -> ClaimRefused:
    return ClaimRefused(reason=reason, reasons=(reason,))


def _still_held(uow: UnitOfWork, question_id: QuestionId) -> Claim | None:
    """Return the active claim on a locked question; one whose time has passed ends here."""
    held = uow.session.scalar(
        select(Claim)
        .where(Claim.question_id == question_id, Claim.status == "active")
        .execution_options(populate_existing=True)
    )
    if held is None or held.ends_at > uow.clock.now():
        return held
    _lapse(uow, locked(uow, question_id), held)
    return None
