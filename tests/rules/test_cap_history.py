"""A new limit begins with the truth, and a statement tells each period of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from upss.forum.rules.cap_counters import Counter
from upss.forum.rules.cap_history import Piece, Work, begun, piece_of
from upss.forum.rules.cap_periods import Period, Span
from upss.forum.rules.cap_statement import DayMoney, Line, first_day, lines
from upss.forum.rules.caps import Amount, Basis, CapRule, Metric

TODAY = date(2026, 11, 18)
DAY = timedelta(days=1)
MONTHLY = CapRule(
    metric=Metric.MONEY, period=Period.MONTH, limit=10_000, currency="EUR", safety_pct=0
)
PAYMENT = replace(MONTHLY, basis=Basis.PAYMENT)
TIME = CapRule(metric=Metric.MINUTES, period=Period.WEEK, limit=600, safety_pct=0)
OPEN = Work(claim_id=1, share_minor=1000, currency="EUR", minutes=20)
SENT = replace(OPEN, answered_on=TODAY - DAY)
DONE = replace(SENT, accepted_on=TODAY)
PAID = replace(DONE, payments=((TODAY, 600), (TODAY + DAY, 400)))


@pytest.mark.parametrize(
    ("rule", "work", "held", "bookings"),
    [
        (MONTHLY, OPEN, 1000, ()),
        (MONTHLY, SENT, 1000, ()),
        (MONTHLY, DONE, 0, ((TODAY, 1000),)),
        (MONTHLY, replace(DONE, taken_back_minor=300), 0, ((TODAY, 700),)),
        (MONTHLY, replace(DONE, taken_back_minor=3000), 0, ((TODAY, 0),)),
        (
            MONTHLY,
            replace(DONE, corrections=((TODAY + DAY, 250), (TODAY + DAY, -50))),
            0,
            ((TODAY, 1000), (TODAY + DAY, 250), (TODAY + DAY, -50)),
        ),
        (PAYMENT, replace(DONE, corrections=((TODAY, 250),)), 1000, ()),
        (PAYMENT, DONE, 1000, ()),
        (PAYMENT, replace(DONE, taken_back_minor=300), 700, ()),
        (PAYMENT, PAID, 0, PAID.payments),
        (TIME, OPEN, 20, ()),
        (TIME, SENT, 0, ((TODAY - DAY, 20),)),
        (TIME, replace(DONE, taken_back_minor=1000), 0, ((TODAY - DAY, 20),)),
        (replace(MONTHLY, amount=Amount.NET, expenses_pct=50), DONE, 0, ((TODAY, 500),)),
        (replace(PAYMENT, amount=Amount.NET, expenses_pct=50), PAID, 0, ((TODAY, 300), (TODAY + DAY, 200))),
    ],
)  # fmt: skip
def test_what_a_limit_counts_of_past_work(rule, work, held, bookings):
    piece = piece_of(rule, work)
    assert piece == Piece(claim_id=1, held=held, bookings=bookings)
    assert piece.counted == sum(amount for _day, amount in bookings)
    assert piece.counted_on == (bookings[0][0] if bookings else None)


def test_another_currency_cannot_be_compared():
    assert piece_of(MONTHLY, replace(OPEN, currency="USD")) is None
    assert begun(MONTHLY, [replace(OPEN, currency="USD")], TODAY) == (
        Counter(MONTHLY, {}, 0, TODAY),
        (),
    )


def test_a_counter_begins_with_all_pieces():
    october = replace(DONE, claim_id=2, accepted_on=TODAY - 30 * DAY)
    counter, pieces = begun(MONTHLY, [OPEN, DONE, october, replace(DONE, claim_id=3)], TODAY)
    assert counter.booked == {date(2026, 11, 1): 2000, date(2026, 10, 1): 1000}
    assert (counter.reserved, counter.latest) == (1000, TODAY)
    assert [piece.claim_id for piece in pieces] == [1, 1, 2, 3]


def test_a_statement_goes_back_to_the_first_thing_that_happened():
    counter = Counter(MONTHLY, {date(2026, 11, 1): 2000, date(2026, 9, 1): 12_000}, 500, TODAY)
    days = [DayMoney(date(2026, 9, 30), 12_000, 0), DayMoney(TODAY, 2000, 12_000)]
    assert list(lines(counter, days, TODAY)) == [
        Line(
            span=Span(date(2026, 11, 1), date(2026, 12, 1)), accrued=2000, paid=12_000,
            counted=2000, reserved=500, remaining=7500,
        ),
        Line(
            span=Span(date(2026, 10, 1), date(2026, 11, 1)), accrued=0, paid=0,
            counted=0, reserved=0, remaining=10_000,
        ),
        Line(
            span=Span(date(2026, 9, 1), date(2026, 10, 1)), accrued=12_000, paid=0,
            counted=12_000, reserved=0, remaining=0,
        ),
    ]  # fmt: skip
    older = list(lines(counter, days, TODAY, before=date(2026, 11, 1)))
    assert older == list(lines(counter, days, TODAY))[1:]
    assert list(lines(counter, days, TODAY, before=date(2026, 9, 1))) == []


def test_a_statement_of_nothing_is_the_present_period():
    (line,) = lines(Counter(MONTHLY), [], TODAY)
    assert (line.counted, line.reserved, line.remaining) == (0, 0, 10_000)
    assert first_day(Counter(MONTHLY), [], TODAY) == TODAY


def test_rolling_periods_follow_one_another():
    rule = replace(MONTHLY, period=Period.ROLLING, days=10)
    booked = {TODAY: 1, TODAY - 9 * DAY: 2, TODAY - 10 * DAY: 4, TODAY - 20 * DAY: 8}
    found = list(lines(Counter(rule, booked, 0, TODAY), [], TODAY))
    assert [line.counted for line in found] == [3, 4, 8]
    assert [line.span.end - line.span.start for line in found] == [10 * DAY] * 3
    assert found[0].span.start == found[1].span.end
