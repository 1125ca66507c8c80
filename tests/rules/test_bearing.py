"""Who bears a refund after the split, a lost dispute and a redo: the handbook's rows, any order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.ledger.rules import chart
from upss.ledger.rules.bearing import (
    NothingLeft,
    NotSplit,
    RefundTooLarge,
    Standing,
    hold_again,
    lost_dispute,
    refund,
)
from upss.ledger.rules.split import BadRate, Terms, parts_of

HOUSE = Terms(1500, 300, ((7, 1),))
OWED = chart.REFUNDS_PENDING


def split_of(paid, terms=HOUSE, *, returned=0, reclaimable=None):
    """Return a question that was paid, refunded in part, and split; by default nothing left."""
    shares = parts_of(paid - returned, terms).shares
    return Standing(
        paid=paid,
        returned=returned,
        held=0,
        is_split=True,
        reclaimable=shares if reclaimable is None else reclaimable,
    )


def lines(amounts):
    """Return the lines that will be written, the same accounts in the handbook's order."""
    assert sum(amounts.values()) == 0
    return {account: minor for account, minor in amounts.items() if minor}


# --- the rows of the handbook -------------------------------------------------------------------


def test_row_8_a_refund_whose_share_is_still_payable_is_taken_pro_rata():
    assert lines(refund(split_of(1001), 401, HOUSE, fund_minor=30, owed=OWED)) == {
        "Income:Commission:Questions": 48,
        "Equity:GuaranteeFund": 12,
        "Liabilities:Answerer:Payable:A0007": 341,
        "Liabilities:Refunds:Pending": -401,
    }


def test_row_15_a_dispute_lost_after_payout_is_borne_by_the_fund_then_by_the_organizer():
    """The fund holds the 300 that cover, beside the slice of 18 that this question gave it."""
    standing = split_of(1001, returned=401, reclaimable={7: 0})
    assert lines(lost_dispute(standing, 600, HOUSE, fund_minor=318)) == {
        "Income:Commission:Questions": 72,
        "Equity:GuaranteeFund": 318,
        "Expenses:Chargebacks": 210,
        "Assets:Disputes:Held": -600,
    }


def test_row_15a_a_dispute_lost_before_delivery_takes_what_is_held():
    standing = Standing(paid=600, returned=0, held=600, is_split=False, reclaimable={})
    assert lines(lost_dispute(standing, 600, HOUSE, fund_minor=1000)) == {
        "Liabilities:Held:Questions": 600,
        "Assets:Disputes:Held": -600,
    }


def test_row_16a_a_redo_undoes_the_split_from_what_is_unpaid():
    assert lines(hold_again(split_of(1001), HOUSE, fund_minor=30)) == {
        "Liabilities:Answerer:Payable:A0007": 851,
        "Income:Commission:Questions": 120,
        "Equity:GuaranteeFund": 30,
        "Liabilities:Held:Questions": -1001,
    }


def test_row_20_a_refund_may_be_owed_as_a_new_code():
    made = refund(split_of(500), 500, HOUSE, fund_minor=0, owed=chart.VOUCHERS)
    assert made[chart.VOUCHERS] == -500


# --- who bears what -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fund", "covered", "goodwill"),
    [(-5, 30, 851), (0, 30, 851), (30, 30, 851), (31, 31, 850), (880, 880, 1), (881, 881, 0)],
)
def test_after_payout_the_fund_covers_as_far_as_it_reaches(fund, covered, goodwill):
    """Its own slice of 30 it gives back in any case, and never more than it holds beyond that."""
    made = refund(split_of(1001, reclaimable={}), 1001, HOUSE, fund_minor=fund, owed=OWED)
    assert made[chart.GUARANTEE_FUND] == covered
    assert made[chart.GOODWILL] == goodwill
    assert made[chart.payable(7)] == 0


def test_only_what_this_question_earned_and_did_not_pay_out_is_taken():
    standing = split_of(1001, Terms(1500, 300, ((7, 1), (8, 1))), reclaimable={7: 100, 8: 426})
    made = lines(
        refund(standing, 1001, Terms(1500, 300, ((7, 1), (8, 1))), fund_minor=0, owed=OWED)
    )
    assert made[chart.payable(7)] == 100
    assert made[chart.payable(8)] == 425  # its own share, not the cent of a gift beside it
    assert made[chart.GOODWILL] == 851 - 525


def test_a_dispute_larger_than_the_price_costs_the_organizer_the_excess():
    made = lines(lost_dispute(split_of(1001), 1101, HOUSE, fund_minor=30))
    assert made == {
        chart.COMMISSION: 120,
        chart.GUARANTEE_FUND: 30,
        chart.CHARGEBACKS: 951,
        chart.DISPUTES_HELD: -1101,
    }


def test_a_dispute_larger_than_what_is_held_takes_it_all_and_the_fund_covers_the_excess():
    standing = Standing(paid=1001, returned=401, held=600, is_split=False, reclaimable={})
    assert lines(lost_dispute(standing, 700, HOUSE, fund_minor=60)) == {
        chart.HELD: 600,
        chart.GUARANTEE_FUND: 60,
        chart.CHARGEBACKS: 40,
        chart.DISPUTES_HELD: -700,
    }


def test_a_dispute_of_a_part_leaves_the_rest_held():
    standing = Standing(paid=1001, returned=0, held=1001, is_split=False, reclaimable={})
    assert lines(lost_dispute(standing, 300, HOUSE, fund_minor=60)) == {
        chart.HELD: 300,
        chart.DISPUTES_HELD: -300,
    }


def test_a_refund_after_everything_went_back_by_a_dispute_is_refused():
    with pytest.raises(RefundTooLarge) as caught:
        refund(split_of(1001, returned=1001), 1, HOUSE, fund_minor=0, owed=OWED)
    assert caught.value.facts == {"asked": 1, "left": 0}


def test_a_refund_larger_than_what_is_left_is_refused():
    with pytest.raises(RefundTooLarge):
        refund(split_of(1001, returned=401), 601, HOUSE, fund_minor=0, owed=OWED)
    assert refund(split_of(1001, returned=401), 600, HOUSE, fund_minor=0, owed=OWED)[OWED] == -600


def test_what_is_still_held_is_no_refund_after_the_split_and_no_redo():
    held = Standing(paid=1001, returned=0, held=1001, is_split=False, reclaimable={})
    with pytest.raises(NotSplit):
        refund(held, 1, HOUSE, fund_minor=0, owed=OWED)
    with pytest.raises(NotSplit):
        hold_again(held, HOUSE, fund_minor=0)


def test_of_a_question_that_was_refunded_in_full_nothing_is_held_again():
    with pytest.raises(NothingLeft):
        hold_again(split_of(1001, returned=1001), HOUSE, fund_minor=500)


def test_rates_out_of_bounds_are_refused_here_too():
    with pytest.raises(BadRate):
        refund(split_of(1001), 1, Terms(2501, 0, ((7, 1),)), fund_minor=0, owed=OWED)


def test_a_redo_after_payout_costs_the_fund_then_the_organizer_and_nobody_else():
    made = lines(hold_again(split_of(1001, reclaimable={7: 0}), HOUSE, fund_minor=500))
    assert made == {
        chart.COMMISSION: 120,
        chart.GUARANTEE_FUND: 500,
        chart.GOODWILL: 381,
        chart.HELD: -1001,
    }


# --- any way to the same cents ------------------------------------------------------------------


@dataclass
class Case:
    """A question with what it has moved so far: enough to know its next standing."""

    paid: int
    terms: Terms
    paid_out: bool = False
    fund: int = 0
    returned: int = 0
    moved: Counter[str] = field(default_factory=Counter)

    def split(self):
        made = parts_of(self.paid - self.returned, self.terms)
        self.moved[chart.COMMISSION] -= made.organizer_minor
        self.moved[chart.GUARANTEE_FUND] -= made.fund_minor
        for answerer, minor in made.shares.items():
            self.moved[chart.payable(answerer)] -= minor
        self.fund += made.fund_minor

    @property
    def standing(self):
        left = {a: -self.moved[chart.payable(a)] for a, _ in self.terms.answerers}
        return Standing(
            paid=self.paid,
            returned=self.returned,
            held=0,
            is_split=True,
            reclaimable={} if self.paid_out else left,
        )

    def refund(self, minor):
        made = refund(self.standing, minor, self.terms, fund_minor=self.fund, owed=OWED)
        assert min(x for account, x in made.items() if account != OWED) >= -1
        self.moved.update(made)
        self.fund -= made[chart.GUARANTEE_FUND]
        self.returned += minor
        return made


@st.composite
def refunded(draw):
    """Draw a price, its terms with one to four answerers, and refunds before and after the split."""
    paid = draw(st.integers(2, 5000))
    commission = draw(st.integers(0, 2500))
    weights = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    terms = Terms(commission, draw(st.integers(0, commission)), tuple(enumerate(weights, 1)))
    cuts = draw(st.lists(st.integers(1, paid), max_size=8, unique=True).map(sorted))
    steps = [b - a for a, b in zip([0, *cuts], cuts, strict=False)]
    before = draw(st.integers(0, len(steps)))
    if sum(steps[:before]) == paid:
        before -= 1
    return paid, terms, steps[:before], steps[before:]


def after(paid, terms, before, refunds, **more):
    case = Case(paid, terms, returned=sum(before), **more)
    case.split()
    for minor in refunds:
        case.refund(minor)
    return case


@given(refunded())
def test_any_refunds_end_at_the_cents_of_one_and_of_a_lower_price(drawn):
    paid, terms, before, refunds = drawn
    many = after(paid, terms, before, refunds)
    one = after(paid, terms, before, [sum(refunds)] if refunds else [])
    assert +many.moved == +one.moved
    assert -many.moved == -one.moved
    # and at those of a question that had cost no more than what is left
    left = parts_of(paid - sum(before) - sum(refunds), terms)
    assert -many.moved[chart.COMMISSION] == left.organizer_minor
    assert -many.moved[chart.GUARANTEE_FUND] == left.fund_minor
    assert {a: -many.moved[chart.payable(a)] for a in left.shares} == left.shares
    assert many.moved[chart.GOODWILL] == 0  # what is there is taken; nobody else bears a cent


@given(refunded(), st.randoms())
def test_the_order_of_the_refunds_does_not_matter(drawn, random):
    paid, terms, before, refunds = drawn
    turned = refunds[:]
    random.shuffle(turned)
    first, second = after(paid, terms, before, refunds), after(paid, terms, before, turned)
    assert first.moved == second.moved


@given(refunded(), st.integers(0, 3000))
def test_after_payout_too_the_commission_and_what_others_bear_are_the_same(drawn, fund):
    """Fund and organizer together: which of the two, the fund's level at each moment decides."""
    paid, terms, before, refunds = drawn
    many = after(paid, terms, before, refunds, paid_out=True, fund=fund)
    one = after(paid, terms, before, [sum(refunds)] if refunds else [], paid_out=True, fund=fund)
    for accounts in ([chart.COMMISSION], [chart.GUARANTEE_FUND, chart.GOODWILL], [OWED]):
        assert sum(many.moved[x] for x in accounts) == sum(one.moved[x] for x in accounts)
    for answerer, _ in terms.answerers:
        assert many.moved[chart.payable(answerer)] == one.moved[chart.payable(answerer)]


@given(refunded(), st.data())
def test_a_refund_never_takes_more_than_is_reclaimable_nor_gives_anybody_anything(drawn, data):
    paid, terms, before, _ = drawn
    shares = parts_of(paid - sum(before), terms).shares
    there = {a: data.draw(st.integers(0, share + 5)) for a, share in shares.items()}
    standing = replace(split_of(paid, terms, returned=sum(before)), reclaimable=there)
    minor = data.draw(st.integers(1, standing.remaining))
    fund = data.draw(st.integers(-50, 2000))
    made = refund(standing, minor, terms, fund_minor=fund, owed=OWED)
    assert sum(made.values()) == 0
    assert made[OWED] == -minor
    assert made[chart.GOODWILL] >= 0
    for answerer, share in there.items():
        assert 0 <= made[chart.payable(answerer)] <= share
    slice_lost = (
        parts_of(standing.remaining, terms).fund_minor
        - parts_of(standing.remaining - minor, terms).fund_minor
    )
    covered = made[chart.GUARANTEE_FUND] - slice_lost
    assert 0 <= covered <= max(0, fund - slice_lost)
    assert made[chart.GOODWILL] == 0 or covered == max(0, fund - slice_lost)


@given(refunded(), st.integers(1, 6000), st.integers(-50, 2000))
def test_a_lost_dispute_takes_nothing_from_answerers_and_its_whole_amount_from_others(
    drawn, minor, fund
):
    paid, terms, before, _ = drawn
    standing = split_of(paid, terms, returned=sum(before))
    made = lost_dispute(standing, minor, terms, fund_minor=fund)
    assert sum(made.values()) == 0
    assert set(made) == {
        chart.COMMISSION, chart.GUARANTEE_FUND, chart.CHARGEBACKS, chart.DISPUTES_HELD,
    }  # fmt: skip
    left = parts_of(standing.remaining - min(minor, standing.remaining), terms)
    whole = parts_of(standing.remaining, terms)
    assert made[chart.COMMISSION] == whole.organizer_minor - left.organizer_minor
    assert made[chart.CHARGEBACKS] >= 0


@given(refunded(), st.integers(-50, 2000))
def test_a_redo_holds_again_what_is_left_of_the_price(drawn, fund):
    paid, terms, before, refunds = drawn
    case = after(paid, terms, before, refunds, fund=max(0, fund))
    if sum(before) + sum(refunds) == paid:
        with pytest.raises(NothingLeft):
            hold_again(case.standing, terms, fund_minor=case.fund)
        return
    made = hold_again(case.standing, terms, fund_minor=case.fund)
    assert made[chart.HELD] == -(paid - sum(before) - sum(refunds))
    case.moved.update(made)
    settled = [
        chart.COMMISSION,
        chart.GUARANTEE_FUND,
        *(chart.payable(a) for a, _ in terms.answerers),
    ]
    assert [case.moved[account] for account in settled] == [0] * len(settled)
