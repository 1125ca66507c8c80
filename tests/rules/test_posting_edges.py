"""The smallest amounts that are still right, and what an entry of no question is asked with."""

from __future__ import annotations

import pytest

from upss.kernel.errors import BadAmount
from upss.kernel.money import Money
from upss.ledger.rules import chart
from upss.ledger.rules.entry import Line
from upss.ledger.rules.posting import bank, manual, questions
from upss.ledger.rules.posting.kinds import not_negative, positive


def test_one_cent_is_an_amount_and_no_fee_is_a_fee():
    assert (positive(1), not_negative(0), not_negative(1)) == (1, 0, 1)


@pytest.mark.parametrize(("check", "minor"), [(positive, 0), (not_negative, -1)])
def test_less_is_refused(check, minor):
    with pytest.raises(BadAmount):
        check(minor)


def test_what_is_asked_of_no_question_names_question_zero():
    """These facts are hashed: another spelling would take each old entry for something else."""
    amount = Money(1, "EUR")
    moved = bank.stripe_payout(amount=amount, balance_transaction_id="txn_1")
    paid = questions.question_paid(question_id=5, amount=amount, session_id="cs_1")
    assert moved.facts == {"question": 0, "amount": 1, "currency": "EUR"}
    assert paid.facts == {"question": 5, "amount": 1, "currency": "EUR"}


def test_what_is_asked_of_an_adjustment_forgets_the_order_of_its_lines():
    gift = Line(chart.payable(7), "EUR", -250, 5)
    lines = [gift, Line(chart.GOODWILL, "EUR", 250, None)]
    people = {"reason": "Put right here", "author": "a", "approver": "b"}
    made = manual.adjustment(adjustment_key="1", lines=lines, **people)
    turned = manual.adjustment(adjustment_key="1", lines=lines[::-1], **people)
    reversal = manual.adjustment(adjustment_key="1", lines=lines, reverses_id=9, **people)
    assert made.facts == {
        "lines": [(chart.GOODWILL, "EUR", 250, 0), (chart.payable(7), "EUR", -250, 5)],
        "reverses": 0,
    }
    assert turned.request_hash == made.request_hash
    assert reversal.facts["reverses"] == 9
