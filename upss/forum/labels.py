"""Declared hours in words, and as bars to draw: days, times of day, stretches of work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from babel import Locale
from babel.dates import format_time
from babel.lists import format_list

from upss.forum.rules.hours import PRESETS
from upss.forum.rules.windows import DAY, DAYS_BY_NAME, Interval, Window, merged, zone
from upss.web.i18n import N_, catalogue, gettext, ngettext

_TIME = N_("HH:mm")

_PRESETS = {
    "early": N_("Early mornings"),
    "mornings": N_("Mornings"),
    "afternoons": N_("Afternoons"),
    "evenings": N_("Evenings"),
    "nights": N_("Nights"),
    "weekends": N_("Weekends"),
}


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of the drawn week.

    `times` are the windows that start on it, in words; `bars` are (start, length) in minutes of
    all that lies on it, also of a window that began on the day before.
    """

    name: str
    times: Sequence[str]
    bars: Sequence[tuple[int, int]]
    is_rest: bool


def day_name(dow: int) -> str:
    """Return the name of a weekday, 0 = Monday."""
    return _day_names(catalogue().code)[dow]


@lru_cache(maxsize=8)
def _day_names(code: str) -> Mapping[int, str]:
    return dict(Locale.parse(code).days["stand-alone"]["wide"])


def span_options() -> list[tuple[str, str]]:
    """Return the days to choose among in a form: (name, label), several at once before each one."""
    several = {
        "all": gettext("Every day"),
        "weekdays": gettext("Monday to Friday"),
        "weekend": gettext("Saturday and Sunday"),
    }
    return [
        (name, several.get(name) or _capital(day_name(days[0])))
        for name, days in DAYS_BY_NAME.items()
    ]


def with_own(now: str, usual: Iterable[int]) -> list[int]:
    """Return the usual numbers of a form, with the one in force should it be another."""
    own = {int(now)} if now.isascii() and now.isdecimal() and len(now) < 5 else set()
    return sorted({*usual, *(own - {0})})


def clock_label(minute: int) -> str:
    """Write a minute of the day as a clock shows it; the day's end is 24:00."""
    if minute == DAY:
        return "24:00"
    words = catalogue()
    return _clock(minute, words.gettext(_TIME), words.code)


@lru_cache(maxsize=2048)
def _clock(minute: int, pattern: str, code: str) -> str:
    return format_time(time(*divmod(minute, 60)), pattern, locale=code)


def from_to(start: int, length: int) -> str:
    """Write "9:00 to 13:00"; what ends after midnight reads as the clock does then."""
    if length == DAY and start == 0:
        return gettext("all day")
    end = start + length
    return gettext(
        "%(start)s to %(end)s",
        start=clock_label(start),
        end=clock_label(end if end <= DAY else end - DAY),
    )


def listed(words: Sequence[str]) -> str:
    """Join words as the language does: "a, b and c"."""
    return format_list(list(words), locale=catalogue().code)


def days_listed(days: Iterable[int]) -> str:
    """Write "Monday to Friday", "Saturday and Sunday" or "every day"."""
    wanted = sorted(days)
    if len(wanted) == 7:
        return gettext("every day")
    if len(wanted) > 2 and wanted[-1] - wanted[0] == len(wanted) - 1:
        return gettext(
            "%(first)s to %(last)s", first=day_name(wanted[0]), last=day_name(wanted[-1])
        )
    return listed([day_name(day) for day in wanted])


def week_listed(windows: Sequence[Window], rest_days: Collection[int] = ()) -> list[str]:
    """Write one line for days of the same hours: "Monday to Friday: 9:00 to 13:00"."""
    of_day: dict[int, list[tuple[int, int]]] = {}
    for window in windows:
        if window.dow not in rest_days:
            of_day.setdefault(window.dow, []).append((window.start_min, window.length_min))
    same: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for day, spans in sorted(of_day.items()):
        same.setdefault(tuple(spans), []).append(day)
    return [
        _capital(
            gettext(
                "%(days)s: %(hours)s",
                days=days_listed(days),
                hours=listed([from_to(*span) for span in spans]),
            )
        )
        for spans, days in same.items()
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def week_drawn(windows: Sequence[Window], rest_days: Collection[int]) -> list[DayRow]:
    """Return the seven days; what runs past midnight is drawn where it is, and said once."""
    bars: dict[int, list[tuple[int, int]]] = {day: [] for day in range(7)}
    times: dict[int, list[str]] = {day: [] for day in range(7)}
    for window in windows:
        if window.dow in rest_days:
            continue
        times[window.dow].append(from_to(window.start_min, window.length_min))
        over = window.start_min + window.length_min - DAY
        bars[window.dow].append((window.start_min, window.length_min - max(over, 0)))
        if over > 0:
            bars[(window.dow + 1) % 7].insert(0, (0, over))
    return [
        DayRow(
            name=_capital(day_name(day)),
            times=times[day],
            bars=_joined(of_day),
            is_rest=day in rest_days,
        )
        for day, of_day in bars.items()
    ]


def _joined(bars: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the bars of one day, those that touch as one."""
    found: list[tuple[int, int]] = []
    for start, length in sorted(bars):
        if found and start <= sum(found[-1]):
            before = found[-1][0]
            found[-1] = (before, max(sum(found[-1]), start + length) - before)
        else:
            found.append((start, length))
    return found


def week_minutes(windows: Iterable[Window], rest_days: Collection[int]) -> int:
    """Return how many minutes of a week the windows have."""
    return sum(window.length_min for window in windows if window.dow not in rest_days)


def presets() -> list[tuple[str, str, str, None]]:
    """Return (name, label, hours in words, no language of its own) of each simple choice."""
    return [
        (name, gettext(_PRESETS[name]), listed(week_listed(windows)), None)
        for name, windows in PRESETS.items()
    ]


def chosen_presets(windows: Sequence[Window]) -> list[str]:
    """Return the presets that together are exactly these windows, or none."""
    inside = [name for name, preset in PRESETS.items() if merged((*windows, *preset)) == windows]
    together = merged(window for name in inside for window in PRESETS[name])
    return inside if together == windows else []


def stretch(minutes: int) -> str:
    """Write "45 minutes", "1 hour", "2 hours and 30 minutes"."""
    hours, rest = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(ngettext("%(num)s hour", "%(num)s hours", hours))
    if rest or not hours:
        parts.append(ngettext("%(num)s minute", "%(num)s minutes", rest))
    return listed(parts)


def first_day(absence: Interval, zone_name: str) -> date:
    """Return the first day of an absence, where the person lives."""
    return absence.start.astimezone(zone(zone_name)).date()


def last_day(absence: Interval, zone_name: str) -> date:
    """Return the last day of an absence, where the person lives."""
    return (absence.end - timedelta(microseconds=1)).astimezone(zone(zone_name)).date()


def day_of(when: datetime, zone_name: str) -> date:
    """Return the day of an instant, where the person lives."""
    return when.astimezone(zone(zone_name)).date()
