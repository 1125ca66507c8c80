"""By when an answer is promised: answerer-hours of work ahead, scaled by how past promises fared.

All figures in hours are answerer-hours on the topic's capacity clock, never hours of the wall: a
night in which nobody works must not count as waiting, nor a busy evening as little of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from heapq import nlargest
from math import ceil, floor, inf, nextafter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upss.forum.rules.capacity import CapacityClock
    from upss.forum.rules.policy import Policy

AHEAD_EXTRA = 3  # added to the questions ahead: an empty queue still takes its time
PRIOR_ANSWERS = 5.0
PRIOR_HOURS = 50.0
EXPOSURE_MAX_HOURS = 3000.0
WINDOW = 400  # newest scores
SCORES_MIN = 60
COLD_FACTOR = 2.5  # until SCORES_MIN answers were timed
FACTOR_MIN = 0.05  # answers within the hour of their offer score nothing, or less
STEP = timedelta(minutes=30)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DUST = timedelta(milliseconds=1)  # rounding in the clock's sums; must not cost half an hour


@dataclass(frozen=True, slots=True)
class TopicRate:
    """How many answers an answerer-hour of one topic brings, while questions were waiting.

    The prior is what is believed before anything was measured: an organizer who knows better
    may seed it.
    """

    completions: float = 0.0
    exposure_h: float = 0.0
    prior_answers: float = PRIOR_ANSWERS
    prior_h: float = PRIOR_HOURS

    @property
    def per_hour(self) -> float:
        """Answers per answerer-hour, above zero."""
        return (self.completions + self.prior_answers) / (self.exposure_h + self.prior_h)

    def with_answer(self) -> TopicRate:
        """Return the rate after one more answer."""
        return replace(self, completions=self.completions + 1)

    def with_exposure(self, hours: float) -> TopicRate:
        """Return the rate after `hours` on the clock with a queue; old work weighs ever less."""
        if hours < 0:
            raise ValueError(hours)
        completions, exposure = self.completions, self.exposure_h + hours
        while exposure > EXPOSURE_MAX_HOURS:
            completions, exposure = completions / 2, exposure / 2
        return replace(self, completions=completions, exposure_h=exposure)


def score(*, posted: float, answered: float, base_h: float) -> float:
    """Return how many times its base a question took, from two readings of its topic's clock.

    For a question that still waits, `answered` is the reading now.
    """
    return (answered - posted) / base_h


@dataclass(slots=True)
class Calibrator:
    """The newest scores of answered questions, and the factor that would have kept the promises.

    With n scores and rank r = ceil(target (n + late + 1)), the factor is the r-th smallest score,
    where `late` are the questions that still wait with a score above that very factor: they are
    sure to end above it. Left out, a growing backlog would look healthy, since only what was
    quick is answered. Where more are late than n scores can tell, the factor is as far out among
    the waiting ones.
    """

    target: float = 0.97
    window: int = WINDOW
    scores: deque[float] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Keep the newest `window` of the scores given."""
        self.scores = deque(self.scores, maxlen=self.window)

    def add(self, value: float) -> None:
        """Take in the score of a question just answered; the oldest makes room."""
        self.scores.append(value)

    @property
    def late_at_most(self) -> int:
        """How many late questions the scores can bear before the greatest of them is too small.

        Only that many waiting questions and one more, those of the greatest scores, can matter.
        """
        return floor(len(self.scores) / self.target + 1e-9) - len(self.scores) - 1

    def factor(self, open_scores: Iterable[float] = ()) -> float:
        """Return the factor, above zero, given the scores so far of the questions that still wait."""
        return max(FACTOR_MIN, self._factor(open_scores))

    def _factor(self, open_scores: Iterable[float]) -> float:
        bearable = self.late_at_most
        if len(self.scores) < SCORES_MIN or bearable < 0:
            return COLD_FACTOR
        ordered = sorted(self.scores)
        greatest = nlargest(bearable + 1, open_scores)
        if len(greatest) > bearable and greatest[-1] > ordered[-1]:
            return greatest[-1]
        rank = self._rank(0)
        while True:
            late = sum(1 for value in greatest if value > ordered[rank - 1])
            if self._rank(late) <= rank:
                return ordered[rank - 1]
            rank += 1

    def _rank(self, late: int) -> int:
        return ceil(self.target * (len(self.scores) + late + 1) - 1e-9)


@dataclass(frozen=True, slots=True)
class Quote:
    """A promise with all that it was calculated from, to be stored and never changed.

    `by` is UTC. `base_h` is the work ahead in answerer-hours, (n_ahead + 3) / rate; `reading` is
    the topic's clock when it was given. It stands for `margin` more time than the clock takes to
    `reading + base_h * factor`, at least the floor, rounded up to the half hour.
    """

    by: datetime
    base_h: float
    factor: float
    margin: float
    n_ahead: int
    rate: float
    reading: float


class WhyNot(StrEnum):
    """Why nothing can be promised."""

    NOBODY = "nobody"  # no declared hours at all
    TOO_LATE = "too_late"  # there are some, but the answer would come after the longest promise


@dataclass(frozen=True, slots=True)
class NoCapacity:
    """No promise, and so no payment."""

    reason: WhyNot


def quote(
    *,
    now: datetime,
    clock: CapacityClock,
    n_ahead: int,
    rate: TopicRate,
    factor: float,
    n_scores: int,
    policy: Policy,
) -> Quote | NoCapacity:
    """Return the promise for a question posted `now` with `n_ahead` waiting in its topic.

    `n_scores` answers stand behind `factor`: while they are few the margin is wider. Before there
    are enough to measure anything, work that fits into the longest promise gets just that one:
    a site that refused it would never learn.
    """
    per_hour, reading = rate.per_hour, clock.cum(now)
    base_h = (n_ahead + AHEAD_EXTRA) / per_hour
    margin = policy.cold_margin if n_scores < policy.warm_scores else policy.margin
    by = _promised(now, clock.inv(reading + base_h * factor), margin, policy)
    if by is None and n_scores < SCORES_MIN:
        by = _longest(now, clock.inv(reading + base_h), policy)
    if by is None:
        empty = clock.cum(clock.end) <= reading
        return NoCapacity(WhyNot.NOBODY if empty else WhyNot.TOO_LATE)
    return Quote(by, base_h, factor, margin, n_ahead, per_hour, reading)


def _promised(
    now: datetime, done: datetime | None, margin: float, policy: Policy
) -> datetime | None:
    """Return the promise for work that the clock sees `done`; None beyond the longest promise."""
    if done is None:
        return None
    expected = now + (1 + margin) * (done - now)
    by = _rounded_up(max(expected - _DUST, now + policy.floor))
    return by if by - now <= policy.max_promise else None


def _longest(now: datetime, done: datetime | None, policy: Policy) -> datetime | None:
    """Return the longest promise, if the clock sees the work `done` by then."""
    by = _EPOCH + (now + policy.max_promise - _EPOCH) // STEP * STEP
    return by if done is not None and done <= by else None


def _rounded_up(at: datetime) -> datetime:
    return _EPOCH + -((_EPOCH - at) // STEP) * STEP


def is_urgent(
    clock: CapacityClock, *, now: datetime, by: datetime, reading: float, urgency: float
) -> bool:
    """Say whether less than `urgency` of the capacity before the promise is left, or it is over.

    `reading` is the stored one of the promise, `clock` the topic's clock of today.
    """
    return now >= by or clock.cum(now) > _urgent_above(clock, by, reading, urgency)


def urgent_from(clock: CapacityClock, *, by: datetime, reading: float, urgency: float) -> datetime:
    """Return the instant from which `is_urgent` holds: at the latest the promise itself."""
    above = _urgent_above(clock, by, reading, urgency)
    start = clock.inv(nextafter(above, inf))
    return by if start is None else min(start, by)


def _urgent_above(clock: CapacityClock, by: datetime, reading: float, urgency: float) -> float:
    end = clock.cum(by)
    return end - urgency * (end - reading)
