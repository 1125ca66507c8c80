"""The promised time: calculated once, frozen in the offer, never shortened for money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

OFFER = timedelta(minutes=60)
HORIZON = timedelta(hours=72)
FLOOR = timedelta(hours=2)
GRACE = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Promise:
    """`promise_at`: by when; `honour_until`: until when a late payment is still honoured."""

    offer_ends_at: datetime
    promise_at: datetime
    honour_until: datetime


def promise(*, offered_at: datetime, topic: str, language: str) -> Promise:  # noqa: ARG001
    """Return the promise of an offer made at `offered_at`.

    The clock starts at the end of the offer, so that a payment in its last minute loses nothing.
    Until the capacity clock of the off-peak engine takes over behind this same call, every topic
    and language gets the same 72 hours; the floor of 2 hours is the least that an answerer must
    still have when a late payment arrives.
    """
    offer_ends_at = offered_at + OFFER
    promise_at = offer_ends_at + HORIZON
    return Promise(offer_ends_at, promise_at, promise_at - FLOOR)
