"""The organizer's own money: from the provider to the bank, the fund, and what nobody explains."""

from __future__ import annotations

from upss.kernel.money import Money, check_minor
from upss.ledger.rules import chart
from upss.ledger.rules.entry import EntryDraft, Fact
from upss.ledger.rules.posting.kinds import draft, move, on_question


def stripe_payout(*, amount: Money, balance_transaction_id: str) -> EntryDraft:
    """Let money leave the provider's balance for the organizer's bank."""
    accounts = {"debit": chart.STRIPE_IN_TRANSIT, "credit": chart.STRIPE_BALANCE}
    return move("stripe_payout", balance_transaction_id, None, amount, **accounts)


def stripe_payout_arrived(*, amount: Money, statement_line: str) -> EntryDraft:
    """Book the arrival on the bank statement (camt.053)."""
    accounts = {"debit": chart.BANK, "credit": chart.STRIPE_IN_TRANSIT}
    return move("stripe_payout_arrived", statement_line, None, amount, **accounts)


def fund_paid_in(*, amount: Money, payment_key: str) -> EntryDraft:
    """Add the organizer's own money to the guarantee fund."""
    accounts = {"debit": chart.BANK, "credit": chart.GUARANTEE_FUND}
    return move("fund_paid_in", payment_key, None, amount, **accounts)


def fund_paid_out(*, amount: Money, payment_key: str) -> EntryDraft:
    """Take money out of the guarantee fund to the organizer's bank account."""
    accounts = {"debit": chart.GUARANTEE_FUND, "credit": chart.BANK}
    return move("fund_paid_out", payment_key, None, amount, **accounts)


def movement_unexplained(
    *, amount: Money, fee_minor: int, balance_transaction_id: str
) -> EntryDraft:
    """Book a movement that belongs to nothing known, where everybody sees it.

    `amount` is signed as the provider states it (money in above zero), before its fee.
    """
    parts = {
        chart.STRIPE_BALANCE: amount.minor - check_minor(fee_minor),
        chart.STRIPE_FEES: fee_minor,
        chart.SUSPENSE: -amount.minor,
    }
    facts: dict[str, Fact] = {"amount": amount.minor, "currency": amount.currency, "fee": fee_minor}
    lines = on_question(None, amount.currency, parts)
    return draft("movement_unexplained", balance_transaction_id, lines, facts)
