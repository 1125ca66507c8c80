"""Money out to the answerers: reserved, then sent by transfer or by bank, or released again."""

from __future__ import annotations

from upss.kernel.money import Money
from upss.ledger.rules import chart
from upss.ledger.rules.entry import EntryDraft, Fact, Line
from upss.ledger.rules.posting.kinds import (
    QuestionLines,
    draft,
    not_negative,
    on_question,
    pairs,
    positive,
)


def payout_reserved(
    *, item_key: str, answerer_id: int, currency: str, lines: QuestionLines
) -> EntryDraft:
    """Set earned money aside for one payout; no second one can take it."""
    accounts = {"debit": chart.payable(answerer_id), "credit": chart.in_payout(answerer_id)}
    moved = pairs(lines, currency, **accounts)
    return draft("payout_reserved", item_key, moved, _item(item_key, answerer_id, lines))


def transfer_created(
    *,
    item_key: str,
    answerer_id: int,
    currency: str,
    lines: QuestionLines,
    balance_transaction_id: str,
) -> EntryDraft:
    """Let the reserved money leave for the answerer's account at the provider."""
    accounts = {"debit": chart.in_payout(answerer_id), "credit": chart.STRIPE_BALANCE}
    moved = pairs(lines, currency, **accounts)
    facts = _item(item_key, answerer_id, lines)
    return draft("transfer_created", balance_transaction_id, moved, facts)


def transfer_failed(
    *, item_key: str, answerer_id: int, currency: str, lines: QuestionLines
) -> EntryDraft:
    """Release the reservation of a transfer that the provider refused."""
    accounts = {"debit": chart.in_payout(answerer_id), "credit": chart.payable(answerer_id)}
    moved = pairs(lines, currency, **accounts)
    return draft("transfer_failed", item_key, moved, _item(item_key, answerer_id, lines))


def transfer_reversed(
    *,
    item_key: str,
    answerer_id: int,
    currency: str,
    lines: QuestionLines,
    balance_transaction_id: str,
) -> EntryDraft:
    """Make a transfer payable again that came back to the organizer's balance."""
    accounts = {"debit": chart.STRIPE_BALANCE, "credit": chart.payable(answerer_id)}
    moved = pairs(lines, currency, **accounts)
    facts = _item(item_key, answerer_id, lines)
    return draft("transfer_reversed", balance_transaction_id, moved, facts)


def bank_batch_submitted(
    *, item_key: str, answerer_id: int, currency: str, lines: QuestionLines
) -> EntryDraft:
    """Hand one reserved item to the bank, as part of a batch of credit transfers (pain.001)."""
    accounts = {"debit": chart.in_payout(answerer_id), "credit": chart.BANK_OUTGOING}
    moved = pairs(lines, currency, **accounts)
    return draft("bank_batch_submitted", item_key, moved, _item(item_key, answerer_id, lines))


def bank_batch_booked(*, total: Money, fee_minor: int, statement_line: str) -> EntryDraft:
    """Book the debit of a batch on the bank statement (camt.053), with the bank's fee."""
    parts = {
        chart.BANK_OUTGOING: positive(total.minor),
        chart.BANK_FEES: not_negative(fee_minor),
        chart.BANK: -total.minor - fee_minor,
    }
    facts: dict[str, Fact] = {"amount": total.minor, "currency": total.currency, "fee": fee_minor}
    return draft(
        "bank_batch_booked", statement_line, on_question(None, total.currency, parts), facts
    )


def payout_returned(
    *, item_key: str, answerer_id: int, currency: str, lines: QuestionLines, fee_minor: int
) -> EntryDraft:
    """Make a bank payment payable again that the answerer's bank sent back; the fee is spent."""
    total = sum(positive(minor) for _, minor in lines)
    whole = {
        chart.BANK: total - not_negative(fee_minor),
        chart.BANK_FEES: fee_minor,
    }
    owed = [
        Line(chart.payable(answerer_id), currency, -minor, question) for question, minor in lines
    ]
    facts = _item(item_key, answerer_id, lines) | {"fee": fee_minor}
    return draft("payout_returned", item_key, on_question(None, currency, whole) + owed, facts)


def _item(item_key: str, answerer_id: int, lines: QuestionLines) -> dict[str, Fact]:
    asked = sorted(list(line) for line in lines)
    return {"item": item_key, "answerer": answerer_id, "lines": asked}
