"""Windows at each quarter of an hour around clock changes, against what the wall clock shows.

The oracle knows only zoneinfo: a window is open at an instant if the wall clock has by then shown
its start or more, and will from then on still show less than its end.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest

from upss.forum.rules.windows import Interval, Window, contains, covers, occurrences

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
ZONES = (
    "Europe/Madrid",
    "Atlantic/Canary",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
)


def offset(name: str, at: datetime) -> timedelta:
    found = at.astimezone(ZoneInfo(name)).utcoffset()
    assert found is not None
    return found


def changes(name: str, first: int, last: int) -> list[date]:
    """The local dates that the wall clock shows just after each change of the offset."""
    begin = datetime(first, 1, 1, tzinfo=UTC)
    days = [begin + n * DAY for n in range((date(last + 1, 1, 1) - begin.date()).days)]
    return [
        next(at for at in quarters(day, 97) if offset(name, at) != offset(name, day))
        .astimezone(ZoneInfo(name))
        .date()
        for day in days
        if offset(name, day) != offset(name, day + DAY)
    ]


def quarters(begin: datetime, count: int) -> list[datetime]:
    return [begin + n * QUARTER for n in range(count)]


CHANGES = [(name, day) for name in ZONES for day in changes(name, 2026, 2030)]
ODD = [("America/Sao_Paulo", day) for day in changes("America/Sao_Paulo", 2018, 2018)]
ODD += [("Pacific/Apia", date(2011, 12, 30))]
ORDINARY = [("Asia/Kolkata", date(2027, 5, 12)), ("UTC", date(2027, 10, 31))]
DAYS = [pytest.param(name, day, id=f"{name}-{day}") for name, day in CHANGES + ODD + ORDINARY]


def test_there_are_two_changes_a_year_in_each_zone():
    assert len(CHANGES) == len(ZONES) * 5 * 2
    assert len(ODD) == 3
    for known in (
        ("Europe/Madrid", date(2026, 10, 25)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("Pacific/Auckland", date(2027, 9, 26)),
    ):
        assert known in CHANGES


@dataclass(frozen=True)
class Wall:
    """What the wall clock shows around a date, each quarter of an hour for seven days."""

    instants: list[datetime]
    most_so_far: list[datetime]
    least_from_now: list[datetime]

    @classmethod
    def around(cls, name: str, day: date) -> Wall:
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - 3 * DAY
        instants = quarters(begin, 7 * 96)
        shown = [at.astimezone(ZoneInfo(name)).replace(tzinfo=None) for at in instants]
        least = list(accumulate(reversed(shown), min))
        return cls(instants, list(accumulate(shown, max)), least[::-1])

    def interval(self, start: datetime, end: datetime) -> tuple[Interval, ...]:
        opens = self.instants[bisect_left(self.most_so_far, start)]
        closes = self.instants[bisect_left(self.least_from_now, end)]
        return (Interval(opens, closes),) if opens < closes else ()

    def is_open(self, place: int, spans: list[tuple[datetime, datetime]]) -> bool:
        most, least = self.most_so_far[place], self.least_from_now[place]
        return any(start <= most and least < end for start, end in spans)


def span(window: Window, day: date) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time()) + timedelta(minutes=window.start_min)
    return start, start + timedelta(minutes=window.length_min)


def daily(*spans: tuple[int, int]) -> tuple[Window, ...]:
    return tuple(Window(dow, start, length) for dow in range(7) for start, length in spans)


SETS = {
    "cut by the change": daily((22 * 60, 150), (60, 45), (150, 60)),
    "long and whole": (*daily((23 * 60 + 30, 90)), Window(2, 0, 1440), Window(6, 120, 1440)),
}


@pytest.mark.parametrize(("name", "day"), DAYS)
def test_each_quarter_of_an_hour(name, day):
    wall, tz = Wall.around(name, day), ZoneInfo(name)
    days = [day + n * DAY for n in range(-3, 4)]
    closed = frozenset({day + DAY})
    middle = range(96 * 9 // 4, 96 * 19 // 4)  # 60 hours: all of that day, in any zone
    begin, end = wall.instants[middle.start], wall.instants[middle.stop]
    for windows in SETS.values():
        spans = [
            span(w, d) for d in days for w in windows if w.dow == d.weekday() and d not in closed
        ]
        found = occurrences(windows, tz, begin, end, closed)
        for place in middle:
            at = wall.instants[place]
            expected = wall.is_open(place, spans)
            assert contains(windows, tz, at, closed) == expected, at
            assert covers(found, at) == expected, at


@pytest.mark.parametrize(("name", "day"), DAYS)
def test_each_window_of_the_day_and_of_the_evening_before(name, day):
    wall, tz = Wall.around(name, day), ZoneInfo(name)
    begin, end = wall.instants[96], wall.instants[-96]
    for of_day, starts in ((day, range(0, 1440, 15)), (day - DAY, range(1200, 1440, 30))):
        for start in starts:
            for length in (15, 1440):
                window = Window(of_day.weekday(), start, length)
                expected = wall.interval(*span(window, of_day))
                assert occurrences((window,), tz, begin, end) == expected, window


def wall_comparison(windows: tuple[Window, ...], tz: ZoneInfo, at: datetime) -> bool:
    """The mistake that these tests are there to catch: local times compared as if all were equal."""
    local = at.astimezone(tz)
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    return any((minute - w.dow * 1440 - w.start_min) % 10080 < w.length_min for w in windows)


@pytest.mark.parametrize("name", ZONES)
def test_comparing_local_times_is_caught_at_each_clock_set_back(name):
    back = [day for zone, day in CHANGES if zone == name and is_set_back(name, day)]
    assert len(back) == 5
    for day in back:
        windows, tz = SETS["cut by the change"], ZoneInfo(name)
        instants = Wall.around(name, day).instants[240:432]
        assert any(
            contains(windows, tz, at) != wall_comparison(windows, tz, at) for at in instants
        ), day


def is_set_back(name: str, day: date) -> bool:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(name))
    return noon.utcoffset() < (noon - 2 * DAY).utcoffset()
