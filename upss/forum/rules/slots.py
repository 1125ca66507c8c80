"""Which of somebody's own hours to suggest: those in which the site is quiet and few are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from upss.forum.rules.invite import water_fill

_FEW = 0.02  # of the mean: below it an hour is nobody's, and would be suggested without end


def quietness(arrivals: Sequence[float], hours: Sequence[float]) -> list[float]:
    """Return how much each hour of the week is to be suggested, 0 for not at all.

    It is the work that would make arrivals and work together level, for each declared hour:
    `arrivals` are relative to the mean hour, `hours` what all people together declare.
    """
    wanted = water_fill(sum(arrivals), arrivals, [inf] * len(arrivals))
    least = max(_FEW * sum(hours) / len(hours), 1e-9)
    return [work / max(given, least) for work, given in zip(wanted, hours, strict=True)]
