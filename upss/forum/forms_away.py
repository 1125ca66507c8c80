"""What an answerer types about being away, and the words for what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from flask import request

from upss.forum.rules.windows import Interval, first_instant, zone
from upss.web.dates import too_far, typed_day
from upss.web.i18n import gettext

Errors = list[tuple[str, str]]


def typed_pause(zone_name: str, now: datetime) -> tuple[str, datetime | None, Errors]:
    """Read the day on which somebody is back: what was typed, its first instant, errors."""
    typed = request.form.get("back_on", "").strip()
    day = typed_day(typed)
    if day is None:
        return typed, None, [("back_on", gettext("Write the day on which you are back"))]
    today = now.astimezone(zone(zone_name)).date()
    fault = too_far(day, today)
    if fault or day <= today:
        past = gettext("That day is not in the future. Write a day after today.")
        return typed, None, [("back_on", fault or past)]
    return typed, _midnight(day, zone_name), []


def typed_absence(
    zone_name: str, now: datetime
) -> tuple[Mapping[str, str], Interval | None, Errors]:
    """Read the first and last day of an absence: what was typed, its time, errors."""
    typed = {name: request.form.get(name, "").strip() for name in ("first", "last")}
    first, last = typed_day(typed["first"]), typed_day(typed["last"])
    errors: Errors = []
    if first is None:
        errors.append(("first", gettext("Write the first day on which you are away")))
    if last is None:
        errors.append(("last", gettext("Write the last day on which you are away")))
    if first is None or last is None:
        return typed, None, errors
    if last < first:
        return typed, None, [("last", gettext("The last day is before the first day"))]
    today = now.astimezone(zone(zone_name)).date()
    if last < today:
        return typed, None, [("last", gettext("These days are over. Write days to come."))]
    fault = too_far(last, today)
    if fault:
        return typed, None, [("last", fault)]
    start = now if first <= today else _midnight(first, zone_name)
    return typed, Interval(start, _midnight(last + timedelta(days=1), zone_name)), []


def _midnight(day: date, zone_name: str) -> datetime:
    return first_instant(datetime(day.year, day.month, day.day), zone(zone_name))  # noqa: DTZ001
