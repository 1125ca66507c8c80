"""Lines of CSV that spreadsheets open well: their mark of UTF-8, exact amounts, no formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from decimal import Decimal
from io import StringIO

from upss.kernel.money import EXPONENTS

# A file that begins so is read as UTF-8 by every spreadsheet.
MARK = "\ufeff"
# A spreadsheet would run a cell that begins so as a formula.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula."""
    risky = value.startswith(_DANGEROUS) or value.lstrip().startswith(_DANGEROUS)
    return "'" + value if risky else value


def amount_cell(minor: int, currency: str) -> str:
    """Write minor units as an exact number: 1020 EUR is "10.20"."""
    return f"{Decimal(minor).scaleb(-EXPONENTS[currency])}"


def csv_line(cells: Iterable[str]) -> str:
    """Return one line of the file with its end."""
    out = StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
