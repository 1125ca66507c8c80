"""Running the checks: read-only, all of them in one snapshot, so that a live system is no alarm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from typing_extensions import override

from upss.doctor.rules import CHECKS, DEEP
from upss.doctor.rules.check import LIVE, Check, Severity
from upss.doctor.rules.guard_definitions import EXPECTED
from upss.ledger.rules import chart
from upss.ledger.rules.posting import kinds
from upss.ledger.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

MAX_FINDINGS = 100
# Beside the checks in the results of a run: the newest block that the deep check read.
VERIFIED_BLOCK = "verified_block"
# How far back the quick set looks; at five entries a second ten minutes are 3,000.
RECENT_ENTRIES = 3_000
RECENT_BLOCKS = 12
_PATIENCE = {True: "20s", False: "15min"}
_TEXT_LENGTH = 200
_NAMED = re.compile(r"(entry|block) (\d+)\b")

# Materialized: a planner that knows of the limit hopes to meet findings soon, and on sound books
# there are none.
_LIMITED = "WITH found AS MATERIALIZED ({check}) SELECT * FROM found LIMIT :limit"

_WINDOW = text("""
    SELECT coalesce((SELECT max(id) FROM ledger.entry), 0) AS entries,
           coalesce((SELECT max(seq) FROM ledger.block), 0) AS blocks""")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that differs; amounts are minor units where there is a currency."""

    subject: str
    what: str
    expected: int | None = None
    found: int | None = None
    currency: str | None = None

    @override
    def __str__(self) -> str:
        """Say it in a line, for a terminal."""
        if self.expected is None:
            return f"{self.subject}: {self.what}"
        unit = f" (minor units of {self.currency})" if self.currency else ""
        return f"{self.subject}: {self.what}: expected {self.expected}, found {self.found}{unit}"


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found; `problem` says why it could not be run, which is an error too.

    `verified_block` is the newest block that the deep check computed anew; the others have none.
    """

    check: Check
    findings: tuple[Finding, ...] = ()
    problem: str | None = None
    verified_block: int | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the check was run and found nothing."""
        return not self.findings and self.problem is None

    @property
    def is_error(self) -> bool:
        """Whether the books are wrong, or nobody can tell."""
        return self.problem is not None or (
            bool(self.findings) and self.check.severity is Severity.ERROR
        )

    @property
    def is_whole(self) -> bool:
        """Whether everything wrong is named: run, and not cut off."""
        return self.problem is None and len(self.findings) < MAX_FINDINGS


def chosen(*, quick: bool) -> list[Check]:
    """Return the checks of the quick or of the full set, in the order in which they run."""
    deep = Check(DEEP, "", in_quick=False)
    return [check for check in (*CHECKS, deep) if check.in_quick or not quick]


def examine(
    engine: Engine,
    *,
    now: datetime,
    quick: bool,
    on_done: Callable[[int], object] = lambda _done: None,
) -> list[Result]:
    """Run a set of checks on what is committed at this moment; writes nothing.

    `now` is the application's time, by which ages are counted. `on_done` hears how many
    checks are done. A check that fails or takes too long does not stop the others.
    """
    results: list[Result] = []
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        # the planner's own compiler costs more than these statements; big sums like memory
        connection.execute(text(f"SET LOCAL statement_timeout = '{_PATIENCE[quick]}'"))
        connection.execute(text("SET LOCAL jit = off"))
        connection.execute(text("SET LOCAL work_mem = '64MB'"))
        given = _parameters(connection, now=now, quick=quick)
        for check in chosen(quick=quick):
            results.append(_run(connection, check, given, quick=quick))
            on_done(len(results))
    return results


def _parameters(connection: Connection, *, now: datetime, quick: bool) -> dict[str, Any]:
    newest = connection.execute(_WINDOW).one()
    sides = {**chart.SIDES, chart.RECEIVABLE_PREFIX: 1}
    first_entry = max(newest.entries - RECENT_ENTRIES, 0) if quick else 0
    live = {
        name: connection.scalars(text(which), {"first_entry": first_entry}).all()
        for name, which in LIVE.items()
        if quick
    }
    guard_kinds, guard_names, guard_definitions = map(list, zip(*EXPECTED, strict=True))
    return live | {
        "now": now,
        "first_entry": first_entry,
        "first_block": max(newest.blocks - RECENT_BLOCKS, 0) if quick else 0,
        "limit": MAX_FINDINGS,
        "kinds": list(kinds.KEY_PREFIXES),
        "prefixes": list(kinds.KEY_PREFIXES.values()),
        "movements": list(kinds.MOVEMENTS),
        "guard_kinds": guard_kinds,
        "guard_names": guard_names,
        "guard_definitions": guard_definitions,
        "sided": list(sides),
        "sides": list(sides.values()),
    }


def _run(connection: Connection, check: Check, given: dict[str, Any], *, quick: bool) -> Result:
    try:
        with connection.begin_nested():
            if check.code == DEEP:
                return _deep(connection, check)
            return Result(check, _ask(connection, check, given, quick=quick))
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        said = str(error.orig).splitlines()[0]
        return Result(check, problem=said[:_TEXT_LENGTH])


def _ask(
    connection: Connection, check: Check, given: dict[str, Any], *, quick: bool
) -> tuple[Finding, ...]:
    statement = text(_LIMITED.replace("{check}", check.statement(quick=quick)))
    return tuple(
        Finding(
            row.subject[:_TEXT_LENGTH],
            row.what[:_TEXT_LENGTH],
            None if row.expected is None else int(row.expected),
            None if row.found is None else int(row.found),
            row.currency,
        )
        for row in connection.execute(statement, given)
    )


def _deep(connection: Connection, check: Check) -> Result:
    """Compute every digest and block anew; a difference is named in words."""
    with Session(bind=connection) as session:
        report = verify(session)
    found = tuple(_in_words(what) for what in report.differences[:MAX_FINDINGS])
    # in the same snapshot, so this is the last one that was read
    return Result(check, found, verified_block=connection.execute(_WINDOW).one().blocks)


def _in_words(difference: str) -> Finding:
    """Return a difference that is told in words, about its entry or block where it names one."""
    named = _NAMED.match(difference)
    subject = f"{named[1]}:{named[2]}" if named else "ledger:verify"
    return Finding(subject, difference[:_TEXT_LENGTH])
