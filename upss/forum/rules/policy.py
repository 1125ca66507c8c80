"""The organizer's dials of the off-peak engine, with the defaults that were measured.

Where a figure comes from stands in docs/off-peak.md; none of them is part of a promise that was
already given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Mode(StrEnum):
    """What a peak does to a question that arrives in it."""

    OPEN = "open"  # nothing waits for a quieter hour
    DEFERRED = "deferred"  # it waits for a quieter hour, or until it becomes urgent
    STRICT = "strict"  # it waits for a quieter hour, however urgent


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Every dial; `urgency`, `margin` and `target` are shares of one.

    `cold_margin` holds until `warm_scores` answers were timed; `stagger` and `continuity` of
    zero are off.
    """

    mode: Mode = Mode.DEFERRED
    urgency: float = 0.7
    margin: float = 0.10
    cold_margin: float = 0.25
    warm_scores: int = 200
    target: float = 0.97
    floor: timedelta = timedelta(hours=2)
    max_promise: timedelta = timedelta(days=7)
    lease: timedelta = timedelta(minutes=120)
    lease_warning: timedelta = timedelta(minutes=20)
    open_claims_max: int = 3
    stagger: timedelta = timedelta(minutes=240)
    continuity: timedelta = timedelta(hours=4)
    skips_a_day: int = 3
    invitations_a_day: int = 2
    invitations_apart: timedelta = timedelta(hours=3)
    express: bool = False
    express_share: float = 0.20
    express_ratio: float = 0.60
    express_floor: timedelta = timedelta(hours=1)
