"""The forum's timers, run each minute by the worker and at once when the demo's clock moves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

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
from upss.kernel.ids import QuestionId
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
    _one_by_one((timers.tell_what_is_due, accepting.remind_due))
    return moved


def invite_to_express(question_id: QuestionId) -> int:
    """Tell a few people at once that a quick answer is wished; return how many."""
    with unit() as uow:
        told = inviting.invite_to_express(uow, question_id=question_id)
        uow.commit()
    return told


def calibrate() -> None:
    """Let promises, peaks and ranks learn from the hours that are over, and fit what waits to them.

    Without it they stay as they are: a promise that learns late is still a promise.
    """
    _one_by_one((calibrating.calibrate_due, releasing.learn_due, ranking.rank_due))
    try:
        _drain(releasing.fit_due)
    except Exception:  # noqa: BLE001 - what is not fitted yet waits for the next minute
        _log.exception("fitting stopped")


def reach_out() -> int:
    """Invite answerers, write to who waits for a promise and to organizers; return to how many."""
    return _one_by_one(_TELLINGS)


def _one_by_one(jobs: Iterable[Callable[[UnitOfWork], int]]) -> int:
    """Run each job in a unit of its own, so that a fault stops that one alone; return the sum."""
    done = 0
    for job in jobs:
        try:
            with unit() as uow:
                count = job(uow)
                uow.commit()
        except Exception:  # noqa: BLE001 - the next ones are other people's
            _log.exception("job %s stopped", job.__name__)
        else:
            done += count
    return done


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
