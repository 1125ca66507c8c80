"""Checking the whole ledger with itself: entries, blocks and balances, in constant memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select, text

from upss.kernel.errors import UpssError
from upss.ledger import walk
from upss.ledger.models import account
from upss.ledger.rules import chart, merkle
from upss.ledger.rules.entry import Line
from upss.ledger.rules.posting.kinds import KEY_PREFIXES, MOVEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

_CHUNK = 500
# More would help nobody, and a ledger of a million wrong entries must not fill the memory.
MAX_DIFFERENCES = 1_000

# What no walk along entries and blocks can see: each statement finds what must not be there.
_STRAYS = {
    "lines of no entry: {0}": """
    SELECT entry_id FROM ledger.posting p
     WHERE NOT EXISTS (SELECT 1 FROM ledger.entry e WHERE e.id = p.entry_id)""",
    "seal of no entry: {0}": """
    SELECT entry_id FROM ledger.seal s
     WHERE NOT EXISTS (SELECT 1 FROM ledger.entry e WHERE e.id = s.entry_id)""",
    "place in no block: entry {0}": """
    SELECT entry_id FROM ledger.block_entry p
     WHERE NOT EXISTS (SELECT 1 FROM ledger.block b WHERE b.seq = p.block_seq)""",
    "entry {0}: {1} seals, in {2} blocks, waits {3} times": """
    SELECT entry_id, sum(seals), sum(places), sum(waits)
      FROM (SELECT entry_id, 1 AS seals, 0 AS places, 0 AS waits FROM ledger.seal
            UNION ALL SELECT entry_id, 0, 1, 0 FROM ledger.block_entry
            UNION ALL SELECT entry_id, 0, 0, 1 FROM ledger.pending) found
     GROUP BY entry_id
    HAVING sum(seals) <> 1 OR sum(places) + sum(waits) <> 1""",
    "balance of {0}, question {1}: lines {2}, kept {3}": """
    SELECT a.code, coalesce(p.question_id, b.question_id) AS question_id, p.minor, b.balance
      FROM (SELECT account_id, question_id, sum(amount) AS minor
              FROM ledger.posting JOIN ledger.account ON account.id = account_id AND guarded
             GROUP BY account_id, question_id) p
      FULL JOIN ledger.balance b
        ON b.account_id = p.account_id AND b.question_id = p.question_id
      JOIN ledger.account a ON a.id = coalesce(p.account_id, b.account_id)
     WHERE p.minor IS DISTINCT FROM b.balance OR b.balance > 0
     ORDER BY 1, 2""",
    "totals of {0} at block {1}: lines {2} and {3}, kept {4} and {5}": """
    SELECT coalesce(a.code, account_id::text), block_seq, l.debit, l.credit, c.debit, c.credit
      FROM (SELECT account_id, block_seq,
                   sum(sum(greatest(amount, 0))) OVER upwards AS debit,
                   sum(sum(greatest(-amount, 0))) OVER upwards AS credit
              FROM ledger.posting JOIN ledger.block_entry USING (entry_id)
             GROUP BY account_id, block_seq
            WINDOW upwards AS (PARTITION BY account_id ORDER BY block_seq)) l
      FULL JOIN ledger.checkpoint c USING (account_id, block_seq)
      LEFT JOIN ledger.account a ON a.id = account_id
     WHERE (l.debit, l.credit) IS DISTINCT FROM (c.debit, c.credit)
     ORDER BY 1, 2""",
}


@dataclass
class Report:
    """How much was checked, and every difference found (at most `MAX_DIFFERENCES`)."""

    entries: int = 0
    postings: int = 0
    blocks: int = 0
    differences: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        """Keep a difference; past the limit only say that there are more."""
        if len(self.differences) < MAX_DIFFERENCES:
            self.differences.append(what)
        elif len(self.differences) == MAX_DIFFERENCES:
            self.differences.append("and more")


def verify(session: Session) -> Report:
    """Read the whole ledger once and compare it with itself; writes nothing.

    On a ledger in use, `session` should be a `walk.snapshot`.
    """
    report = Report()
    for code, kind, guarded in session.execute(
        select(account.c.code, account.c.kind, account.c.guarded)
    ):
        if guarded != chart.is_guarded(code) or kind != chart.kind_of(code):
            report.note(f"account {code}: kind or guard does not follow from its code")
    for rows in walk.entries(session):
        report.entries += 1
        report.postings += sum(row.amount is not None for row in rows)
        for what in _check(rows):
            report.note(f"entry {rows[0].id} ({rows[0].idempotency_key}): {what}")
    _check_chain(session, report)
    for words, statement in _STRAYS.items():
        found = session.execute(text(statement), execution_options={"yield_per": _CHUNK})
        for row in found:
            report.note(words.format(*row))
    return report


def _check_chain(session: Session, report: Report) -> None:
    """Note what is wrong with each block, and where one does not follow the one before it."""
    seq, prev = 0, merkle.NO_BLOCK
    for rows in walk.blocks(session):
        head = rows[0]
        report.blocks += 1
        if (head.seq, head.prev_hash) != (seq + 1, prev):
            report.note(f"block {head.seq}: does not follow block {seq}")
        for what in _check_block(rows):
            report.note(f"block {head.seq}: {what}")
        seq, prev = head.seq, head.hash


def _check_block(rows: list[Row[Any]]) -> Iterator[str]:
    """Yield what is wrong with one block by itself."""
    head = rows[0]
    if walk.block_of_row(head).hash != head.hash:
        yield "the hash is not that of its content"
    if len(rows) != head.n_entries or any(row.pos != pos for pos, row in enumerate(rows)):
        yield f"its places are not 0 to {head.n_entries - 1}"
        return
    ids, digests = [row.entry_id for row in rows], [row.digest for row in rows]
    if ids != sorted(ids):
        yield "its entries are not in the order of their ids"
    if None in digests:
        yield "an entry of it is missing"
    elif merkle.root(digests) != head.root:
        yield "the root is not that of its entries"


def _check(rows: list[Row[Any]]) -> Iterator[str]:
    """Yield what is wrong with one entry."""
    head = rows[0]
    yield from _check_request(head)
    amounts = [row.amount for row in rows if row.amount is not None]
    for currency in sorted({row.currency for row in rows if row.amount is not None}):
        total = sum(row.amount for row in rows if row.amount and row.currency == currency)
        if total != 0:
            yield f"the lines add up to {total} {currency}"
    if head.digest is None:
        yield "no seal"
        return
    if len(amounts) != head.n_lines:
        yield f"{len(amounts)} lines, sealed with {head.n_lines}"
    debits = sum(amount for amount in amounts if amount > 0)
    if debits != head.debits:
        yield f"debits of {debits}, sealed with {head.debits}"
    if not _is_possible(rows) or walk.record_of(rows).digest != head.digest:
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


def _is_possible(rows: list[Row[Any]]) -> bool:
    """Return whether each line could have been written by us, whatever its seal says."""
    try:
        for row in rows:
            if row.amount is not None:
                Line(row.code, row.currency, row.amount, row.question_id)
    except UpssError:
        return False
    return True
