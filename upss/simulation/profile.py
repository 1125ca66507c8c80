"""The reference week: when questions arrive, hour by hour, in the site's zone.

Three fifths come in 9-14 and 17-21, working days are heavier, nights nearly empty. By the
definitions of docs/off-peak.md it has 54 peak, 58 shoulder and 56 low hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from upss.forum.rules.activity import ENTER_PEAK, HOURS, hour_of_week

HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)
DAY_HOURS = 24

# hour 0 to 23, of a mean day of mean 1
_HOURS = (
    0.22, 0.14, 0.10, 0.10, 0.13, 0.20, 0.36, 0.65,
    1.09, 1.55, 1.68, 1.66, 1.56, 1.45, 1.12, 1.10, 1.12, 1.53, 1.63, 1.68, 1.66, 1.09, 1.09, 1.09,
)  # fmt: skip
_DAYS = (1.14, 1.13, 1.12, 1.12, 1.07, 0.71, 0.71)  # Monday first


def _reference() -> tuple[float, ...]:
    mean = sum(_HOURS) * sum(_DAYS) / HOURS
    return tuple(day * hour / mean for day in _DAYS for hour in _HOURS)


REFERENCE: tuple[float, ...] = _reference()
PEAK_CELLS: frozenset[int] = frozenset(
    cell for cell, level in enumerate(REFERENCE) if level >= ENTER_PEAK
)


class Calendar:
    """The hours of a run, numbered from its start, and the hour of the week that each one is.

    `start` and every change of the zone's clock fall on whole hours.
    """

    def __init__(self, start: datetime, hours: int, zone: ZoneInfo) -> None:
        self.start = start
        self.cells = [
            hour_of_week((start + number * HOUR).astimezone(zone)) for number in range(hours)
        ]

    def hour(self, at: datetime) -> int:
        """Return the number of the hour that `at` falls in."""
        return (at - self.start) // HOUR

    def cell(self, at: datetime) -> int:
        """Return the hour of the week, 0 to 167, Monday 0 o'clock first."""
        return self.cells[(at - self.start) // HOUR]

    def cut(self, start: datetime, end: datetime) -> Iterator[tuple[int, datetime, datetime]]:
        """Cut the time between two instants at every hour: its number, start and end."""
        number = self.hour(start)
        while start < end:
            stop = min(self.start + (number + 1) * HOUR, end)
            yield number, start, stop
            number, start = number + 1, stop
