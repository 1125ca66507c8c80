"""The form that the offline check reads: entries as they were hashed, blocks, balances.

docs/ledger-format.md publishes it. The same ledger always gives the same bytes.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from upss.ledger.rules.entry import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from upss.ledger.export.book import Book

FORMAT, VERSION = "upss-ledger", 1


def lines(book: Book) -> Iterator[str]:
    """Yield the file: a head, each entry by id, each block, and last the balances and counts."""
    yield _line({"format": FORMAT, "version": VERSION})
    n_entries = n_blocks = anchored = 0
    for rows in book.entries():
        yield _line({"entry": _entry(rows), "id": rows[0].id, "digest": rows[0].digest})
        n_entries += 1
    for rows in book.blocks():
        ids = [row.entry_id for row in rows]
        yield _line({"block": _block(rows[0]), "entries": ids})
        n_blocks, anchored = n_blocks + 1, anchored + len(ids)
    balances = {account.code: account.balance for account in book.accounts()}
    counts = {"entries": n_entries, "blocks": n_blocks, "anchored": anchored}
    yield _line({"balances": balances, **counts})


def _entry(rows: Sequence[Row[Any]]) -> dict[str, object]:
    """Return the document of an entry as it stands, right or not: to judge is the reader's part."""
    head = rows[0]
    return {
        "kind": head.kind,
        "key": head.idempotency_key,
        "request": head.request_hash,
        "external_ref": head.external_ref,
        "reverses": head.reverses_id,
        "booked_at": _instant(head.booked_at),
        "value_date": head.value_date.isoformat(),
        "actor": head.actor,
        "reason": head.reason,
        "approver": head.approver,
        "lines": [
            [row.code, row.currency, row.amount, row.question_id]
            for row in rows
            if row.amount is not None
        ],
    }


def _block(head: Row[Any]) -> dict[str, object]:
    return {
        "seq": head.seq,
        "prev": head.prev_hash,
        "n_entries": head.n_entries,
        "root": head.root,
        "sealed_at": _instant(head.sealed_at),
        "hash": head.hash,
    }


def _instant(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _line(document: dict[str, object]) -> str:
    return canonical_json(document).decode("ascii") + "\n"
