"""Statements: which periods there are, and that earned, paid and remaining always add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.kernel.errors import NotFound
from upss.ledger.rules.posting.kinds import KEY_PREFIXES
from upss.payouts.rules.statement import (
    MONTH,
    YEAR,
    Group,
    MonthSum,
    Period,
    group_of,
    is_payment,
    months_of,
    overview,
    payments,
    period_of,
    quarters,
    statement,
)

TODAY = date(2026, 11, 18)
NOVEMBER = Period(date(2026, 11, 1), MONTH)
THIS_YEAR = Period(date(2026, 1, 1), YEAR)


def month_sum(kind, month=11, year=2026, **changes):
    return MonthSum(month=date(year, month, 1), kind=kind, **changes)


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("2026-11", date(2026, 11, 1), date(2026, 12, 1)),
        ("2025-12", date(2025, 12, 1), date(2026, 1, 1)),
    ],
)
def test_a_period_is_read_from_an_address_and_written_the_same(text, begins, ends):
    period = period_of(text, today=TODAY)
    assert (period.begins, period.ends, period.name) == (begins, ends, text)


@pytest.mark.parametrize(
    "text",
    ["", "26", "2026-0", "2026-00", "2026-13", "2026-1", "2026-011", "all", "1999", "2026-11-01",
     "\uff12\uff10\uff12\uff16", "2026 ", " 2026", "2026\n", "-2026", "2026.5", "2027", "2026-12", "2099-01"],
)  # fmt: skip
def test_nonsense_and_what_has_not_begun_is_not_found(text):
    with pytest.raises(NotFound):
        period_of(text, today=TODAY)


def test_the_month_that_runs_and_its_year_have_begun():
    assert period_of("2026-11", today=date(2026, 11, 1)).name == "2026-11"
    assert period_of("2027", today=date(2027, 1, 1)).is_year


def test_every_figure_stands_where_it_belongs():
    sums = [
        month_sum("answer_accepted", 10, payable=100, price=118, commission=18, count=1),
        month_sum("answer_accepted", payable=851, price=1001, commission=150, count=1),
        month_sum("tip_paid", payable=200, price=200, count=1),
        month_sum("refund_requested", payable=-341, count=1),
        month_sum("adjustment", payable=25, count=1),
        month_sum("payout_reserved", payable=-500, in_payout=500, count=2),
        month_sum("transfer_created", in_payout=-300, count=1),
        month_sum("transfer_failed", payable=150, in_payout=-150, count=1),
        month_sum("never_thought_of", payable=7, count=1),
        month_sum("fraud", receivable=30, count=1),
        month_sum("answer_accepted", 12, payable=9_999, count=1),
    ]
    made = statement(NOVEMBER, sums)
    assert (made.opening, made.share, made.tips, made.taken_back) == (100, 851, 200, -341)
    assert (made.corrections, made.other, made.paid) == (25, 7 - 30, 300)
    assert (made.payable, made.in_payout, made.receivable) == (492, 50, 30)
    assert (made.price, made.commission, made.answers) == (1201, 150, 1)
    assert made.earned == 712
    assert made.opening + made.earned - made.paid == made.closing == 512
    assert made.adds_up


def test_a_payment_that_came_back_was_not_paid():
    sums = [
        month_sum("transfer_created", in_payout=-710, count=1),
        month_sum("transfer_reversed", payable=710, count=1),
    ]
    assert statement(NOVEMBER, sums).paid == 0


def test_an_answer_that_is_asked_for_anew_takes_price_and_commission_back():
    sums = [
        month_sum("answer_accepted", payable=851, price=1001, commission=150, count=1),
        month_sum("rehold", payable=-851, price=-1001, commission=-150, count=1),
    ]
    made = statement(NOVEMBER, sums)
    assert (made.earned, made.price, made.commission, made.answers) == (0, 0, 0, 0)
    assert made.taken_back == -851


def test_a_fault_in_the_sums_is_noticed():
    made = statement(NOVEMBER, [month_sum("answer_accepted", payable=851)])
    assert made.adds_up
    assert not replace(made, paid=1).adds_up


MINOR = st.integers(-10_000, 10_000)
SUMS = st.lists(
    st.builds(
        month_sum,
        st.sampled_from([*KEY_PREFIXES, "never_thought_of"]),
        st.integers(1, 12),
        st.integers(2024, 2027),
        payable=MINOR,
        in_payout=MINOR,
        receivable=MINOR,
    ),
    max_size=30,
)


@given(SUMS)
def test_whatever_happened_the_identity_holds_and_periods_join(sums):
    rows = overview(sums)
    assert all(made.adds_up for _period, made in rows)
    months = [made for period, made in reversed(rows) if not period.is_year]
    for before, after in pairwise(months):
        assert before.closing == after.opening
    for period, made in rows:
        if period.is_year:
            parts = quarters(period, sums)
            assert sum(part.earned for part in parts) == made.earned
            assert sum(part.paid for part in parts) == made.paid
            assert parts[0].opening == made.opening
            assert parts[-1].closing == made.closing
            assert sum(part.earned for _month, part in months_of(period, sums)) == made.earned


def test_the_overview_is_newest_first_with_each_year_before_its_months():
    sums = [month_sum("answer_accepted", m, y) for m, y in ((3, 2026), (12, 2025), (11, 2026))]
    assert [period.name for period, _ in overview(sums)] == [
        "2026", "2026-11", "2026-03", "2025", "2025-12",
    ]  # fmt: skip
    keys = [period.key for period, _ in overview(sums)]
    assert keys == sorted(keys, reverse=True)
    assert [period.name for period, _ in months_of(THIS_YEAR, sums)] == ["2026-03", "2026-11"]


def test_nothing_gives_an_empty_statement():
    assert overview([]) == []
    made = statement(THIS_YEAR, [])
    assert (made.earned, made.paid, made.closing, made.answers) == (0, 0, 0, 0)


@dataclass
class Line:
    id: int
    kind: str
    owed: int
    in_payout: int = 0
    value_date: date = TODAY
    reference: str = "txn_1"


def test_the_lines_of_a_payment_are_gathered_and_a_refused_one_pays_nothing():
    lines = [
        Line(1, "answer_accepted", 100),
        Line(2, "transfer_created", -60, -60),
        Line(2, "transfer_created", -40, -40),
        Line(3, "transfer_failed", 0, -30),
        Line(4, "payout_returned", 100),
    ]
    assert [(made.kind, made.minor, made.refused) for made in payments(lines)] == [
        ("transfer_created", 100, 0),
        ("transfer_failed", 0, 30),
        ("payout_returned", -100, 0),
    ]
    assert [is_payment(line) for line in lines] == [False, True, True, True, True]


def test_every_kind_of_the_ledger_has_a_group():
    assert {group_of(kind) for kind in KEY_PREFIXES} == set(Group)
    assert group_of("never_thought_of") is Group.OTHER
