"""Reading the ledger: balances, how a question stands, and where its money is and went.

All amounts are minor units. What is owed (held, payable, reserved, to refund) is returned
as a positive number although it stands on the credit side.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, case, func, select

from upss.ledger.models import account, entry, posting
from upss.ledger.queries_chain import AccountTotals, account_totals
from upss.ledger.rules import chart
from upss.ledger.rules.bearing import Standing

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


def account_balance(session: Session, code: str) -> int:
    """Return the sum of an account's lines (debit above zero); 0 for one never used."""
    return sum(totals.balance for totals in account_totals(session, code))


def trial_balance(session: Session) -> list[AccountTotals]:
    """Return the totals of every account, by code; all balances add up to zero."""
    return account_totals(session)


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
    """Select question_id and, under their names, where a question's money is and went.

    `paid` is the payment or code that counts, `paid_again` what came a second time and is
    returned. `refunded` has left for the asker (or became a new code), `refund_pending` is still
    to leave, `lost` went in a dispute. The split, less what went back since, is `share`,
    `organizer` and `fund`; `borne` is what the organizer added to give back more than they.
    Share and `extra` (tips, goodwill) wait as `payable`, are reserved in `in_payout`, or have
    left (`paid_out`). `fee` is what the provider kept. So, of every question,
    paid + paid_again + borne = held + share + organizer + fund + refund_pending + refunded + lost,
    and share + extra = payable + in_payout + paid_out.

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


def _of(code: str, *kinds: str) -> ColumnElement[bool]:
    where = account.c.code == code
    return and_(where, entry.c.kind.in_(kinds)) if kinds else where


def _any_of(prefix: str, *kinds: str) -> ColumnElement[bool]:
    where = account.c.code.startswith(prefix)
    return and_(where, entry.c.kind.in_(kinds)) if kinds else where


_BACK = ("refund_requested", "refund_by_organizer", "rehold", "dispute_lost")

_ADJUSTED = (chart.HELD, chart.COMMISSION, chart.GUARANTEE_FUND, chart.REFUNDS_PENDING)

# Which lines make each figure of a question, and the sign that shows them as positive numbers.
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
