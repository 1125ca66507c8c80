"""The capacity clock: what it shows, and when it will show it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.forum.rules.capacity import HORIZON, Availability, CapacityClock
from upss.forum.rules.hours import Hours, available
from upss.forum.rules.windows import Interval, Window, joined_up

START = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
END = START + HORIZON
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
WHOLE = int(HORIZON / MINUTE)


@st.composite
def someone(draw):
    lengths = st.tuples(st.integers(-600, WHOLE), st.integers(1, 9000))
    intervals = joined_up(
        Interval(START + begin * MINUTE, START + (begin + length) * MINUTE)
        for begin, length in draw(st.lists(lengths, max_size=6))
    )
    return Availability(intervals, 1 / draw(st.integers(1, 24)))


people = st.lists(someone(), max_size=5)
instants = st.integers(0, int(HORIZON / MOMENT)).map(lambda n: START + n * MOMENT)
bases = st.sampled_from([0.0, 0.1, 1234.5])


def by_hand(availabilities, at) -> float:
    return sum(
        max(min(i.end, at) - max(i.start, START), timedelta()) / HOUR * who.weight
        for who in availabilities
        for i in who.intervals
    )


def anybody(availabilities, at) -> bool:
    return any(i.start <= at < i.end for who in availabilities for i in who.intervals)


def at_nine(day: int, hours: int, weight: float) -> Availability:
    opens = START + day * 24 * HOUR + 10 * HOUR
    return Availability((Interval(opens, opens + hours * HOUR),), weight)


@pytest.mark.parametrize("weight", [0, -0.5, 1.01])
def test_a_share_of_one_person(weight):
    with pytest.raises(ValueError, match="no share of one person"):
        Availability((), weight)


def test_readings_of_two_people():
    clock = CapacityClock.build([at_nine(0, 4, 1.0), at_nine(0, 2, 0.5)], START, END)
    opens = START + 10 * HOUR
    shown = [clock.cum(opens + n * HOUR) for n in range(-1, 6)]
    assert shown == pytest.approx([0, 0, 1.5, 3, 4, 5, 5])
    assert clock.inv(3.5) == opens + 2.5 * HOUR
    assert clock.inv(5.0) == opens + 4 * HOUR
    assert clock.inv(5.1) is None


@given(people, instants, bases)
def test_a_reading_is_the_sum_of_everybodys_share(availabilities, at, base):
    clock = CapacityClock.build(availabilities, START, END, base)
    assert clock.cum(at) == pytest.approx(base + by_hand(availabilities, at), abs=1e-6)
    assert clock.cum(START - HOUR) == clock.cum(START) == base
    assert clock.cum(END + HOUR) == clock.cum(END)


@given(people, st.lists(instants, min_size=2, max_size=20))
def test_the_clock_never_goes_back_and_stands_while_nobody_is_there(availabilities, moments):
    clock = CapacityClock.build(availabilities, START, END)
    edges = [edge for who in availabilities for i in who.intervals for edge in (i.start, i.end)]
    moments = sorted({*moments, *(edge for edge in edges if START <= edge <= END), START, END})
    for one, other in pairwise(moments):
        assert clock.cum(one) <= clock.cum(other)
        # nothing changes between two neighbours that include all the edges
        if not anybody(availabilities, one):
            assert clock.cum(one) == clock.cum(other)


@given(people, instants, st.floats(1e-7, 500), bases)
def test_inv_is_the_first_microsecond_and_has_capacity(availabilities, at, more, base):
    clock = CapacityClock.build(availabilities, START, END, base)
    reading = clock.cum(at) + more
    found = clock.inv(reading)
    if found is None:
        assert clock.cum(END) < reading
        return
    assert at < found <= END
    assert clock.cum(found - MOMENT) < reading <= clock.cum(found)
    assert anybody(availabilities, found - MOMENT)


@given(people, st.lists(st.floats(-1, 3000), min_size=2, max_size=9), bases)
def test_a_higher_reading_is_later(availabilities, more, base):
    clock = CapacityClock.build(availabilities, START, END, base)
    found = [clock.inv(base + x) or END + MOMENT for x in sorted(more)]
    assert found == sorted(found)
    assert all(clock.inv(base - x) == START for x in (0, 0.5))


@given(people, people, instants, st.floats(0.001, 500))
def test_more_people_are_never_slower(some, more, at, hours):
    few, many = (CapacityClock.build(who, START, END) for who in (some, some + more))
    soon, late = (clock.inv(clock.cum(at) + hours) for clock in (many, few))
    # the same figure by another sum may be a rounding apart
    assert late is None or soon <= late + timedelta(milliseconds=1)


@given(people, people, instants)
def test_an_edit_of_hours_changes_the_future_only(before, after, edit):
    old = CapacityClock.build(before, START, END)
    new = CapacityClock.build(after, edit, END + HOUR, old.cum(edit))
    assert new.cum(edit) == new.cum(START) == old.cum(edit)
    gained = by_hand(after, END) - by_hand(after, edit)
    assert new.cum(END) == pytest.approx(old.cum(edit) + gained, abs=1e-6)


@given(people, instants, st.integers(1, 60))
def test_whole_weeks_later_it_shows_the_same(availabilities, at, weeks):
    later = timedelta(weeks=weeks)
    moved = [
        Availability(
            tuple(Interval(i.start + later, i.end + later) for i in who.intervals), who.weight
        )
        for who in availabilities
    ]
    clock = CapacityClock.build(availabilities, START, END)
    other = CapacityClock.build(moved, START + later, END + later)
    assert other.cum(at + later) == clock.cum(at)
    assert (other.seconds, other.readings, other.rates) == (
        clock.seconds,
        clock.readings,
        clock.rates,
    )


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40))
def test_nothing_is_left_over_when_the_last_one_leaves(topics):
    who = [at_nine(0, n % 5 + 1, 1 / n) for n in topics]
    clock = CapacityClock.build([*who, at_nine(3, 1, 1.0)], START, END)
    evening, morning = START + 24 * HOUR, START + (3 * 24 + 10) * HOUR
    assert clock.cum(evening) == clock.cum(morning)
    assert clock.inv(clock.cum(evening) + 1e-9) > morning
    exact = sum(Fraction(n % 5 + 1, n) for n in topics)
    assert clock.cum(evening) == pytest.approx(float(exact))


def test_nobody_and_no_time():
    for end in (START, END):
        clock = CapacityClock.build([Availability((), 1.0)], START, end, 7.0)
        assert clock.cum(END) == 7.0
        assert clock.inv(7.0) == START
        assert clock.inv(7.0001) is None


@pytest.mark.parametrize(
    ("day", "gained"),
    [("2026-03-29", 3), ("2026-10-25", 5), ("2026-11-22", 4)],
)
def test_a_night_with_a_change_of_the_clock_is_as_long_as_it_is(day, gained):
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC) - 12 * HOUR
    night = Hours((Window(6, 60, 240),), "Europe/Madrid")
    open_time = available(night, begin, begin + 24 * HOUR)
    clock = CapacityClock.build([Availability(open_time, 1.0)], begin, END)
    assert clock.cum(begin + 24 * HOUR) == pytest.approx(gained)
