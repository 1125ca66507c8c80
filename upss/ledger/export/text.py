"""What the two plain-text forms share: amounts, and words that cannot break out of their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from upss.web.spreadsheet import amount_cell

if TYPE_CHECKING:
    from sqlalchemy import Row


def amount(minor: int, currency: str) -> str:
    """Return an exact amount with its currency: 1001 EUR is "10.01 EUR"."""
    return f"{amount_cell(minor, currency)} {currency}"


def one_line(words: object) -> str:
    """Return the words on one line, with a space for whatever would end a line or cannot be seen."""
    return "".join(mark if mark.isprintable() else " " for mark in str(words))


def facts(head: Row[Any]) -> dict[str, object]:
    """Return what is told of an entry beside its lines; what is empty is left out."""
    told = {
        "entry": head.id,
        "key": head.idempotency_key,
        "booked": head.booked_at.isoformat(),
        "actor": head.actor,
        "reverses": head.reverses_id,
        "approver": head.approver,
        "reason": head.reason,
        "digest": head.digest,
    }
    return {name: value for name, value in told.items() if value is not None}


def postings(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Return the rows that are lines of the entry."""
    return [row for row in rows if row.amount is not None]
