"""Keeping what the self-checks found: runs for 30 days, findings until they are gone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, delete, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert

from upss.doctor.events import SelfCheckAlarmed
from upss.doctor.models import SelfCheckFinding, SelfCheckRun
from upss.doctor.queries.examination import VERIFIED_BLOCK, Finding, Result, chosen
from upss.doctor.rules.check import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from upss.db.work import UnitOfWork
    from upss.kernel.ids import AccountId

RUN = "doctor.run"
KEPT = timedelta(days=30)
# Longer than the longest check may take, and all of them together in any ledger so far.
_ABANDONED = timedelta(hours=3)
_NOT_RUN = "could not be run"
# The name of the lock, "doct" in ASCII; held until the unit of work ends.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(1685021556)")


def ask_for_run(uow: UnitOfWork, *, asked_by: AccountId) -> bool:
    """Have the full set run by the worker; False if a run that was asked for waits already."""
    run_id = uow.session.scalar(
        insert(SelfCheckRun)
        .values(_new(uow, quick=False) | {"status": "waiting", "asked_by": asked_by})
        .on_conflict_do_nothing()
        .returning(SelfCheckRun.id)
    )
    if run_id is None:
        return False
    uow.defer(RUN, lock=RUN, run_id=run_id)
    return True


def begin(uow: UnitOfWork, *, quick: bool) -> int:
    """Note the begin of a run by the clock; return its id."""
    _tidy(uow)
    run = SelfCheckRun(**_new(uow, quick=quick), status="running")
    uow.session.add(run)
    uow.session.flush()
    return run.id


def begin_asked(uow: UnitOfWork, *, run_id: int) -> bool:
    """Note the begin of a run that was asked for; False if it ended before."""
    _tidy(uow)
    begun = (
        update(SelfCheckRun)
        .where(SelfCheckRun.id == run_id, SelfCheckRun.status.in_(("waiting", "running")))
        .values(status="running", begun_at=uow.clock.now(), done=0)
        .returning(SelfCheckRun.id)
    )
    return uow.session.scalar(begun) is not None


def progress(uow: UnitOfWork, *, run_id: int, done: int) -> None:
    """Note how many checks are done."""
    uow.session.execute(update(SelfCheckRun).where(SelfCheckRun.id == run_id).values(done=done))


def record(uow: UnitOfWork, *, run_id: int, quick: bool, results: Sequence[Result]) -> None:
    """Keep what a run found; tells organizers of errors that are new.

    What it says is of the moment at which it began: a shorter run that began later, but was
    recorded before, knows better.
    """
    uow.session.execute(_ONE_AT_A_TIME)
    looked_at = uow.session.scalars(
        select(SelfCheckRun.begun_at).where(SelfCheckRun.id == run_id)
    ).one()
    errors = 0
    for result in results:
        seen = _findings(result)
        new = [_keep(uow, run_id, result, finding, looked_at) for finding in seen]
        errors += result.is_error * sum(new)
        if result.is_whole and not (quick and result.check.is_windowed):
            _resolve(uow, result.check.code, seen, looked_at)
    now = uow.clock.now()
    uow.session.execute(
        update(SelfCheckRun)
        .where(SelfCheckRun.id == run_id)
        .values(
            status="done",
            ended_at=now,
            done=len(results),
            errors=sum(result.is_error for result in results),
            warnings=sum(not (result.is_ok or result.is_error) for result in results),
            results=_summary(results),
        )
    )
    if errors:
        uow.emit(SelfCheckAlarmed(at=now, run_id=run_id))


def _summary(results: Sequence[Result]) -> dict[str, int | str]:
    """Return how each check ended, and up to which block everything was computed anew."""
    summary = {r.check.code: r.problem or len(r.findings) for r in results}
    verified = [r.verified_block for r in results if r.verified_block is not None]
    return summary | ({VERIFIED_BLOCK: verified[0]} if verified else {})


def _new(uow: UnitOfWork, *, quick: bool) -> dict[str, Any]:
    return {
        "is_quick": quick,
        "begun_at": uow.clock.now(),
        "checks": len(chosen(quick=quick)),
        "done": 0,
        "errors": 0,
        "warnings": 0,
    }


def _findings(result: Result) -> list[Finding]:
    """Return what differs; that a check could not be run is a finding of its own."""
    if result.problem is not None:
        return [Finding(f"check:{result.check.code}", _NOT_RUN)]
    return list(result.findings)


def _keep(
    uow: UnitOfWork, run_id: int, result: Result, finding: Finding, looked_at: datetime
) -> bool:
    """Store a finding, or note that it is still there; True if nobody has seen it so far."""
    if _is_gone_since(uow, result.check.code, finding, looked_at):
        return False
    figures = {"expected": finding.expected, "found": finding.found, "currency": finding.currency}
    severity = Severity.ERROR if result.is_error else Severity.WARNING
    kept = (
        insert(SelfCheckFinding)
        .values(
            check_code=result.check.code,
            severity=severity,
            subject=finding.subject,
            what=finding.what,
            first_run_id=run_id,
            first_seen=looked_at,
            last_seen=looked_at,
            **figures,
        )
        .on_conflict_do_update(
            index_elements=("check_code", "subject", "what"),
            index_where=SelfCheckFinding.resolved_at.is_(None),
            set_=figures | {"last_seen": looked_at},
            where=SelfCheckFinding.last_seen <= looked_at,
        )
        .returning(literal_column("xmax = 0", Boolean))
    )
    return bool(uow.session.scalar(kept))


def _is_gone_since(uow: UnitOfWork, code: str, finding: Finding, looked_at: datetime) -> bool:
    """Return whether a run that looked later no longer saw it."""
    later = select(SelfCheckFinding.id).where(
        SelfCheckFinding.check_code == code,
        SelfCheckFinding.subject == finding.subject,
        SelfCheckFinding.what == finding.what,
        SelfCheckFinding.resolved_at > looked_at,
    )
    return bool(uow.session.scalar(select(later.exists())))


def _resolve(uow: UnitOfWork, code: str, seen: Sequence[Finding], looked_at: datetime) -> None:
    """Close the findings of a check that are not there any more."""
    there = [f"{finding.subject}\n{finding.what}" for finding in seen]
    name = func.concat(SelfCheckFinding.subject, "\n", SelfCheckFinding.what)
    uow.session.execute(
        update(SelfCheckFinding)
        .where(
            SelfCheckFinding.check_code == code,
            SelfCheckFinding.resolved_at.is_(None),
            SelfCheckFinding.last_seen <= looked_at,
            name.not_in(there),
        )
        .values(resolved_at=looked_at)
    )


def _tidy(uow: UnitOfWork) -> None:
    """Forget what is old, and say of runs whose worker died that they stopped."""
    now = uow.clock.now()
    uow.session.execute(
        update(SelfCheckRun)
        .where(
            SelfCheckRun.status.in_(("waiting", "running")),
            SelfCheckRun.begun_at < now - _ABANDONED,
        )
        .values(status="stopped", ended_at=now)
    )
    # The newest full run stays, however old: the page says of every check when it last ran.
    newest = select(func.max(SelfCheckRun.id)).where(
        SelfCheckRun.status == "done", SelfCheckRun.is_quick.is_(False)
    )
    uow.session.execute(
        delete(SelfCheckRun).where(
            SelfCheckRun.begun_at < now - KEPT,
            SelfCheckRun.id.is_distinct_from(newest.scalar_subquery()),
        )
    )
    uow.session.execute(delete(SelfCheckFinding).where(SelfCheckFinding.resolved_at < now - KEPT))
