"""What an organizer types about the week: dials, peaks by day and hours, closed dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import request

from upss.forum.models_offpeak import OffpeakVersion
from upss.forum.rules.dials import Dials, PeakSource
from upss.forum.rules.policy import Mode
from upss.forum.rules.windows import DAYS_BY_NAME, zone
from upss.organizer.rules.week import What, cells_of, turned
from upss.web.dates import too_far, typed_day
from upss.web.i18n import gettext as _

Errors = list[tuple[str, str]]
Columns = Mapping[str, object]

URGENCIES = range(0, 101, 10)  # percent
MARGINS = (0, 5, 10, 15, 20, 25, 30, 40, 50)  # percent
SURCHARGES = (0, 10, 20, 30, 40, 50, 75, 100)  # percent; 0: no quicker answer is sold
LONGEST = tuple(24 * days for days in (1, 2, 3, 4, 5, 7, 10, 14, 21, 30))  # hours
MOST_CLOSED = 200
_LONGEST_CLOSED = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Typed:
    """A form as it was sent: its fields, the dials' columns that would change, what is wrong."""

    fields: Mapping[str, str]
    changes: Columns
    errors: Errors


def dials_fields(row: OffpeakVersion) -> dict[str, str]:
    """Return the form of the dials as they stand."""
    return {
        "mode": row.mode,
        "urgency": _percent(row.urgency),
        "margin": _percent(row.margin),
        "longest": str(row.max_promise_hours),
        "source": row.peak_source,
        "express": str(row.express_percent if row.express else 0),
    }


def _percent(share: float) -> str:
    return str(round(share * 100))


def typed_dials(row: OffpeakVersion) -> Typed:
    """Read the form of the dials; a field as it stands changes nothing."""
    now = dials_fields(row)
    fields = {name: request.form.get(name, "") for name in now}
    errors: Errors = []
    if fields["mode"] not in set(Mode):
        errors.append(("mode", _("Choose what a peak does")))
    if not _is_within(fields["urgency"], 0, 100):
        errors.append(("urgency", _("Choose from when a question is urgent")))
    if not _is_within(fields["margin"], 0, 100):
        errors.append(("margin", _("Choose a margin")))
    if not _is_within(fields["longest"], 2, 720):
        errors.append(("longest", _("Choose the longest promise")))
    if fields["source"] not in set(PeakSource):
        errors.append(("source", _("Choose where the peaks come from")))
    if fields["express"] != "0" and not _is_within(fields["express"], 10, 100):
        errors.append(("express", _("Choose whether a quicker answer is sold")))
    if errors:
        return Typed(fields, {}, errors)
    values: dict[str, object] = {
        "mode": fields["mode"],
        "urgency": int(fields["urgency"]) / 100,
        "margin": int(fields["margin"]) / 100,
        "longest": int(fields["longest"]),
        "source": fields["source"],
    }
    columns = {"longest": "max_promise_hours", "source": "peak_source"}
    changes = {columns.get(k, k): values[k] for k in values if fields[k] != now[k]}
    percent = int(fields["express"])
    sold = {"express": percent > 0, "express_percent": percent or row.express_percent}
    changes |= {name: it for name, it in sold.items() if it != getattr(row, name)}
    return _or_nothing(fields, changes, "mode")


def typed_peaks(dials: Dials) -> Typed:
    """Read which hours of which days shall be a peak, or none."""
    fields = {name: request.form.get(name, "") for name in ("days", "start", "end", "what")}
    errors: Errors = []
    if fields["days"] not in DAYS_BY_NAME:
        errors.append(("days", _("Choose the days")))
    if not _is_within(fields["start"], 0, 23):
        errors.append(("start", _("Choose when the hours begin")))
    if not _is_within(fields["end"], 1, 24):
        errors.append(("end", _("Choose when the hours end")))
    if fields["what"] not in set(What):
        errors.append(("what", _("Choose what these hours shall be")))
    if errors:
        return Typed(fields, {}, errors)
    cells = cells_of(fields["days"], int(fields["start"]), int(fields["end"]))
    changes = turned(dials, cells, What(fields["what"]))
    same = {"fixed_cells": sorted(dials.fixed_cells), "pins": _pins(dials)}
    return _or_nothing(fields, {k: v for k, v in changes.items() if v != same[k]}, "what")


def _pins(dials: Dials) -> list[list[object]]:
    return [[cell, is_peak] for cell, is_peak in sorted(dials.pins.items())]


def typed_closed(dials: Dials, now: datetime, site_zone: str) -> Typed:
    """Read the first and last day on which the site is closed, or is open after all."""
    fields = {name: request.form.get(name, "").strip() for name in ("first", "last", "what")}
    fields["what"] = "remove" if fields["what"] == "remove" else "add"
    first, last = typed_day(fields["first"]), typed_day(fields["last"] or fields["first"])
    errors = _faults_of_days(first, last)
    if errors or first is None or last is None:
        return Typed(fields, {}, errors)
    if fields["what"] == "remove":
        left = sorted(day for day in dials.closed if not first <= day <= last)
        return _or_nothing(
            fields, {"closed_dates": left} if len(left) < len(dials.closed) else {}, "first"
        )
    errors = _faults_of_closing(first, last, now.astimezone(zone(site_zone)).date())
    if errors:
        return Typed(fields, {}, errors)
    closed = dials.closed | {
        first + timedelta(days=each) for each in range((last - first).days + 1)
    }
    if len(closed) > MOST_CLOSED:
        return Typed(fields, {}, [("first", _("There are too many closed days. Remove some."))])
    return _or_nothing(
        fields, {"closed_dates": sorted(closed)} if closed > dials.closed else {}, "first"
    )


def _faults_of_days(first: date | None, last: date | None) -> Errors:
    if first is None:
        return [("first", _("Write the first closed day"))]
    if last is None:
        return [("last", _("Write the last closed day"))]
    if last < first:
        return [("last", _("The last day is before the first day"))]
    return []


def _faults_of_closing(first: date, last: date, today: date) -> Errors:
    """Return what is wrong with days to be closed; to open them again is always possible."""
    if last < today:
        return [("last", _("These days are over. Write days to come."))]
    if last - first > _LONGEST_CLOSED:
        return [("last", _("That is more than two months. Write a shorter time."))]
    fault = too_far(last, today)
    return [("last", fault)] if fault else []


def _or_nothing(fields: Mapping[str, str], changes: Columns, field: str) -> Typed:
    """Return what was read; a form that changes nothing is told so at `field`."""
    errors = [] if changes else [(field, _("This is how it is already. Choose something else."))]
    return Typed(fields, changes, errors)


def _is_within(text: str, least: int, most: int) -> bool:
    is_number = text.isascii() and text.isdecimal() and len(text) < 4
    return is_number and least <= int(text) <= most


def number(name: str) -> int:
    """Return a number that the form carries, 0 if it carries none."""
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0
