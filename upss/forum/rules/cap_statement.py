"""What one limit says of each of its periods: accrued, paid, counted, reserved, remaining."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

from upss.forum.rules.cap_counters import Counter
from upss.forum.rules.cap_periods import Period, Span
from upss.forum.rules.caps import period_of, room

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayMoney:
    """What one day of a person's books earned and paid, in minor units."""

    day: date
    accrued: int
    paid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One period. `counted` is what this limit counted, by its own basis, in its own unit."""

    span: Span
    accrued: int
    paid: int
    counted: int
    reserved: int
    remaining: int


def first_day(counter: Counter, days: Sequence[DayMoney], today: date) -> date:
    """Return the first day of which there is anything to say."""
    known = [today, *counter.booked]
    return min([*known, days[0].day] if days else known)


def lines(
    counter: Counter, days: Sequence[DayMoney], today: date, *, before: date | None = None
) -> Iterator[Line]:
    """Yield the periods from the present one back to the first; `days` are in their order.

    `before` is the start of the last period that was read. Rolling periods follow one another as
    if the person had looked at the end of each.
    """
    totals = _Totals(days)
    first = first_day(counter, days, today)
    span = period_of(counter.rule, today if before is None else before - _DAY)
    is_present = before is None
    while span.end > first:
        yield _line(counter, totals, span, today if is_present else None)
        is_present = False
        span = period_of(counter.rule, span.start - _DAY)


class _Totals:
    """Sums of days over any span."""

    def __init__(self, days: Sequence[DayMoney]) -> None:
        self._days = [it.day for it in days]
        self._accrued = [0, *accumulate(it.accrued for it in days)]
        self._paid = [0, *accumulate(it.paid for it in days)]

    def of(self, span: Span) -> tuple[int, int]:
        """Return what was accrued and paid."""
        start, end = bisect_left(self._days, span.start), bisect_left(self._days, span.end)
        return self._accrued[end] - self._accrued[start], self._paid[end] - self._paid[start]


def _line(counter: Counter, totals: _Totals, span: Span, today: date | None) -> Line:
    accrued, paid = totals.of(span)
    if today is not None:
        standing = counter.standing(today)
        reserved, remaining = standing.reserved, standing.room
    else:
        reserved, remaining = 0, room(counter.rule, max(0, _counted(counter, span)), 0)
    return Line(
        span=span,
        accrued=accrued,
        paid=paid,
        counted=_counted(counter, span),
        reserved=reserved,
        remaining=remaining,
    )


def _counted(counter: Counter, span: Span) -> int:
    if counter.rule.period is not Period.ROLLING:
        return counter.booked.get(span.start, 0)
    return sum(minor for day, minor in counter.booked.items() if span.start <= day < span.end)
