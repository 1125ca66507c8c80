"""The hours of the week in words: peaks, where they are from, pins, closed days, what changes of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

from upss.forum import labels
from upss.forum.rules.activity import LEARN_FROM
from upss.forum.rules.dials import Dials, PeakSource
from upss.organizer.rules.week import Origin, Stretch, What, windows_of
from upss.web.i18n import N_, gettext

if TYPE_CHECKING:
    from upss.forum.models_offpeak import OffpeakVersion
    from upss.organizer.forms_week import Columns
    from upss.organizer.queries.week import Standing, Version

__all__ = ["LEARN_FROM"]

Choice = tuple[str, str, str | None]

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


def whats() -> list[Choice]:
    """Return (value, name, meaning) of all that can be done to hours."""
    return choices(_WHAT)


def choices(words: Mapping[Any, tuple[str, str | None]]) -> list[Choice]:
    """Return (value, name, meaning or None) of each."""
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


def day_name(dow: int) -> str:
    """Return the name of a weekday (0 = Monday) as it begins a line."""
    name = labels.day_name(dow)
    return name[:1].upper() + name[1:]


def hours_of(stretch: Stretch) -> str:
    """Write the hours of a stretch: "09:00 to 14:00"."""
    return labels.from_to(stretch.start * 60, (stretch.end - stretch.start) * 60)


def hour_options(first: int) -> list[tuple[int, str]]:
    """Return 24 hours of the day to choose among, from hour `first` on."""
    return [(hour, labels.clock_label(hour * 60)) for hour in range(first, first + 24)]


def pins_mean(dials: Dials) -> str:
    """Say when a pin counts."""
    if dials.peak_source is PeakSource.PINNED:
        return gettext("A pinned hour stays as you want it until you take its pin off.")
    return gettext(
        "Pins count only while the peaks are “%(source)s”.",
        source=gettext("Learned, with your pins"),
    )


def own_mean(dials: Dials, seen: int) -> str:
    """Say whether the organizer's own peaks count."""
    if dials.peak_source is not PeakSource.FIXED and seen >= LEARN_FROM:
        return gettext(
            "Your own peaks do not count now: the site has seen enough questions to learn."
        )
    return gettext("Your own peaks count at once.")


def days_listed(days: Collection[date]) -> list[tuple[date, date]]:
    """Return dates as runs of days that follow each other: (first, last)."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and (day - found[-1][1]).days == 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def moved_days(row: OffpeakVersion, changes: Columns) -> list[tuple[str, list[tuple[date, date]]]]:
    """Return what happens to closed days: (what, runs of days)."""
    before = set(row.closed_dates)
    after = set(cast("Iterable[date]", changes.get("closed_dates", before)))
    told = [
        (gettext("These days become closed"), after - before),
        (gettext("These days are open again"), before - after),
    ]
    return [(what, days_listed(days)) for what, days in told if days]


def moved_hours(row: OffpeakVersion, changes: Columns) -> list[tuple[str, list[str]]]:
    """Return what happens to pins and own peaks: (what, lines of hours)."""
    own = set(row.fixed_cells)
    own_after = set(cast("Iterable[int]", changes.get("fixed_cells", own)))
    pins = _pins(row.pins)
    pins_after = _pins(cast("Iterable[Sequence[int]]", changes.get("pins", row.pins)))
    told = [
        (gettext("Added to your own peaks"), own_after - own),
        (gettext("Taken out of your own peaks"), own - own_after),
        (gettext("Pinned as a peak"), pins_after[True] - pins[True]),
        (gettext("Pinned as no peak"), pins_after[False] - pins[False]),
        (gettext("No longer pinned"), _either(pins) - _either(pins_after)),
    ]
    return [(what, hours_listed(cells)) for what, cells in told if cells]


def _either(pins: Mapping[bool, set[int]]) -> set[int]:
    return pins[True] | pins[False]


def _pins(stored: Iterable[Sequence[int]]) -> Mapping[bool, set[int]]:
    """Return the pinned hours by whether they are a peak."""
    pins = [(cell, bool(is_peak)) for cell, is_peak in stored]
    return {kind: {cell for cell, is_peak in pins if is_peak is kind} for kind in (True, False)}
