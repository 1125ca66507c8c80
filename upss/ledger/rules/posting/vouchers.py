"""Codes sold in advance: outstanding until redeemed, expired or, as a new code, given back."""

from __future__ import annotations

from upss.kernel.errors import BadAmount
from upss.kernel.money import Money
from upss.ledger.rules import chart
from upss.ledger.rules.entry import EntryDraft, Fact
from upss.ledger.rules.posting.kinds import draft, move, not_negative, on_question, positive


def vouchers_sold(*, batch_key: str, face: Money, operator_minor: int) -> EntryDraft:
    """Owe the face of a batch sold by phone; the operator keeps a part of it (minor units)."""
    if not_negative(operator_minor) > positive(face.minor):
        raise BadAmount(value=operator_minor)
    parts = {
        chart.TELCO_RECEIVABLE: face.minor - operator_minor,
        chart.TELCO_SHARE: operator_minor,
        chart.VOUCHERS: -face.minor,
    }
    facts: dict[str, Fact] = {
        "amount": face.minor,
        "currency": face.currency,
        "operator": operator_minor,
    }
    return draft("vouchers_sold", batch_key, on_question(None, face.currency, parts), facts)


def voucher_redeemed(*, question_id: int, face: Money, code_hash: str) -> EntryDraft:
    """Hold the face of a code for the question that it pays."""
    accounts = {"debit": chart.VOUCHERS, "credit": chart.HELD}
    return move("voucher_redeemed", code_hash, question_id, face, **accounts)


def voucher_expired(*, face: Money, code_hash: str) -> EntryDraft:
    """Keep the face of a code that was never used; only where the law allows it."""
    accounts = {"debit": chart.VOUCHERS, "credit": chart.BREAKAGE}
    return move("voucher_expired", code_hash, None, face, **accounts)


def telco_remitted(*, amount: Money, remittance: str) -> EntryDraft:
    """Book what the operator has paid of the codes it sold."""
    accounts = {"debit": chart.BANK, "credit": chart.TELCO_RECEIVABLE}
    return move("telco_remitted", remittance, None, amount, **accounts)
