"""When the site is busy: arrivals by hour are learned, and a weekly map says which are a peak.

An hour of the week is counted from Monday 00:00 of the site's own zone (0 to 167); a closed date
counts as a Sunday. Learning pools the week into 48 cells, the hours of a working day and those of
a weekend, because 168 cells stay noise for months at the size of most sites.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from zoneinfo import ZoneInfo

HOURS = 168
ENTER_PEAK = 1.25  # of the mean hour
LEAVE_PEAK = 1.10
LOW = 0.75
LEARN_FROM = 150  # questions seen; fewer, and the organizer's own peaks hold
HALF_LIFE_WEEKS = 6
PSEUDO_QUESTIONS = 4.0  # in each pooled cell: few arrivals leave it near the mean hour
WORKING_DAYS = 5
SUNDAY = 6

ORGANIZER_PEAKS = frozenset(
    dow * 24 + hour for dow in range(WORKING_DAYS) for hour in (*range(9, 14), *range(17, 21))
)

_WEEK = timedelta(weeks=1)
_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday


class Level(StrEnum):
    """How busy an hour is, beside the mean hour of the week."""

    PEAK = "peak"
    SHOULDER = "shoulder"
    LOW = "low"


def level_of(rel: float) -> Level:
    """Return the level of an hour with `rel` times the arrivals of the mean hour."""
    if rel >= ENTER_PEAK:
        return Level.PEAK
    return Level.LOW if rel <= LOW else Level.SHOULDER


def week_of(day: date) -> int:
    """Return the number of the week, Monday to Sunday, that `day` lies in."""
    return (day.toordinal() - 1) // 7  # day 1 of the calendar was a Monday


def hour_of_week(local: datetime, closed: AbstractSet[date] = frozenset()) -> int:
    """Return the hour of the week (0-167) of a time in the site's zone."""
    dow = SUNDAY if local.date() in closed else local.weekday()
    return dow * 24 + local.hour


def pooled(cell: int) -> int:
    """Return the pooled cell (0-47) of an hour of the week."""
    return cell % 24 if cell < WORKING_DAYS * 24 else 24 + cell % 24


@dataclass(frozen=True, slots=True)
class ActivityProfile:
    """Arrivals by pooled cell as they weighed in `week`, and how many were `seen` in all.

    A year-old question says little about today: each week that passes takes its share, when the
    profile is next touched.
    """

    counts: tuple[float, ...] = (0.0,) * 48
    seen: int = 0
    week: int = 0

    def decayed(self, week: int) -> ActivityProfile:
        """Return the same arrivals as they weigh in `week`; an earlier week changes nothing."""
        if week <= self.week:
            return self
        kept = 0.5 ** ((week - self.week) / HALF_LIFE_WEEKS)
        return replace(self, counts=tuple(count * kept for count in self.counts), week=week)

    def added(
        self, at: datetime, zone: ZoneInfo, closed: AbstractSet[date] = frozenset()
    ) -> ActivityProfile:
        """Return the profile with one more question, posted at `at`."""
        local = at.astimezone(zone)
        now = self.decayed(week_of(local.date()))
        counts = list(now.counts)
        counts[pooled(hour_of_week(local, closed))] += 1.0
        return ActivityProfile(tuple(counts), now.seen + 1, now.week)

    def rel(self, cell: int) -> float:
        """Return the arrivals of an hour of the week (0-167), 1.0 being the mean hour's."""
        index = pooled(cell)
        days = WORKING_DAYS if index < 24 else 7 - WORKING_DAYS
        flat = sum(self.counts) * days / HOURS
        return (self.counts[index] + PSEUDO_QUESTIONS) / (flat + PSEUDO_QUESTIONS)

    def week_rel(self) -> tuple[float, ...]:
        """Return `rel` of each hour of the week, for a chart."""
        working, weekend = [
            tuple(self.rel(dow * 24 + hour) for hour in range(24)) for dow in (0, SUNDAY)
        ]
        return working * WORKING_DAYS + weekend * (7 - WORKING_DAYS)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """One week of UTC: where each run of peak or quiet hours starts, and which of both it is."""

    starts: tuple[datetime, ...]
    peaks: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class PeakMap:
    """The peak hours of the week, laid on the real hours of a zone with its closed dates.

    Each week is laid out once and kept, so that a question costs a bisect.
    """

    cells: frozenset[int]
    zone: ZoneInfo
    closed: frozenset[date] = frozenset()
    _weeks: dict[int, _Stretch] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse an hour that no week has (ValueError)."""
        if any(not 0 <= cell < HOURS for cell in self.cells):
            raise ValueError(self.cells)

    def is_peak(self, at: datetime) -> bool:
        """Say whether `at` lies in a peak hour."""
        stretch = self._stretch((at - _EPOCH) // _WEEK)
        return stretch.peaks[bisect_right(stretch.starts, at) - 1]

    def next_change(self, at: datetime) -> datetime | None:
        """Return the first instant after `at` at which a peak starts or ends, if there is one."""
        if len(self.cells) in {0, HOURS}:
            return None
        week = (at - _EPOCH) // _WEEK
        stretch = self._stretch(week)
        index = bisect_right(stretch.starts, at)
        peak = stretch.peaks[index - 1]
        # A week after the last closed date has both kinds of hours, so that this ends.
        while index == len(stretch.starts):
            week += 1
            stretch = self._stretch(week)
            index = 1 if stretch.peaks[0] == peak else 0
        return stretch.starts[index]

    def next_nonpeak(self, at: datetime) -> datetime:
        """Return the first instant from `at` on that is no peak.

        Where every hour is a peak there is no quieter one to wait for: it is `at` itself.
        """
        change = self.next_change(at) if self.is_peak(at) else None
        return at if change is None else change

    def _stretch(self, week: int) -> _Stretch:
        known = self._weeks.get(week)
        if known is None:
            known = self._weeks[week] = self._laid_out(_EPOCH + week * _WEEK)
        return known

    def _laid_out(self, start: datetime) -> _Stretch:
        at, end = start, start + _WEEK
        starts: list[datetime] = []
        peaks: list[bool] = []
        while at < end:
            peak = hour_of_week(at.astimezone(self.zone), self.closed) in self.cells
            if not peaks or peaks[-1] is not peak:
                starts.append(at)
                peaks.append(peak)
            at = _next_hour(at, self.zone)
        return _Stretch(tuple(starts), tuple(peaks))


def _next_hour(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the local hour of `at` ends: on the clock's hour, or where the clock jumps."""
    local = at.astimezone(zone)
    same, other = 0, 3600 - local.minute * 60 - local.second
    later = (at + timedelta(seconds=other)).astimezone(zone)
    if later.utcoffset() != local.utcoffset():
        while other - same > 1:  # clocks jump on a whole second
            middle = (same + other) // 2
            if (at + timedelta(seconds=middle)).astimezone(zone).utcoffset() == local.utcoffset():
                same = middle
            else:
                other = middle
    return at + timedelta(seconds=other)


def pinned(cells: AbstractSet[int], pins: Mapping[int, bool]) -> frozenset[int]:
    """Return the peaks as the organizer's pins leave them: a pin always wins."""
    free = frozenset(cell for cell in cells if cell not in pins)
    return free | frozenset(cell for cell, peak in pins.items() if peak)


def classify(
    profile: ActivityProfile,
    previous: AbstractSet[int],
    pins: Mapping[int, bool],
    organizer: AbstractSet[int] = ORGANIZER_PEAKS,
) -> frozenset[int]:
    """Return the peak hours of the week to come.

    An hour that was a peak in `previous` stays one down to LEAVE_PEAK, another becomes one from
    ENTER_PEAK: people need habits. Until LEARN_FROM questions are seen the organizer's hold.
    """
    if profile.seen < LEARN_FROM:
        return pinned(organizer, pins)
    learned = {
        cell
        for cell, rel in enumerate(profile.week_rel())
        if rel >= (LEAVE_PEAK if cell in previous else ENTER_PEAK)
    }
    return pinned(learned, pins)


@dataclass(frozen=True, slots=True)
class Change:
    """Hours of one weekday (0 is Monday), from `start_hour` until `end_hour`, that changed."""

    dow: int
    start_hour: int
    end_hour: int
    is_peak: bool


def changes(old: AbstractSet[int], new: AbstractSet[int]) -> tuple[Change, ...]:
    """Return what to publish when the peaks change: runs of hours in the order of the week."""
    found: list[Change] = []
    for cell in sorted(old ^ new):
        dow, hour = divmod(cell, 24)
        last = found[-1] if found else None
        if last and (last.dow, last.end_hour, last.is_peak) == (dow, hour, cell in new):
            found[-1] = replace(last, end_hour=hour + 1)
        else:
            found.append(Change(dow, hour, hour + 1, cell in new))
    return tuple(found)
