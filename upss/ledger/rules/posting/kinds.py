"""Every kind of entry with the prefix of its key, and how a draft is put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from upss.kernel.errors import BadAmount
from upss.kernel.money import Money, check_minor
from upss.ledger.rules.entry import Cause, EntryDraft, Fact, Line

# Keys of these kinds name a movement of the provider's balance or of the bank account, which is
# booked exactly once: it also stands in `external_ref`.
MOVEMENT = "bt:"
BANK_LINE = "camt:"
MOVEMENTS = (MOVEMENT, BANK_LINE)

KEY_PREFIXES = {
    # money in
    "question_paid": "cs:",
    "payment_returned": "cs:",
    "tip_paid": "tip:",
    "charge_settled": MOVEMENT,
    # the answer
    "answer_accepted": "split:",
    "rehold": "rehold:",
    # money back
    "refund_requested": "ref:",
    "rebate": "rb:",
    "refund_by_organizer": "rbo:",
    "refund_settled": MOVEMENT,
    "refund_failed": MOVEMENT,
    # money out
    "payout_reserved": "rsv:",
    "transfer_created": MOVEMENT,
    "transfer_failed": "tf:",
    "transfer_reversed": MOVEMENT,
    "bank_batch_submitted": "pain:",
    "bank_batch_booked": BANK_LINE,
    "payout_returned": "ret:",
    # disputes
    "dispute_opened": MOVEMENT,
    "dispute_won": MOVEMENT,
    "dispute_fee_returned": MOVEMENT,
    "dispute_lost": "dl:",
    # vouchers
    "vouchers_sold": "vb:",
    "voucher_redeemed": "vr:",
    "voucher_expired": "ve:",
    "telco_remitted": "tr:",
    # the organizer's own money
    "stripe_payout": MOVEMENT,
    "stripe_payout_arrived": BANK_LINE,
    "fund_paid_in": "fin:",
    "fund_paid_out": "fout:",
    "movement_unexplained": MOVEMENT,
    # by hand
    "adjustment": "adj:",
    "write_off": "wo:",
}

# What one payout takes from each question: (question id, minor units).
QuestionLines: TypeAlias = Sequence[tuple[int, int]]


def cause(kind: str, name: str, facts: Mapping[str, Fact]) -> Cause:
    """Return what an entry of this kind is asked for: its key, its movement and the facts."""
    prefix = KEY_PREFIXES[kind]
    return Cause(
        kind=kind,
        key=prefix + name,
        facts=facts,
        external_ref=name if prefix in MOVEMENTS else None,
    )


def draft(kind: str, name: str, lines: Sequence[Line], facts: Mapping[str, Fact]) -> EntryDraft:
    """Draft an entry of this kind; `name` is what its key adds to the prefix."""
    return EntryDraft.for_cause(cause(kind, name, facts), lines)


def on_question(question_id: int | None, currency: str, parts: Mapping[str, int]) -> list[Line]:
    """Return one line for each account, all of one question or of none."""
    return [Line(code, currency, minor, question_id) for code, minor in parts.items()]


def move(
    kind: str, name: str, question_id: int | None, amount: Money, *, debit: str, credit: str
) -> EntryDraft:
    """Draft the move of one amount from the credit to the debit account."""
    minor = positive(amount.minor)
    lines = on_question(question_id, amount.currency, {debit: minor, credit: -minor})
    return draft(kind, name, lines, asked(question_id, amount))


def pairs(lines: QuestionLines, currency: str, *, debit: str, credit: str) -> list[Line]:
    """Pair the lines of each question: a refund after the payout must know whose money left."""
    return [
        Line(code, currency, sign * positive(minor), question_id)
        for question_id, minor in lines
        for code, sign in ((debit, 1), (credit, -1))
    ]


def asked(question_id: int | None, amount: Money) -> dict[str, Fact]:
    """Return the facts of a question's amount."""
    return {"question": question_id or 0, "amount": amount.minor, "currency": amount.currency}


def positive(minor: int) -> int:
    """Return an amount of at least one minor unit; raises `BadAmount` for anything else."""
    if check_minor(minor) < 1:
        raise BadAmount(value=minor)
    return minor


def not_negative(minor: int) -> int:
    """Return an amount of zero or more minor units; raises `BadAmount` for anything else."""
    if check_minor(minor) < 0:
        raise BadAmount(value=minor)
    return minor
