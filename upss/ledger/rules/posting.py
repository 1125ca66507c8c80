"""Which lines each event writes: one pure function per event, the whole bookkeeping in one place.

Debit is above zero, credit below. Every line names its question, so that each question's
trail can be read, and keys name the cause, so that a cause is booked once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from upss.kernel.errors import BadAmount
from upss.kernel.money import Money, check_minor
from upss.ledger.rules import chart
from upss.ledger.rules.entry import EntryDraft, Fact, Line
from upss.ledger.rules.split import split

# A key of this kind names a movement of the provider's balance, which is booked exactly once.
MOVEMENT = "bt:"

KEY_PREFIXES = {
    "question_paid": "cs:",
    "payment_returned": "cs:",
    "charge_settled": MOVEMENT,
    "refund_requested": "ref:",
    "refund_settled": MOVEMENT,
    "refund_failed": MOVEMENT,
    "answer_accepted": "split:",
    "payout_reserved": "rsv:",
    "transfer_created": MOVEMENT,
    "transfer_failed": "tf:",
}

# What one transfer takes from each question: (question id, minor units).
QuestionLines = Sequence[tuple[int, int]]


def question_paid(*, question_id: int, amount: Money, session_id: str) -> EntryDraft:
    """Hold what the asker has paid by Checkout for the question."""
    moves = (chart.STRIPE_UNSETTLED, chart.HELD)
    return _question_move("question_paid", session_id, question_id, amount, moves)


def payment_returned(*, question_id: int, amount: Money, session_id: str) -> EntryDraft:
    """Owe back a second or late payment at once; it is never held."""
    moves = (chart.STRIPE_UNSETTLED, chart.REFUNDS_PENDING)
    return _question_move("payment_returned", session_id, question_id, amount, moves)


def charge_settled(
    *, question_id: int, gross: Money, fee_minor: int, balance_transaction_id: str
) -> EntryDraft:
    """Move a charge to the provider's balance, less its fee (minor units, may be 0)."""
    if check_minor(fee_minor) < 0:
        raise BadAmount(value=fee_minor)
    parts = {
        chart.STRIPE_BALANCE: _positive(gross.minor) - fee_minor,
        chart.STRIPE_FEES: fee_minor,
        chart.STRIPE_UNSETTLED: -gross.minor,
    }
    facts = _asked(question_id, gross) | {"fee": fee_minor}
    lines = _lines(question_id, gross.currency, parts)
    return _draft("charge_settled", balance_transaction_id, lines, facts)


def refund_requested(*, question_id: int, amount: Money, refund_key: str) -> EntryDraft:
    """Owe held money of an undecided question back to the asker."""
    moves = (chart.HELD, chart.REFUNDS_PENDING)
    return _question_move("refund_requested", refund_key, question_id, amount, moves)


def refund_settled(
    *, question_id: int, amount: Money, balance_transaction_id: str, fee_minor: int = 0
) -> EntryDraft:
    """Let the refund leave the provider's balance, with the fee of its own that it may have."""
    return _refund_moved("refund_settled", balance_transaction_id, question_id, amount, fee_minor)


def refund_failed(
    *, question_id: int, amount: Money, balance_transaction_id: str, fee_minor: int = 0
) -> EntryDraft:
    """Take back a refund that the asker's bank refused: it is still owed, all of it."""
    return _refund_moved("refund_failed", balance_transaction_id, question_id, amount, fee_minor)


def answer_accepted(
    *,
    question_id: int,
    answerer_id: int,
    amount: Money,
    commission_bp: int,
    fund_bp: int,
    round_no: int,
) -> EntryDraft:
    """Turn what was held for the accepted answer into share, commission and fund."""
    rates = {"commission_bp": commission_bp, "fund_bp": fund_bp}
    made = split(amount.minor, **rates)
    parts = {
        chart.HELD: amount.minor,
        chart.COMMISSION: -made.organizer_minor,
        chart.GUARANTEE_FUND: -made.fund_minor,
        chart.payable(answerer_id): -made.share_minor,
    }
    facts = _asked(question_id, amount) | {"answerer": answerer_id} | rates
    lines = _lines(question_id, amount.currency, parts)
    return _draft("answer_accepted", f"{question_id}:{round_no}", lines, facts)


def payout_reserved(
    *, item_key: str, answerer_id: int, currency: str, lines: QuestionLines
) -> EntryDraft:
    """Set earned money aside for one transfer; no second payout can take it."""
    moved = _payout_lines(
        lines, currency, debit=chart.payable(answerer_id), credit=chart.in_payout(answerer_id)
    )
    return _draft("payout_reserved", item_key, moved, _transfer(item_key, answerer_id, lines))


def transfer_created(
    *,
    item_key: str,
    answerer_id: int,
    currency: str,
    lines: QuestionLines,
    balance_transaction_id: str,
) -> EntryDraft:
    """Let the reserved money leave for the answerer's account."""
    moved = _payout_lines(
        lines, currency, debit=chart.in_payout(answerer_id), credit=chart.STRIPE_BALANCE
    )
    facts = _transfer(item_key, answerer_id, lines)
    return _draft("transfer_created", balance_transaction_id, moved, facts)


def transfer_failed(
    *, item_key: str, answerer_id: int, currency: str, lines: QuestionLines
) -> EntryDraft:
    """Release the reservation of a transfer that the provider refused."""
    moved = _payout_lines(
        lines, currency, debit=chart.in_payout(answerer_id), credit=chart.payable(answerer_id)
    )
    return _draft("transfer_failed", item_key, moved, _transfer(item_key, answerer_id, lines))


def _question_move(
    kind: str, cause: str, question_id: int, amount: Money, moves: tuple[str, str]
) -> EntryDraft:
    """Draft the move of one amount of one question from the credit to the debit account."""
    debit, credit = moves
    minor = _positive(amount.minor)
    lines = _lines(question_id, amount.currency, {debit: minor, credit: -minor})
    return _draft(kind, cause, lines, _asked(question_id, amount))


def _refund_moved(
    kind: str, cause: str, question_id: int, amount: Money, fee_minor: int
) -> EntryDraft:
    """Draft a refund on its way out or back; a fee below 0 is given back to the organizer."""
    minor = _positive(amount.minor) * (1 if kind == "refund_settled" else -1)
    parts = {
        chart.REFUNDS_PENDING: minor,
        chart.STRIPE_FEES: check_minor(fee_minor),
        chart.STRIPE_BALANCE: -minor - fee_minor,
    }
    facts = _asked(question_id, amount) | {"fee": fee_minor}
    return _draft(kind, cause, _lines(question_id, amount.currency, parts), facts)


def _draft(kind: str, cause: str, lines: tuple[Line, ...], facts: Mapping[str, Fact]) -> EntryDraft:
    prefix = KEY_PREFIXES[kind]
    return EntryDraft(
        kind=kind,
        key=prefix + cause,
        lines=lines,
        facts=facts,
        external_ref=cause if prefix == MOVEMENT else None,
    )


def _lines(question_id: int, currency: str, parts: Mapping[str, int]) -> tuple[Line, ...]:
    return tuple(Line(code, currency, minor, question_id) for code, minor in parts.items())


def _payout_lines(
    lines: QuestionLines, currency: str, *, debit: str, credit: str
) -> tuple[Line, ...]:
    """Pair the lines of each question: a refund after the payout needs to know whose money left."""
    return tuple(
        Line(code, currency, sign * _positive(minor), question_id)
        for question_id, minor in lines
        for code, sign in ((debit, 1), (credit, -1))
    )


def _asked(question_id: int, amount: Money) -> dict[str, Fact]:
    return {"question": question_id, "amount": amount.minor, "currency": amount.currency}


def _transfer(item_key: str, answerer_id: int, lines: QuestionLines) -> dict[str, Fact]:
    asked = sorted(list(line) for line in lines)
    return {"item": item_key, "answerer": answerer_id, "lines": asked}


def _positive(minor: int) -> int:
    if check_minor(minor) < 1:
        raise BadAmount(value=minor)
    return minor
