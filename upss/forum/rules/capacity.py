"""The capacity clock of a topic: how many answerer-hours its people have declared, up to any time.

A promise is measured on it, so that a night or a holiday, when nobody is there, takes no time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ulp
from typing import Self

from upss.forum.rules.windows import Interval

HORIZON = timedelta(weeks=5)

# Weights are added as whole parts: of a float sum a trace would stay when the last person leaves,
# and the clock would creep through the night.
_PARTS = 1 << 40
_MICROSECOND = timedelta(microseconds=1)
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Availability:
    """One answerer's disjoint intervals; `weight` is the share of them that this topic may expect.

    It is 1 / (number of topics x number of languages of the answerer).
    """

    intervals: tuple[Interval, ...]
    weight: float

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise ValueError(f"no share of one person: {self.weight}")


@dataclass(frozen=True, slots=True)
class CapacityClock:
    """A reading in answerer-hours for each instant, linear between `seconds` after `start`.

    `readings` never fall; `rates` are hours per second from each breakpoint to the next.
    """

    start: datetime
    end: datetime
    seconds: tuple[float, ...]
    readings: tuple[float, ...]
    rates: tuple[float, ...]

    @classmethod
    def build(
        cls,
        availabilities: Iterable[Availability],
        start: datetime,
        end: datetime,
        base: float = 0.0,
    ) -> Self:
        """Return the clock over [start, end] that shows `base` at `start`.

        After an edit of somebody's hours build anew from then on, with the old clock's reading as
        base: so it changes the future only.
        """
        changes = _changes(availabilities, start, end)
        seconds = tuple(sorted(changes))
        readings, rates, parts = [base], [], 0
        for here, there in pairwise(seconds):
            parts += changes[here]
            rates.append(parts / _PARTS / _HOUR_S)
            readings.append(readings[-1] + rates[-1] * (there - here))
        return cls(start, end, seconds, tuple(readings), (*rates, 0.0))

    def cum(self, at: datetime) -> float:
        """Return the reading at `at`, in answerer-hours; the first before the start, the last after."""
        second = (at - self.start).total_seconds()
        place = bisect_right(self.seconds, second) - 1
        if place < 0:
            return self.readings[0]
        return self.readings[place] + self.rates[place] * (second - self.seconds[place])

    def inv(self, reading: float) -> datetime | None:
        """Return the first microsecond at which the clock shows `reading` or more.

        None if it does not do so by its end. A reading that it showed from the start gives the
        start; any other falls into time with capacity, or on the end of such time.
        """
        place = bisect_left(self.readings, reading)
        if place == len(self.readings):
            return None
        if place == 0:
            return self.start
        return self.start + self._first_moment(place - 1, reading) * _MICROSECOND

    def _first_moment(self, place: int, reading: float) -> int:
        """Return the first microsecond after breakpoint `place` that shows `reading`: it is near.

        The quotient may be wrong by as much as the readings are rounded, so the neighbours decide.
        """
        second, shown, rate = self.seconds[place], self.readings[place], self.rates[place]
        since, until = round(second * 1e6), round(self.seconds[place + 1] * 1e6)
        guess = since + int((reading - shown) / rate * 1e6)
        slack = 2 + int(4 * ulp(reading) / rate * 1e6)
        near = range(max(since, guess - slack), min(until, guess + slack))
        later = bisect_left(
            near, reading, key=lambda moment: shown + rate * (moment / 1e6 - second)
        )
        return near.start + later


def _changes(
    availabilities: Iterable[Availability], start: datetime, end: datetime
) -> dict[float, int]:
    """Return by how many parts the capacity changes, by seconds after the start."""
    changes: dict[float, int] = defaultdict(int)
    changes[0.0] = changes[(end - start).total_seconds()] = 0
    for availability in availabilities:
        parts = round(availability.weight * _PARTS)
        for interval in availability.intervals:
            since, until = max(interval.start, start), min(interval.end, end)
            if since < until:
                changes[(since - start).total_seconds()] += parts
                changes[(until - start).total_seconds()] -= parts
    return changes
