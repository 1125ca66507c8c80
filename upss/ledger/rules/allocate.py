"""Sharing cents between several people by Webster's method.

Of the methods tried (largest remainder, floor and first, Webster) it alone never lowers a share
when the total grows by a cent, so that many small refunds end at the same cents as one large.
"""

from __future__ import annotations

from collections.abc import Sequence

from upss.kernel.errors import BadAmount
from upss.kernel.money import check_minor


def allocate(total_minor: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Share `total_minor` (minor units, 0 or more) by whole positive weights, to the last cent.

    Each cent goes to the highest weight / (2 x cents so far + 1); ties to the first listed.
    Raises `BadAmount` for a negative total, no weight, or a weight that is no positive int.
    """
    if check_minor(total_minor) < 0 or not weights:
        raise BadAmount(value=total_minor)
    if any(check_minor(weight) < 1 for weight in weights):
        raise BadAmount(value=list(weights))
    whole, parties = sum(weights), len(weights)
    # Webster's share is never below the exact one by more than (parties + 1) / 2 cents: begin
    # there, and give only the last few cents one by one.
    shares = [max(0, total_minor * weight // whole - parties) for weight in weights]
    for _ in range(total_minor - sum(shares)):
        shares[_next(shares, weights)] += 1
    return tuple(shares)


def _next(shares: Sequence[int], weights: Sequence[int]) -> int:
    """Return who gets the next cent; fractions are compared as products, exactly."""
    best = 0
    for each in range(1, len(weights)):
        if weights[each] * (2 * shares[best] + 1) > weights[best] * (2 * shares[each] + 1):
            best = each
    return best
