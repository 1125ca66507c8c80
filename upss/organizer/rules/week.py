"""The peaks of the week as an organizer looks at them: as stretches of hours, and where each is from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from upss.forum.rules.activity import HOURS, LEARN_FROM
from upss.forum.rules.dials import Dials, PeakSource
from upss.forum.rules.windows import DAYS_BY_NAME, Window, merged

DAY_HOURS = 24


class Origin(StrEnum):
    """Where it comes from that an hour of the week is a peak, or is none."""

    OWN = "own"  # the organizer's own peaks
    LEARNED = "learned"  # the arrivals
    PINNED = "pinned"  # a pin says it is one
    UNPINNED = "unpinned"  # a pin says it is none


class What(StrEnum):
    """What an organizer does to some hours of the week."""

    PIN_PEAK = "pin_peak"
    PIN_QUIET = "pin_quiet"
    FREE = "free"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hours of one day, from `start` until `end`, with the same figures in each of them."""

    start: int
    end: int
    asked: int
    answered: int
    is_peak: bool


def cells_of(days: str, start: int, end: int) -> frozenset[int]:
    """Return the hours of the week from hour `start` until `end` on some days.

    `days` is a weekday "0" to "6", or "all", "weekdays", "weekend". An earlier or equal end is on
    the day after. Raises KeyError for other days.
    """
    length = (end - start) % DAY_HOURS or DAY_HOURS
    return frozenset(
        (dow * DAY_HOURS + start + hour) % HOURS
        for dow in DAYS_BY_NAME[days]
        for hour in range(length)
    )


def windows_of(cells: Iterable[int]) -> tuple[Window, ...]:
    """Return hours of the week as windows, none over midnight of which no hour lies beyond it."""
    return merged(Window(cell // DAY_HOURS, cell % DAY_HOURS * 60, 60) for cell in cells)


def origins(dials: Dials, seen: int) -> dict[Origin, frozenset[int]]:
    """Return the hours of the week by where it comes from that they are a peak, or none.

    `seen` is how many questions the site has seen: as long as they are few nothing is learned.
    Hours that are no peak without a pin are left out.
    """
    pins = dials.pins if dials.peak_source is PeakSource.PINNED else {}
    is_own = dials.peak_source is PeakSource.FIXED or seen < LEARN_FROM
    free = dials.peaks - pins.keys()
    found = {
        Origin.OWN if is_own else Origin.LEARNED: free,
        Origin.PINNED: frozenset(cell for cell, is_peak in pins.items() if is_peak),
        Origin.UNPINNED: frozenset(cell for cell, is_peak in pins.items() if not is_peak),
    }
    return {origin: cells for origin, cells in found.items() if cells}


def turned(dials: Dials, cells: frozenset[int], what: What) -> dict[str, object]:
    """Return the dials' columns that change when an organizer does `what` to these hours."""
    if what is What.ADD:
        return {"fixed_cells": sorted(dials.fixed_cells | cells)}
    if what is What.REMOVE:
        return {"fixed_cells": sorted(dials.fixed_cells - cells)}
    pins = {cell: is_peak for cell, is_peak in dials.pins.items() if cell not in cells}
    if what is not What.FREE:
        pins |= dict.fromkeys(cells, what is What.PIN_PEAK)
    return {"pins": [[cell, is_peak] for cell, is_peak in sorted(pins.items())]}


def day_in_stretches(
    dow: int, asked: Sequence[int], answered: Sequence[int], peaks: frozenset[int]
) -> list[Stretch]:
    """Return the 24 hours of a weekday, those that follow each other with the same figures as one."""
    found: list[Stretch] = []
    for hour in range(DAY_HOURS):
        cell = dow * DAY_HOURS + hour
        figures = (asked[cell], answered[cell], cell in peaks)
        last = found[-1] if found else None
        if last and (last.asked, last.answered, last.is_peak) == figures:
            found[-1] = Stretch(last.start, hour + 1, *figures)
        else:
            found.append(Stretch(hour, hour + 1, *figures))
    return found
