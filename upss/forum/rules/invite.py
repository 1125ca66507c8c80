"""Whom to tell by mail that questions wait, and how many: never at an hour that is not theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, exp
from random import Random

from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import AnswererView, QuestionView, is_claimable, waits

EXPRESS_INVITED = 5
SLOT = timedelta(hours=1)
AHEAD = 24  # slots that are looked at
LATELY = timedelta(weeks=2)  # what was asked in them says what will be asked
PRESS = 0.6  # of the urgency's dial: in a peak people are called later than they may claim
P_RESPONSE = 0.30  # of those who are invited come
COMES_AFTER = timedelta(minutes=20)  # on average
FORGOTTEN = timedelta(hours=2)  # who has not come by then will not
AT_WORK = timedelta(minutes=30)  # since the last saved change: somebody still writes
_LEAST_SLOTS = 24.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Invitee:
    """An answerer as far as a mail now matters.

    `invited` are the instants of earlier invitations, `day_start` is when the person's own
    calendar day began.
    """

    answerer: AnswererView
    is_open: bool
    is_quiet: bool
    day_start: datetime
    invited: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class Invite:
    """One mail: who is told, and the waiting question that was the reason."""

    answerer_id: int
    question: QuestionView


@dataclass(frozen=True, slots=True)
class Call:
    """How many people are needed, and which share of invitations is followed (above 0, to 1)."""

    need: float
    p_response: float

    @property
    def wanted(self) -> int:
        """So many mails are expected to bring them."""
        return ceil(self.need / self.p_response)

    @property
    def each(self) -> int:
        """So many mails are expected to bring one."""
        return ceil(1 / self.p_response)


def may_invite(who: Invitee, now: datetime, policy: Policy) -> bool:
    """Tell whether a mail may go to this person now: own hours, not quiet, not too many."""
    if not who.is_open or who.is_quiet or who.answerer.is_away:
        return False
    if sum(at >= who.day_start for at in who.invited) >= policy.invitations_a_day:
        return False
    return not who.invited or now - max(who.invited) >= policy.invitations_apart


def water_fill(work: float, base: Sequence[float], capacity: Sequence[float]) -> tuple[float, ...]:
    """Return how much of `work` to do in each slot so that base and work together are level.

    As water fills a vessel: the lowest slots first, none above its `capacity`; what does not fit
    anywhere is left over. All are of one unit, and none is negative.
    """
    turns = [(low, 1) for low in base]
    turns += [(low + most, -1) for low, most in zip(base, capacity, strict=True)]
    level, width, done = min(base, default=0.0), 0, 0.0
    for height, change in sorted(turns):
        step = width * (height - level)
        if step > 0 and done + step >= work:
            level += (work - done) / width
            break
        done, level, width = done + step, height, width + change
    return tuple(min(max(level - low, 0.0), most) for low, most in zip(base, capacity, strict=True))


def minutes_an_hour(minutes: float, seen: timedelta) -> float:
    """Return the work asked for in the mean hour, from what was asked `LATELY`.

    `seen` is how long the site has been looked at; a first busy hour says little about a day.
    """
    return minutes / max(min(seen, LATELY) / SLOT, _LEAST_SLOTS)


def expected_work(mean: float, rel: Sequence[float], cells: Iterable[int]) -> list[float]:
    """Return the minutes to be asked for in the slots that are these hours of the week.

    `rel` are the arrivals of each of the 168 hours beside the mean hour's.
    """
    return [mean * rel[cell] for cell in cells]


def coming(now: datetime, invited: Iterable[datetime]) -> float:
    """Return how many of those invited at these times are still expected to come."""
    ages = (now - at for at in invited if timedelta(0) <= now - at < FORGOTTEN)
    return sum(P_RESPONSE * exp(-(age / COMES_AFTER)) for age in ages)


def pressing_minutes(
    now: datetime, waiting: Iterable[QuestionView], pressing_from: Mapping[int, datetime]
) -> float:
    """Return the work that people are called for at once, in a peak too.

    `pressing_from` is by question when so little capacity is left before its promise as makes it
    urgent at `PRESS` times the dial.
    """
    return sum(q.minutes for q in waiting if now >= pressing_from[q.id])


def people_needed(
    *,
    backlog: float,
    urgent: float,
    forecast: Sequence[float],
    capacity: Sequence[float],
    active: float,
) -> float:
    """Return how many more people should be at work in the present hour.

    All are minutes of answering: what waits, what of it is urgent, what is expected to be asked in
    each of the next 24 hours, and what the declared hours could do in each. `active` people are at
    work, or expected to come.
    """
    target = water_fill(backlog + sum(forecast), forecast, capacity)[0]
    return max(0.0, max(target, urgent) / (SLOT / timedelta(minutes=1)) - active)


def invitations(
    now: datetime,
    invitees: Iterable[Invitee],
    questions: Iterable[QuestionView],
    call: Call,
    policy: Policy,
    rng: Random,
    *,
    is_peak: bool = False,
) -> list[Invite]:
    """Return whom to invite now: as many as the call wants, if there are.

    Urgent questions come first, then by posting. Everybody invited may claim the question of their
    invitation, and no question calls more people than it takes for one to come.
    """
    if call.wanted <= 0:
        return []
    ready = (q for q in questions if not waits(q, now, policy, is_peak=is_peak))
    ranked = sorted(ready, key=lambda q: (now < q.urgent_from, q.posted_at, q.id))
    free = _shuffled(now, invitees, policy, rng) if ranked else []
    chosen: list[Invite] = []
    for _ in range(call.each):
        before = len(chosen)
        for question in ranked:
            if len(chosen) == call.wanted or not free:
                return chosen
            chosen += _pick(now, question, free, 1, policy, is_peak=is_peak)
        if len(chosen) == before:
            break
    return chosen


def express_invitations(
    now: datetime,
    question: QuestionView,
    invitees: Iterable[Invitee],
    policy: Policy,
    rng: Random,
) -> list[Invite]:
    """Return the few who are told at once of an express question."""
    free = _shuffled(now, invitees, policy, rng)
    return _pick(now, question, free, EXPRESS_INVITED, policy, is_peak=False)


def _shuffled(
    now: datetime, invitees: Iterable[Invitee], policy: Policy, rng: Random
) -> list[Invitee]:
    """Return who may be invited, in a random order: to ask the least earning first helps nobody."""
    free = [who for who in invitees if may_invite(who, now, policy)]
    rng.shuffle(free)
    return free


def _pick(
    now: datetime,
    question: QuestionView,
    free: list[Invitee],
    most: int,
    policy: Policy,
    *,
    is_peak: bool,
) -> list[Invite]:
    """Take up to `most` out of `free` who may claim the question."""
    able: list[Invitee] = []
    for who in free:
        if len(able) == most:
            break
        if is_claimable(question, who.answerer, now, policy, is_peak=is_peak):
            able.append(who)
    for who in able:
        free.remove(who)
    return [Invite(who.answerer.id, question) for who in able]
