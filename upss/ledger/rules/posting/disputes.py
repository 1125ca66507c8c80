"""Disputed card payments: opened and won; a lost one depends on balances (rules/bearing.py)."""

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


def dispute_opened(
    *, question_id: int, amount: Money, fee_minor: int, balance_transaction_id: str
) -> EntryDraft:
    """Set aside what the card's bank has taken, and spend the provider's fee (0 or more)."""
    parts = {
        chart.DISPUTES_HELD: positive(amount.minor),
        chart.DISPUTE_FEES: not_negative(fee_minor),
        chart.STRIPE_BALANCE: -amount.minor - fee_minor,
    }
    facts = asked(question_id, amount) | {"fee": fee_minor}
    lines = on_question(question_id, amount.currency, parts)
    return draft("dispute_opened", balance_transaction_id, lines, facts)


def dispute_won(*, question_id: int, amount: Money, balance_transaction_id: str) -> EntryDraft:
    """Take the disputed amount back; where it was held or earned, it still is."""
    accounts = {"debit": chart.STRIPE_BALANCE, "credit": chart.DISPUTES_HELD}
    return move("dispute_won", balance_transaction_id, question_id, amount, **accounts)


def dispute_fee_returned(
    *, question_id: int, amount: Money, balance_transaction_id: str
) -> EntryDraft:
    """Take back the provider's fee after a win."""
    accounts = {"debit": chart.STRIPE_BALANCE, "credit": chart.DISPUTE_FEES}
    return move("dispute_fee_returned", balance_transaction_id, question_id, amount, **accounts)
