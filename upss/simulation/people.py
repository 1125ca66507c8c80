"""How an answerer behaves: comes, works, goes on, gives up, or never comes at all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import exp
from operator import attrgetter
from random import Random
from zoneinfo import ZoneInfo

from upss.forum.rules.cap_counters import Counter, Limits
from upss.forum.rules.cap_periods import Period, day_of
from upss.forum.rules.caps import CapRule, Metric
from upss.forum.rules.hours import local_day
from upss.forum.rules.invite import Invitee
from upss.forum.rules.lease import Lease, begin, expires_at, extend, saved, warn_at
from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import AnswererView
from upss.forum.rules.windows import Interval
from upss.simulation.world import CAP_DAYS, CURRENCY, WORK_MEAN, WORK_SIGMA, Person, World

BEFORE = datetime(1, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
COMES_AFTER = timedelta(minutes=20)  # on average, if somebody who was invited comes
INVITED_LATELY = timedelta(days=2)  # longer than the rules look back
COMES = 0.30
GOES_ON = 0.85
LAPSES = 0.04
REJECTED = 0.03
REVIEW = timedelta(days=1)  # on average
REVIEW_MOST = timedelta(days=7)
SAVES_EVERY = timedelta(minutes=2)
_SESSION_MINUTES = (30, 90)


@dataclass(frozen=True, slots=True)
class Effort:
    """What one claim comes to: work until `stops`, and the hour when it ends unless finished.

    `is_finished` False: the person went away, or the claim ended under their hands.
    """

    stops: datetime
    lease_ends: datetime
    is_honest: bool

    @property
    def is_finished(self) -> bool:
        """Whether an answer is sent before the claim ends."""
        return self.is_honest and self.stops < self.lease_ends


@dataclass(slots=True, eq=False)
class Worker:
    """One person's state during a run."""

    person: Person
    rng: Random
    invited_rng: Random
    topics: frozenset[str]
    languages: frozenset[str]
    weekly_hours: float
    counter: Counter | None
    zone: ZoneInfo
    today: date = date.min
    is_busy: bool = False
    session_ends: datetime = BEFORE
    day_starts: datetime = BEFORE
    day_ends: datetime = BEFORE
    minutes_today: int = 0
    answers_today: int = 0
    percentile: float = 0.0
    invited: list[datetime] = field(default_factory=list)
    earned: list[tuple[datetime, int]] = field(default_factory=list)
    _view: AnswererView | None = None  # until something in it changes
    _invitee: Invitee | None = None
    _is_open: tuple[bool, datetime] = (False, BEFORE)  # and until when
    _is_quiet: tuple[bool, datetime] = (False, BEFORE)

    @classmethod
    def make(cls, person: Person, world: World) -> Worker:
        """Return the person at the start of a run."""
        hours = person.hours
        total = sum((i.end - i.start for i in person.open), timedelta(0))
        weeks = max((person.open[-1].end - person.open[0].start) / timedelta(weeks=1), 1.0)
        return cls(
            person,
            world.stream(f"work:{person.id}"),
            world.stream(f"invited:{person.id}"),
            frozenset(person.topics),
            frozenset(person.languages),
            total / timedelta(hours=1) / weeks,
            None if person.cap_minor is None else Counter(_cap_rule(person.cap_minor)),
            ZoneInfo(hours.zone),
        )

    def turn_page(self, now: datetime) -> None:
        """Start a new day of the person's own calendar, if it is one."""
        if now >= self.day_ends:
            self.day_starts, self.day_ends = local_day(self.person.hours, now)
            self.today = day_of(now, self.zone)
            self.minutes_today = self.answers_today = 0
            self._view = None

    def view(self, now: datetime) -> AnswererView:
        """Return what the rules of the queue want to know."""
        self.turn_page(now)
        if self._view is None:
            self._view = AnswererView(
                id=self.person.id,
                topics=self.topics,
                languages=self.languages,
                percentile=self.percentile,
                minutes_today=self.minutes_today,
                answers_today=self.answers_today,
                daily_minutes=self.person.hours.daily_minutes,
                daily_answers=self.person.hours.daily_answers,
                caps=Limits.on((self.counter,), self.today) if self.counter else None,
            )
        return self._view

    def invitee(self, now: datetime) -> Invitee:
        """Return what the rules of invitations want to know, in a declared hour."""
        view, is_quiet, known = self.view(now), self.is_quiet(now), self._invitee
        if known is None or known.answerer is not view or known.is_quiet is not is_quiet:
            known = self._invitee = Invitee(
                answerer=view,
                is_open=True,
                is_quiet=is_quiet,
                day_start=self.day_starts,
                invited=self.invited,
            )
        return known

    def place(self, percentile: float) -> None:
        """Take the place among the others by earnings per declared hour."""
        self.percentile, self._view = percentile, None

    def claims(self, share_minor: int, now: datetime) -> None:
        """Begin to work: room is reserved under the own limit."""
        self.turn_page(now)
        self.is_busy, self._view = True, None
        if self.counter:
            self.counter = self.counter.reserve(share_minor, self.today)

    def stops(self, since: datetime, now: datetime) -> None:
        """Stop working."""
        self.turn_page(now)
        self.minutes_today += round((now - since) / timedelta(minutes=1))
        self.is_busy, self._view = False, None

    def loses(self, share_minor: int) -> None:
        """Give the room back: the claim ended, or the answer was rejected."""
        if self.counter:
            self.counter, self._view = self.counter.release(share_minor), None

    def earns(self, share_minor: int, now: datetime) -> None:
        """Take the share of an accepted answer."""
        self.turn_page(now)
        self.earned.append((now, share_minor))
        if self.counter:
            self.counter = self.counter.book(share_minor, self.today, held=share_minor)
            self._view = None

    def is_open(self, now: datetime) -> bool:
        """Tell whether it is one of the person's declared hours; `now` never goes back."""
        if now >= self._is_open[1]:
            self._is_open = _lies_in(self.person.open, now)
        return self._is_open[0]

    def is_quiet(self, now: datetime) -> bool:
        """Tell whether the person wants no message; `now` never goes back."""
        if now >= self._is_quiet[1]:
            self._is_quiet = _lies_in(self.person.quiet, now)
        return self._is_quiet[0]

    def sits_down(self, now: datetime) -> None:
        """Begin a session."""
        self.session_ends = now + timedelta(minutes=self.rng.uniform(*_SESSION_MINUTES))

    def goes_on(self, now: datetime) -> bool:
        """Decide after an answer whether to take another question."""
        draw = self.rng.random()
        return now < self.session_ends and draw < GOES_ON

    def was_invited(self, now: datetime) -> None:
        """Remember an invitation as long as the rules look back."""
        self.invited = [*(at for at in self.invited if at >= now - INVITED_LATELY), now]
        self._invitee = None

    def answers_invitation(self) -> timedelta | None:
        """Decide whether and after what time an invited person comes."""
        comes, after = self.invited_rng.random(), self.invited_rng.expovariate(1.0)
        return COMES_AFTER * after if comes < COMES else None


def _lies_in(intervals: Sequence[Interval], at: datetime) -> tuple[bool, datetime]:
    """Return whether `at` lies in one of the intervals, and until when that stays so."""
    index = bisect_right(intervals, at, key=attrgetter("end"))
    if index == len(intervals):
        return False, NEVER
    start, end = intervals[index].start, intervals[index].end
    return (True, end) if start <= at else (False, start)


def _cap_rule(limit_minor: int) -> CapRule:
    return CapRule(
        metric=Metric.MONEY,
        period=Period.ROLLING,
        days=CAP_DAYS,
        limit=limit_minor,
        currency=CURRENCY,
    )


def effort(
    rng: Random, minutes: int, pace: float, now: datetime, policy: Policy, due: datetime
) -> Effort:
    """Draw the work on a claim made `now`, and live through its lease.

    An honest worker reads first, then saves every two minutes, and presses "keep it" when the page
    warns. One who lapses saves nothing and goes away.
    """
    mean = minutes * WORK_MEAN * pace
    work = timedelta(minutes=mean * exp(rng.gauss(0, WORK_SIGMA) - WORK_SIGMA**2 / 2))
    reads, lapses = rng.uniform(0.1, 0.5), rng.random() < LAPSES
    lease = begin(now)
    if lapses:
        return Effort(now + work * reads, expires_at(lease, policy, due), is_honest=False)
    lease = _read(lease, now + work * reads, policy, due)
    lease = _write(lease, now + work - SAVES_EVERY, policy, due)
    return Effort(now + work, expires_at(lease, policy, due), is_honest=True)


def _read(lease: Lease, until: datetime, policy: Policy, due: datetime) -> Lease:
    """Return the lease after reading without a saved change, kept when the page warns."""
    hard = due + timedelta(hours=48)
    while (warning := warn_at(lease, policy, due)) < until and expires_at(
        lease, policy, due
    ) < hard:
        kept = extend(lease, max(warning, lease.claimed_at), policy)
        if kept.kept_until == lease.kept_until:
            break
        lease = kept
    return saved(lease, until, policy) if until < expires_at(lease, policy, due) else lease


def _write(lease: Lease, until: datetime, policy: Policy, due: datetime) -> Lease:
    """Return the lease after writing: of the saves every two minutes only those that matter."""
    hop = max(policy.lease - SAVES_EVERY, SAVES_EVERY)
    at = lease.last_saved
    while at < until and (at := min(at + hop, until)) < expires_at(lease, policy, due):
        lease = saved(lease, at, policy)
    return lease
