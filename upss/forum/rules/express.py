"""Express: the one sold exception to the order of the queue, with a promise and a surcharge.

Its promise is an ordinary `quote` in which `n_ahead`, `factor` and `n_scores` count the topic's
express questions alone, under `express_policy`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from upss.forum.rules.promising import Calibrator, NoCapacity, Quote

if TYPE_CHECKING:
    from datetime import datetime

    from upss.forum.rules.policy import Policy

WINDOW = 200  # newest scores of express questions


def express_policy(policy: Policy) -> Policy:
    """Return the dials for an express promise: the same, with its own floor."""
    return replace(policy, floor=policy.express_floor)


def express_calibrator(policy: Policy) -> Calibrator:
    """Return an empty calibrator of express questions, which never mixes with the ordinary one."""
    return Calibrator(target=policy.target, window=WINDOW)


def is_express_offered(
    *,
    ordinary: Quote | NoCapacity,
    express: Quote | NoCapacity,
    now: datetime,
    express_week: int,
    all_week: int,
    policy: Policy,
) -> bool:
    """Say whether express may be sold now.

    Only where it is switched on, is enough shorter than the ordinary promise to be worth its
    surcharge, and with this one stays within its share of the trailing week (`express_week` of
    `all_week` questions so far).
    """
    if not policy.express or isinstance(ordinary, NoCapacity) or isinstance(express, NoCapacity):
        return False
    if express_week + 1 > policy.express_share * (all_week + 1):
        return False
    return express.by - now <= policy.express_ratio * (ordinary.by - now)


def surcharge(price_minor: int, percent: int) -> int:
    """Return what a quicker answer costs more than `price_minor`, in minor units, rounded down."""
    return max(1, price_minor * percent // 100)


def shared_minor(price_minor: int, express_minor: int | None, returned_at: datetime | None) -> int:
    """Return what an accepted answer is paid from: the price, less a surcharge that went back."""
    return price_minor if returned_at is None else price_minor - (express_minor or 0)


def is_missed(*, by: datetime, at: datetime) -> bool:
    """Tell whether an answer at `at` (or none by then) breaks the promise: the surcharge goes back."""
    return at > by
