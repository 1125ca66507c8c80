"""The self-checks by the clock and on demand: a unit, the examination in its snapshot, a unit."""

from __future__ import annotations

from upss.db.base import db
from upss.doctor import service
from upss.doctor.queries.examination import examine
from upss.web.ports import clock, unit


def check_recent() -> None:
    """Run the quick set: what is cheap, and what moved lately."""
    with unit() as uow:
        run_id = service.begin(uow, quick=True)
        uow.commit()
    _examine(run_id, quick=True)


def check_all() -> None:
    """Run the full set, the deep verification of the ledger included."""
    with unit() as uow:
        run_id = service.begin(uow, quick=False)
        uow.commit()
    _examine(run_id, quick=False)


def run(run_id: int) -> None:
    """Run the full set that an organizer asked for; nothing if it ended before."""
    with unit() as uow:
        is_due = service.begin_asked(uow, run_id=run_id)
        uow.commit()
    if is_due:
        _examine(run_id, quick=False)


def _examine(run_id: int, *, quick: bool) -> None:
    def note(done: int) -> None:
        if not quick:  # nobody watches the others, which take a moment
            with unit() as uow:
                service.progress(uow, run_id=run_id, done=done)
                uow.commit()

    results = examine(db.engine, now=clock().now(), quick=quick, on_done=note)
    with unit() as uow:
        service.record(uow, run_id=run_id, quick=quick, results=results)
        uow.commit()
