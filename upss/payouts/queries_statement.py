"""Reading statements: a person's money by month and kind, its lines, and who has any.

Every figure is the ledger's, by its value date. Whatever touches the person's accounts is read,
of any kind, so that the sums hold for kinds that nobody has thought of yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    Row,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from upss.accounts.models import Account
from upss.ledger.models import account, balance, entry, pending, posting
from upss.ledger.rules import chart
from upss.payouts.rules.statement import PAID_KINDS, PRICED_KINDS, MonthSum, Period

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    AnyRow = Row[*tuple[Any, ...]]

_CHUNK = 500
# Set aside for a payout: it left nothing and came from nowhere, the payment itself follows.
_RESERVED = "payout_reserved"
_ANSWERER = "Liabilities:Answerer:"
_COMMISSION = "Income:Commission:"


def codes_of(answerer_id: int) -> tuple[str, str, str]:
    """Return a person's accounts: payable, in payout and receivable."""
    return chart.payable(answerer_id), chart.in_payout(answerer_id), chart.receivable(answerer_id)


def number_of(answerer_id: int) -> str:
    """Return what stands for a person in the books: A0007."""
    return chart.payable(answerer_id).rpartition(":")[2]


def as_of_one_moment(session: Session) -> None:
    """Let everything that follows in this transaction be read as of the first look."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def _sum(which: ColumnElement[bool], sign: int) -> ColumnElement[int]:
    total = func.coalesce(func.sum(posting.c.amount).filter(which), 0)
    return cast(sign * total, BigInteger)


def _mine(answerer_id: int, *, until: date) -> CTE:
    """Select what each entry did to a person's accounts for each question, before a day."""
    payable, in_payout, receivable = codes_of(answerer_id)
    return (
        select(
            entry.c.id,
            entry.c.kind,
            entry.c.value_date,
            func.coalesce(entry.c.external_ref, entry.c.idempotency_key).label("reference"),
            posting.c.question_id,
            posting.c.currency,
            _sum(account.c.code == payable, -1).label("payable"),
            _sum(account.c.code == in_payout, -1).label("in_payout"),
            _sum(account.c.code == receivable, 1).label("receivable"),
        )
        .select_from(account)
        .join(posting, posting.c.account_id == account.c.id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(account.c.code.in_((payable, in_payout, receivable)), entry.c.value_date < until)
        .group_by(entry.c.id, posting.c.question_id, posting.c.currency)
        .cte("mine")
    )


def _parts(mine: CTE, answerer_id: int) -> Any:
    """Select, beside a line that splits a price, its commission and what other people got of it."""
    code = account.c.code
    kept = or_(code.startswith(_COMMISSION), code == chart.GUARANTEE_FUND)
    others = and_(code.startswith(_ANSWERER), code.not_in(codes_of(answerer_id)))
    return (
        select(_sum(kept, -1).label("commission"), _sum(others, -1).label("others"))
        .join(account, account.c.id == posting.c.account_id)
        .where(
            posting.c.entry_id == mine.c.id,
            posting.c.question_id.is_not_distinct_from(mine.c.question_id),
            mine.c.kind.in_(PRICED_KINDS),
        )
        .lateral("parts")
    )


def _owed(mine: CTE) -> ColumnElement[int]:
    return mine.c.payable + mine.c.in_payout - mine.c.receivable


def month_sums(session: Session, answerer_id: int, *, until: date) -> list[MonthSum]:
    """Return what happened to a person's money before a day, by month and kind; one statement."""
    mine = _mine(answerer_id, until=until)
    parts = _parts(mine, answerer_id)
    month = cast(func.date_trunc("month", mine.c.value_date), Date)
    price = case((mine.c.kind.in_(PRICED_KINDS), _owed(mine) + parts.c.commission + parts.c.others))

    def total(amount: ColumnElement[int]) -> ColumnElement[int]:
        return cast(func.coalesce(func.sum(amount), 0), BigInteger)

    statement = (
        select(
            month.label("month"),
            mine.c.kind,
            *(total(mine.c[name]).label(name) for name in ("payable", "in_payout", "receivable")),
            total(price).label("price"),
            total(parts.c.commission).label("commission"),
            func.count().label("count"),
        )
        .join(parts, literal(value=True))
        .group_by(month, mine.c.kind)
        .order_by(month, mine.c.kind)
    )
    return [MonthSum(**row) for row in session.execute(statement).mappings()]


def _lines(answerer_id: int, period: Period) -> Select[*tuple[Any, ...]]:
    """Select the lines of a period, oldest first, each with its question's state at the end."""
    mine = _mine(answerer_id, until=period.ends)
    parts = _parts(mine, answerer_id)
    paid = func.sum(_owed(mine)).filter(mine.c.kind.in_(PAID_KINDS))
    at_end = (
        select(
            mine.c.question_id,
            case(
                (func.sum(mine.c.payable) > 0, "remaining"),
                (func.sum(mine.c.in_payout) > 0, "on_its_way"),
                (paid < 0, "paid"),
                else_="taken_back",
            ).label("state"),
        )
        .group_by(mine.c.question_id)
        .subquery("at_end")
    )
    return (
        select(
            mine.c.id,
            mine.c.kind,
            mine.c.value_date,
            mine.c.reference,
            mine.c.question_id,
            mine.c.currency,
            _owed(mine).label("owed"),
            mine.c.in_payout,
            parts.c.commission,
            parts.c.others,
            at_end.c.state,
        )
        .select_from(mine)
        .join(parts, literal(value=True))
        .join(at_end, at_end.c.question_id.is_not_distinct_from(mine.c.question_id))
        .where(mine.c.value_date >= period.begins, mine.c.kind != _RESERVED)
        .order_by(mine.c.value_date, mine.c.id, mine.c.question_id)
    )


def lines(session: Session, answerer_id: int, period: Period, *, limit: int) -> Sequence[AnyRow]:
    """Return the first lines of a period, oldest first.

    Fields: id, kind, value_date, reference, question_id, currency, owed (minor units, below zero
    for what was paid or taken back), in_payout (its change), commission, others (what others who
    answered got) and state at the end: "remaining", "on_its_way", "paid" or "taken_back".
    """
    return session.execute(_lines(answerer_id, period).limit(limit)).all()


def every_line(session: Session, answerer_id: int, period: Period) -> Iterator[AnyRow]:
    """Yield all lines of a period in the same order, never all at once in memory."""
    options = {"yield_per": _CHUNK}
    yield from session.execute(_lines(answerer_id, period), execution_options=options)


def not_anchored(session: Session, answerer_id: int, period: Period) -> int:
    """Return how many entries of a period that touch a person's accounts are in no block yet."""
    statement = (
        select(func.count(entry.c.id.distinct()))
        .select_from(pending)
        .join(entry, entry.c.id == pending.c.entry_id)
        .join(posting, posting.c.entry_id == entry.c.id)
        .join(account, account.c.id == posting.c.account_id)
        .where(
            account.c.code.in_(codes_of(answerer_id)),
            entry.c.value_date >= period.begins,
            entry.c.value_date < period.ends,
        )
    )
    return session.execute(statement).scalar_one()


def people(session: Session, *, after: int | None, limit: int) -> Sequence[AnyRow]:
    """Return who has ever earned something: id, public_id, name, remaining (minor) and currency."""
    answerer_id = cast(func.substring(account.c.code, "[0-9]+$"), BigInteger)
    remaining = (
        select(
            answerer_id.label("id"),
            account.c.currency,
            cast(-func.coalesce(func.sum(balance.c.balance), 0), BigInteger).label("remaining"),
        )
        .outerjoin_from(account, balance, balance.c.account_id == account.c.id)
        .where(account.c.code.startswith(_ANSWERER))
        .group_by(answerer_id, account.c.currency)
        .subquery()
    )
    statement = (
        select(
            Account.id,
            Account.public_id,
            Account.name,
            remaining.c.remaining,
            remaining.c.currency,
        )
        .join(remaining, remaining.c.id == Account.id)
        .order_by(Account.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Account.id > after)
    return session.execute(statement).all()


def answerer_by_public_id(session: Session, public_id: str) -> AnyRow | None:
    """Return id, public_id and name of the person with this public id."""
    statement = select(Account.id, Account.public_id, Account.name)
    return session.execute(statement.where(Account.public_id == public_id)).one_or_none()
