"""A promise: time on the clock of its topic, a calibrated factor, never too early, never missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil, exp
from random import Random
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from upss.forum.rules.capacity import HORIZON, Availability, CapacityClock
from upss.forum.rules.policy import Policy
from upss.forum.rules.promising import (
    COLD_FACTOR,
    EXPOSURE_MAX_HOURS,
    SCORES_MIN,
    STEP,
    WINDOW,
    Calibrator,
    NoCapacity,
    Quote,
    TopicRate,
    WhyNot,
    is_urgent,
    quote,
    score,
    urgent_from,
)
from upss.forum.rules.windows import Interval

START = datetime(2026, 11, 16, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
DUST = timedelta(milliseconds=2)
POLICY = Policy()


def hours_of(*blocks, weight=1.0):
    """Return one answerer there in `blocks` of (first, last) hours after START."""
    return Availability(
        tuple(Interval(START + a * HOUR, START + b * HOUR) for a, b in blocks), weight
    )


def clock_of(*availabilities, base=0.0):
    return CapacityClock.build(availabilities, START, START + HORIZON, base)


OFFICE = clock_of(hours_of(*((day * 24 + 9, day * 24 + 13) for day in range(35) if day % 7 < 5)))


def quoted(**inputs):
    """Return a quote with an ordinary value for whatever is not given."""
    usual = {
        "now": START,
        "clock": OFFICE,
        "n_ahead": 0,
        "rate": TopicRate(300, 300),
        "factor": 1.0,
        "n_scores": 400,
        "policy": POLICY,
    }
    return quote(**(usual | inputs))


# --- the rate --------------------------------------------------------------------------------


def test_a_topic_that_was_never_worked_on_has_the_prior_rate():
    assert TopicRate().per_hour == pytest.approx(0.1)
    assert TopicRate(prior_answers=60).per_hour == pytest.approx(1.2)


def test_answers_and_hours_with_a_queue_move_the_rate():
    rate = TopicRate().with_answer().with_answer().with_exposure(6.0).with_exposure(8.0)
    assert rate == TopicRate(2, 14.0)
    assert rate.per_hour == pytest.approx(7 / 64)


def test_old_work_is_halved_once_three_thousand_hours_are_passed():
    full = TopicRate(2400, EXPOSURE_MAX_HOURS)
    assert full.with_exposure(0.0) == full
    assert full.with_exposure(200.0) == TopicRate(1200, 1600)
    assert TopicRate(2400).with_exposure(9000.0) == TopicRate(600, 2250)


def test_time_that_runs_backwards_is_no_exposure():
    with pytest.raises(ValueError, match=r"-0\.5"):
        TopicRate().with_exposure(-0.5)


# --- the factor ------------------------------------------------------------------------------

SOME = st.binary(max_size=15)
FULL = st.binary(min_size=SCORES_MIN, max_size=90)


def scores_of(found):
    """Return one score for each byte, of few values: ties are common, and some are below zero."""
    return [(byte % 200 - 20) / 8 for byte in found]


MANY, OPEN = FULL.map(scores_of), SOME.map(scores_of)
TARGET = Fraction("0.97")


def by_definition(closed, waiting):
    """Return the factor from the definition alone, trying every candidate."""

    def holds(value):
        late = sum(1 for other in waiting if other > value)
        return sum(1 for other in closed if other <= value) >= ceil(
            TARGET * (len(closed) + late + 1)
        )

    candidates = sorted(closed) + sorted(value for value in waiting if value > max(closed))
    return max(0.05, next(value for value in candidates if holds(value)))


@given(MANY, OPEN)
def test_the_factor_is_the_exact_order_statistic_with_the_late_ones_counted(closed, waiting):
    assert Calibrator(scores=closed).factor(waiting) == by_definition(closed, waiting)


def test_answers_within_the_hour_of_their_offer_leave_a_factor_above_zero():
    for value in (0.0, -0.25):
        assert Calibrator(scores=[value] * WINDOW).factor() == 0.05


@given(MANY, OPEN, st.randoms(use_true_random=False))
def test_the_order_of_the_scores_does_not_matter(closed, waiting, dice):
    before = Calibrator(scores=closed).factor(waiting)
    dice.shuffle(closed)
    dice.shuffle(waiting)
    assert Calibrator(scores=closed).factor(waiting) == before


@given(MANY, OPEN, OPEN)
def test_more_waiting_questions_never_make_the_factor_smaller(closed, waiting, more):
    calibrator = Calibrator(scores=closed)
    assert calibrator.factor(waiting + more) >= calibrator.factor(waiting)
    older = [value + 1 for value in waiting]
    assert calibrator.factor(older) >= calibrator.factor(waiting)


@given(MANY, st.binary(max_size=40).map(scores_of))
def test_only_the_greatest_waiting_scores_matter(closed, waiting):
    calibrator = Calibrator(scores=closed)
    enough = sorted(waiting, reverse=True)[: calibrator.late_at_most + 1]
    assert calibrator.factor(enough) == calibrator.factor(waiting)


def test_a_rank_that_is_a_whole_number_is_not_rounded_up_by_the_dust_of_floats():
    for count in range(SCORES_MIN, WINDOW + 1):
        scores = [float(value) for value in range(count)]
        assert Calibrator(scores=scores).factor() == ceil(TARGET * (count + 1)) - 1
    assert 0.81 * 300 > 243
    assert Calibrator(target=0.81, scores=range(299)).factor() == 242


@pytest.mark.parametrize("count", [0, 1, SCORES_MIN - 1])
def test_too_few_scores_tell_nothing_yet(count):
    assert Calibrator(scores=[9.0] * count).factor([50.0]) == COLD_FACTOR


def test_a_target_that_asks_for_more_scores_than_there_are_waits_for_them():
    assert Calibrator(target=0.99, scores=[9.0] * 98).factor() == COLD_FACTOR
    assert Calibrator(target=0.99, scores=[9.0] * 99).factor() == 9.0


def test_the_newest_scores_alone_count():
    calibrator = Calibrator(scores=[100.0] * WINDOW)
    for _ in range(WINDOW):
        calibrator.add(1.0)
    assert (len(calibrator.scores), calibrator.factor()) == (WINDOW, 1.0)
    assert len(Calibrator(window=100, scores=range(300)).scores) == 100


@pytest.mark.parametrize("count", [SCORES_MIN, 100, 250, WINDOW])
def test_on_exchangeable_scores_the_promise_is_kept_as_often_as_is_aimed_at(count):
    dice = Random(count)
    kept = 0.0
    for _ in range(1000):
        factor = Calibrator(scores=[dice.expovariate(1.0) for _ in range(count)]).factor()
        kept += 1 - exp(-factor)  # the chance of the next score to be no greater
    expected = ceil(TARGET * (count + 1)) / (count + 1)
    assert expected >= TARGET
    assert kept / 1000 == pytest.approx(expected, abs=0.0012)


def test_a_backlog_that_grows_shows_although_all_that_is_answered_was_quick():
    quick = Calibrator(scores=[0.5] * 396 + [1.0] * 4)
    factors = [quick.factor([age / 4] * 30) for age in range(16)]
    assert factors[:3] == [0.5, 0.5, 0.5]
    assert factors[4] == 1.0
    assert all(later >= earlier for earlier, later in pairwise(factors))
    assert factors[-1] == 15 / 4


def test_a_score_is_clock_time_over_base():
    posted, answered = OFFICE.cum(START + 12 * HOUR), OFFICE.cum(START + 34 * HOUR)
    assert score(posted=posted, answered=answered, base_h=2.0) == pytest.approx(1.0)


# --- the promise -----------------------------------------------------------------------------

BLOCKS = st.lists(st.tuples(st.integers(0, 160), st.integers(1, 30)), min_size=1, max_size=6).map(
    lambda found: hours_of(*merged_blocks(found))
)


def merged_blocks(found):
    """Return disjoint (first, last) blocks from (first, length) ones, repeated for five weeks."""
    there = sorted(
        {(a + n) % 168 + 168 * week for a, k in found for n in range(k) for week in range(5)}
    )
    return [(hour, hour + 1) for hour in there]


CLOCKS = st.builds(
    lambda availabilities, base: clock_of(*availabilities, base=base),
    st.lists(BLOCKS, min_size=1, max_size=3),
    st.floats(0, 5000),
)
NOWS = st.integers(0, 168 * 3600).map(lambda seconds: START + timedelta(seconds=seconds))
RATES = st.builds(TopicRate, st.integers(0, 900), st.floats(0, 900))
INPUTS = st.fixed_dictionaries(
    {
        "now": NOWS,
        "clock": CLOCKS,
        "n_ahead": st.integers(0, 12),
        "rate": RATES,
        "factor": st.floats(0.05, 5),
        "n_scores": st.integers(0, 400),
    }
)


def is_first(inputs):
    """Tell whether nothing was measured yet."""
    return inputs["n_scores"] < SCORES_MIN


def by_of(inputs):
    """Return the promised instant, or one later than any promise where nothing is promised."""
    found = quoted(**inputs)
    return found.by if isinstance(found, Quote) else datetime.max.replace(tzinfo=UTC)


# Nothing measured yet, on the half hour; the factor alone would ask for more than there is.
ON_THE_HALF_HOUR = {
    "now": START,
    "clock": clock_of(hours_of((0, 10))),
    "n_ahead": 0,
    "rate": TopicRate(17, 0.0),
    "factor": 2.0,
    "n_scores": 0,
}


@example(ON_THE_HALF_HOUR)
@given(INPUTS)
def test_a_promise_leaves_all_the_capacity_that_it_was_calculated_from(inputs):
    found = quoted(**inputs)
    if isinstance(found, Quote):
        clock = inputs["clock"]
        left = clock.cum(found.by + DUST) - found.reading
        is_longest = found.by > inputs["now"] + POLICY.max_promise - STEP
        factor = min(1.0, found.factor) if is_first(inputs) and is_longest else found.factor
        assert left >= found.base_h * factor * (1 - 1e-9)


@given(INPUTS)
def test_a_promise_is_no_later_than_its_inputs_say(inputs):
    found = quoted(**inputs, policy=replace(POLICY, margin=0.0, cold_margin=0.0))
    if isinstance(found, Quote):
        before = found.by - STEP
        short = inputs["clock"].cum(before) - found.reading < found.base_h * found.factor
        assert short or before < inputs["now"] + POLICY.floor or is_first(inputs)


@given(INPUTS)
def test_a_promise_keeps_floor_ceiling_and_half_hour(inputs):
    now, found = inputs["now"], quoted(**inputs)
    if isinstance(found, Quote):
        assert now + POLICY.floor <= found.by <= now + POLICY.max_promise
        assert found.by.utcoffset() == timedelta(0)
        assert (found.by - START) % STEP == timedelta(0)


@given(INPUTS, st.integers(1, 5), st.floats(0.01, 2))
def test_a_promise_is_never_sooner_for_more_work_ahead_or_a_wider_factor_or_margin(inputs, n, more):
    by = by_of(inputs)
    assert by_of(inputs | {"n_ahead": inputs["n_ahead"] + n}) >= by
    assert by_of(inputs | {"factor": inputs["factor"] + more}) >= by
    wider = replace(POLICY, margin=POLICY.margin + more, cold_margin=POLICY.cold_margin + more)
    assert by_of(inputs | {"policy": wider}) >= by


@given(INPUTS, st.integers(1, 500))
def test_a_promise_is_never_later_for_a_better_rate(inputs, answers):
    rate = inputs["rate"]
    better = replace(rate, completions=rate.completions + answers)
    assert by_of(inputs | {"rate": better}) <= by_of(inputs)


@given(INPUTS, st.lists(BLOCKS, min_size=1, max_size=3), BLOCKS)
def test_a_promise_is_never_later_for_more_declared_hours(inputs, there, added):
    fewer = by_of(inputs | {"clock": clock_of(*there)})
    assert by_of(inputs | {"clock": clock_of(*there, added)}) <= fewer


@given(INPUTS, st.integers(1, 4))
def test_a_week_later_the_same_hours_give_the_same_promise(inputs, weeks):
    clock, shift = inputs["clock"], timedelta(weeks=weeks)
    moved = replace(clock, start=clock.start + shift, end=clock.end + shift)
    found, later = (
        quoted(**inputs),
        quoted(**inputs | {"clock": moved, "now": inputs["now"] + shift}),
    )
    if isinstance(found, Quote):
        assert later == replace(found, by=found.by + shift)
    else:
        assert later == found


def test_a_promise_made_on_a_friday_counts_the_monday_and_not_the_weekend():
    friday = START + timedelta(days=4, hours=12)  # one hour of work is left this week
    found = quoted(now=friday, policy=replace(POLICY, margin=0.0))
    assert found.base_h == pytest.approx(3 / (305 / 350))
    assert found.by == START + timedelta(days=7, hours=11, minutes=30)  # 1 h Friday, 2.44 h Monday


def test_the_quote_holds_all_that_the_promise_was_calculated_from():
    found = quoted(now=START + 10 * HOUR, n_ahead=1, rate=TopicRate(45, 0), factor=1.5)
    assert found == Quote(
        by=START + 39 * HOUR,  # 6 h on the clock last until Tuesday 12:00; 10 % of 26 h more
        base_h=4.0,
        factor=1.5,
        margin=0.10,
        n_ahead=1,
        rate=1.0,
        reading=1.0,
    )
    done = OFFICE.inv(found.reading + found.base_h * found.factor)
    again = START + 10 * HOUR + (1 + found.margin) * (done - START - 10 * HOUR)
    assert timedelta(0) <= found.by - again < STEP


def test_until_enough_answers_were_timed_the_margin_is_wider():
    assert quoted(n_scores=POLICY.warm_scores - 1).margin == POLICY.cold_margin
    assert quoted(n_scores=POLICY.warm_scores).margin == POLICY.margin


@pytest.mark.parametrize("topics", [1, 3, 7, 10])
def test_a_promise_that_falls_on_the_half_hour_is_not_pushed_to_the_next(topics):
    there = hours_of((0, 800), weight=1 / topics)
    clock, rate = clock_of(there, base=1234.567), TopicRate(prior_answers=topics, prior_h=1)
    no_margin = replace(POLICY, margin=0.0)
    for n_ahead in range(100):
        found = quoted(clock=clock, n_ahead=n_ahead, rate=rate, policy=no_margin)
        assert found.by == START + (n_ahead + 3) * HOUR


def test_no_declared_hours_mean_no_promise():
    assert quoted(clock=clock_of()) == NoCapacity(WhyNot.NOBODY)
    over = START + timedelta(days=34)
    assert quoted(now=over) == NoCapacity(WhyNot.NOBODY)


def test_an_answer_beyond_the_longest_promise_is_not_promised():
    assert quoted(n_ahead=30) == NoCapacity(WhyNot.TOO_LATE)  # within the horizon
    assert quoted(n_ahead=300) == NoCapacity(WhyNot.TOO_LATE)  # beyond it
    assert isinstance(quoted(n_ahead=10), Quote)


def test_a_site_that_has_measured_nothing_yet_promises_its_longest_time_for_work_that_fits():
    """A few people for many topics: the guess of the first factor alone would refuse everything."""
    rate = TopicRate(prior_answers=1, prior_h=5)
    slow = {"n_scores": SCORES_MIN - 1, "rate": rate, "factor": 2.5, "n_ahead": 0}
    now = START + 10 * HOUR + timedelta(minutes=10)
    found = quoted(now=now, **slow)  # 15 h of work fit into the 20 of a week, 37.5 do not
    assert found.by == START + timedelta(days=7, hours=10)
    assert found.by <= now + POLICY.max_promise < found.by + STEP
    sharp = quoted(now=START + 10 * HOUR, **slow)
    assert sharp.by == START + 10 * HOUR + POLICY.max_promise
    assert quoted(now=now, **slow | {"n_scores": SCORES_MIN}) == NoCapacity(WhyNot.TOO_LATE)
    assert quoted(now=now, **slow | {"n_ahead": 2}) == NoCapacity(WhyNot.TOO_LATE)  # 25 h of work
    assert quoted(clock=clock_of(), n_scores=0) == NoCapacity(WhyNot.NOBODY)


def test_a_promise_costs_little_with_many_answerers_and_many_waiting():
    dice = Random(1)
    people = []
    for _ in range(200):
        starts = [day * 24 + dice.randrange(6, 20) for day in range(35)]
        people.append(hours_of(*((hour, hour + 3) for hour in starts), weight=1 / 3))
    clock, fast = clock_of(*people), TopicRate(150_000, 2_950)
    trials = []
    for _ in range(50):
        began = process_time()
        for n_ahead in (0, 10, 100, 1_000, 10_000):
            assert isinstance(quoted(clock=clock, rate=fast, n_ahead=n_ahead), Quote)
        trials.append((process_time() - began) / 5)
    assert min(trials) < 50e-6


# --- urgency ---------------------------------------------------------------------------------

URGENCY = st.floats(0, 1)
LATER = st.integers(0, 200 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@given(INPUTS, URGENCY, LATER)
def test_the_instant_of_urgency_is_exact(inputs, urgency, later):
    clock, found = inputs["clock"], quoted(**inputs)
    if not isinstance(found, Quote):
        return
    stored = {"by": found.by, "reading": found.reading, "urgency": urgency}
    since = urgent_from(clock, **stored)
    assert since <= found.by
    assert is_urgent(clock, now=since, **stored)
    assert since == clock.start or not is_urgent(clock, now=since - MOMENT, **stored)
    for now in (since + later, max(since - later - MOMENT, clock.start)):
        assert is_urgent(clock, now=now, **stored) is (now >= since)


@given(INPUTS, URGENCY, URGENCY)
def test_a_higher_dial_is_urgent_sooner(inputs, one, other):
    found = quoted(**inputs)
    if isinstance(found, Quote):
        low, high = sorted((one, other))
        stored = {"by": found.by, "reading": found.reading}
        slow = urgent_from(inputs["clock"], **stored, urgency=low)
        assert urgent_from(inputs["clock"], **stored, urgency=high) <= slow


def test_urgency_is_the_share_of_capacity_left_and_not_of_time():
    always = clock_of(hours_of((0, 4), (20, 24)))
    stored = {"by": START + 24 * HOUR, "reading": 0.0}
    assert urgent_from(always, **stored, urgency=0.75) == START + 2 * HOUR + MOMENT
    assert urgent_from(always, **stored, urgency=0.25) == START + 22 * HOUR + MOMENT
    half = urgent_from(always, **stored, urgency=0.5)  # not before somebody is there again
    assert START + 20 * HOUR < half <= START + 20 * HOUR + 2 * MOMENT


def test_a_dial_of_zero_is_never_urgent_early_and_one_is_urgent_with_the_first_work():
    stored = {"by": START + 40 * HOUR, "reading": 0.0}
    assert urgent_from(OFFICE, **stored, urgency=0.0) == START + 40 * HOUR
    assert urgent_from(OFFICE, **stored, urgency=1.0) == START + 9 * HOUR + MOMENT


def test_a_question_past_its_promise_is_urgent_though_everybody_left():
    stored = {"by": START + 12 * HOUR, "reading": 0.0, "urgency": 0.7}
    empty = clock_of()
    assert urgent_from(empty, **stored) == START + 12 * HOUR
    assert not is_urgent(empty, now=START + 12 * HOUR - MOMENT, **stored)
    assert is_urgent(empty, now=START + 12 * HOUR, **stored)


def test_hours_withdrawn_after_the_promise_make_a_question_urgent_sooner():
    stored = {"by": START + timedelta(days=1, hours=13), "reading": 0.0, "urgency": 0.5}
    assert urgent_from(OFFICE, **stored) == START + timedelta(days=1, hours=9) + MOMENT
    edit = START + 11 * HOUR
    left = CapacityClock.build((), edit, edit + HORIZON, OFFICE.cum(edit))
    assert urgent_from(left, **stored) == edit
