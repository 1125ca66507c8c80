"""The split at every price: exact parts, the odd cent to the answerer, a ceiling."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.kernel.errors import BadAmount
from upss.kernel.money import MAX_MINOR
from upss.ledger.rules.split import (
    MAX_COMMISSION_BP,
    BadRate,
    Parts,
    Split,
    Terms,
    parts_of,
    split,
)

AMOUNTS = st.integers(1, MAX_MINOR)
RATES = st.integers(0, MAX_COMMISSION_BP).flatmap(
    lambda commission: st.tuples(st.just(commission), st.integers(0, commission))
)


def test_the_example_of_the_handbook():
    assert split(1001, commission_bp=1500, fund_bp=300) == Split(
        share_minor=851, commission_minor=150, fund_minor=30, organizer_minor=120
    )


def test_one_cent_belongs_to_the_answerer():
    assert split(1, commission_bp=2500, fund_bp=2500) == Split(1, 0, 0, 0)


@given(AMOUNTS, RATES)
def test_the_parts_add_up_to_the_price_and_none_is_negative(amount, rates):
    parts = split(amount, commission_bp=rates[0], fund_bp=rates[1])
    assert parts.share_minor + parts.commission_minor == amount
    assert parts.fund_minor + parts.organizer_minor == parts.commission_minor
    assert min(astuple(parts)) >= 0
    assert all(type(part) is int for part in astuple(parts))


@given(AMOUNTS, RATES)
def test_rounding_never_takes_from_the_answerer(amount, rates):
    parts = split(amount, commission_bp=rates[0], fund_bp=rates[1])
    assert 0 <= amount * rates[0] - parts.commission_minor * 10_000 < 10_000
    assert 0 <= amount * rates[1] - parts.fund_minor * 10_000 < 10_000


@given(st.integers(1, MAX_MINOR - 1), RATES)
def test_nobody_gets_less_of_a_higher_price_except_the_organizer_for_the_funds_cent(amount, rates):
    low = split(amount, commission_bp=rates[0], fund_bp=rates[1])
    high = split(amount + 1, commission_bp=rates[0], fund_bp=rates[1])
    assert high.share_minor >= low.share_minor
    assert high.commission_minor >= low.commission_minor
    assert high.fund_minor >= low.fund_minor
    assert high.organizer_minor >= low.organizer_minor - 1


def test_the_largest_prices_are_as_exact_as_the_smallest():
    """Where a float could no longer tell one cent from the next."""
    for amount in range(MAX_MINOR - 2_000, MAX_MINOR + 1):
        parts = split(amount, commission_bp=1999, fund_bp=1999)
        assert 0 <= amount * 1999 - parts.commission_minor * 10_000 < 10_000
        assert parts.fund_minor == parts.commission_minor


# Every price up to twenty euros at every quarter of a percent: 2,000 x 101.
STEPS = range(0, MAX_COMMISSION_BP + 1, 25)
PRICES = range(1, 2001)


def test_every_price_up_to_twenty_euros_at_every_quarter_percent():
    """The fund walks over its steps as the price grows: all 5,151 pairs of rates are met."""
    wrong = [
        (amount, rate, fund)
        for rate in STEPS
        for amount in PRICES
        for fund in [25 * (amount % (rate // 25 + 1))]
        for parts in [split(amount, commission_bp=rate, fund_bp=fund)]
        if parts.share_minor + parts.commission_minor != amount
        or parts.organizer_minor + parts.fund_minor != parts.commission_minor
        or not 0 <= amount * rate - parts.commission_minor * 10_000 < 10_000
        or not 0 <= amount * fund - parts.fund_minor * 10_000 < 10_000
        or parts.organizer_minor < 0
    ]
    assert wrong == []


def test_every_fund_at_every_price_and_where_it_takes_the_whole_commission():
    wrong = [
        (amount, fund)
        for fund in STEPS
        for amount in PRICES
        for highest in [MAX_COMMISSION_BP if amount % 2 else fund]
        for parts in [split(amount, commission_bp=highest, fund_bp=fund)]
        if parts.fund_minor != int(f"{amount * fund:05d}"[:-4])
        or parts.organizer_minor != int(f"{amount * highest:05d}"[:-4]) - parts.fund_minor
        or parts.share_minor != amount - parts.fund_minor - parts.organizer_minor
    ]
    assert wrong == []


def test_the_odd_cent_is_the_answerers_at_every_small_price():
    """At 15 % a cent is given up to the answerer at nineteen of twenty prices, never to us."""
    parts = [split(amount, commission_bp=1500, fund_bp=300) for amount in PRICES]
    odd = [part for amount, part in enumerate(parts, 1) if amount * 15 % 100]
    assert len(odd) == 1900
    assert all(
        part.share_minor * 100 >= (part.share_minor + part.commission_minor) * 85 for part in parts
    )
    assert all(
        part.share_minor * 100 > (part.share_minor + part.commission_minor) * 85 for part in odd
    )


TERMS = Terms(1500, 300, ((7, 2), (8, 1)))


def test_several_answerers_share_what_the_commission_leaves():
    assert parts_of(1001, TERMS) == Parts(120, 30, {7: 567, 8: 284})


def test_nothing_left_is_nothing_for_everybody():
    assert parts_of(0, TERMS) == Parts(0, 0, {7: 0, 8: 0})


@pytest.mark.parametrize("remaining", [0, 100])
def test_terms_out_of_bounds_are_refused_at_every_remainder(remaining):
    with pytest.raises(BadRate):
        parts_of(remaining, Terms(1500, 1501, ((7, 1),)))


@pytest.mark.parametrize("remaining", [-1, 0.5, True])
def test_a_remainder_that_is_no_exact_amount_is_refused(remaining):
    with pytest.raises(BadAmount):
        parts_of(remaining, TERMS)


@given(st.integers(1, MAX_MINOR), RATES, st.lists(st.integers(1, 50), min_size=1, max_size=4))
def test_the_parts_of_what_remains_add_up(remaining, rates, weights):
    parts = parts_of(remaining, Terms(*rates, tuple(enumerate(weights, 1))))
    assert parts.organizer_minor + parts.fund_minor + sum(parts.shares.values()) == remaining
    assert list(parts.shares) == list(range(1, len(weights) + 1))
    assert parts.organizer_minor + parts.fund_minor == remaining * rates[0] // 10_000


@pytest.mark.parametrize(
    ("commission_bp", "fund_bp"),
    [(2501, 0), (-1, 0), (1500, 1501), (1500, -1), (1500.0, 300), (1500, 300.0), (True, 0)],
)
def test_a_rate_out_of_bounds_is_refused(commission_bp, fund_bp):
    with pytest.raises(BadRate):
        split(1000, commission_bp=commission_bp, fund_bp=fund_bp)


@pytest.mark.parametrize("amount", [0, -1, 10.5, 10.0, True, "10", None, MAX_MINOR + 1])
def test_a_price_that_is_no_exact_amount_is_refused(amount):
    with pytest.raises(BadAmount):
        split(amount, commission_bp=1500, fund_bp=300)
