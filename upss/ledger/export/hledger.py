"""The ledger for hledger: `hledger check --strict ordereddates` must accept it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from upss.ledger.export.text import amount, facts, one_line, postings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Row

    from upss.ledger.export.book import Book

_TYPES = {"asset": "A", "liability": "L", "equity": "E", "income": "R", "expense": "X"}


def lines(book: Book) -> Iterator[str]:
    """Yield the file: currencies, accounts, entries by value date, the balances of the day after."""
    accounts, days = book.accounts(), book.days
    yield "; UPSS ledger\n"
    if days is None:
        return
    for currency in sorted({account.currency for account in accounts}):
        yield f"commodity {_style(currency)}\n"
    for account in accounts:
        yield f"account {account.code}  ; type:{_TYPES[account.kind]}\n"
    for rows in book.entries(by_value_date=True):
        yield from _transaction(rows)
    yield f"\n{days[1] + timedelta(days=1)} * balances\n"
    for account in accounts:
        stated = amount(account.balance, account.currency)
        yield f"    {account.code}  {amount(0, account.currency)} = {stated}\n"


def _transaction(rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Yield one entry; each line has the tag of its question."""
    head = rows[0]
    yield f"\n{head.value_date} * ({head.id}) {head.kind}\n"
    for name, value in facts(head).items():
        yield f"    ; {name}:{_tag(value)}\n"
    for row in postings(rows):
        tag = "" if row.question_id is None else f"  ; question:{row.question_id}"
        yield f"    {row.code}  {amount(row.amount, row.currency)}{tag}\n"


def _style(currency: str) -> str:
    """Return how amounts are written: with as many decimals as the currency has, a mark always."""
    number, code = amount(1000 * 10**6, currency).split(" ")
    decimals = number.partition(".")[2]
    return f"1000.{'0' * len(decimals)} {code}"


def _tag(value: object) -> str:
    # a comma would end the tag
    return one_line(value).replace(",", ";")
