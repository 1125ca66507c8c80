"""How an answerer behaves: comes, works, goes on, gives up, or never comes at all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
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
from upss.forum.rules.queue import AnswererView, QuestionView
from upss.forum.rules.timers import GRACE
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
class Act:
    """What moves the end of a claim: the press of "keep it", or a saved change."""

    at: datetime
    is_press: bool


@dataclass(frozen=True, slots=True)
class Effort:
    """What one claim comes to: work until `stops`, and the hour when it ends unless finished.

    `is_finished` False: the person went away, or the claim ended under their hands. `acts` are
    those that move its end, in the order of time.
    """

    stops: datetime
    lease_ends: datetime
    is_honest: bool
    acts: tuple[Act, ...] = ()

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
    counter: Counter | None
    zone: ZoneInfo
    today: date = date.min
    is_busy: bool = False
    session_ends: datetime = BEFORE
    day_starts: datetime = BEFORE
    day_ends: datetime = BEFORE
    minutes_today: int = 0  # of the answers sent, by their sizes
    answers_today: int = 0
    held: dict[int, int] = field(default_factory=dict)  # minutes of each question claimed
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
        return cls(
            person,
            world.stream(f"work:{person.id}"),
            world.stream(f"invited:{person.id}"),
            frozenset(person.topics),
            frozenset(person.languages),
            None if person.cap_minor is None else Counter(_cap_rule(person.cap_minor)),
            ZoneInfo(person.hours.zone),
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
                open_claims=len(self.held),
                minutes_today=self.minutes_today + sum(self.held.values()),
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

    def claims(self, question: QuestionView, now: datetime) -> None:
        """Begin to work: room is reserved under the own limit, and in the day's work."""
        self.turn_page(now)
        self.is_busy, self._view = True, None
        self.held[question.id] = question.minutes
        if self.counter:
            self.counter = self.counter.reserve(question.share_minor, self.today)

    def stops(self) -> None:
        """Stop working."""
        self.is_busy, self._view = False, None

    def answers(self, question_id: int, now: datetime) -> None:
        """Send an answer: its size counts for the day on which it is sent."""
        self.turn_page(now)
        self.minutes_today += self.held.pop(question_id)
        self.answers_today, self._view = self.answers_today + 1, None

    def lapses(self, question_id: int, share_minor: int) -> None:
        """Lose a claim: its size does not count for the day, nor its share."""
        del self.held[question_id]
        self._view = None
        self.loses(share_minor)

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

    def declared_hours(self, since: datetime, until: datetime) -> float:
        """Return how many hours the person declared between two times."""
        first = bisect_right(self.person.open, since, key=attrgetter("end"))
        within = takewhile(lambda each: each.start < until, self.person.open[first:])
        spans = (min(each.end, until) - max(each.start, since) for each in within)
        return sum(spans, timedelta(0)) / timedelta(hours=1)

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
    acts: list[Act] = []
    lease = _read(lease, now + work * reads, policy, due, acts)
    lease = _write(lease, now + work - SAVES_EVERY, policy, due, acts)
    return Effort(now + work, expires_at(lease, policy, due), is_honest=True, acts=tuple(acts))


def _read(lease: Lease, until: datetime, policy: Policy, due: datetime, acts: list[Act]) -> Lease:
    """Return the lease after reading without a saved change, kept when the page warns."""
    hard = due + GRACE
    while (warning := warn_at(lease, policy, due)) < until and expires_at(
        lease, policy, due
    ) < hard:
        pressed_at = max(warning, lease.claimed_at)
        kept = extend(lease, pressed_at, policy, promise_at=due)
        acts.append(Act(pressed_at, is_press=True))
        if kept.kept_until == lease.kept_until:
            break
        lease = kept
    if until >= expires_at(lease, policy, due):
        return lease
    acts.append(Act(until, is_press=False))
    return saved(lease, until, policy)


def _write(lease: Lease, until: datetime, policy: Policy, due: datetime, acts: list[Act]) -> Lease:
    """Return the lease after writing: of the saves every two minutes only those that matter."""
    hop = max(policy.lease - SAVES_EVERY, SAVES_EVERY)
    at = lease.last_saved
    while at < until and (at := min(at + hop, until)) < expires_at(lease, policy, due):
        lease = saved(lease, at, policy)
        acts.append(Act(at, is_press=False))
    return lease
