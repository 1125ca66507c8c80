"""A statement as CSV: its lines with what remains after each, from the start to the newest block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from upss.payouts.rules.statement import PRICED_KINDS, Group, Period, Statement, group_of
from upss.web.spreadsheet import MARK, amount_cell, csv_line, safe_cell

if TYPE_CHECKING:
    from upss.ledger.queries_chain import BlockRow
    from upss.payouts.queries_statement import AnyRow

COLUMNS = (
    "day", "what", "question", "price", "commission", "others", "earned", "paid", "remaining",
    "state", "reference", "currency",
)  # fmt: skip


def csv_lines(
    period: Period,
    sums: Statement,
    lines: Iterable[AnyRow],
    *,
    column: Callable[[str], str],
    word: Callable[[str], str],
    block: BlockRow | None,
    currency: str,
) -> Iterator[str]:
    """Yield the file in pieces; `column` and `word` speak the reader's language."""
    yield MARK + csv_line(column(name) for name in COLUMNS)

    def line(**cells: str) -> str:
        return csv_line(cells.get(name, "") for name in COLUMNS)

    def amount(minor: int) -> str:
        return amount_cell(minor, currency)

    remaining = sums.opening
    first = {"day": period.begins.isoformat(), "what": word("opening"), "currency": currency}
    yield line(**first, remaining=amount(remaining))
    for row in lines:
        remaining += row.owed
        cells = _cells(row, amount) | {"what": word(row.kind), "state": word(row.state)}
        yield line(**cells, remaining=amount(remaining), currency=currency)
    last = {"what": word("closing"), "remaining": amount(sums.closing), "currency": currency}
    yield line(**last, earned=amount(sums.earned), paid=amount(sums.paid))
    if block is not None:
        when = block.sealed_at.isoformat(timespec="seconds")
        yield line(day=when, what=word("block"), question=str(block.seq), reference=block.hash)


def _cells(row: AnyRow, amount: Callable[[int], str]) -> dict[str, str]:
    """Write what stands in one line, without words."""
    is_paid = group_of(row.kind) is Group.PAID
    cells = {
        "day": row.value_date.isoformat(),
        "question": "" if row.question_id is None else str(row.question_id),
        "reference": safe_cell(row.reference),
        "paid" if is_paid else "earned": amount(-row.owed if is_paid else row.owed),
    }
    if row.kind in PRICED_KINDS:
        cells["price"] = amount(row.price)
        cells["commission"] = amount(row.commission)
        cells["others"] = amount(row.others)
    return cells
