"""The forum's timers, run each minute by the worker and at once when the demo's clock moves."""

from __future__ import annotations

import logging
from collections.abc import Callable

from upss.db.work import UnitOfWork
from upss.forum.service import (
    accepting,
    alarming,
    calibrating,
    claiming,
    inviting,
    ranking,
    releasing,
    surcharges,
    timers,
    waiting,
)
from upss.web.ports import unit

# In this order: what gives money back comes before what hands questions out again.
_TIMERS: tuple[Callable[[UnitOfWork], int], ...] = (
    timers.end_offers,
    claiming.lapse_due,
    surcharges.return_due,
    timers.expire_unanswered,
    accepting.auto_accept_due,
    accepting.close_due,
    timers.retire_drafts,
)
_TELLINGS: tuple[Callable[[UnitOfWork], int], ...] = (
    inviting.invite_due,
    waiting.tell_waiting,
    alarming.alarm,
)
_BATCHES_MAX = 1_000
_log = logging.getLogger(__name__)


def run_timers() -> int:
    """Do everything that is due now; return how many questions moved."""
    moved = 0
    for timer in _TIMERS:
        try:
            moved += _drain(timer)
        except Exception:  # noqa: BLE001 - the next timers are other people's
            _log.exception("timer %s stopped", timer.__name__)
    calibrate()
    with unit() as uow:
        timers.tell_what_is_due(uow)
        accepting.remind_due(uow)
        uow.commit()
    return moved


def calibrate() -> None:
    """Let the promises learn from the hours that are over; without it they stay as they are."""
    try:
        with unit() as uow:
            calibrating.calibrate_due(uow)
            releasing.learn_due(uow)
            ranking.rank_due(uow)
            uow.commit()
    except Exception:  # noqa: BLE001 - a promise that learns late is still a promise
        _log.exception("calibration stopped")


def reach_out() -> int:
    """Invite answerers, write to who waits for a promise and to organizers; return to how many."""
    told = 0
    for telling in _TELLINGS:
        try:
            with unit() as uow:
                told += telling(uow)
                uow.commit()
        except Exception:  # noqa: BLE001 - the others are told all the same
            _log.exception("telling %s stopped", telling.__name__)
    return told


def _drain(timer: Callable[[UnitOfWork], int]) -> int:
    """Run one timer, a committed batch at a time, until it finds nothing more."""
    moved = 0
    for _ in range(_BATCHES_MAX):
        with unit() as uow:
            count = timer(uow)
            uow.commit()
        moved += count
        if count == 0:
            break
    return moved
