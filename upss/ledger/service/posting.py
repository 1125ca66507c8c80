"""Writing one entry: with its lines and its seal in one statement, or finding it as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import errors
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from upss.kernel.errors import BadAmount, DomainError, IdempotencyConflict
from upss.ledger import models
from upss.ledger.rules import chart

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from upss.db.work import UnitOfWork
    from upss.ledger.rules.entry import Cause, EntryDraft, Record


class Overdrawn(DomainError):
    """More was asked for than is held, payable or reserved for this question."""

    code = "overdrawn"


@dataclass(frozen=True, slots=True)
class Posted:
    """The entry that stands for a key; `replayed` if it had been written before."""

    entry_id: int
    replayed: bool


# The accounts of an entry, opened by whoever needs them first.
_OPEN_ACCOUNTS = text("""
    INSERT INTO ledger.account (code, kind, currency, guarded)
    SELECT n.code, n.kind, n.currency, n.guarded
      FROM unnest(CAST(:codes AS text[]), CAST(:kinds AS text[]), CAST(:currencies AS text[]),
                  CAST(:guarded AS boolean[])) AS n (code, kind, currency, guarded)
     WHERE NOT EXISTS (SELECT 1 FROM ledger.account a WHERE a.code = n.code)
     ORDER BY n.code
    ON CONFLICT (code) DO NOTHING""")

# Entry, lines and seal in one statement. Nothing is written where an account is missing, or where
# the key, the movement or the reversal is taken. The lines go in by account, so that two entries
# take their guarded balances in the same order. The seal takes its numbers from the draft and its
# entry from the lines, so that it fails where a line was lost. Each array stands in a SELECT of
# its own: a planner that could count its members would make a new plan for every entry.
WRITE = """
    WITH l AS MATERIALIZED (
      SELECT n.line_no, (SELECT a.id FROM ledger.account a WHERE a.code = n.code) AS account_id,
             n.currency, n.amount, n.question_id
        FROM unnest((SELECT CAST(%(codes)s AS text[])), (SELECT CAST(%(currencies)s AS text[])),
                    (SELECT CAST(%(amounts)s AS bigint[])), (SELECT CAST(%(questions)s AS bigint[])))
             WITH ORDINALITY AS n (code, currency, amount, question_id, line_no)
    ), e AS (
      INSERT INTO ledger.entry (kind, idempotency_key, request_hash, external_ref, reverses_id,
                                booked_at, value_date, actor, reason, approver)
      SELECT %(kind)s, %(key)s, %(request_hash)s, %(external_ref)s, %(reverses_id)s,
             %(booked_at)s, %(value_date)s, %(actor)s, %(reason)s, %(approver)s
       WHERE (SELECT count(account_id) FROM l) = CAST(%(n_lines)s AS int)
      ON CONFLICT DO NOTHING
      RETURNING id
    ), p AS (
      INSERT INTO ledger.posting (entry_id, line_no, account_id, currency, amount, question_id)
      SELECT e.id, l.line_no, l.account_id, l.currency, l.amount, l.question_id
        FROM e CROSS JOIN l
       ORDER BY l.account_id, l.question_id
      RETURNING entry_id
    )
    INSERT INTO ledger.seal (entry_id, n_lines, debits, digest)
    SELECT DISTINCT entry_id, CAST(%(n_lines)s AS int), CAST(%(debits)s AS bigint), %(digest)s FROM p
    RETURNING entry_id"""


def post(uow: UnitOfWork, draft: EntryDraft) -> Posted:
    """Write the entry, or find it if this key has been written before.

    Raises `IdempotencyConflict` if the key, or the movement or reversal it refers to, stands for
    something else; `Overdrawn` if a guarded balance would change sides; `UnknownAccount` for a code
    outside the chart. After `Overdrawn` the
    unit of work cannot go on.
    """
    record = draft.record(uow.clock.now())
    try:
        entry_id = _write(uow.session, draft, record)
        if entry_id is None:
            found = find(uow.session, draft)
            if found is not None:
                return found
            _open_accounts(uow.session, draft)
            entry_id = _write(uow.session, draft, record)
    except errors.IntegrityError as error:
        raise _reason(error, draft) from error
    if entry_id is not None:
        return Posted(entry_id, replayed=False)
    # Between the two statements another session may have written the very same entry.
    found = find(uow.session, draft)
    if found is None:
        raise IdempotencyConflict(key=draft.key, external_ref=draft.external_ref)
    return found


def find(session: Session, cause: Cause) -> Posted | None:
    """Return the entry of a cause; raises `IdempotencyConflict` if its key asks for something else."""
    entry = models.entry.c
    row = session.execute(
        select(entry.id, entry.request_hash).where(entry.idempotency_key == cause.key)
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != cause.request_hash:
        raise IdempotencyConflict(key=cause.key)
    return Posted(row.id, replayed=True)


def _write(session: Session, draft: EntryDraft, record: Record) -> int | None:
    """Write it all, or nothing where an account is missing or a key is taken (None).

    The driver is asked directly, and numbers go as text, so that amounts of every size share one
    prepared statement: that is half of the processor time of a posting. They are exact: no line
    can be made with anything but an int.
    """
    raw = session.connection().connection.driver_connection
    assert raw is not None
    lines = record.lines
    values = {
        "kind": record.kind,
        "key": record.key,
        "request_hash": record.request_hash,
        "external_ref": record.external_ref,
        "reverses_id": record.reverses_id,
        "booked_at": record.booked_at,
        "value_date": record.value_date,
        "actor": record.actor,
        "reason": record.reason,
        "approver": record.approver,
        "codes": _array([line.account for line in lines]),
        "currencies": _array([line.currency for line in lines]),
        "amounts": _array([str(line.amount) for line in lines]),
        "questions": _array([str(line.question_id or "NULL") for line in lines]),
        "n_lines": str(len(lines)),
        "debits": str(draft.debits_minor),
        "digest": record.digest,
    }
    row = raw.execute(WRITE, values, prepare=True).fetchone()
    return None if row is None else int(row[0])


def _array(members: list[str]) -> str:
    """Return PostgreSQL's spelling of an array whose members need no quotes."""
    return "{" + ",".join(members) + "}"


def _open_accounts(session: Session, draft: EntryDraft) -> None:
    # Here alone: a code that is open already was checked when it was opened.
    for line in draft.lines:
        chart.check(line.account)
    opened = sorted({(line.account, line.currency) for line in draft.lines})
    session.execute(
        _OPEN_ACCOUNTS,
        {
            "codes": [code for code, _ in opened],
            "kinds": [chart.kind_of(code) for code, _ in opened],
            "currencies": [currency for _, currency in opened],
            "guarded": [chart.is_guarded(code) for code, _ in opened],
        },
    )


def _reason(error: errors.IntegrityError, draft: EntryDraft) -> Exception:
    """Return what PostgreSQL has refused, in the words of the domain."""
    constraint = error.diag.constraint_name
    if constraint == "overdrawn":
        return Overdrawn(key=draft.key)
    if constraint == "one_currency":
        return BadAmount(key=draft.key)
    return IntegrityError("post", None, error)
