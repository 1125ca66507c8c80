"""Express: sold only where it is worth its surcharge, and never to many."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.forum.rules.capacity import HORIZON, Availability, CapacityClock
from upss.forum.rules.express import (
    WINDOW,
    express_calibrator,
    express_policy,
    is_express_offered,
)
from upss.forum.rules.policy import Policy
from upss.forum.rules.promising import NoCapacity, Quote, TopicRate, WhyNot, quote
from upss.forum.rules.windows import Interval

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
POLICY = Policy(express=True)
NOTHING = NoCapacity(WhyNot.TOO_LATE)


def in_hours(hours):
    """Return a promise `hours` from now."""
    return Quote(NOW + timedelta(hours=hours), 1.0, 1.0, 0.1, 0, 1.0, 0.0)


def offered(**given):
    """Say whether express is offered, in a case in which it is but for what is given."""
    usual = {
        "ordinary": in_hours(20),
        "express": in_hours(8),
        "now": NOW,
        "express_week": 0,
        "all_week": 100,
        "policy": POLICY,
    }
    return is_express_offered(**(usual | given))


def test_express_is_off_until_the_organizer_turns_it_on():
    assert offered()
    assert not offered(policy=Policy())


@pytest.mark.parametrize("which", ["ordinary", "express"])
def test_express_is_no_way_round_a_promise_that_cannot_be_given(which):
    assert not offered(**{which: NOTHING})


@pytest.mark.parametrize(("hours", "worth"), [(1, True), (12, True), (12.5, False), (25, False)])
def test_express_must_be_enough_shorter_to_be_worth_its_surcharge(hours, worth):
    assert offered(express=in_hours(hours)) is worth


@pytest.mark.parametrize(
    ("sold", "posted", "room"),
    [(0, 0, False), (0, 3, False), (0, 4, True), (19, 99, True), (20, 99, False), (20, 104, True)],
)
def test_express_stays_within_its_share_of_the_week(sold, posted, room):
    assert offered(express_week=sold, all_week=posted) is room


@given(st.lists(st.booleans(), max_size=300))
def test_whoever_asks_for_express_the_share_is_never_passed(wishes):
    sold = 0
    for posted, wish in enumerate(wishes):
        if wish and offered(express_week=sold, all_week=posted):
            sold += 1
            assert sold <= POLICY.express_share * (posted + 1)


def test_express_has_scores_of_its_own_and_half_as_many():
    calibrator = express_calibrator(replace(POLICY, target=0.9))
    assert (calibrator.target, calibrator.window, len(calibrator.scores)) == (0.9, WINDOW, 0)
    for value in range(2 * WINDOW):
        calibrator.add(float(value))
    assert min(calibrator.scores) == WINDOW


def test_express_may_promise_an_hour_where_the_ordinary_floor_is_two():
    there = Availability((Interval(NOW, NOW + HORIZON),), 1.0)
    clock = CapacityClock.build((there,), NOW, NOW + HORIZON)
    inputs = {"now": NOW, "clock": clock, "n_ahead": 0, "rate": TopicRate(3000, 0)}
    ordinary = quote(**inputs, factor=1.0, n_scores=400, policy=POLICY)
    express = quote(**inputs, factor=1.0, n_scores=400, policy=express_policy(POLICY))
    assert ordinary.by == NOW + timedelta(hours=2)
    assert express.by == NOW + timedelta(hours=1)
    assert offered(ordinary=ordinary, express=express)
