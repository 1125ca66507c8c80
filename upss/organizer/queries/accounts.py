"""The accounts of the ledger: all of them, one with its entries, and the balances of a past day.

Amounts are minor units, debit above zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, cast, false, func, select

from upss.accounts.models import Account
from upss.ledger.models import account, entry, posting
from upss.ledger.queries import account_balance
from upss.ledger.queries_chain import AccountTotals
from upss.organizer.queries.entries import HOLDER, PERSON, dates, deeds, number_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from upss.organizer.forms_audit import EntryFilter

    AnyRow = Row[*tuple[Any, ...]]

_EXPORT_CHUNK = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSums:
    """One account within a filter: the balance before it, what it adds, and how many entries.

    `newer` is what the entries after the page's cursor add. Without a filter nothing is before it,
    and the entries are not counted.
    """

    code: str
    kind: str
    currency: str
    holder: str | None
    opening: int
    within: int
    newer: int
    entries: int | None

    @property
    def closing(self) -> int:
        """The balance at the end of the filter."""
        return self.opening + self.within


@dataclass(frozen=True, slots=True)
class AccountLine:
    """What one entry did to an account, and the balance after it, within the filter."""

    entry_id: int
    booked_at: datetime
    value_date: date
    kind: str
    key: str
    actor: str
    actor_name: str | None
    questions: tuple[int, ...]
    amount: int
    balance: int


def _sum(*which: ColumnElement[bool]) -> ColumnElement[int]:
    chosen = func.sum(posting.c.amount).filter(*which) if which else func.sum(posting.c.amount)
    return cast(func.coalesce(chosen, 0), BigInteger)


def holders(session: Session) -> dict[str, str]:
    """Return the name of whose account it is, by code, for the accounts of people."""
    statement = select(account.c.code, Account.name).join(
        Account, Account.id == number_in(account.c.code, HOLDER)
    )
    return {code: name for code, name in session.execute(statement) if name}


def trial_balance_on(session: Session, day: date) -> list[AccountTotals]:
    """Return the totals of every account from the entries with a value date through `day`."""
    debit, credit = _sum(posting.c.amount > 0), -_sum(posting.c.amount < 0)
    statement = (
        select(account.c.code, account.c.kind, account.c.currency, debit, credit)
        .join(posting, posting.c.account_id == account.c.id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(entry.c.value_date <= day)
        .group_by(account.c.id, account.c.code, account.c.kind, account.c.currency)
        .order_by(account.c.code)
    )
    return [
        AccountTotals(code, kind, currency, debit, credit, debit - credit)
        for code, kind, currency, debit, credit in session.execute(statement)
    ]


def account_sums(
    session: Session, code: str, wanted: EntryFilter, *, before: int | None = None
) -> AccountSums | None:
    """Return an account with the sums of the filter, or None if there is no such account.

    Without a filter the balance is that of the newest block: the history is not read.
    """
    lines = _lines_of(wanted)
    if not wanted.address:
        lines = [false() if before is None else posting.c.entry_id >= before]
    earlier = false() if wanted.since is None else entry.c.value_date < wanted.since
    newer = false() if before is None else entry.c.id >= before
    # An account without such entries is still found, so what does not fit is not joined.
    dated = [entry.c.id.is_not(None), *dates(wanted)]
    statement = (
        select(
            account.c.code,
            account.c.kind,
            account.c.currency,
            func.max(Account.name).label("holder"),
            _sum(earlier).label("opening"),
            _sum(*dated).label("within"),
            _sum(*dated, newer).label("newer"),
            func.count(entry.c.id.distinct()).filter(*dated).label("entries"),
        )
        .select_from(account)
        .outerjoin(Account, Account.id == number_in(account.c.code, HOLDER))
        .outerjoin(posting, and_(posting.c.account_id == account.c.id, *lines))
        .outerjoin(entry, and_(entry.c.id == posting.c.entry_id, *deeds(wanted)))
        .where(account.c.code == code)
        .group_by(account.c.id, account.c.code, account.c.kind, account.c.currency)
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        return None
    sums = AccountSums(**row._asdict())
    if wanted.address:
        return sums
    return replace(sums, within=account_balance(session, code), entries=None)


def account_lines(
    session: Session, sums: AccountSums, wanted: EntryFilter, *, before: int | None, limit: int
) -> list[AccountLine]:
    """Return the newest entries of an account within the filter, with the balance after each."""
    page = (
        select(posting.c.entry_id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(
            # as a value it leads along the index: only as much is read as the page shows
            posting.c.account_id
            == select(account.c.id).where(account.c.code == sums.code).scalar_subquery(),
            *_chosen(wanted),
        )
        .group_by(posting.c.entry_id)
        .order_by(posting.c.entry_id.desc())
        .limit(limit)
    )
    if before is not None:
        page = page.where(posting.c.entry_id < before)
    statement = _lines(sums.code, wanted).where(entry.c.id.in_(page))
    return list(_with_balance(session.execute(statement), sums.closing - sums.newer))


def every_line(session: Session, sums: AccountSums, wanted: EntryFilter) -> Iterator[AccountLine]:
    """Return all entries of an account within the filter, newest first, some hundred at a time."""
    options = {"yield_per": _EXPORT_CHUNK}
    rows = session.execute(_lines(sums.code, wanted), execution_options=options)
    yield from _with_balance(rows, sums.closing)


def _lines(code: str, wanted: EntryFilter) -> Select[Any]:
    return (
        select(
            entry.c.id.label("entry_id"),
            entry.c.booked_at,
            entry.c.value_date,
            entry.c.kind,
            entry.c.idempotency_key.label("key"),
            entry.c.actor,
            func.max(Account.name).label("actor_name"),
            func.array_agg(posting.c.question_id.distinct()).label("questions"),
            _sum().label("amount"),
        )
        .join(posting, posting.c.entry_id == entry.c.id)
        .join(account, account.c.id == posting.c.account_id)
        .outerjoin(Account, Account.id == number_in(entry.c.actor, PERSON))
        .where(account.c.code == code, *_chosen(wanted))
        .group_by(entry.c.id)
        .order_by(entry.c.id.desc())
    )


def _lines_of(wanted: EntryFilter) -> list[ColumnElement[bool]]:
    return [] if wanted.question is None else [posting.c.question_id == wanted.question]


def _chosen(wanted: EntryFilter) -> list[ColumnElement[bool]]:
    return [*_lines_of(wanted), *dates(wanted), *deeds(wanted)]


def _with_balance(rows: Iterable[AnyRow], closing: int) -> Iterator[AccountLine]:
    """Walk back from the newest line: each balance is that after its entry."""
    balance = closing
    for row in rows:
        facts = row._asdict()
        questions = tuple(number for number in facts.pop("questions") if number is not None)
        yield AccountLine(**facts, questions=questions, balance=balance)
        balance -= row.amount
