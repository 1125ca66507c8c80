"""How the demo's organizers set the off-peak engine: for its past, and from today on."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from upss.forum.rules.activity import ORGANIZER_PEAKS, PeakMap
from upss.forum.rules.policy import Mode, Policy
from upss.forum.service import dialing
from upss.kernel.ids import AccountId
from upss.web.ports import unit


def begin(organizer_id: AccountId) -> None:
    """Let nothing wait, so that every story can be told at its own hour.

    So few people share so many topics that an hour of theirs counts a sixth in each: twelve answers
    are a guess of two in a real hour.
    """
    with unit() as uow:
        dialing.turn(
            uow,
            organizer_id=organizer_id,
            mode=Mode.OPEN,
            stagger_minutes=0,
            prior_per_hour=12.0,
        )
        uow.commit()


def end(organizer_id: AccountId) -> None:
    """Release questions in quieter hours from now on, to those first who earned least."""
    stagger = int(Policy().stagger.total_seconds() // 60)
    with unit() as uow:
        dialing.turn(uow, organizer_id=organizer_id, mode=Mode.DEFERRED, stagger_minutes=stagger)
        uow.commit()


def quieter(at: datetime, zone: ZoneInfo) -> datetime:
    """Return `at` or, in a busy hour, when that is over."""
    return PeakMap(ORGANIZER_PEAKS, zone).next_nonpeak(at)
