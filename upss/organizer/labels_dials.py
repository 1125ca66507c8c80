"""The dials in words: what each position means, what a turn of them changes, what a trial found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal

from upss.forum import labels
from upss.forum.rules.dials import Dials, PeakSource
from upss.forum.rules.policy import Mode
from upss.organizer.forms_week import LONGEST, MARGINS, SURCHARGES, URGENCIES
from upss.organizer.labels_peaks import Choice, choices, own_mean, pins_mean
from upss.web.filters import format_rate
from upss.web.i18n import N_, catalogue, gettext, ngettext

if TYPE_CHECKING:
    from upss.forum.models_offpeak import OffpeakVersion
    from upss.forum.rules.policy import Policy
    from upss.organizer.forms_week import Columns
    from upss.organizer.models import DialPosition

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
_DIALS = {
    "mode": N_("What a peak does"),
    "urgency": N_("When a question is urgent"),
    "margin": N_("Margin of promises"),
    "max_promise_hours": N_("Longest promise"),
    "peak_source": N_("Where peaks come from"),
    "express": N_("A quicker answer"),
    "express_percent": N_("What a quicker answer costs more"),
    "closed_dates": N_("Closed days"),
    "fixed_cells": N_("Your own peaks"),
    "pins": N_("Pins"),
}


def modes() -> list[Choice]:
    """Return (value, name, meaning) of each mode."""
    return choices(_MODES)


def sources() -> list[Choice]:
    """Return (value, name, meaning) of each source of peaks."""
    return choices(_SOURCES)


def dials_listed(row: OffpeakVersion) -> list[tuple[str, str]]:
    """Return (name, position) of the dials in force."""
    shown = ["mode", "urgency", "margin", "max_promise_hours", "peak_source", "express"]
    shown += ["express_percent", "closed_dates"] if row.express else ["closed_dates"]
    return [(dial_name(name), value(name, getattr(row, name))) for name in shown]


def urgency_options(now: str) -> list[tuple[str, str]]:
    """Return the positions of the urgency dial, the one in force among them."""
    return [(str(each), urgency(each / 100)) for each in labels.with_own(now, URGENCIES)]


def margin_options(now: str) -> list[tuple[str, str]]:
    """Return the margins to choose among, the one in force among them."""
    return [(str(each), percent(each / 100)) for each in labels.with_own(now, MARGINS)]


def longest_options(now: str) -> list[tuple[str, str]]:
    """Return the longest promises to choose among, in hours, the one in force among them."""
    return [(str(each), longest(each)) for each in labels.with_own(now, LONGEST)]


def express_options(now: str) -> list[tuple[str, str]]:
    """Return what a quicker answer may cost more, the present one among it; "0": none is sold."""
    return [
        (
            str(each),
            gettext("For %(share)s more", share=percent(each / 100))
            if each
            else value("express", stored=False),
        )
        for each in labels.with_own(now, SURCHARGES)
    ]


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


def _sold(stored: bool) -> str:  # noqa: FBT001 - what a column holds
    return gettext("Sold") if stored else gettext("Not sold")


def _percent_more(stored: int) -> str:
    return percent(stored / 100)


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
    "express": _sold,
    "express_percent": _percent_more,
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
        "express": lambda: _express_means(dials),
        "express_percent": lambda: gettext(
            "A quicker answer costs %(share)s of the price more. Offers that were made stand.",
            share=percent(dials.express_percent / 100),
        ),
        "closed_dates": lambda: gettext(
            "On closed days nobody is counted on, so promises end later. Questions can still be asked."
        ),
        "pins": lambda: pins_mean(dials),
        "fixed_cells": lambda: own_mean(dials, seen),
    }
    names = list(changes)
    if dials.policy.express and "express" in names and "express_percent" not in names:
        names.insert(names.index("express") + 1, "express_percent")  # who agrees has read the price
    return [said[name]() for name in names]


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


def _express_means(dials: Dials) -> str:
    if not dials.policy.express:
        return gettext("No quicker answer is sold. What was sold keeps its promise and its place.")
    return gettext(
        "Who asks may buy a quicker answer: at most one question in five, and only where it takes at most %(share)s of the usual time. It comes first in every queue and waits for no quieter hour, so others wait a little longer. If it is late, what it cost more goes back by itself.",
        share=percent(dials.policy.express_ratio),
    )


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
