"""Weekly windows of somebody's own time zone, as the UTC intervals that they really are.

A window has a start and a length, so that midnight and a whole day are no special cases. Its start
is the first instant at which the clock on the wall reads it or more, its end the last instant
before which the wall reads less: a clock set back counts both passes, an hour or a day that was
skipped counts nothing. A window belongs to the day on which it starts, on closed dates too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

from upss.kernel.errors import DomainError

DAY = 24 * 60
WEEK = 7 * DAY
MOST_WINDOWS = 168
# Weekdays by what a form calls them: several at once, the longest first, or one ("0" = Monday).
SPANS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"all": tuple(range(7)), "weekdays": tuple(range(5)), "weekend": (5, 6)}
)
DAYS_BY_NAME: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {**SPANS, **{str(dow): (dow,) for dow in range(7)}}
)

_ONE_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)
# No zone is further than 14 hours from UTC, so that a window (it starts on its day and ends on the
# next at the latest) keeps within these days of it.
_DAYS_BEFORE, _DAYS_AFTER = timedelta(days=2), timedelta(days=1)


class ZoneUnknown(DomainError):
    """The fact `name` is no time zone of the IANA database."""

    code = "zone_unknown"
    status: ClassVar[int] = 422


class WindowsRefused(DomainError):
    """The fact `reason` says why: empty, too_many."""

    code = "windows_refused"
    status: ClassVar[int] = 422


@dataclass(frozen=True, order=True, slots=True)
class Window:
    """From minute `start_min` of weekday `dow` (0 = Monday), for `length_min` minutes of the wall.

    A whole day has 1440 minutes, the most that a window may have.
    """

    dow: int
    start_min: int
    length_min: int

    def __post_init__(self) -> None:
        if not (0 <= self.dow < 7 and 0 <= self.start_min < DAY and 1 <= self.length_min <= DAY):
            raise ValueError(f"no such window: {self}")


@dataclass(frozen=True, order=True, slots=True)
class Interval:
    """A stretch of time that is not empty, from `start` to before `end`, both in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC:
            raise ValueError(f"not in UTC: {self}")
        if self.start >= self.end:
            raise ValueError(f"empty: {self}")


def zone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name; raise `ZoneUnknown`."""
    if name not in _names():
        raise ZoneUnknown(name=name)
    return ZoneInfo(name)


@cache
def _names() -> frozenset[str]:
    """Return the zones of places: the machine's own setting and the placeholder are none."""
    return frozenset(available_timezones() - {"Factory", "localtime"})


def check_windows(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Return the windows merged; raise `WindowsRefused`.

    Tell the visitor that windows were joined if the outcome differs from what came in, sorted.
    """
    if not windows:
        raise WindowsRefused(reason="empty")
    if len(windows) > MOST_WINDOWS:
        raise WindowsRefused(reason="too_many", most=MOST_WINDOWS)
    return merged(windows)


def merged(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Return the one way to write the same minutes of the week: sorted, nothing overlaps or adjoins.

    A stretch of up to 24 hours is one window, also over midnight and round the end of the week; a
    longer one is cut at each midnight. What adjoins at midnight becomes the evening's, which
    matters on closed dates and rest days only.
    """
    stretches = _stretches(windows)
    pieces = (piece for start, end in stretches for piece in _pieces(start, end))
    return tuple(
        sorted(Window(start // DAY % 7, start % DAY, end - start) for start, end in pieces)
    )


def _stretches(windows: Iterable[Window]) -> list[tuple[int, int]]:
    """Return disjoint stretches in minutes of the week; the last one may run past its end."""
    spans = sorted((w.dow * DAY + w.start_min, w.length_min) for w in windows)
    joined: list[tuple[int, int]] = []
    for start, length in spans:
        _join(joined, start, start + length)
    if not joined:
        return []
    # what runs past the end of the week is also the week's beginning
    over = joined[-1][1] - WEEK
    while len(joined) > 1 and joined[0][0] <= over:
        over = max(over, joined.pop(0)[1])
    start, end = joined[-1]
    if over >= start:
        return [(0, WEEK)]
    joined[-1] = (start, max(end, over + WEEK))
    return joined


def _join(joined: list[tuple[int, int]], start: int, end: int) -> None:
    if joined and start <= joined[-1][1]:
        joined[-1] = (joined[-1][0], max(joined[-1][1], end))
    else:
        joined.append((start, end))


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > DAY:
        midnight = (start // DAY + 1) * DAY
        yield start, midnight
        start = midnight
    yield start, end


def occurrences(
    windows: Sequence[Window],
    tz: ZoneInfo,
    start: datetime,
    end: datetime,
    closed: AbstractSet[date] = frozenset(),
) -> tuple[Interval, ...]:
    """Return when the windows are open in [start, end): sorted, joined and clipped.

    A window that starts on a date in `closed`, a date of `tz`, does not take place.
    """
    every = each_occurrence(windows, tz, start, end, closed)
    return clipped(joined_up(every), start, end)


def contains(
    windows: Sequence[Window], tz: ZoneInfo, at: datetime, closed: AbstractSet[date] = frozenset()
) -> bool:
    """Return whether a window is open at `at`.

    For many questions about the same time ask `occurrences` once, and then `covers`.
    """
    return any(
        interval.start <= at < interval.end
        for interval in each_occurrence(windows, tz, at, at, closed)
    )


def each_occurrence(
    windows: Sequence[Window],
    tz: ZoneInfo,
    start: datetime,
    end: datetime,
    closed: AbstractSet[date] = frozenset(),
) -> Iterator[Interval]:
    """Yield each window's own interval, unclipped, by the day of its start.

    All that touch [start, end] are there, and some just before and after it.
    """
    day = start.astimezone(UTC).date() - _DAYS_BEFORE
    last = end.astimezone(UTC).date() + _DAYS_AFTER
    while day <= last:
        if day not in closed:
            of_day = (window for window in windows if window.dow == day.weekday())
            yield from filter(None, (_occurrence(window, day, tz) for window in of_day))
        day += _ONE_DAY


@lru_cache(maxsize=1 << 15)
def _occurrence(window: Window, day: date, tz: ZoneInfo) -> Interval | None:
    """Return the window of that day, or None if the clock jumped over all of it."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=window.start_min)  # noqa: DTZ001
    opens = first_instant(wall, tz)
    closes = last_instant(wall + timedelta(minutes=window.length_min), tz)
    return Interval(opens, closes) if opens < closes else None


def first_instant(wall: datetime, tz: ZoneInfo) -> datetime:
    """Return the first instant at which the wall clock of `tz` reads `wall` (naive) or more."""
    return _instant(wall, tz, 0)


def last_instant(wall: datetime, tz: ZoneInfo) -> datetime:
    """Return the instant from which the wall clock of `tz` never again reads less than `wall`."""
    instant = _instant(wall, tz, 1)
    just_before = (instant - _MICROSECOND).astimezone(tz).replace(tzinfo=None)
    # a clock set back to just this time reads it twice, but less only before the first
    return instant if just_before < wall else _instant(wall, tz, 0)


def _instant(wall: datetime, tz: ZoneInfo, fold: int) -> datetime:
    instant = wall.replace(tzinfo=tz, fold=fold).astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == wall:
        return instant
    return _after_gap(wall, tz)


def _after_gap(wall: datetime, tz: ZoneInfo) -> datetime:
    """Return the instant at which the wall clock jumps over `wall`."""
    before = wall.replace(tzinfo=tz, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=tz, fold=0).astimezone(UTC)
    seconds = range(1, int((after - before).total_seconds()) + 1)

    def has_jumped(second: int) -> bool:
        return (before + second * _SECOND).astimezone(tz).replace(tzinfo=None) > wall

    return before + seconds[bisect_left(seconds, True, key=has_jumped)] * _SECOND  # noqa: FBT003


def joined_up(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the same time in sorted intervals that neither overlap nor adjoin."""
    joined: list[Interval] = []
    for interval in sorted(intervals, key=attrgetter("start")):
        if joined and interval.start <= joined[-1].end:
            if interval.end > joined[-1].end:
                joined[-1] = Interval(joined[-1].start, interval.end)
        else:
            joined.append(interval)
    return tuple(joined)


def clipped(intervals: Iterable[Interval], start: datetime, end: datetime) -> tuple[Interval, ...]:
    """Return what of the intervals lies in [start, end), in their order."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    touching = (i for i in intervals if i.start < end and i.end > start) if start < end else ()
    return tuple(
        interval
        if interval.start >= start and interval.end <= end
        else Interval(max(interval.start, start), min(interval.end, end))
        for interval in touching
    )


def subtract(intervals: Iterable[Interval], holes: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the time of the intervals that lies in no hole, sorted and joined."""
    left: list[Interval] = []
    cuts = joined_up(holes)
    for interval in joined_up(intervals):
        start = interval.start
        for hole in cuts[bisect_right(cuts, start, key=attrgetter("end")) :]:
            if hole.start >= interval.end:
                break
            if start < hole.start:
                left.append(Interval(start, hole.start))
            start = hole.end
        if start < interval.end:
            left.append(Interval(start, interval.end))
    return tuple(left)


def covers(intervals: Sequence[Interval], at: datetime) -> bool:
    """Return whether `at` lies in one of the intervals, which are sorted and disjoint: one bisect."""
    place = bisect_right(intervals, at, key=attrgetter("start"))
    return place > 0 and at < intervals[place - 1].end
