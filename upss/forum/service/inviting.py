"""Each quarter of an hour: who is invited by mail to what waits, and who wants no such mail."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from upss.forum import queries_invite as queries
from upss.forum import queries_offpeak
from upss.forum.events import InvitedToAnswer
from upss.forum.models import Question
from upss.forum.models_inviting import Invitation, InvitationRound, NoInvitations
from upss.forum.models_offpeak import QuestionPromise
from upss.forum.queries_invite import Crowd
from upss.forum.queries_queue import question_view
from upss.forum.rules.activity import hour_of_week
from upss.forum.rules.dials import Dials
from upss.forum.rules.hours import available, local_day, reachable_until
from upss.forum.rules.invite import (
    AHEAD,
    P_RESPONSE,
    PRESS,
    SLOT,
    Call,
    Invitee,
    coming,
    expected_work,
    express_invitations,
    invitations,
    may_invite,
    minutes_an_hour,
    people_needed,
    pressing_minutes,
)
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.windows import zone
from upss.forum.service.releasing import urgent_times
from upss.kernel.ids import AccountId, QuestionId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from upss.db.work import UnitOfWork
    from upss.forum.rules.declared import Declared

    Asked = Sequence[tuple[Question, QuestionPromise | None]]

ROUND = timedelta(minutes=15)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MINUTE = timedelta(minutes=1)


def invite_due(uow: UnitOfWork) -> int:
    """Invite people to what waits, once in each quarter of an hour; return how many.

    Nobody hears at an hour that is not their own, in quiet hours or while away; nor more than the
    policy's number a day; nor who holds a question, wants no mail or may claim none of these.
    """
    now = uow.clock.now()
    round_at = _round_of(now)
    if not _begin(uow, round_at):
        return 0
    asked = queries.waiting(uow.session)
    if not asked:
        return 0
    dials = queries_offpeak.dials(uow.session)
    crowd = queries.crowd(uow.session, now, uow.zone)
    until = _reachable(crowd, now, dials)
    chosen = invitations(
        now,
        _invitees(uow, crowd, until, dials),
        [question_view(question) for question, _promise in asked],
        Call(_need(uow, asked, crowd, dials), P_RESPONSE),
        dials.policy,
        Random(round_at.isoformat()),  # noqa: S311 - a fair order, no secret
        is_peak=dials.peak_map(uow.zone).is_peak(now),
    )
    for each in chosen:
        _invite(uow, each.answerer_id, each.question.id, round_at, until[each.answerer_id])
    return len(chosen)


def invite_to_express(uow: UnitOfWork, *, question_id: QuestionId) -> int:
    """Tell a few people at once of an express question that waits, once; return how many.

    The same people may hear, and as often, as of any other question.
    """
    uow.session.execute(select(InvitationRound).with_for_update())  # no round counts meanwhile
    question = uow.session.get_one(Question, question_id, populate_existing=True)
    told = select(exists().where(Invitation.question_id == question_id))
    if question.status != Status.QUEUED or uow.session.scalar(told):
        return 0
    now, dials = uow.clock.now(), queries_offpeak.dials(uow.session)
    crowd = queries.crowd(uow.session, now, uow.zone)
    until = _reachable(crowd, now, dials)
    chosen = express_invitations(
        now,
        question_view(question),
        _invitees(uow, crowd, until, dials),
        dials.policy,
        Random(question_id),  # noqa: S311 - a fair order, no secret
    )
    for each in chosen:
        _invite(uow, each.answerer_id, question_id, _round_of(now), until[each.answerer_id])
    return len(chosen)


def _round_of(now: datetime) -> datetime:
    """Return when the quarter of an hour of this moment began."""
    return _EPOCH + (now - _EPOCH) // ROUND * ROUND


def choose(uow: UnitOfWork, *, account_id: AccountId, is_wanted: bool) -> None:
    """Send this person invitations, or none, from now on."""
    if is_wanted:
        uow.session.execute(delete(NoInvitations).where(NoInvitations.account_id == account_id))
        return
    uow.session.execute(
        insert(NoInvitations)
        .values(account_id=account_id, since=uow.clock.now())
        .on_conflict_do_nothing(index_elements=["account_id"])
    )


def _begin(uow: UnitOfWork, round_at: datetime) -> bool:
    """Take this round, unless it was done; a second worker waits here until it is.

    A clock that was set back has other rounds again: what was sent counts for each person.
    """
    last = uow.session.scalars(
        select(InvitationRound).with_for_update().execution_options(populate_existing=True)
    ).one()
    if last.at == round_at:
        return False
    last.at = round_at
    return True


def _reachable(crowd: Crowd, now: datetime, dials: Dials) -> dict[int, datetime]:
    """Return until when a mail may reach each person who may get one now."""
    free = crowd.declared.keys() - crowd.wants_none - crowd.holding
    found = {
        who: reachable_until(crowd.declared[who].hours, now, dials.closed) for who in sorted(free)
    }
    return {who: until for who, until in found.items() if until is not None}


def _invitees(
    uow: UnitOfWork, crowd: Crowd, until: Mapping[int, datetime], dials: Dials
) -> list[Invitee]:
    now = uow.clock.now()
    declared = {who: crowd.declared[who] for who in until}
    views = queries.answerer_views(uow.session, declared, now)
    people = (
        Invitee(
            answerer=views[who],
            is_open=True,
            is_quiet=False,
            day_start=local_day(each.hours, now)[0],
            invited=crowd.invited.get(who, ()),
        )
        for who, each in declared.items()
    )
    return [who for who in people if may_invite(who, now, dials.policy)]


def _need(uow: UnitOfWork, asked: Asked, crowd: Crowd, dials: Dials) -> float:
    """Return how many more people should be at work in the present hour."""
    now = uow.clock.now()
    start, tz = now.replace(minute=0, second=0, microsecond=0), zone(uow.zone)
    slots = [start + number * SLOT for number in range(AHEAD)]
    waiting = [question_view(question) for question, _promise in asked]
    week = queries.profile(uow.session).week_rel()
    return people_needed(
        backlog=sum(question.minutes for question in waiting),
        urgent=pressing_minutes(
            now, waiting, urgent_times(uow, asked, urgency=dials.policy.urgency * PRESS)
        ),
        forecast=expected_work(
            minutes_an_hour(*queries.asked_lately(uow.session, now)),
            week,
            [hour_of_week(slot.astimezone(tz), dials.closed) for slot in slots],
        ),
        capacity=_capacity(crowd.declared, slots, dials),
        active=coming(now, crowd.all_invited) + len(crowd.writing),
    )


def _capacity(
    declared: Mapping[int, Declared], slots: Sequence[datetime], dials: Dials
) -> list[float]:
    """Return the minutes that all people together have declared for each slot."""
    minutes = [0.0] * len(slots)
    for each in declared.values():
        for interval in available(each.hours, slots[0], slots[-1] + SLOT, dials.closed):
            first = (interval.start - slots[0]) // SLOT
            for number in range(first, len(slots)):
                since, until = slots[number], slots[number] + SLOT
                if interval.end <= since:
                    break
                minutes[number] += (min(interval.end, until) - max(interval.start, since)) / _MINUTE
    return minutes


def _invite(
    uow: UnitOfWork, account_id: int, question_id: int, round_at: datetime, until: datetime
) -> None:
    now = uow.clock.now()
    sent = Invitation(account_id=account_id, question_id=question_id, round_at=round_at, at=now)
    uow.session.add(sent)
    uow.session.flush()
    uow.emit(
        InvitedToAnswer(
            at=now, answerer_id=AccountId(account_id), invitation_id=sent.id, send_until=until
        )
    )
