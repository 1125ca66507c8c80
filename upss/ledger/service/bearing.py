"""Entries whose lines depend on balances: refunds after the split, lost disputes, a redo.

They are made one at a time, so that two of them never count on the same cent of the fund or of
a question. A payout that takes the money first makes them fail with `Overdrawn`: ask again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import text

from upss.ledger import queries
from upss.ledger.rules import bearing, chart
from upss.ledger.rules.bearing import Amounts, Standing
from upss.ledger.rules.entry import Cause, EntryDraft, Fact
from upss.ledger.rules.posting.kinds import asked, cause, on_question, positive
from upss.ledger.service.posting import Posted, find, post

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.kernel.money import Money
    from upss.ledger.rules.split import Terms

# The name of the lock, "bear" in ASCII; held until the unit of work ends.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(1650811250)")


def refund_after_split(
    uow: UnitOfWork,
    *,
    question_id: int,
    amount: Money,
    refund_key: str,
    terms: Terms,
    as_voucher: bool = False,
    actor: str = "system",
) -> Posted:
    """Owe a part or all of an accepted question's price back to the asker.

    Raises `RefundTooLarge` beyond what is left of the price, `NotSplit` while it is still held.
    """
    positive(amount.minor)
    owed = chart.VOUCHERS if as_voucher else chart.REFUNDS_PENDING

    def lines(standing: Standing, fund_minor: int) -> Amounts:
        return bearing.refund(standing, amount.minor, terms, fund_minor=fund_minor, owed=owed)

    wanted = cause("refund_requested", refund_key, asked(question_id, amount))
    return _decide(uow, wanted, question_id, amount.currency, actor, lines)


def lose_dispute(
    uow: UnitOfWork,
    *,
    question_id: int,
    amount: Money,
    dispute_id: str,
    terms: Terms,
    actor: str = "system",
) -> Posted:
    """Let a disputed amount go for good. An answer that was delivered is split before."""
    positive(amount.minor)

    def lines(standing: Standing, fund_minor: int) -> Amounts:
        return bearing.lost_dispute(standing, amount.minor, terms, fund_minor=fund_minor)

    wanted = cause("dispute_lost", dispute_id, asked(question_id, amount))
    return _decide(uow, wanted, question_id, amount.currency, actor, lines)


def rehold(
    uow: UnitOfWork,
    *,
    question_id: int,
    round_no: int,
    currency: str,
    terms: Terms,
    actor: str = "system",
) -> Posted:
    """Undo the split of a round, so that another person can answer; raises `NotSplit`."""

    def lines(standing: Standing, fund_minor: int) -> Amounts:
        return bearing.hold_again(standing, terms, fund_minor=fund_minor)

    facts: dict[str, Fact] = {"question": question_id, "round": round_no, "currency": currency}
    wanted = cause("rehold", f"{question_id}:{round_no}", facts)
    return _decide(uow, wanted, question_id, currency, actor, lines)


def _decide(
    uow: UnitOfWork,
    wanted: Cause,
    question_id: int,
    currency: str,
    actor: str,
    lines: Callable[[Standing, int], Amounts],
) -> Posted:
    """Find the entry of a replay, or derive its lines from what the ledger holds now."""
    uow.session.execute(_ONE_AT_A_TIME)
    found = find(uow.session, wanted)
    if found is not None:
        return found
    standing = queries.standing(uow.session, question_id)
    fund_minor = -queries.account_balance(uow.session, chart.GUARANTEE_FUND)
    amounts = lines(standing, fund_minor)
    draft = EntryDraft.for_cause(wanted, on_question(question_id, currency, amounts))
    return post(uow, draft.by(actor))
