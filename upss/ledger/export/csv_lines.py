"""The ledger for spreadsheets: one line for each posting, with its entry's facts beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upss.ledger.export.text import postings
from upss.web.spreadsheet import MARK, amount_cell, csv_line, safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Row

    from upss.ledger.export.book import Book

_HEAD = (
    *("entry", "line", "booked_at", "value_date", "kind", "key", "account", "amount"),
    *("currency", "minor", "question", "actor", "approver", "reason", "reverses", "digest"),
)


def lines(book: Book) -> Iterator[str]:
    """Yield the file; `amount` is exact, `minor` the same in minor units."""
    yield MARK + csv_line(_HEAD)
    for rows in book.entries():
        for number, row in enumerate(postings(rows), 1):
            yield csv_line(_cells(number, row))


def _cells(number: int, row: Row[Any]) -> Iterator[str]:
    yield from (str(row.id), str(number), row.booked_at.isoformat(), str(row.value_date))
    yield from (row.kind, safe_cell(row.idempotency_key), row.code)
    yield from (amount_cell(row.amount, row.currency), row.currency, str(row.amount))
    yield _number(row.question_id)
    yield from (safe_cell(row.actor), safe_cell(row.approver or ""), safe_cell(row.reason or ""))
    yield from (_number(row.reverses_id), row.digest or "")


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
