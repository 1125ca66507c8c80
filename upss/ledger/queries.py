"""Reading the ledger: what is held and payable, a question's trail, and the audit's tables.

All amounts are minor units. What is owed (held, payable, reserved, to refund) is returned
as a positive number although it stands on the credit side.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, and_, bindparam, case, func, select

from upss.ledger.models import account, balance, entry, posting, seal
from upss.ledger.queries_chain import AccountTotals, account_totals
from upss.ledger.rules import chart
from upss.ledger.rules.bearing import Standing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date, datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class PayableLine:
    """What one answerer has earned with one question and is in no payout."""

    answerer_id: int
    question_id: int
    minor: int


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line of an entry: debit above zero, credit below."""

    account: str
    currency: str
    amount: int
    question_id: int | None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry with its lines and its digest."""

    id: int
    kind: str
    key: str
    external_ref: str | None
    booked_at: datetime
    value_date: date
    actor: str
    reason: str | None
    approver: str | None
    digest: str
    lines: tuple[LineRow, ...]


@dataclass(frozen=True, slots=True)
class QuestionMoney:
    """Where the money of one question is and went; all zero where nothing was booked.

    `paid` is the payment or code that counts, `paid_again` what came a second time and is
    returned. `refunded` has left for the asker (or became a new code), `refund_pending` is still
    to leave, `lost` went in a dispute. The split, less what went back since, is `share`,
    `organizer` and `fund`; `borne` is what the organizer added to give back more than they.
    Share and `extra` (tips, goodwill) wait as `payable`, are reserved in `in_payout`, or have
    left (`paid_out`). `fee` is what the provider kept. So, of every question,
    paid + paid_again + borne = held + share + organizer + fund + refund_pending + refunded + lost,
    and share + extra = payable + in_payout + paid_out.
    """

    paid: int = 0
    paid_again: int = 0
    held: int = 0
    share: int = 0
    organizer: int = 0
    fund: int = 0
    fee: int = 0
    refund_pending: int = 0
    refunded: int = 0
    payable: int = 0
    in_payout: int = 0
    paid_out: int = 0
    extra: int = 0
    lost: int = 0
    borne: int = 0


def held_minor(session: Session, question_id: int) -> int:
    """Return what is held for a question."""
    statement = (
        select(-balance.c.balance)
        .join(account, account.c.id == balance.c.account_id)
        .where(account.c.code == chart.HELD, balance.c.question_id == question_id)
    )
    return session.execute(statement).scalar_one_or_none() or 0


def payable_lines(session: Session, *, answerer_id: int | None = None) -> list[PayableLine]:
    """Return what is payable per answerer and question, of one answerer or of all."""
    if answerer_id is None:
        whose = account.c.code.startswith(chart.PAYABLE_PREFIX, autoescape=True)
    else:
        whose = account.c.code == chart.payable(answerer_id)
    statement = (
        select(account.c.code, balance.c.question_id, -balance.c.balance)
        .join(account, account.c.id == balance.c.account_id)
        .where(whose, balance.c.balance != 0)
    )
    lines = [
        PayableLine(chart.answerer_of(code), question_id, minor)
        for code, question_id, minor in session.execute(statement)
    ]
    return sorted(lines, key=lambda line: (line.answerer_id, line.question_id))


def account_balance(session: Session, code: str) -> int:
    """Return the sum of an account's lines (debit above zero); 0 for one never used."""
    return sum(totals.balance for totals in account_totals(session, code))


def trial_balance(session: Session) -> list[AccountTotals]:
    """Return the totals of every account, by code; all balances add up to zero."""
    return account_totals(session)


def trail(session: Session, question_id: int) -> list[EntryRow]:
    """Return every entry that touched a question, oldest first, with that question's lines."""
    return list(_entries(session.execute(_TRAIL, {"question_id": question_id})))


def entries(session: Session, *, before_id: int | None = None, limit: int) -> list[EntryRow]:
    """Return the newest `limit` entries with all their lines, or those older than `before_id`."""
    page = select(entry.c.id).order_by(entry.c.id.desc()).limit(limit)
    if before_id is not None:
        page = page.where(entry.c.id < before_id)
    statement = _entry_lines().where(entry.c.id.in_(page))
    return list(_entries(session.execute(statement.order_by(entry.c.id.desc(), posting.c.line_no))))


def standing(session: Session, question_id: int) -> Standing:
    """Return what decides who bears a refund or a dispute of the question."""
    statement = (
        select(account.c.code, entry.c.kind, func.sum(posting.c.amount), func.count())
        .join(account, account.c.id == posting.c.account_id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(posting.c.question_id == question_id)
        .group_by(account.c.code, entry.c.kind)
    )
    sums = [
        (code, kind, int(minor), lines) for code, kind, minor, lines in session.execute(statement)
    ]

    def total(codes: Collection[str], *kinds: str) -> int:
        return sum(minor for code, kind, minor, _ in sums if code in codes and kind in kinds)

    paid = -total([chart.HELD], "question_paid", "voucher_redeemed")
    back = -total([chart.REFUNDS_PENDING, chart.VOUCHERS], "refund_requested", "rebate")
    back -= total([chart.DISPUTES_HELD], "dispute_lost")
    rounds = sum(
        lines * {"answer_accepted": 1, "rehold": -1}.get(kind, 0)
        for code, kind, _, lines in sums
        if code == chart.HELD
    )
    earned: Counter[int] = Counter()
    gifts: Counter[int] = Counter()
    for code, kind, minor, _ in sums:
        if code.startswith(chart.PAYABLE_PREFIX):
            (gifts if kind in _GIFTS else earned)[chart.answerer_of(code)] -= minor
    return Standing(
        paid=paid,
        returned=min(paid, back),
        held=-sum(minor for code, _, minor, _ in sums if code == chart.HELD),
        is_split=rounds > 0,
        # What an adjustment took from somebody beyond all gifts is there no more.
        reclaimable={who: max(0, minor + min(0, gifts[who])) for who, minor in earned.items()},
    )


# What is added to an answerer's payable beside the price, and never taken back with it.
_GIFTS = ("tip_paid", "adjustment")


def money_by_question() -> Select[Any]:
    """Select question_id and, under their names, the figures of `QuestionMoney`.

    For pages that filter and add up many questions: narrow it with `posting.c.question_id`.
    """
    sums = [
        func.sum(case(*((which, sign * posting.c.amount) for which, sign in parts), else_=0)).label(
            name
        )
        for name, parts in _SUMS.items()
    ]
    return (
        select(posting.c.question_id, *sums)
        .join(account, account.c.id == posting.c.account_id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .group_by(posting.c.question_id)
    )


def money_of(session: Session, question_ids: Collection[int]) -> dict[int, QuestionMoney]:
    """Return the money of each question asked for, in one statement."""
    statement = money_by_question().where(posting.c.question_id.in_(question_ids))
    found = {
        question_id: QuestionMoney(
            **{name: int(minor) for name, minor in zip(_SUMS, minors, strict=True)}
        )
        for question_id, *minors in session.execute(statement)
    }
    return {question_id: found.get(question_id, QuestionMoney()) for question_id in question_ids}


def _of(code: str, *kinds: str) -> ColumnElement[bool]:
    where = account.c.code == code
    return and_(where, entry.c.kind.in_(kinds)) if kinds else where


def _any_of(prefix: str, *kinds: str) -> ColumnElement[bool]:
    where = account.c.code.startswith(prefix)
    return and_(where, entry.c.kind.in_(kinds)) if kinds else where


_BACK = ("refund_requested", "refund_by_organizer", "rehold", "dispute_lost")

_ADJUSTED = (chart.HELD, chart.COMMISSION, chart.GUARANTEE_FUND, chart.REFUNDS_PENDING)

# Which lines make each figure of QuestionMoney, and the sign that shows them as positive numbers.
_SUMS: dict[str, tuple[tuple[ColumnElement[bool], int], ...]] = {
    "paid": ((_of(chart.HELD, "question_paid", "voucher_redeemed"), -1),),
    "paid_again": ((_of(chart.STRIPE_UNSETTLED, "payment_returned"), 1),),
    "held": ((_of(chart.HELD), -1),),
    "share": (
        (_any_of(chart.PAYABLE_PREFIX, "answer_accepted", "refund_requested", "rehold"), -1),
    ),
    "organizer": ((_of(chart.COMMISSION), -1),),
    "fund": ((_of(chart.GUARANTEE_FUND), -1),),
    "fee": ((_of(chart.STRIPE_FEES), 1), (_of(chart.DISPUTE_FEES), 1)),
    "refund_pending": ((_of(chart.REFUNDS_PENDING), -1),),
    "refunded": (
        (_of(chart.REFUNDS_PENDING, "refund_settled", "refund_failed"), 1),
        (_of(chart.VOUCHERS, "refund_requested"), -1),
    ),
    "payable": ((_any_of(chart.PAYABLE_PREFIX), -1),),
    "in_payout": ((_any_of(chart.IN_PAYOUT_PREFIX), -1),),
    "paid_out": (
        (_any_of(chart.IN_PAYOUT_PREFIX, "transfer_created", "bank_batch_submitted"), 1),
        (_any_of(chart.PAYABLE_PREFIX, "transfer_reversed", "payout_returned"), 1),
    ),
    "extra": ((_any_of(chart.PAYABLE_PREFIX, "tip_paid", "adjustment"), -1),),
    "lost": ((_of(chart.DISPUTES_HELD, "dispute_lost"), -1),),
    "borne": (
        (_of(chart.GOODWILL, *_BACK), 1),
        (_of(chart.CHARGEBACKS, *_BACK), 1),
        # an adjustment adds by hand what it puts into the other figures
        *((_of(code, "adjustment"), -1) for code in _ADJUSTED),
    ),
}


def _entry_lines() -> Select[Any]:
    return (
        select(
            entry,
            seal.c.digest,
            account.c.code,
            posting.c.currency,
            posting.c.amount,
            posting.c.question_id,
        )
        .join(seal, seal.c.entry_id == entry.c.id)
        .join(posting, posting.c.entry_id == entry.c.id)
        .join(account, account.c.id == posting.c.account_id)
    )


# Made once: to put it together takes longer than to run it.
_TRAIL = (
    _entry_lines()
    .where(posting.c.question_id == bindparam("question_id"))
    .order_by(entry.c.id, posting.c.line_no)
)


def _entries(rows: Iterable[Row[Any]]) -> Iterator[EntryRow]:
    """Gather rows that follow each other into entries with their lines."""
    for _, group in groupby(rows, key=lambda row: row.id):
        lines = list(group)
        head = lines[0]
        yield EntryRow(
            id=head.id,
            kind=head.kind,
            key=head.idempotency_key,
            external_ref=head.external_ref,
            booked_at=head.booked_at,
            value_date=head.value_date,
            actor=head.actor,
            reason=head.reason,
            approver=head.approver,
            digest=head.digest,
            lines=tuple(
                LineRow(row.code, row.currency, row.amount, row.question_id) for row in lines
            ),
        )
