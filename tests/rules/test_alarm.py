"""A promise has nobody left who was expected when it was given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from upss.forum.rules.alarm import has_vanished
from upss.forum.rules.capacity import HORIZON, Availability, CapacityClock
from upss.forum.rules.windows import Interval

START = datetime(2026, 11, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


def clock_of(*blocks, weight=1.0, times=1):
    """The clock of people who are there in `blocks` of (first, last) hours after START."""
    intervals = tuple(Interval(START + a * HOUR, START + b * HOUR) for a, b in blocks)
    people = [Availability(intervals, weight)] * times
    return CapacityClock.build(people, START, START + HORIZON)


PROMISED = clock_of((9, 13), (33, 37))


def vanished(today, promised=PROMISED, *, at=14, by=36):
    return has_vanished(today, promised, now=START + at * HOUR, by=START + by * HOUR)


def test_nobody_is_left_of_those_who_were_expected():
    assert vanished(clock_of((9, 13)))
    assert vanished(clock_of())
    assert vanished(clock_of((9, 13), (36, 40)))  # only after the promise


def test_somebody_is_still_expected():
    assert not vanished(PROMISED)
    assert not vanished(clock_of((9, 13), (35, 37)))


def test_nobody_was_expected_in_the_hours_that_are_left():
    assert not vanished(PROMISED, at=38, by=40)
    assert not vanished(clock_of((9, 13), (33, 37), (38, 39)), at=39, by=40)


def test_the_hours_that_are_gone_may_be_over():
    assert vanished(clock_of((9, 13)), at=38, by=40)


def test_sums_that_are_rounded_differently_are_the_same():
    assert not vanished(clock_of((9, 10), weight=1 / 3, times=3), clock_of((9, 10)), at=20)
