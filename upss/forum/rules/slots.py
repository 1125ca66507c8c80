"""Which of somebody's own hours to suggest: those in which the site is quiet and few are at hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from upss.forum.rules.activity import HOURS
from upss.forum.rules.invite import water_fill
from upss.forum.rules.windows import DAY, WEEK, Window, merged

_FEW = 0.02  # of the mean: below it an hour is nobody's, and would be suggested without end
_WHOLE = 0.999  # of an hour; what is less is left out


def quietness(arrivals: Sequence[float], hours: Sequence[float]) -> list[float]:
    """Return how much each hour of the week is to be suggested, 0 for not at all.

    It is the work that would make arrivals and work together level, for each declared hour:
    `arrivals` are relative to the mean hour, `hours` what all people together declare.
    """
    wanted = water_fill(sum(arrivals), arrivals, [inf] * len(arrivals))
    least = max(_FEW * sum(hours) / len(hours), 1e-9)
    return [work / max(given, least) for work, given in zip(wanted, hours, strict=True)]


def shared_out(windows: Iterable[Window], ahead: int) -> list[float]:
    """Return which part (0 to 1) of each hour of the site's week lies in somebody's windows.

    Their clock is `ahead` minutes ahead of the site's.
    """
    parts = [0.0] * HOURS
    for window in windows:
        start = window.dow * DAY + window.start_min - ahead
        end = start + window.length_min
        for hour in range(start // 60, -(-end // 60)):
            minutes = min(end, hour * 60 + 60) - max(start, hour * 60)
            parts[hour % HOURS] += minutes / 60
    return parts


def suggested(
    windows: Sequence[Window], ahead: int, weights: Sequence[float]
) -> tuple[Window, ...]:
    """Return about the quietest quarter of somebody's own whole hours, by their own clock.

    Hours as quiet as the last of these belong to it too, so that nobody is sent to Monday only
    because the week begins with it; where that is more than half, none stands out. `weights` are
    those of `quietness`, `ahead` as for `shared_out`.
    """
    parts = shared_out(windows, ahead)
    mine = sorted((cell for cell in range(HOURS) if parts[cell] > _WHOLE), key=weights.__getitem__)
    if not mine:
        return ()
    least = weights[mine[-max(len(mine) // 4, 1)]]
    found = [cell for cell in mine if weights[cell] >= least > 0]
    if 2 * len(found) > len(mine):
        return ()
    starts = [(cell * 60 + ahead) % WEEK for cell in found]
    return merged(Window(start // DAY, start % DAY, 60) for start in starts)
