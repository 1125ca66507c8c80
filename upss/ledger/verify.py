"""Checking the whole ledger: every digest, sum, seal and guarded balance, in constant memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select, text

from upss.kernel.errors import UpssError
from upss.ledger.models import account, entry, posting, seal
from upss.ledger.rules import chart
from upss.ledger.rules.entry import Line, Record
from upss.ledger.rules.posting.kinds import KEY_PREFIXES, MOVEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

_CHUNK = 2_000
# More would help nobody, and a ledger of a million wrong entries must not fill the memory.
MAX_DIFFERENCES = 1_000

# What no walk along the entries can see: rows that belong to no entry, and balances of their own.
_STRAYS = {
    "lines of no entry": "SELECT entry_id FROM ledger.posting p WHERE NOT EXISTS"
    " (SELECT 1 FROM ledger.entry e WHERE e.id = p.entry_id)",
    "seal of no entry": "SELECT entry_id FROM ledger.seal s WHERE NOT EXISTS"
    " (SELECT 1 FROM ledger.entry e WHERE e.id = s.entry_id)",
}
_BALANCES = """
    SELECT a.code, coalesce(p.question_id, b.question_id) AS question_id, p.minor, b.balance
      FROM (SELECT account_id, question_id, sum(amount) AS minor
              FROM ledger.posting JOIN ledger.account ON account.id = account_id AND guarded
             GROUP BY account_id, question_id) p
      FULL JOIN ledger.balance b
        ON b.account_id = p.account_id AND b.question_id = p.question_id
      JOIN ledger.account a ON a.id = coalesce(p.account_id, b.account_id)
     WHERE p.minor IS DISTINCT FROM b.balance OR b.balance > 0
     ORDER BY 1, 2"""


@dataclass
class Report:
    """How much was checked, and every difference found (at most `MAX_DIFFERENCES`)."""

    entries: int = 0
    postings: int = 0
    differences: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        """Keep a difference; past the limit only say that there are more."""
        if len(self.differences) < MAX_DIFFERENCES:
            self.differences.append(what)
        elif len(self.differences) == MAX_DIFFERENCES:
            self.differences.append("and more")


def verify(session: Session) -> Report:
    """Read the whole ledger once and compare it with itself; writes nothing."""
    report = Report()
    for code, kind, guarded in session.execute(
        select(account.c.code, account.c.kind, account.c.guarded)
    ):
        if guarded != chart.is_guarded(code) or kind != chart.kind_of(code):
            report.note(f"account {code}: kind or guard does not follow from its code")
    for rows in _walk(session):
        report.entries += 1
        report.postings += sum(row.amount is not None for row in rows)
        for what in _check(rows):
            report.note(f"entry {rows[0].id} ({rows[0].idempotency_key}): {what}")
    for name, statement in _STRAYS.items():
        for (entry_id,) in session.execute(text(statement)):
            report.note(f"{name}: {entry_id}")
    for code, question_id, minor, kept in session.execute(text(_BALANCES)):
        report.note(f"balance of {code}, question {question_id}: lines {minor}, kept {kept}")
    return report


def _walk(session: Session) -> Iterator[list[Row[Any]]]:
    """Yield the rows of one entry after the other, through a cursor of the server."""
    statement = (
        select(
            entry,
            seal.c.n_lines,
            seal.c.debits,
            seal.c.digest,
            account.c.code,
            posting.c.currency,
            posting.c.amount,
            posting.c.question_id,
        )
        .join_from(entry, seal, seal.c.entry_id == entry.c.id, isouter=True)
        .join(posting, posting.c.entry_id == entry.c.id, isouter=True)
        .join(account, account.c.id == posting.c.account_id, isouter=True)
        .order_by(entry.c.id, posting.c.line_no)
    )
    rows = session.execute(statement, execution_options={"yield_per": _CHUNK})
    for _, group in groupby(rows, key=lambda row: row.id):
        yield list(group)


def _check(rows: list[Row[Any]]) -> Iterator[str]:
    """Yield what is wrong with one entry."""
    head = rows[0]
    yield from _check_request(head)
    amounts = [row.amount for row in rows if row.amount is not None]
    if sum(amounts) != 0:
        yield f"the lines add up to {sum(amounts)}"
    if head.digest is None:
        yield "no seal"
        return
    if len(amounts) != head.n_lines:
        yield f"{len(amounts)} lines, sealed with {head.n_lines}"
    debits = sum(amount for amount in amounts if amount > 0)
    if debits != head.debits:
        yield f"debits of {debits}, sealed with {head.debits}"
    if _digest(rows) != head.digest:
        yield "the digest is not that of its content"


def _check_request(head: Row[Any]) -> Iterator[str]:
    """Yield whether kind, key and external reference fit together."""
    prefix = KEY_PREFIXES.get(head.kind)
    if prefix is None:
        yield f"unknown kind {head.kind}"
        return
    if not head.idempotency_key.startswith(prefix):
        yield f"the key of {head.kind} does not begin with {prefix}"
    movement = head.idempotency_key.removeprefix(prefix) if prefix in MOVEMENTS else None
    if head.external_ref != movement:
        yield f"external reference {head.external_ref} does not fit the key"


def _digest(rows: list[Row[Any]]) -> str | None:
    """Return the digest that follows from the rows, or None if they can be no entry."""
    head = rows[0]
    try:
        lines = tuple(
            Line(row.code, row.currency, row.amount, row.question_id)
            for row in rows
            if row.amount is not None
        )
    except UpssError:
        return None
    return Record(
        kind=head.kind,
        key=head.idempotency_key,
        request_hash=head.request_hash,
        external_ref=head.external_ref,
        reverses_id=head.reverses_id,
        booked_at=head.booked_at,
        value_date=head.value_date,
        actor=head.actor,
        reason=head.reason,
        approver=head.approver,
        lines=lines,
    ).digest
