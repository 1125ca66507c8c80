"""Money back: owed first, then gone, or come back from the asker's bank."""

from __future__ import annotations

from upss.kernel.money import Money, check_minor
from upss.ledger.rules import chart
from upss.ledger.rules.entry import EntryDraft
from upss.ledger.rules.posting.kinds import asked, draft, move, on_question, positive


def refund_requested(
    *, question_id: int, amount: Money, refund_key: str, as_voucher: bool = False
) -> EntryDraft:
    """Owe held money of an undecided question back, as money or as a new code.

    After the split it depends on balances who gives it back: service/bearing.py.
    """
    owed = chart.VOUCHERS if as_voucher else chart.REFUNDS_PENDING
    accounts = {"debit": chart.HELD, "credit": owed}
    return move("refund_requested", refund_key, question_id, amount, **accounts)


def rebate(*, question_id: int, amount: Money) -> EntryDraft:
    """Owe back the part that the answerer gives up before acceptance; once per question."""
    accounts = {"debit": chart.HELD, "credit": chart.REFUNDS_PENDING}
    return move("rebate", str(question_id), question_id, amount, **accounts)


def refund_by_organizer(*, question_id: int, amount: Money, case_key: str) -> EntryDraft:
    """Repay the asker at the organizer's own cost: the delay was the organizer's."""
    accounts = {"debit": chart.GOODWILL, "credit": chart.REFUNDS_PENDING}
    return move("refund_by_organizer", case_key, question_id, amount, **accounts)


def refund_settled(
    *, question_id: int, amount: Money, balance_transaction_id: str, fee_minor: int = 0
) -> EntryDraft:
    """Let the refund leave the provider's balance, with the fee of its own that it may have."""
    return _moved("refund_settled", balance_transaction_id, question_id, amount, fee_minor)


def refund_failed(
    *, question_id: int, amount: Money, balance_transaction_id: str, fee_minor: int = 0
) -> EntryDraft:
    """Take back a refund that the asker's bank refused: it is still owed, all of it."""
    return _moved("refund_failed", balance_transaction_id, question_id, amount, fee_minor)


def _moved(kind: str, name: str, question_id: int, amount: Money, fee_minor: int) -> EntryDraft:
    """Draft a refund on its way out or back; a fee below 0 is given back to the organizer."""
    minor = positive(amount.minor) * (1 if kind == "refund_settled" else -1)
    parts = {
        chart.REFUNDS_PENDING: minor,
        chart.STRIPE_FEES: check_minor(fee_minor),
        chart.STRIPE_BALANCE: -minor - fee_minor,
    }
    facts = asked(question_id, amount) | {"fee": fee_minor}
    return draft(kind, name, on_question(question_id, amount.currency, parts), facts)
