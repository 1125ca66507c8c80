"""What the page of the self-checks shows: runs, open findings, and how each check ended last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select, text

from upss.doctor.models import SelfCheckFinding, SelfCheckRun
from upss.doctor.queries.examination import chosen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    AnyRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Standing:
    """One check: how it ended last. `state` is "ok", "error", "warning", "failed" or "never"."""

    code: str
    state: str
    findings: int = 0
    at: datetime | None = None
    is_quick_too: bool = True


# The newest of each set, whatever waits or runs, and how many open findings there are by check.
_OVERVIEW = text("""
    (SELECT 'set' AS part, id, is_quick, status, begun_at, ended_at, checks, done, errors, warnings,
            results, NULL AS check_code, 0 AS open
       FROM self_check_run WHERE status = 'done' AND is_quick ORDER BY id DESC LIMIT 1)
    UNION ALL
    (SELECT 'set', id, is_quick, status, begun_at, ended_at, checks, done, errors, warnings,
            results, NULL, 0
       FROM self_check_run WHERE status = 'done' AND NOT is_quick ORDER BY id DESC LIMIT 1)
    UNION ALL
    (SELECT 'open', id, is_quick, status, begun_at, ended_at, checks, done, errors, warnings,
            results, NULL, 0
       FROM self_check_run WHERE status IN ('waiting', 'running') AND NOT is_quick
      ORDER BY id DESC LIMIT 1)
    UNION ALL
    (SELECT 'check', NULL, NULL, max(severity), NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            check_code, count(*)
       FROM self_check_finding WHERE resolved_at IS NULL GROUP BY check_code)""")


@dataclass(frozen=True, slots=True)
class Overview:
    """Each check, the run that somebody waits for, and the newest one that ended."""

    checks: Sequence[Standing]
    open_run: AnyRow | None
    last: AnyRow | None

    @property
    def errors(self) -> int:
        """How many checks found an error that is still open, or could not be run."""
        return sum(check.state in {"error", "failed"} for check in self.checks)

    @property
    def warnings(self) -> int:
        """How many checks found something that a person should look at."""
        return sum(check.state == "warning" for check in self.checks)


def overview(session: Session) -> Overview:
    """Return how every check stands, in one statement."""
    rows = session.execute(_OVERVIEW).all()
    ended = sorted((row for row in rows if row.part == "set"), key=lambda row: row.id)
    still = {row.check_code: row for row in rows if row.part == "check"}
    checks = []
    for check in chosen(quick=False):
        newest = next((row for row in reversed(ended) if check.code in row.results), None)
        problem = newest is not None and isinstance(newest.results[check.code], str)
        found = still.get(check.code)
        state = "never" if newest is None else "failed" if problem else "ok"
        if found is not None and not problem:
            state = found.status
        checks.append(
            Standing(
                check.code,
                state,
                0 if found is None else found.open,
                None if newest is None else newest.ended_at,
                check.in_quick,
            )
        )
    waiting = next((row for row in rows if row.part == "open"), None)
    return Overview(checks, waiting, ended[-1] if ended else None)


def open_findings(session: Session, *, after: int | None, limit: int) -> Sequence[AnyRow]:
    """Return what differs now, the longest open first, or what was found after `after`."""
    found = SelfCheckFinding
    statement = select(
        found.id, found.check_code, found.severity, found.subject, found.what, found.expected,
        found.found, found.currency, found.first_seen, found.last_seen,
    ).where(found.resolved_at.is_(None))  # fmt: skip
    if after is not None:
        statement = statement.where(found.id > after)
    return session.execute(statement.order_by(found.id).limit(limit)).all()


def runs(session: Session, *, before: int | None, limit: int) -> Sequence[AnyRow]:
    """Return the newest runs that ended, or those older than run `before`."""
    run = SelfCheckRun
    statement = select(
        run.id, run.is_quick, run.status, run.begun_at, run.ended_at, run.checks, run.errors,
        run.warnings, run.asked_by,
    ).where(run.status.in_(("done", "stopped")))  # fmt: skip
    if before is not None:
        statement = statement.where(run.id < before)
    return session.execute(statement.order_by(run.id.desc()).limit(limit)).all()
