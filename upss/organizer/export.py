"""The audit pages as CSV: the same rows as the page, safe to open in a spreadsheet, never all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from upss.organizer.queries.audit import FIGURES
from upss.web.spreadsheet import MARK, amount_cell, csv_line, safe_cell

if TYPE_CHECKING:
    from upss.organizer.queries.accounts import AccountLine, AccountSums
    from upss.organizer.queries.audit import AnyRow
    from upss.organizer.queries.entries import BookedEntry

_HEAD = ("question", "paid_at", "answerer", *FIGURES, "currency", "state")
_ENTRY_HEAD = (
    "entry", "value_date", "booked_at", "kind", "key", "external_ref", "actor", "approver",
    "reason", "account", "holder", "question", "debit", "credit", "currency", "digest", "block",
)  # fmt: skip
_ACCOUNT_HEAD = (
    "account", "entry", "value_date", "booked_at", "kind", "key", "actor", "questions", "debit",
    "credit", "balance", "currency",
)  # fmt: skip


def csv_lines(rows: Iterable[AnyRow]) -> Iterator[str]:
    """Yield the file in pieces; it begins with the mark by which spreadsheets know UTF-8."""
    yield MARK + csv_line(_HEAD)
    for row in rows:
        amounts = [amount_cell(getattr(row, name), row.currency) for name in FIGURES]
        when = row.paid_at.isoformat(timespec="seconds")
        name = safe_cell(row.answerer or "")
        yield csv_line((str(row.question_id), when, name, *amounts, row.currency, row.state))


def journal_lines(entries: Iterable[BookedEntry]) -> Iterator[str]:
    """Yield a line for each line of each entry; debits and credits in columns of their own."""
    yield MARK + csv_line(_ENTRY_HEAD)
    for entry in entries:
        head = (
            str(entry.id), entry.value_date.isoformat(),
            entry.booked_at.isoformat(timespec="microseconds"), entry.kind, safe_cell(entry.key),
            safe_cell(entry.external_ref or ""), safe_cell(entry.actor),
            safe_cell(entry.approver or ""), safe_cell(entry.reason or ""),
        )  # fmt: skip
        block = "" if entry.block_seq is None else str(entry.block_seq)
        for line in entry.lines:
            question = "" if line.question_id is None else str(line.question_id)
            yield csv_line((
                *head, line.account, safe_cell(line.holder or ""), question,
                *_sides(line.amount, line.currency), line.currency, entry.digest, block,
            ))  # fmt: skip


def account_lines(sums: AccountSums, rows: Iterable[AccountLine]) -> Iterator[str]:
    """Yield a line for each entry of an account, with the balance after it."""
    yield MARK + csv_line(_ACCOUNT_HEAD)
    for row in rows:
        yield csv_line((
            sums.code, str(row.entry_id), row.value_date.isoformat(),
            row.booked_at.isoformat(timespec="microseconds"), row.kind, safe_cell(row.key),
            safe_cell(row.actor), " ".join(str(number) for number in row.questions),
            *_sides(row.amount, sums.currency), amount_cell(row.balance, sums.currency),
            sums.currency,
        ))  # fmt: skip


def _sides(minor: int, currency: str) -> tuple[str, str]:
    amount = amount_cell(abs(minor), currency)
    return (amount, "") if minor > 0 else ("", amount)
