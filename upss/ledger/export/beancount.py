"""The ledger for beancount: `bean-check` must accept it, with every balance to the cent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from upss.ledger.export.text import amount, facts, one_line, postings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Row

    from upss.ledger.export.book import Book


def lines(book: Book) -> Iterator[str]:
    """Yield the file: options, accounts, entries by value date, the balances of the day after."""
    accounts, days = book.accounts(), book.days
    yield 'option "title" "UPSS ledger"\n'
    for currency in sorted({account.currency for account in accounts}):
        yield f'option "operating_currency" "{currency}"\n'
    if days is None:
        return
    yield "\n"
    for account in accounts:
        yield f"{days[0]} open {account.code} {account.currency}\n"
    for rows in book.entries(by_value_date=True):
        yield from _transaction(rows)
    yield "\n"
    # Without "~ 0" a difference of one cent would pass for a rounding.
    for account in accounts:
        exact, currency = amount(account.balance, account.currency).split(" ")
        yield f"{days[1] + timedelta(days=1)} balance {account.code}  {exact} ~ 0 {currency}\n"


def _transaction(rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Yield one entry; a link for each question gathers all that ever touched it."""
    head, own = rows[0], postings(rows)
    questions = sorted({row.question_id for row in own if row.question_id is not None})
    links = "".join(f" ^q-{question}" for question in questions)
    yield f'\n{head.value_date} * "{head.kind}"{links}\n'
    for name, value in facts(head).items():
        yield f"  {name}: {_quoted(value)}\n"
    for row in own:
        yield f"  {row.code}  {amount(row.amount, row.currency)}\n"
        if row.question_id is not None:
            yield f'    question: "{row.question_id}"\n'


def _quoted(value: object) -> str:
    escaped = one_line(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
