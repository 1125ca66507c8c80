"""One person's declared hours: when they may be counted on, and when they want no message."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import ClassVar
from zoneinfo import ZoneInfo

from upss.forum.rules.capacity import HORIZON
from upss.forum.rules.windows import (
    DAY,
    MOST_WINDOWS,
    Interval,
    Window,
    ZoneUnknown,
    contains,
    each_occurrence,
    first_instant,
    joined_up,
    occurrences,
    subtract,
    zone,
)
from upss.kernel.errors import DomainError

DAILY_MINUTES_LEAST, DAILY_MINUTES_MOST = 15, 480

_EVERY_DAY = range(7)
_WEEKDAYS = range(5)
_MAIL_LASTS = timedelta(hours=1)
_EVER = datetime(1, 1, 1, tzinfo=UTC)


class HoursRefused(DomainError):
    """The fact `reason` is the first of the fact `faults`.

    They are: zone, empty (no window is left), too_many, pause_in_past, quiet, rest_days,
    daily_minutes, daily_answers.
    """

    code = "hours_refused"
    status: ClassVar[int] = 422


@dataclass(frozen=True, slots=True)
class Hours:
    """What somebody declared, in their own time zone; the windows as `check_windows` returns them.

    Quiet hours from a minute of the day to the same minute are none. Rest days are weekdays
    (0 = Monday): a window that starts on one does not take place. `daily_answers` None: any
    number. A pause counts from always until `paused_until`.
    """

    windows: tuple[Window, ...]
    zone: str
    quiet_start_min: int = 22 * 60
    quiet_end_min: int = 8 * 60
    absences: tuple[Interval, ...] = ()
    paused_until: datetime | None = None
    rest_days: frozenset[int] = frozenset()
    daily_minutes: int = 120
    daily_answers: int | None = None


def check_hours(hours: Hours, *, now: datetime) -> None:
    """Raise `HoursRefused` with every fault at once, or return."""
    tests = {
        "zone": is_zone(hours.zone),
        "empty": bool(_own_windows(hours)),
        "too_many": len(hours.windows) <= MOST_WINDOWS,
        "pause_in_past": hours.paused_until is None or hours.paused_until > now,
        "quiet": 0 <= hours.quiet_start_min < DAY and 0 <= hours.quiet_end_min < DAY,
        "rest_days": hours.rest_days <= frozenset(_EVERY_DAY),
        "daily_minutes": DAILY_MINUTES_LEAST <= hours.daily_minutes <= DAILY_MINUTES_MOST,
        "daily_answers": hours.daily_answers is None or hours.daily_answers >= 1,
    }
    faults = tuple(name for name, is_fine in tests.items() if not is_fine)
    if faults:
        raise HoursRefused(reason=faults[0], faults=faults)


def is_zone(name: str) -> bool:
    """Return whether that is the name of a time zone."""
    try:
        zone(name)
    except ZoneUnknown:
        return False
    return True


def available(
    hours: Hours, start: datetime, end: datetime, closed: AbstractSet[date] = frozenset()
) -> tuple[Interval, ...]:
    """Return the open time in [start, end): the windows without rest days, absences and pause.

    A window that starts on a date in `closed`, in the person's zone, does not take place.
    """
    open_time = occurrences(_own_windows(hours), zone(hours.zone), start, end, closed)
    return subtract(open_time, _away(hours))


def is_open(hours: Hours, at: datetime, closed: AbstractSet[date] = frozenset()) -> bool:
    """Return whether `at` is in the person's available time."""
    return not is_away(hours, at) and contains(_own_windows(hours), zone(hours.zone), at, closed)


def is_away(hours: Hours, at: datetime) -> bool:
    """Return whether the person is paused or absent, whatever the windows say."""
    return any(away.start <= at < away.end for away in _away(hours))


def away_until(hours: Hours, at: datetime) -> datetime | None:
    """Return when somebody who is away at `at` is back, None if they are not away.

    What touches counts as one: a pause until Monday and an absence from Monday on.
    """
    around = (away for away in joined_up(_away(hours)) if away.start <= at < away.end)
    return next((away.end for away in around), None)


def is_quiet(hours: Hours, at: datetime) -> bool:
    """Return whether the person wants no message at `at`."""
    return contains(_quiet_windows(hours), zone(hours.zone), at)


def quiet_time(hours: Hours, start: datetime, end: datetime) -> tuple[Interval, ...]:
    """Return the quiet hours in [start, end); for many questions ask this once, then `covers`."""
    return occurrences(_quiet_windows(hours), zone(hours.zone), start, end)


def reachable_until(
    hours: Hours, at: datetime, closed: AbstractSet[date] = frozenset()
) -> datetime | None:
    """Return until when a mail sent now may still arrive, an hour at most; None: send none.

    It may arrive in the person's available time outside quiet hours.
    """
    end = at + _MAIL_LASTS
    free = subtract(available(hours, at, end, closed), quiet_time(hours, at, end))
    return free[0].end if free and free[0].start == at else None


def end_of_window(
    hours: Hours, at: datetime, closed: AbstractSet[date] = frozenset()
) -> datetime | None:
    """Return the end of the available time around `at`, else of the next; None: none in 5 weeks."""
    ahead = available(hours, at, at + HORIZON, closed)
    return ahead[0].end if ahead else None


def end_of_next_window(
    hours: Hours, at: datetime, closed: AbstractSet[date] = frozenset()
) -> datetime | None:
    """Return the end of the next own window that starts after `at`; None: none in 5 weeks.

    Windows are taken one by one, so that for somebody whose hours never end this is the end of
    tomorrow. An absence ends a window early.
    """
    own, horizon = _own_windows(hours), at + HORIZON
    for window in sorted(each_occurrence(own, zone(hours.zone), at, horizon, closed)):
        left = subtract((window,), _away(hours)) if window.start > at else ()
        if left and left[0].start < horizon:
            return left[0].end
    return None


def local_day(hours: Hours, at: datetime) -> tuple[datetime, datetime]:
    """Return the start and the end of the person's calendar day around `at`, in UTC.

    Days follow each other without a gap; one has 23 to 25 hours when the clock changes.
    """
    tz = zone(hours.zone)
    day = at.astimezone(tz).date()
    start, end = _midnight(day, tz), _midnight(day + timedelta(days=1), tz)
    if at >= end:  # the clock was set back over midnight: it is yesterday again
        return end, _midnight(day + timedelta(days=2), tz)
    return start, end


def _midnight(day: date, tz: ZoneInfo) -> datetime:
    return first_instant(datetime(day.year, day.month, day.day), tz)  # noqa: DTZ001


def _own_windows(hours: Hours) -> tuple[Window, ...]:
    return tuple(window for window in hours.windows if window.dow not in hours.rest_days)


def _quiet_windows(hours: Hours) -> tuple[Window, ...]:
    length = (hours.quiet_end_min - hours.quiet_start_min) % DAY
    if not length:
        return ()
    return tuple(Window(dow, hours.quiet_start_min, length) for dow in _EVERY_DAY)


def _away(hours: Hours) -> tuple[Interval, ...]:
    if hours.paused_until is None:
        return hours.absences
    return (*hours.absences, Interval(_EVER, hours.paused_until.astimezone(UTC)))


def _weekly(days: range, start_h: int, end_h: int) -> tuple[Window, ...]:
    return tuple(Window(dow, start_h * 60, (end_h - start_h) * 60) for dow in days)


PRESETS: Mapping[str, tuple[Window, ...]] = MappingProxyType(
    {
        "early": _weekly(_WEEKDAYS, 6, 9),
        "mornings": _weekly(_WEEKDAYS, 9, 13),
        "afternoons": _weekly(_WEEKDAYS, 14, 18),
        "evenings": _weekly(_WEEKDAYS, 19, 23),
        "nights": _weekly(_EVERY_DAY, 22, 26),
        "weekends": _weekly(range(5, 7), 10, 20),
    }
)
