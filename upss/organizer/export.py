"""The audit as CSV: the same rows as the page, safe to open in a spreadsheet, never all at once."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING

from upss.kernel.money import EXPONENTS
from upss.organizer.queries.audit import FIGURES

if TYPE_CHECKING:
    from upss.organizer.queries.audit import AnyRow

_HEAD = ("question", "paid_at", "answerer", *FIGURES, "currency", "state")
# A spreadsheet would run a cell that begins so as a formula.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula."""
    risky = value.startswith(_DANGEROUS) or value.lstrip().startswith(_DANGEROUS)
    return "'" + value if risky else value


def csv_lines(rows: Iterable[AnyRow]) -> Iterator[str]:
    """Yield the file in pieces; it begins with the mark by which spreadsheets know UTF-8."""
    yield "\ufeff" + _line(_HEAD)
    for row in rows:
        amounts = [_amount(getattr(row, name), row.currency) for name in FIGURES]
        when = row.paid_at.isoformat(timespec="seconds")
        name = safe_cell(row.answerer or "")
        yield _line((str(row.question_id), when, name, *amounts, row.currency, row.state))


def _amount(minor: int, currency: str) -> str:
    return f"{Decimal(minor).scaleb(-EXPONENTS[currency])}"


def _line(cells: Iterable[str]) -> str:
    out = StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
