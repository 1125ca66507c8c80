"""The periods over which a person's own limits count, in the calendar where that person lives."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


class Period(StrEnum):
    """Weeks start on Monday; `ROLLING` and `TAX_YEAR` need a length and a first day."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    ROLLING = "rolling_n_days"
    TAX_YEAR = "tax_year"


_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}


class Span(NamedTuple):
    """Whole local days: `end` is the first day that is no longer in it."""

    start: date
    end: date


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """Return the person's calendar day at an instant."""
    return at.astimezone(zone).date()


def span_of(period: Period, on: date, *, days: int = 0, anchor: tuple[int, int] = (1, 1)) -> Span:
    """Return the period that holds `on`; a rolling one is the `days` days up to `on`.

    `anchor` is the month and day on which a tax year starts. In a year without that day (29
    February) it starts on the last day of that month.
    """
    match period:
        case Period.DAY:
            return Span(on, on + _DAY)
        case Period.WEEK:
            monday = on - on.weekday() * _DAY
            return Span(monday, monday + 7 * _DAY)
        case Period.ROLLING:
            return Span(on - (days - 1) * _DAY, on + _DAY)
        case Period.TAX_YEAR:
            year = on.year if on >= _anchored(on.year, anchor) else on.year - 1
            return Span(_anchored(year, anchor), _anchored(year + 1, anchor))
        case _:
            return _months(on, _MONTHS[period])


def _months(on: date, number: int) -> Span:
    first = (on.month - 1) // number * number
    after = first + number
    return Span(date(on.year, first + 1, 1), date(on.year + after // 12, after % 12 + 1, 1))


def _anchored(year: int, anchor: tuple[int, int]) -> date:
    month, day = anchor
    return date(year, month, min(day, monthrange(year, month)[1]))
