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
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)

from upss.accounts.models import Account
from upss.forum.models import Question
from upss.ledger.models import account, balance, entry, pending, posting
from upss.ledger.rules import chart
from upss.ledger.rules.split import WHOLE_BP
from upss.payouts.rules.statement import ACCEPTED, PAID_KINDS, SPLIT_KINDS, TIP, MonthSum, Period

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    AnyRow = Row[*tuple[Any, ...]]

_CHUNK = 500
# Set aside for a payout: it left nothing and came from nowhere, the payment itself follows.
_RESERVED = "payout_reserved"
_ANSWERER = "Liabilities:Answerer:"
# Where the price of a question goes when the asker gets it back.
_GOES_BACK = (chart.REFUNDS_PENDING, chart.VOUCHERS, chart.DISPUTES_HELD)
# What both halves of `_mine` say of an entry, for one question and currency.
_HEAD = (
    entry.c.id,
    entry.c.kind,
    entry.c.value_date,
    func.coalesce(entry.c.external_ref, entry.c.idempotency_key).label("reference"),
    posting.c.question_id,
    posting.c.currency,
)


def codes_of(answerer_id: int) -> tuple[str, str, str]:
    """Return a person's accounts: payable, in payout and receivable."""
    return chart.payable(answerer_id), chart.in_payout(answerer_id), chart.receivable(answerer_id)


def number_of(answerer_id: int) -> str:
    """Return what stands for a person in the books: A0007."""
    return chart.payable(answerer_id).rpartition(":")[2]


def _sum(which: ColumnElement[bool], sign: int) -> ColumnElement[int]:
    total = func.coalesce(func.sum(posting.c.amount).filter(which), 0)
    return cast(sign * total, BigInteger)


def _touched(answerer_id: int, until: date) -> Select[*tuple[Any, ...]]:
    """Select what each entry did to a person's accounts for each question, before a day."""
    payable, in_payout, receivable = codes_of(answerer_id)
    nothing = literal(0, BigInteger)
    tip = case((entry.c.kind == TIP, _sum(account.c.code == payable, -1)), else_=nothing)
    return (
        select(
            *_HEAD,
            _sum(account.c.code == payable, -1).label("payable"),
            _sum(account.c.code == in_payout, -1).label("in_payout"),
            _sum(account.c.code == receivable, 1).label("receivable"),
            tip.label("price"),
            nothing.label("commission"),
            nothing.label("others"),
        )
        .select_from(account)
        .join(posting, posting.c.account_id == account.c.id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(account.c.code.in_(codes_of(answerer_id)), entry.c.value_date < until)
        .group_by(entry.c.id, posting.c.question_id, posting.c.currency)
    )


def _splits(answerer_id: int) -> Subquery:
    """Select each entry that changed what a person's questions cost after all, or who answered.

    `left` is what is left of the price after it, `round` the number of the acceptance before it.
    """
    code, codes = account.c.code, codes_of(answerer_id)
    mine = (
        select(posting.c.question_id)
        .join(account, account.c.id == posting.c.account_id)
        .where(code == chart.payable(answerer_id), posting.c.question_id.is_not(None))
    )
    others = and_(code.startswith(_ANSWERER), code.not_in(codes))
    # What was held and goes back leaves one of them for another: only a split price changes.
    change = _sum(code.in_((chart.HELD, *_GOES_BACK)), 1)
    accepted = case((entry.c.kind == ACCEPTED, 1), else_=0)

    def so_far(amount: ColumnElement[int]) -> ColumnElement[int]:
        return func.sum(amount).over(partition_by=posting.c.question_id, order_by=entry.c.id)

    return (
        select(
            *_HEAD,
            func.greatest(so_far(change), 0).label("left"),
            so_far(accepted).label("round"),
            _sum(code == chart.COMMISSION, -1).label("organizer"),
            _sum(code == chart.GUARANTEE_FUND, -1).label("fund"),
            _sum(others, -1).label("others"),
            func.bool_or(and_(entry.c.kind == ACCEPTED, code.in_(codes))).label("is_mine"),
        )
        .select_from(posting)
        .join(account, account.c.id == posting.c.account_id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(posting.c.question_id.in_(mine), entry.c.kind.in_(SPLIT_KINDS))
        .group_by(entry.c.id, posting.c.question_id, posting.c.currency)
        .subquery("splits")
    )


def _priced(answerer_id: int, until: date) -> Select[*tuple[Any, ...]]:
    """Select what each entry did to price and commission while the answer was this person's.

    The fund's slice of the commission follows from what is left of the price, as it did when the
    entry was made (ledger/rules/bearing.py): what the fund paid out besides is no commission.
    """
    splits = _splits(answerer_id)
    is_mine = func.bool_or(splits.c.is_mine).over(
        partition_by=(splits.c.question_id, splits.c.round)
    )
    before = func.lag(splits.c.left, 1, 0).over(
        partition_by=splits.c.question_id, order_by=splits.c.id
    )
    rows = select(splits, is_mine.label("counts"), before.label("before")).subquery("rows")
    nothing = literal(0, BigInteger)

    def slice_of(left: ColumnElement[int]) -> ColumnElement[int]:
        return cast(left, BigInteger) * Question.fund_bp // WHOLE_BP

    fund = case(
        (rows.c.kind == ACCEPTED, rows.c.fund),
        else_=slice_of(rows.c.left) - slice_of(rows.c.before),
    )
    return (
        select(
            *(rows.c[column.name] for column in _HEAD),
            nothing.label("payable"),
            nothing.label("in_payout"),
            nothing.label("receivable"),
            cast(rows.c.left - rows.c.before, BigInteger).label("price"),
            cast(rows.c.organizer + func.coalesce(fund, 0), BigInteger).label("commission"),
            rows.c.others,
        )
        .outerjoin(Question, Question.id == rows.c.question_id)
        .where(rows.c.counts, rows.c.left != rows.c.before, rows.c.value_date < until)
    )


def _mine(answerer_id: int, *, until: date) -> CTE:
    """Select all of that, one row for each entry and question."""
    both = union_all(_touched(answerer_id, until), _priced(answerer_id, until)).subquery("both")
    head = [both.c[column.name] for column in _HEAD]
    sums = [
        cast(func.sum(both.c[name]), BigInteger).label(name)
        for name in ("payable", "in_payout", "receivable", "price", "commission", "others")
    ]
    return select(*head, *sums).group_by(*head).cte("mine")


def _owed(mine: CTE) -> ColumnElement[int]:
    return mine.c.payable + mine.c.in_payout - mine.c.receivable


def month_sums(session: Session, answerer_id: int, *, until: date) -> list[MonthSum]:
    """Return what happened to a person's money before a day, by month and kind; one statement."""
    mine = _mine(answerer_id, until=until)
    month = cast(func.date_trunc("month", mine.c.value_date), Date)
    sums = [
        cast(func.sum(mine.c[name]), BigInteger).label(name)
        for name in ("payable", "in_payout", "receivable", "price", "commission")
    ]
    statement = (
        select(month.label("month"), mine.c.kind, *sums, func.count().label("count"))
        .group_by(month, mine.c.kind)
        .order_by(month, mine.c.kind)
    )
    return [MonthSum(**row) for row in session.execute(statement).mappings()]


def _lines(answerer_id: int, period: Period) -> Select[*tuple[Any, ...]]:
    """Select the lines of a period, oldest first, each with its question's state at the end."""
    mine = _mine(answerer_id, until=period.ends)
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
            mine.c.price,
            mine.c.commission,
            mine.c.others,
            at_end.c.state,
        )
        .select_from(mine)
        .join(at_end, at_end.c.question_id.is_not_distinct_from(mine.c.question_id))
        .where(mine.c.value_date >= period.begins, mine.c.kind != _RESERVED)
        .order_by(mine.c.value_date, mine.c.id, mine.c.question_id)
    )


def lines(session: Session, answerer_id: int, period: Period, *, limit: int) -> Sequence[AnyRow]:
    """Return the first lines of a period, oldest first.

    Fields: id, kind, value_date, reference, question_id, currency, owed (minor units, below zero
    for what was paid or taken back), in_payout (its change), price and commission (what was kept of
    it; both below zero where money went back), others (what others who answered got) and state at the end: "remaining", "on_its_way", "paid" or "taken_back".
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
    owner = (
        select(
            account.c.id.label("account_id"),
            account.c.currency,
            cast(func.substring(account.c.code, "[0-9]+$"), BigInteger).label("id"),
        )
        .where(account.c.code.startswith(_ANSWERER))
        .cte("owner")
    )
    page = (
        select(Account.id, Account.public_id, Account.name)
        .where(Account.id.in_(select(owner.c.id)), Account.id > (after or 0))
        .order_by(Account.id)
        .limit(limit)
        .subquery("page")
    )
    remaining = cast(-func.coalesce(func.sum(balance.c.balance), 0), BigInteger)
    is_open = and_(balance.c.account_id == owner.c.account_id, balance.c.balance != 0)
    return session.execute(
        select(page, remaining.label("remaining"), owner.c.currency)
        .join(owner, owner.c.id == page.c.id)
        .outerjoin(balance, is_open)
        .group_by(*page.c, owner.c.currency)
        .order_by(page.c.id)
    ).all()


def answerer_by_public_id(session: Session, public_id: str) -> AnyRow | None:
    """Return id, public_id and name of the person with this public id."""
    statement = select(Account.id, Account.public_id, Account.name)
    return session.execute(statement.where(Account.public_id == public_id)).one_or_none()
