"""An answerer's limits: what is booked and reserved never passes them, whatever happens when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.forum.rules.cap_counters import CapReached, Counter, Limits
from upss.forum.rules.cap_periods import Period, day_of, span_of
from upss.forum.rules.caps import (
    Action,
    Amount,
    Basis,
    CapRefused,
    CapRule,
    Metric,
    Stage,
    bucket_of,
    check_rule,
    period_of,
    room,
    warning,
)

TODAY = date(2026, 11, 18)  # a Wednesday
DAY = timedelta(days=1)
MONTHLY = CapRule(metric=Metric.MONEY, period=Period.MONTH, limit=20_000, currency="EUR")
PAYMENT = replace(MONTHLY, basis=Basis.PAYMENT)
DAILY = CapRule(metric=Metric.MINUTES, period=Period.DAY, limit=200)
ROLLING = replace(MONTHLY, period=Period.ROLLING, days=30)


# --- periods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "on", "start", "end"),
    [
        (Period.DAY, TODAY, TODAY, TODAY + DAY),
        (Period.WEEK, TODAY, date(2026, 11, 16), date(2026, 11, 23)),
        (Period.WEEK, date(2026, 11, 22), date(2026, 11, 16), date(2026, 11, 23)),
        (Period.MONTH, date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
        (Period.MONTH, date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
        (Period.QUARTER, TODAY, date(2026, 10, 1), date(2027, 1, 1)),
        (Period.QUARTER, date(2026, 3, 31), date(2026, 1, 1), date(2026, 4, 1)),
        (Period.YEAR, TODAY, date(2026, 1, 1), date(2027, 1, 1)),
        (Period.ROLLING, TODAY, date(2026, 10, 20), date(2026, 11, 19)),
        (Period.TAX_YEAR, date(2026, 4, 5), date(2025, 4, 6), date(2026, 4, 6)),
        (Period.TAX_YEAR, date(2026, 4, 6), date(2026, 4, 6), date(2027, 4, 6)),
    ],
)
def test_the_period_of_a_day(period, on, start, end):
    assert span_of(period, on, days=30, anchor=(4, 6)) == (start, end)


@given(
    st.sampled_from(Period), st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.sampled_from([28, 29])
)
def test_periods_hold_their_day_and_follow_one_another(period, on, day):
    anchor = (2, day)  # a tax year that starts on the 29th starts on the 28th in most years
    span = span_of(period, on, days=7, anchor=anchor)
    assert span.start <= on < span.end
    if period is Period.ROLLING:
        assert (span.end, span.end - span.start) == (on + DAY, 7 * DAY)
        return
    assert span_of(period, span.start, anchor=anchor) == span
    assert span_of(period, span.end - DAY, anchor=anchor) == span
    assert span_of(period, span.end, anchor=anchor).start == span.end


def test_a_day_is_the_persons_own():
    at = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    assert day_of(at, ZoneInfo("UTC")) == date(2026, 10, 31)
    assert day_of(at, ZoneInfo("Europe/Madrid")) == date(2026, 11, 1)
    assert day_of(at, ZoneInfo("America/New_York")) == date(2026, 10, 31)


# --- rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "facts", "reasons"),
    [
        (MONTHLY, {"limit": 0}, ("limit",)),
        (MONTHLY, {"limit": -1}, ("limit",)),
        (MONTHLY, {"limit": 2**53}, ("limit",)),
        (MONTHLY, {"limit": 10.0}, ("limit",)),
        (MONTHLY, {"currency": "USD"}, ("currency",)),
        (MONTHLY, {"currency": None}, ("currency",)),
        (DAILY, {"currency": "EUR"}, ("currency",)),
        (DAILY, {"basis": Basis.PAYMENT}, ("basis",)),
        (DAILY, {"amount": Amount.NET}, ("basis",)),
        (MONTHLY, {"expenses_pct": 10}, ("expenses",)),
        (MONTHLY, {"expenses_pct": 100, "amount": Amount.NET}, ("expenses",)),
        (MONTHLY, {"expenses_pct": -1, "amount": Amount.NET}, ("expenses",)),
        (MONTHLY, {"safety_pct": -1}, ("safety",)),
        (MONTHLY, {"safety_pct": 91}, ("safety",)),
        (MONTHLY, {"note": "x" * 201}, ("note",)),
        (ROLLING, {"days": 0}, ("days",)),
        (ROLLING, {"days": 732}, ("days",)),
        (MONTHLY, {"period": Period.TAX_YEAR, "anchor": (2, 30)}, ("anchor",)),
        (MONTHLY, {"valid_from": TODAY, "valid_to": TODAY - DAY}, ("dates",)),
        (ROLLING, {"limit": 0, "currency": "USD", "days": 0}, ("limit", "currency", "days")),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_every_fault(rule, facts, reasons):
    with pytest.raises(CapRefused) as refused:
        check_rule(replace(rule, **facts), currency="EUR")
    assert (refused.value.code, refused.value.status) == ("cap_refused", 422)
    assert refused.value.facts == {"reasons": reasons}


@pytest.mark.parametrize(
    "rule",
    [
        MONTHLY,
        PAYMENT,
        DAILY,
        ROLLING,
        replace(MONTHLY, limit=1, safety_pct=0, note="x" * 200),
        replace(MONTHLY, limit=2**53 - 1, safety_pct=90),
        replace(MONTHLY, amount=Amount.NET, expenses_pct=99),
        replace(MONTHLY, period=Period.TAX_YEAR, anchor=(2, 29)),
        replace(MONTHLY, valid_from=TODAY, valid_to=TODAY),
        replace(MONTHLY, valid_from=TODAY),
    ],
)
def test_a_rule_that_makes_sense(rule):
    check_rule(rule, currency="EUR")


def test_what_an_answer_counts_for():
    net = replace(MONTHLY, amount=Amount.NET, expenses_pct=33)
    assert MONTHLY.amount_of(800, "EUR", 20) == 800
    assert net.amount_of(800, "EUR", 20) == 536
    assert net.amount_of(1, "EUR", 20) == 1  # rounded up
    assert DAILY.amount_of(800, "USD", 20) == 20
    assert MONTHLY.amount_of(800, "USD", 20) is None


def test_when_an_answer_counts():
    assert MONTHLY.counted_when is Stage.ACCEPTED
    assert PAYMENT.counted_when is Stage.PAID
    assert DAILY.counted_when is Stage.ANSWERED


@pytest.mark.parametrize(
    ("from_day", "to_day", "valid"),
    [(None, None, True), (0, 0, True), (1, None, False), (None, -1, False), (-1, 1, True)],
)
def test_a_rule_holds_from_a_day_to_a_day(from_day, to_day, valid):
    rule = replace(
        MONTHLY,
        valid_from=None if from_day is None else TODAY + from_day * DAY,
        valid_to=None if to_day is None else TODAY + to_day * DAY,
    )
    assert rule.is_valid(TODAY) is valid
    counter = Counter(rule, reserved=20_000)
    assert (counter.room(TODAY) is None) is not valid
    counted = counter.book(5_000, TODAY, held=5_000)
    assert (counted.used(TODAY), counted.reserved) == (5_000 if valid else 0, 15_000)
    assert (counter.counts_on(TODAY) is None) is not valid


def test_room_and_the_two_warnings():
    assert (MONTHLY.ceiling, replace(MONTHLY, limit=11, safety_pct=10).ceiling) == (18_000, 9)
    assert room(MONTHLY, 17_000, 999) == 1
    assert room(MONTHLY, 17_000, 1_001) == 0
    assert [warning(MONTHLY, used - 100, 100) for used in (12_599, 12_600, 16_199, 16_200)] == [
        0,
        70,
        70,
        90,
    ]


# --- counters -----------------------------------------------------------------------------------


def test_a_claim_that_passes_the_limit_less_its_safety_is_refused_before_it_is_made():
    counter = Counter(MONTHLY).reserve(10_000, TODAY)
    assert counter.room(TODAY) == 8_000
    full = counter.reserve(8_000, TODAY)
    with pytest.raises(CapReached) as reached:
        counter.reserve(8_001, TODAY)
    assert (reached.value.code, reached.value.facts) == ("cap_reached", {})
    assert full.room(TODAY) == 0
    assert full.release(8_000).room(TODAY) == 8_000


def test_a_rule_that_only_warns_blocks_nothing():
    counter = Counter(replace(MONTHLY, action=Action.WARN)).reserve(30_000, TODAY)
    assert counter.room(TODAY) is None
    assert counter.standing(TODAY).warning == 90


def test_what_is_reserved_goes_with_its_owner_into_the_next_period():
    """Claimed in November, accepted in December: it has to fit in both."""
    december = date(2026, 12, 3)
    counter = Counter(MONTHLY).reserve(18_000, TODAY)
    assert counter.room(december) == 0
    counter = counter.book(18_000, december, held=18_000)
    assert (counter.used(TODAY), counter.used(december), counter.reserved) == (18_000, 18_000, 0)
    assert counter.used(date(2027, 1, 1)) == 0


def test_a_refund_by_accrual_is_taken_from_the_period_that_counted_it():
    december = date(2026, 12, 3)
    counter = Counter(MONTHLY).reserve(5_000, TODAY).book(5_000, TODAY, held=5_000)
    before = counter.reserve(100, december).book(100, december, held=100)
    after = before.refund(2_000, counted_on=TODAY, on=december)
    assert after.booked == {date(2026, 11, 1): 3_000, date(2026, 12, 1): 100}
    assert before.refund(2_000, counted_on=None, on=december) == before


def test_a_refund_by_payment_is_taken_from_the_period_of_the_refund():
    december = date(2026, 12, 3)
    counter = Counter(PAYMENT).reserve(5_000, TODAY).book(5_000, TODAY, held=5_000)
    after = counter.refund(2_000, counted_on=TODAY, on=december)
    assert after.booked == {date(2026, 11, 1): 5_000, date(2026, 12, 1): -2_000}
    # it is no room: what is reserved now may be paid in January, where no refund is seen
    assert after.room(december) == 18_000
    paid = after.reserve(3_000, december).book(3_000, december, held=3_000)
    assert paid.room(december) == 17_000


def test_rolling_days_leave_one_by_one():
    counter = Counter(ROLLING)
    for ago, amount in ((29, 6_000), (10, 5_000), (0, 4_000)):
        on = TODAY - ago * DAY
        counter = counter.reserve(amount, on).book(amount, on, held=amount)
    assert [counter.used(TODAY + later * DAY) for later in (0, 1, 19, 20, 29, 30)] == [
        15_000,
        9_000,
        9_000,
        4_000,
        4_000,
        0,
    ]
    assert bucket_of(ROLLING, TODAY) == TODAY


def test_a_refund_in_a_rolling_window_makes_no_room_for_what_outlives_it():
    rolling = Counter(replace(ROLLING, basis=Basis.PAYMENT))
    paid = rolling.reserve(9_000, TODAY).book(9_000, TODAY, held=9_000)
    back = paid.refund(9_000, counted_on=TODAY, on=TODAY + 20 * DAY)
    assert back.room(TODAY + 20 * DAY) == 18_000
    # the payment has left the window, its refund has not: that is no room for more
    later = TODAY + 31 * DAY
    assert back.room(later) == 18_000
    again = back.reserve(18_000, later).book(18_000, later, held=18_000)
    assert again.used(later) == again.used(later + 29 * DAY) == again.rule.ceiling


def test_more_minutes_than_estimated_are_counted_as_they_were():
    counter = Counter(DAILY).reserve(20, TODAY).book(75, TODAY, held=20)
    assert (counter.used(TODAY), counter.reserved, counter.room(TODAY)) == (75, 0, 105)
    assert counter.reserve(105, TODAY).room(TODAY + DAY) == 75


def test_a_clock_set_back_does_not_reopen_a_closed_period():
    december = date(2026, 12, 1)
    full = Counter(MONTHLY).reserve(18_000, TODAY).book(18_000, TODAY, held=18_000)
    counter = full.reserve(5_000, december)
    assert counter.counts_on(TODAY) == december
    counter = counter.book(5_000, TODAY, held=5_000)
    assert counter.booked == {date(2026, 11, 1): 18_000, december: 5_000}
    assert counter.standing(TODAY).span == (december, date(2027, 1, 1))


def test_how_a_rule_stands():
    counter = Counter(MONTHLY).reserve(9_000, TODAY).book(7_000, TODAY, held=7_000)
    found = counter.reserve(4_000, TODAY).standing(TODAY)
    assert found.span == (date(2026, 11, 1), date(2026, 12, 1))
    assert (found.booked, found.reserved, found.room, found.warning) == (7_000, 6_000, 5_000, 70)


def test_every_limit_of_a_person_has_to_leave_room():
    money, minutes = Counter(MONTHLY, reserved=17_200), Counter(DAILY, reserved=160)
    assert Limits().has_room(10**9, "EUR", 10**9)
    assert Limits.on([money, minutes], TODAY).has_room(800, "EUR", 20)
    assert not Limits.on([money, minutes], TODAY).has_room(801, "EUR", 20)
    assert not Limits.on([money, minutes], TODAY).has_room(800, "EUR", 21)
    assert Limits.on([minutes], TODAY).has_room(801, "USD", 20)
    assert not Limits.on([money], TODAY).has_room(1, "USD", 20)  # cannot be compared
    warns = Counter(replace(MONTHLY, action=Action.WARN), reserved=99_999)
    assert Limits.on([warns], TODAY).has_room(800, "USD", 20)


# --- any interleaving ---------------------------------------------------------------------------


@dataclass
class Work:
    """A claimed question, as somebody who keeps the books by hand knows it."""

    amount: int
    state: str = "open"  # open, answered, accepted, paid
    counted_on: date | None = None


RULES = [
    replace(MONTHLY, limit=1_000, period=period, basis=basis, days=5)
    for period in (Period.DAY, Period.MONTH, Period.ROLLING)
    for basis in Basis
] + [replace(DAILY, limit=1_000, period=period, days=5) for period in (Period.DAY, Period.ROLLING)]
NEXT = {"open": "answered", "answered": "accepted", "accepted": "paid"}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "claim", "forward", "forward", "forward", "lapse", "refund"]),
        st.integers(1, 600),  # amount
        st.integers(0, 7),  # which work
        st.sampled_from([0, 0, 0, 1, 2, 5, 20, -3]),  # days until the next step
    ),
    max_size=25,
)


class Book:
    """Everything that was ever counted, one line each, summed up anew for every day."""

    def __init__(self, rule):
        self.rule, self.counter, self.lines, self.works = rule, Counter(rule), [], []
        self.day, self.newest = date(2026, 11, 10), date(2026, 11, 10)

    def count(self, amount, day):
        self.lines.append((day, amount))

    def step(self, kind, amount, index, days):
        if kind == "claim":
            self.claim(amount)
        elif self.works:
            getattr(self, kind)(self.works[index % len(self.works)], amount)
        self.day += days * DAY
        self.newest = max(self.day, self.newest)

    def claim(self, amount):
        fits = Limits.on([self.counter], self.day).has_room(amount, "EUR", amount)
        try:
            self.counter = self.counter.reserve(amount, self.day)
        except CapReached:
            assert not fits
            return
        assert fits
        self.works.append(Work(amount))

    def forward(self, work, _amount):
        if work.state not in NEXT:
            return
        work.state = NEXT[work.state]
        if self.rule.counted_when == work.state:
            work.counted_on = self.counter.counts_on(self.day)
            self.counter = self.counter.book(work.amount, self.day, held=work.amount)
            self.count(work.amount, work.counted_on)

    def lapse(self, work, _amount):
        if work.state == "open":
            self.counter = self.counter.release(work.amount)
            self.works.remove(work)

    def refund(self, work, amount):
        part = min(amount, work.amount)
        work.amount -= part
        if work.counted_on is None:
            self.counter = self.counter.release(part)
            return
        on, by_payment = self.counter.counts_on(self.day), self.rule.basis is Basis.PAYMENT
        self.counter = self.counter.refund(part, counted_on=work.counted_on, on=self.day)
        self.count(-part, on if by_payment else work.counted_on)

    def check(self):
        reserved = sum(work.amount for work in self.works if work.counted_on is None)
        assert self.counter.reserved == reserved >= 0
        assert self.counter.room(self.day) >= 0
        newest = max(self.newest, self.counter.latest or self.newest)
        days = sorted({day for day, _ in self.lines} | {newest})
        for day in days:
            span = period_of(self.rule, day)
            counted = sum(amount for at, amount in self.lines if span.start <= at < span.end)
            still = reserved if day == newest else 0
            assert counted + still <= self.rule.ceiling


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.period}-{rule.basis}")
@given(steps=STEPS)
def test_booked_and_reserved_never_pass_the_limit(rule, steps):
    book = Book(rule)
    for step in steps:
        book.step(*step)
        book.check()
