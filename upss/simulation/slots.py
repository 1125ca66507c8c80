"""When answerers look in by themselves: at any own hour, or rather in those that are suggested."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate

from upss.forum.rules.activity import HOURS
from upss.forum.rules.windows import Interval
from upss.simulation.profile import HOUR, Calendar

Piece = tuple[int, datetime, datetime]  # the hour of the week, from, until


def pieces(intervals: Iterable[Interval], calendar: Calendar) -> list[Piece]:
    """Cut the intervals at every hour: the hour of the week, start and end of each piece."""
    return [
        (calendar.cells[number], start, end)
        for interval in intervals
        for number, start, end in calendar.cut(interval.start, interval.end)
    ]


def declared(week: Iterable[Sequence[Piece]]) -> list[float]:
    """Return the declared hours in each hour of the week, all people together."""
    hours = [0.0] * HOURS
    for mine in week:
        for cell, start, end in mine:
            hours[cell] += (end - start) / HOUR
    return hours


def place(mine: Sequence[Piece], weights: Sequence[float] | None, where: float) -> datetime | None:
    """Return the instant of a visit in the pieces of a week; `where` is a draw from 0 to 1.

    Without `weights` of the hours of the week every minute is as likely. None: there is no hour.
    """
    sums = list(
        accumulate(
            (end - start) / HOUR * (weights[cell] if weights else 1.0) for cell, start, end in mine
        )
    )
    if not sums or sums[-1] <= 0:
        return place(mine, None, where) if sums and weights else None
    wanted = where * sums[-1]
    index = bisect(sums, wanted, 0, len(sums) - 1)
    before = sums[index - 1] if index else 0.0
    _, start, end = mine[index]
    return start + (end - start) * ((wanted - before) / (sums[index] - before))
