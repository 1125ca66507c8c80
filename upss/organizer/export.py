"""The audit as CSV: the same rows as the page, safe to open in a spreadsheet, never all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from upss.organizer.queries.audit import FIGURES
from upss.web.spreadsheet import MARK, amount_cell, csv_line, safe_cell

if TYPE_CHECKING:
    from upss.organizer.queries.audit import AnyRow

_HEAD = ("question", "paid_at", "answerer", *FIGURES, "currency", "state")


def csv_lines(rows: Iterable[AnyRow]) -> Iterator[str]:
    """Yield the file in pieces; it begins with the mark by which spreadsheets know UTF-8."""
    yield MARK + csv_line(_HEAD)
    for row in rows:
        amounts = [amount_cell(getattr(row, name), row.currency) for name in FIGURES]
        when = row.paid_at.isoformat(timespec="seconds")
        name = safe_cell(row.answerer or "")
        yield csv_line((str(row.question_id), when, name, *amounts, row.currency, row.state))
