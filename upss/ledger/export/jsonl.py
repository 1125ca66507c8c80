"""The form that the offline check reads: entries as they were hashed, blocks, balances.

docs/ledger-format.md publishes it. The same ledger always gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from upss.ledger import walk
from upss.ledger.rules.entry import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upss.ledger.export.book import Book

FORMAT, VERSION = "upss-ledger", 1


def lines(book: Book) -> Iterator[str]:
    """Yield the file: a head, each entry by id, each block, and last the balances and counts."""
    yield _line({"format": FORMAT, "version": VERSION})
    n_entries = n_blocks = anchored = 0
    for rows in book.entries():
        document = walk.record_of(rows).document()
        yield _line({"entry": document, "id": rows[0].id, "digest": rows[0].digest})
        n_entries += 1
    for rows in book.blocks():
        ids = [row.entry_id for row in rows]
        head = walk.block_of_row(rows[0]).document() | {"hash": rows[0].hash}
        yield _line({"block": head, "entries": ids})
        n_blocks, anchored = n_blocks + 1, anchored + len(ids)
    balances = {account.code: account.balance for account in book.accounts()}
    counts = {"entries": n_entries, "blocks": n_blocks, "anchored": anchored}
    yield _line({"balances": balances, **counts})


def _line(document: dict[str, object]) -> str:
    return canonical_json(document).decode("ascii") + "\n"
