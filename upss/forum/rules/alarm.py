"""Whether the people that a promise counted on are still expected before it ends."""

from __future__ import annotations

from datetime import datetime

from upss.forum.rules.capacity import CapacityClock

_A_MOMENT_H = 1e-6  # of answerer-hours: two clocks may have rounded their sums differently


def has_vanished(
    today: CapacityClock, promised: CapacityClock, *, now: datetime, by: datetime
) -> bool:
    """Say whether nobody has declared hours before `by` any more, and that was not always so.

    Both clocks begin with the promise: `today` knows all that people have declared, `promised`
    what they had declared then. A promise that is merely late is not meant, in hours in which
    nobody was ever expected.
    """
    left = today.cum(by) - today.cum(now)
    return left <= _A_MOMENT_H and today.cum(by) < promised.cum(by) - _A_MOMENT_H
