"""The split at every price: exact parts, the odd cent to the answerer, a ceiling."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.kernel.errors import BadAmount
from upss.kernel.money import MAX_MINOR
from upss.ledger.rules.split import MAX_COMMISSION_BP, BadRate, Split, split

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


def test_every_price_up_to_twenty_euros_at_every_quarter_percent():
    wrong = [
        (amount, rate)
        for rate in range(0, MAX_COMMISSION_BP + 1, 25)
        for amount in range(1, 2001)
        for parts in [split(amount, commission_bp=rate, fund_bp=rate // 5)]
        if parts.share_minor + parts.organizer_minor + parts.fund_minor != amount
        or parts.commission_minor != int(f"{amount * rate:05d}"[:-4])
        or parts.fund_minor > parts.commission_minor
    ]
    assert wrong == []


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
