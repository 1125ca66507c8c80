"""The week in words: what each dial means, which hours are meant, what a change does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal

from upss.forum import labels
from upss.forum.rules.activity import LEARN_FROM
from upss.forum.rules.dials import Dials, PeakSource
from upss.forum.rules.policy import Mode
from upss.organizer.forms_week import DAYS, LONGEST, MARGINS, URGENCIES
from upss.organizer.rules.week import Origin, Stretch, What, windows_of
from upss.web.filters import format_rate
from upss.web.i18n import N_, catalogue, gettext, ngettext

if TYPE_CHECKING:
    from upss.forum.models_offpeak import OffpeakVersion
    from upss.forum.rules.policy import Policy
    from upss.organizer.forms_week import Columns
    from upss.organizer.models import DialPosition
    from upss.organizer.queries.week import Standing, Version

Choice = tuple[str, str, str | None]

_MODES = {
    Mode.OPEN: (N_("Always open"), N_("Every question can be answered at once, in peaks too.")),
    Mode.DEFERRED: (
        N_("Deferred"),
        N_("A question that comes in a peak waits for a quieter hour, or until it is urgent."),
    ),
    Mode.STRICT: (
        N_("Strict"),
        N_("A question that comes in a peak waits for a quieter hour, even if it is urgent."),
    ),
}
_SOURCES = {
    PeakSource.FIXED: (N_("Your own peaks"), N_("Only the hours that you write down are peaks.")),
    PeakSource.LEARNED: (
        N_("Learned"),
        N_("Once a week the site learns from the questions which hours are peaks."),
    ),
    PeakSource.PINNED: (
        N_("Learned, with your pins"),
        N_("Likewise, but the hours that you pin stay as you want them."),
    ),
}
_ORIGINS = {
    Origin.OWN: N_("Your own peaks"),
    Origin.LEARNED: N_("Learned from the questions"),
    Origin.PINNED: N_("Pinned as a peak"),
    Origin.UNPINNED: N_("Pinned as no peak"),
}
_WHAT = {
    What.PIN_PEAK: (N_("Pin them as a peak"), N_("They are a peak, whatever is learned.")),
    What.PIN_QUIET: (N_("Pin them as no peak"), N_("They are no peak, whatever is learned.")),
    What.FREE: (N_("Take the pins off"), N_("What is learned counts again.")),
    What.ADD: (
        N_("Add them to your own peaks"),
        N_("Your own peaks count while the site has not seen enough questions."),
    ),
    What.REMOVE: (N_("Take them out of your own peaks"), None),
}
_DAYS = {
    "weekdays": N_("Monday to Friday"),
    "weekend": N_("Saturday and Sunday"),
    "all": N_("Every day"),
}
_DIALS = {
    "mode": N_("What a peak does"),
    "urgency": N_("When a question is urgent"),
    "margin": N_("Margin of promises"),
    "max_promise_hours": N_("Longest promise"),
    "peak_source": N_("Where peaks come from"),
    "closed_dates": N_("Closed days"),
    "fixed_cells": N_("Your own peaks"),
    "pins": N_("Pins"),
}


def modes() -> list[Choice]:
    """Return (value, name, meaning) of each mode."""
    return _choices(_MODES)


def sources() -> list[Choice]:
    """Return (value, name, meaning) of each source of peaks."""
    return _choices(_SOURCES)


def whats() -> list[Choice]:
    """Return (value, name, meaning) of all that can be done to hours."""
    return _choices(_WHAT)


def _choices(words: Mapping[Any, tuple[str, str | None]]) -> list[Choice]:
    return [
        (str(value), gettext(name), gettext(more) if more else None)
        for value, (name, more) in words.items()
    ]


def origin_name(origin: Origin) -> str:
    """Return where peaks come from, in words."""
    return gettext(_ORIGINS[origin])


def hours_listed(cells: Iterable[int]) -> list[str]:
    """Write hours of the week as lines: "Monday to Friday: 9:00 to 14:00 and 17:00 to 21:00"."""
    return labels.week_listed(windows_of(cells))


def bars_of(cells: Iterable[int]) -> list[Sequence[tuple[int, int]]]:
    """Return the hours of each day as (start, length) in minutes, to be drawn."""
    return [day.bars for day in labels.week_drawn(windows_of(cells), ())]


def changes_listed(changes: Sequence[Sequence[int]]) -> dict[bool, list[str]]:
    """Return what an entry of the log says: the hours that became a peak, and those no longer."""
    return {
        is_peak: hours_listed(
            dow * 24 + hour
            for dow, start, end, now_peak in changes
            if bool(now_peak) is is_peak
            for hour in range(start, end)
        )
        for is_peak in (True, False)
    }


def pins_listed(
    standing: Standing, cells: Iterable[int]
) -> list[tuple[str | None, datetime, list[str]]]:
    """Return pinned hours by who pinned them and when: (name, time, lines)."""
    found: dict[int, tuple[Version, list[int]]] = {}
    for cell in sorted(cells):
        version = standing.pinned_by(cell)
        found.setdefault(version.id, (version, []))[1].append(cell)
    return [(each.by, each.at, hours_listed(mine)) for each, mine in found.values()]


def dials_listed(row: OffpeakVersion) -> list[tuple[str, str]]:
    """Return (name, position) of the dials in force."""
    shown = ("mode", "urgency", "margin", "max_promise_hours", "peak_source", "closed_dates")
    return [(dial_name(name), value(name, getattr(row, name))) for name in shown]


def day_name(dow: int) -> str:
    """Return the name of a weekday (0 = Monday) as it begins a line."""
    name = labels.day_name(dow)
    return name[:1].upper() + name[1:]


def hours_of(stretch: Stretch) -> str:
    """Write the hours of a stretch: "09:00 to 14:00"."""
    return labels.from_to(stretch.start * 60, (stretch.end - stretch.start) * 60)


def day_options() -> list[tuple[str, str]]:
    """Return the days to choose among."""
    return [(each, gettext(_DAYS[each]) if each in _DAYS else day_name(int(each))) for each in DAYS]


def hour_options(first: int) -> list[tuple[int, str]]:
    """Return 24 hours of the day to choose among, from hour `first` on."""
    return [(hour, labels.clock_label(hour * 60)) for hour in range(first, first + 24)]


def urgency_options(now: str) -> list[tuple[str, str]]:
    """Return the positions of the urgency dial, the one in force among them."""
    return [(str(each), urgency(each / 100)) for each in _with(now, URGENCIES)]


def margin_options(now: str) -> list[tuple[str, str]]:
    """Return the margins to choose among, the one in force among them."""
    return [(str(each), percent(each / 100)) for each in _with(now, MARGINS)]


def longest_options(now: str) -> list[tuple[str, str]]:
    """Return the longest promises to choose among, in hours, the one in force among them."""
    return [(str(each), longest(each)) for each in _with(now, LONGEST)]


def _with(now: str, usual: Iterable[int]) -> list[int]:
    own = {int(now)} if now.isascii() and now.isdecimal() and len(now) < 4 else set()
    return sorted({*usual, *own})


def percent(share: float) -> str:
    """Write a share as the language writes percentages."""
    return format_rate(round(share * 10_000), catalogue().code)


def urgency(share: float) -> str:
    """Write from when a question is urgent: the dial says how much of its time is left then."""
    if share >= 1:
        return gettext("At once: peaks hold nothing back")
    if share <= 0:
        return gettext("Never before the promise ends")
    return gettext("After %(share)s of its time", share=percent(1 - share))


def longest(hours: int) -> str:
    """Write a promise's length: whole days, else hours."""
    if hours % 24:
        return labels.stretch(hours * 60)
    return ngettext("%(num)s day", "%(num)s days", hours // 24)


def value(column: str, stored: Any) -> str:
    """Write what one column of the dials says."""
    return _VALUES[column](stored)


def _mode_name(stored: str) -> str:
    return gettext(_MODES[Mode(stored)][0])


def _source_name(stored: str) -> str:
    return gettext(_SOURCES[PeakSource(stored)][0])


def _closed_days(stored: Sequence[date]) -> str:
    return ngettext("%(num)s closed day", "%(num)s closed days", len(stored))


def _hours_of_week(stored: Sequence[object]) -> str:
    return ngettext("%(num)s hour of the week", "%(num)s hours of the week", len(stored))


_VALUES: Mapping[str, Callable[[Any], str]] = {
    "mode": _mode_name,
    "urgency": urgency,
    "margin": percent,
    "max_promise_hours": longest,
    "peak_source": _source_name,
    "closed_dates": _closed_days,
    "fixed_cells": _hours_of_week,
    "pins": _hours_of_week,
}


def dial_name(column: str) -> str:
    """Return the name of a dial."""
    return gettext(_DIALS[column])


def lines(row: OffpeakVersion, changes: Columns) -> list[tuple[str, str, str]]:
    """Return each dial that changes: (name, position now, position then)."""
    return [
        (dial_name(name), value(name, getattr(row, name)), value(name, new))
        for name, new in changes.items()
    ]


def meaning(dials: Dials, changes: Columns, seen: int) -> list[str]:
    """Say in plain words what the changes do; `dials` are those that would be in force."""
    said = {
        "mode": lambda: gettext(_MODES[dials.policy.mode][1]),
        "urgency": lambda: _urgency_means(dials),
        "margin": lambda: gettext(
            "New promises leave %(margin)s more time than calculated, and more than that while few answers have been timed.",
            margin=percent(dials.policy.margin),
        ),
        "max_promise_hours": lambda: gettext(
            "What cannot be promised within %(longest)s is not sold.",
            longest=longest(round(dials.policy.max_promise.total_seconds() / 3600)),
        ),
        "peak_source": lambda: gettext(_SOURCES[dials.peak_source][1]),
        "closed_dates": lambda: gettext(
            "On closed days nobody is counted on, so promises end later. Questions can still be asked."
        ),
        "pins": lambda: pins_mean(dials),
        "fixed_cells": lambda: _own_mean(dials, seen),
    }
    return [said[name]() for name in changes]


def _urgency_means(dials: Dials) -> str:
    share = dials.policy.urgency
    if share >= 1:
        return gettext("No question waits for a quieter hour.")
    if share <= 0:
        return gettext(
            "A question that comes in a peak waits for the next quieter hour, however long it takes."
        )
    return gettext(
        "When %(share)s of its time has passed, a question that waits may be answered in a peak too.",
        share=percent(1 - share),
    )


def pins_mean(dials: Dials) -> str:
    """Say when a pin counts."""
    if dials.peak_source is PeakSource.PINNED:
        return gettext("A pinned hour stays as you want it until you take its pin off.")
    return gettext("Pins count only while the peaks are “%(source)s”.", source=gettext(_SOURCES[PeakSource.PINNED][0]))  # fmt: skip


def _own_mean(dials: Dials, seen: int) -> str:
    if dials.peak_source is not PeakSource.FIXED and seen >= LEARN_FROM:
        return gettext(
            "Your own peaks do not count now: the site has seen enough questions to learn."
        )
    return gettext("Your own peaks count at once.")


def days_listed(days: Sequence[date]) -> list[tuple[date, date]]:
    """Return dates as runs of days that follow each other: (first, last)."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and (day - found[-1][1]).days == 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def position_name(row: DialPosition) -> str:
    """Write one position of the dials: its mode, and the urgency where that matters."""
    name = gettext(_MODES[Mode(row.mode)][0])
    if row.mode != Mode.DEFERRED:
        return name
    return gettext(
        "%(mode)s, urgent after %(share)s of the time", mode=name, share=percent(1 - row.urgency)
    )


def is_position(row: DialPosition, policy: Policy) -> bool:
    """Tell whether the dials in force stand in this position."""
    if row.mode != policy.mode:
        return False
    return row.mode != Mode.DEFERRED or abs(row.urgency - policy.urgency) < 1e-9


def rounded(share: float) -> str:
    """Write a share in whole percent."""
    return percent(round(share, 2))


def hours_long(hours: float) -> str:
    """Write a time in whole hours, or in days where it is long."""
    if hours >= 72:
        return ngettext("%(num)s day", "%(num)s days", round(hours / 24))
    return ngettext("%(num)s hour", "%(num)s hours", max(round(hours), 1))


def times(ratio: float) -> str:
    """Write how many times the mean something is, with two digits."""
    return format_decimal(ratio, "0.00", locale=catalogue().code)
