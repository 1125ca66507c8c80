"""Money in, and what becomes of it when an answer is accepted or asked for anew."""

from __future__ import annotations

from upss.kernel.money import Money
from upss.ledger.rules import chart
from upss.ledger.rules.entry import EntryDraft
from upss.ledger.rules.posting.kinds import (
    asked,
    draft,
    move,
    not_negative,
    on_question,
    positive,
)
from upss.ledger.rules.split import Terms, parts_of


def question_paid(*, question_id: int, amount: Money, session_id: str) -> EntryDraft:
    """Hold what the asker has paid by Checkout for the question."""
    accounts = {"debit": chart.STRIPE_UNSETTLED, "credit": chart.HELD}
    return move("question_paid", session_id, question_id, amount, **accounts)


def payment_returned(*, question_id: int, amount: Money, session_id: str) -> EntryDraft:
    """Owe back a second or late payment at once; it is never held."""
    accounts = {"debit": chart.STRIPE_UNSETTLED, "credit": chart.REFUNDS_PENDING}
    return move("payment_returned", session_id, question_id, amount, **accounts)


def tip_paid(*, question_id: int, answerer_id: int, amount: Money, session_id: str) -> EntryDraft:
    """Credit a tip to the answerer, all of it."""
    accounts = {"debit": chart.STRIPE_UNSETTLED, "credit": chart.payable(answerer_id)}
    return move("tip_paid", session_id, question_id, amount, **accounts)


def charge_settled(
    *, question_id: int, gross: Money, fee_minor: int, balance_transaction_id: str
) -> EntryDraft:
    """Move a charge to the provider's balance, less its fee (minor units, may be 0)."""
    parts = {
        chart.STRIPE_BALANCE: positive(gross.minor) - not_negative(fee_minor),
        chart.STRIPE_FEES: fee_minor,
        chart.STRIPE_UNSETTLED: -gross.minor,
    }
    facts = asked(question_id, gross) | {"fee": fee_minor}
    lines = on_question(question_id, gross.currency, parts)
    return draft("charge_settled", balance_transaction_id, lines, facts)


def answer_accepted(
    *, question_id: int, amount: Money, terms: Terms, round_no: int = 1
) -> EntryDraft:
    """Turn what was held for the accepted answer into shares, commission and fund.

    `amount` is what is still held: the price less what was refunded before. A redo by another
    answerer is a round of its own.
    """
    made = parts_of(positive(amount.minor), terms)
    parts = {
        chart.HELD: amount.minor,
        chart.COMMISSION: -made.organizer_minor,
        chart.GUARANTEE_FUND: -made.fund_minor,
    } | {chart.payable(answerer): -minor for answerer, minor in made.shares.items()}
    facts = asked(question_id, amount) | {
        "commission_bp": terms.commission_bp,
        "fund_bp": terms.fund_bp,
        "answerers": terms.answerers,
    }
    lines = on_question(question_id, amount.currency, parts)
    return draft("answer_accepted", f"{question_id}:{round_no}", lines, facts)
