"""When answerers look in by themselves, and the quiet hours that the product suggests to them.

Suggested are own hours in which the site is quiet and few others are at hand: the level that
arrivals and work together would have if they were flat, less the arrivals, per declared hour.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate

from upss.forum.rules.activity import HOURS
from upss.forum.rules.windows import Interval
from upss.simulation.profile import HOUR, Calendar

Piece = tuple[int, datetime, datetime]  # the hour of the week, from, until
_FEW = 0.02  # of the mean: below it an hour is nobody's, and would be suggested without end


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


def quietness(arrivals: Sequence[float], hours: Sequence[float]) -> list[float]:
    """Return how much an hour of the week is to be suggested.

    `arrivals` are relative to the mean hour, `hours` the declared ones.
    """
    target = [level - seen for level, seen in zip(_levels(arrivals), arrivals, strict=True)]
    least = max(_FEW * sum(hours) / HOURS, 1e-9)
    return [wanted / max(given, least) for wanted, given in zip(target, hours, strict=True)]


def _levels(arrivals: Sequence[float]) -> list[float]:
    """Return for each hour the flat level of arrivals and as much work, where arrivals allow."""
    ordered = sorted(arrivals)
    amount, level = float(len(ordered)), ordered[0]
    for count, (here, above) in enumerate(
        zip(ordered, [*ordered[1:], float("inf")], strict=True), 1
    ):
        room = (above - here) * count
        level = here + min(amount, room) / count
        amount -= min(amount, room)
        if amount <= 0:
            break
    return [max(level, seen) for seen in arrivals]


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
