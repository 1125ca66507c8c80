"""What an organizer does with a job that gave up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from upss.kernel.errors import NotFound

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork

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
