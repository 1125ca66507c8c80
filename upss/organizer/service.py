"""What an organizer does with a job that gave up, and the calculations that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from upss.kernel.errors import NotFound
from upss.organizer.models import DialPosition, DialTrial
from upss.organizer.queries import trials

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from upss.db.work import UnitOfWork
    from upss.forum.rules.policy import Policy
    from upss.kernel.ids import AccountId
    from upss.organizer.queries.site import Read

TRY_DIALS = "organizer.try_dials"
# The name of the lock, "dial" in ASCII; held until the unit of work ends.
_ONE_TRIAL = text("SELECT pg_advisory_xact_lock(1684627820)")

_FIND = text("SELECT 1 FROM procrastinate_jobs WHERE id = :id AND status = 'failed' FOR UPDATE")
_RETRY = text("SELECT procrastinate_retry_job_v2(:id, NULL, NULL, NULL, NULL)")
_CANCEL = text("UPDATE procrastinate_jobs SET status = 'cancelled' WHERE id = :id")


def retry_job(uow: UnitOfWork, *, job_id: int) -> None:
    """Put a job that gave up back into the queue; raises `NotFound` if it is not such a job."""
    session = uow.session
    if session.execute(_FIND, {"id": job_id}).first() is None:
        raise NotFound(job_id=job_id)
    try:
        with session.begin_nested():
            session.execute(_RETRY, {"id": job_id})
    except IntegrityError:  # the same work waits already under its key: this one is not needed
        session.execute(_CANCEL, {"id": job_id})


def ask_for_trial(uow: UnitOfWork, *, asked_by: AccountId) -> bool:
    """Have positions of the dials calculated by the worker; False if that is under way."""
    uow.session.execute(_ONE_TRIAL)
    if trials.newest(uow.session, uow.clock.now()).running:
        return False
    trial = DialTrial(asked_at=uow.clock.now(), asked_by=asked_by)
    uow.session.add(trial)
    uow.session.flush()
    uow.defer(TRY_DIALS, lock=TRY_DIALS, trial_id=trial.id)
    return True


def begin_trial(uow: UnitOfWork, *, trial_id: int, found: Read, positions: int) -> Collection[int]:
    """Note what a calculation is made of; return which positions need no calculation any more."""
    trial = uow.session.get_one(DialTrial, trial_id, with_for_update=True)
    if trial.ended_at is not None:
        return range(positions)
    if trial.positions is None:
        trial.is_model, trial.positions = found.site is None, positions
        trial.people, trial.questions = found.people, found.questions
    stored = select(DialPosition.place).where(DialPosition.trial_id == trial_id)
    return set(uow.session.scalars(stored))


def note_position(
    uow: UnitOfWork, *, trial_id: int, place: int, policy: Policy, figures: Mapping[str, float]
) -> None:
    """Store the figures of one position, once."""
    uow.session.execute(
        insert(DialPosition)
        .values(
            trial_id=trial_id, place=place, mode=policy.mode, urgency=policy.urgency,
            figures=dict(figures),
        )
        .on_conflict_do_nothing()
    )  # fmt: skip


def end_trial(uow: UnitOfWork, *, trial_id: int) -> None:
    """Say that every position is stored."""
    trial = uow.session.get_one(DialTrial, trial_id, with_for_update=True)
    trial.ended_at = trial.ended_at or uow.clock.now()
