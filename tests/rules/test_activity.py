"""When the site is busy: exact over every clock change, learned as fast as was measured."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.forum.rules.activity import (
    ENTER_PEAK,
    HALF_LIFE_WEEKS,
    HOURS,
    LEARN_FROM,
    LEAVE_PEAK,
    ORGANIZER_PEAKS,
    ActivityProfile,
    Change,
    Level,
    PeakMap,
    changes,
    classify,
    hour_of_week,
    level_of,
    pooled,
    week_of,
)

QUARTER = timedelta(minutes=15)
MOMENT = timedelta(microseconds=1)
UTC_ZONE = ZoneInfo("UTC")
MADRID = ZoneInfo("Europe/Madrid")
ZONES = (
    "Europe/Madrid",
    "Atlantic/Canary",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "UTC",
)
EVERY_OTHER_HOUR = frozenset(range(0, HOURS, 2))
MAPS = st.builds(
    PeakMap,
    st.frozensets(st.integers(0, HOURS - 1)),
    st.sampled_from(ZONES).map(ZoneInfo),
    st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=4),
)
INSTANTS = st.datetimes(datetime(2025, 12, 1), datetime(2027, 2, 1), timezones=st.just(UTC))  # noqa: DTZ001


def on_the_wall(peaks, at):
    """Say the same as `is_peak` from the reading of the wall clock alone."""
    local = at.astimezone(peaks.zone)
    dow = 6 if local.date() in peaks.closed else local.weekday()
    return dow * 24 + local.hour in peaks.cells


def days_with_a_jump(name, first, last):
    """Return the UTC midnights of days in which the zone's clock jumps."""
    zone = ZoneInfo(name)
    days = [
        datetime(first, 1, 1, tzinfo=UTC) + timedelta(days=n)
        for n in range((last - first + 1) * 366)
    ]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    return [
        day for day, here, there in zip(days, offsets, offsets[1:], strict=False) if here != there
    ]


JUMPS = [
    (name, day)
    for name, first, last in (
        *((zone, 2026, 2030) for zone in ZONES[:5]),
        ("America/Sao_Paulo", 2018, 2018),
        ("Pacific/Apia", 2011, 2011),
    )
    for day in days_with_a_jump(name, first, last)
]
ORDINARY = [(name, datetime(2026, 5, 6, tzinfo=UTC)) for name in ("Asia/Kolkata", "UTC")]


def check_days(peaks, start, step):
    """Compare each instant of three days, `step` apart, with the wall."""
    grid = [start - timedelta(days=1) + n * step for n in range(timedelta(days=3) // step)]
    shown = [on_the_wall(peaks, at) for at in grid]
    following = None
    for place in range(len(grid) - 1, -1, -1):
        at = grid[place]
        assert peaks.is_peak(at) is shown[place], at
        if place + 1 < len(grid) and shown[place + 1] is not shown[place]:
            following = grid[place + 1]
        if following is not None:
            assert peaks.next_change(at) == following, at
            assert peaks.next_nonpeak(at) == (following if shown[place] else at), at


@pytest.mark.parametrize(("name", "day"), [*JUMPS, *ORDINARY])
@pytest.mark.parametrize("cells", [ORGANIZER_PEAKS, EVERY_OTHER_HOUR])
def test_each_quarter_of_an_hour_around_a_clock_change_is_as_on_the_wall(name, day, cells):
    check_days(PeakMap(cells, ZoneInfo(name)), day, QUARTER)


def test_the_clock_changes_of_five_years_and_the_day_that_never_was_are_all_tried():
    assert len(JUMPS) == 5 * 10 + 2 + 3


def test_a_clock_that_jumps_at_one_minute_past_midnight_is_followed_to_the_minute():
    for day in days_with_a_jump("America/St_Johns", 2008, 2008):
        check_days(
            PeakMap(EVERY_OTHER_HOUR, ZoneInfo("America/St_Johns")), day, timedelta(minutes=1)
        )


@given(MAPS, INSTANTS)
def test_the_next_change_is_the_first_one(peaks, at):
    assert peaks.is_peak(at) is on_the_wall(peaks, at)
    change = peaks.next_change(at)
    if change is None:
        assert len(peaks.cells) in {0, HOURS}
        return
    assert change > at
    assert on_the_wall(peaks, change) is not on_the_wall(peaks, at)
    assert on_the_wall(peaks, change - MOMENT) is on_the_wall(peaks, at)
    step = at
    while step < change:
        assert on_the_wall(peaks, step) is on_the_wall(peaks, at)
        step += QUARTER


@given(MAPS, INSTANTS)
def test_the_next_quiet_hour_is_no_peak_and_none_came_before_it(peaks, at):
    quiet = peaks.next_nonpeak(at)
    if len(peaks.cells) == HOURS:
        assert quiet == at
        return
    assert not peaks.is_peak(quiet)
    assert quiet == (peaks.next_change(at) if peaks.is_peak(at) else at)


@pytest.mark.parametrize("cells", [frozenset(), frozenset(range(HOURS))])
def test_a_week_of_peaks_alone_or_of_none_holds_nothing_back(cells):
    peaks = PeakMap(cells, MADRID)
    at = datetime(2026, 11, 18, 11, 30, tzinfo=UTC)
    assert peaks.next_change(at) is None
    assert peaks.next_nonpeak(at) == at
    assert peaks.is_peak(at) is bool(cells)


def test_a_closed_date_is_a_sunday():
    monday = datetime(2026, 10, 12, 8, 30, tzinfo=UTC)
    assert PeakMap(ORGANIZER_PEAKS, MADRID).is_peak(monday)
    closed = PeakMap(ORGANIZER_PEAKS, MADRID, frozenset({monday.date()}))
    assert not closed.is_peak(monday)
    assert closed.next_change(monday) == datetime(2026, 10, 13, 7, tzinfo=UTC)
    sundays = PeakMap(frozenset({6 * 24 + 10}), MADRID, frozenset({monday.date()}))
    assert sundays.is_peak(monday)


def test_after_a_year_of_closed_dates_the_week_goes_on():
    year = frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(365))
    peaks = PeakMap(ORGANIZER_PEAKS, UTC_ZONE, year)
    assert peaks.next_change(datetime(2026, 1, 5, tzinfo=UTC)) == datetime(
        2027, 1, 1, 9, tzinfo=UTC
    )
    sundays = PeakMap(frozenset(range(6 * 24, HOURS)), UTC_ZONE, year)
    assert sundays.next_nonpeak(datetime(2026, 1, 5, tzinfo=UTC)) == datetime(
        2027, 1, 1, tzinfo=UTC
    )


def test_a_change_on_the_first_instant_of_a_week_is_found_from_the_week_before():
    peaks = PeakMap(frozenset({0}), UTC_ZONE)
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    assert peaks.next_change(monday - timedelta(hours=5)) == monday
    assert peaks.next_change(monday) == monday + timedelta(hours=1)


@pytest.mark.parametrize("cell", [-1, HOURS])
def test_an_hour_that_no_week_has_is_refused(cell):
    with pytest.raises(ValueError, match=str(cell)):
        PeakMap(frozenset({cell}), MADRID)


# --- the profile -----------------------------------------------------------------------------

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def profile_of(cells, *, start=MONDAY, profile=None):
    """Return a profile of one question in each of `cells` of one week."""
    profile = profile or ActivityProfile()
    for cell in cells:
        profile = profile.added(start + timedelta(hours=cell), UTC_ZONE)
    return profile


def test_a_question_counts_in_the_hour_of_the_sites_own_zone():
    profile = ActivityProfile().added(datetime(2026, 7, 3, 22, 30, tzinfo=UTC), MADRID)
    assert profile.counts.index(1.0) == 24  # 00:30 on Saturday in Madrid
    assert (profile.seen, profile.week) == (1, week_of(date(2026, 7, 4)))


def test_a_question_on_a_closed_date_counts_in_a_weekend_hour():
    holiday = frozenset({date(2026, 1, 6)})
    profile = ActivityProfile().added(MONDAY + timedelta(hours=34), UTC_ZONE, holiday)
    assert profile.counts.index(1.0) == 24 + 10
    assert hour_of_week(MONDAY + timedelta(hours=34), holiday) == 6 * 24 + 10


def test_six_weeks_take_half_of_the_weight_and_none_of_the_number_seen():
    profile = profile_of([10, 10, 11])
    later = profile.decayed(profile.week + HALF_LIFE_WEEKS)
    assert later.counts == pytest.approx([count / 2 for count in profile.counts])
    assert later.seen == 3
    assert profile.decayed(profile.week) is profile


@given(st.lists(st.integers(0, 5), max_size=6))
def test_decay_week_by_week_is_decay_at_once(steps):
    profile = profile_of([3, 20, 150])
    slowly = profile
    for step in steps:
        slowly = slowly.decayed(slowly.week + step)
    assert slowly.counts == pytest.approx(profile.decayed(profile.week + sum(steps)).counts)


def test_a_clock_set_back_makes_no_weight_out_of_nothing():
    profile = profile_of([10])
    back = profile.added(MONDAY - timedelta(weeks=8, hours=-10), UTC_ZONE)
    assert (sum(back.counts), back.seen, back.week) == (2.0, 2, profile.week)


def test_a_flat_week_has_no_peak_and_nor_has_an_empty_one():
    assert ActivityProfile().week_rel() == (1.0,) * HOURS
    flat = profile_of(range(HOURS))
    assert flat.week_rel() == (1.0,) * HOURS
    assert classify(profile_of(range(HOURS), profile=flat), ORGANIZER_PEAKS, {}) == frozenset()


def test_few_questions_are_no_peak_yet():
    assert profile_of([10]).rel(10) == pytest.approx((1 + 4) / (5 / 168 + 4))
    assert profile_of([10]).rel(5 * 24 + 10) == pytest.approx(4 / (2 / 168 + 4))


def test_hours_of_a_working_day_are_pooled_and_those_of_a_weekend():
    assert [pooled(cell) for cell in (0, 24, 119, 120, 144, 167)] == [0, 0, 23, 24, 24, 47]


@pytest.mark.parametrize(
    ("rel", "level"),
    [(1.25, Level.PEAK), (1.24, Level.SHOULDER), (0.76, Level.SHOULDER), (0.75, Level.LOW)],
)
def test_levels_are_shares_of_the_mean_hour(rel, level):
    assert level_of(rel) is level


# --- the map of the week ---------------------------------------------------------------------


def profile_with(rel, cell=10):
    """Return a profile of many questions in which the working hour `cell` has `rel`."""
    counts = [500.0] * 24 + [200.0] * 24
    low, high = 0.0, 5000.0
    for _ in range(60):
        counts[cell] = (low + high) / 2
        profile = ActivityProfile(tuple(counts), seen=LEARN_FROM)
        low, high = (counts[cell], high) if profile.rel(cell) < rel else (low, counts[cell])
    return profile


WORKING_TENS = frozenset(range(10, 120, 24))


@pytest.mark.parametrize(
    ("rel", "from_quiet", "from_peak"),
    [(1.05, False, False), (1.15, False, True), (1.24, False, True), (1.26, True, True)],
)
def test_a_peak_is_entered_higher_than_it_is_left(rel, from_quiet, from_peak):
    assert LEAVE_PEAK < 1.15 < ENTER_PEAK
    profile = profile_with(rel)
    assert classify(profile, frozenset(), {}) == (WORKING_TENS if from_quiet else frozenset())
    assert classify(profile, WORKING_TENS, {}) == (WORKING_TENS if from_peak else frozenset())


def test_until_enough_questions_are_seen_the_organizers_peaks_hold():
    few = ActivityProfile(profile_with(2.0).counts, seen=LEARN_FROM - 1)
    assert classify(few, frozenset(), {}) == ORGANIZER_PEAKS
    assert classify(few, frozenset(), {9: False, 160: True}, frozenset({9, 12})) == {12, 160}


PINS = st.dictionaries(st.integers(0, HOURS - 1), st.booleans(), max_size=20)
CELLS = st.frozensets(st.integers(0, HOURS - 1))


@given(CELLS, PINS, st.floats(0.5, 2), st.integers(0, 2 * LEARN_FROM))
def test_a_pin_wins_and_moves_no_other_hour(previous, pins, rel, seen):
    profile = ActivityProfile(profile_with(rel).counts, seen=seen)
    free, held = classify(profile, previous, {}), classify(profile, previous, pins)
    assert {cell: cell in held for cell in pins} == pins
    assert free - pins.keys() == held - pins.keys()


def test_the_organizers_peaks_are_mornings_and_early_evenings_of_working_days():
    assert len(ORGANIZER_PEAKS) == 45
    assert changes(frozenset(), ORGANIZER_PEAKS)[:2] == (
        Change(0, 9, 14, is_peak=True),
        Change(0, 17, 21, is_peak=True),
    )


def test_a_run_of_changed_hours_ends_where_the_day_or_the_change_does():
    assert changes({9, 10}, {10, 11, 23, 24}) == (
        Change(0, 9, 10, is_peak=False),
        Change(0, 11, 12, is_peak=True),
        Change(0, 23, 24, is_peak=True),
        Change(1, 0, 1, is_peak=True),
    )
    assert changes({9, 11}, {10}) == (
        Change(0, 9, 10, is_peak=False),
        Change(0, 10, 11, is_peak=True),
        Change(0, 11, 12, is_peak=False),
    )


@given(CELLS, CELLS)
def test_the_changes_published_lead_from_the_old_peaks_to_the_new(old, new):
    cells = set(old)
    for change in changes(old, new):
        for hour in range(change.start_hour, change.end_hour):
            (cells.add if change.is_peak else cells.remove)(change.dow * 24 + hour)
    assert cells == new


# --- how fast it learns ----------------------------------------------------------------------


def reference_week():
    """Return arrivals by hour of the week: 60 % in two blocks, quiet nights, no weekend peak."""
    days = (1.12, 1.12, 1.10, 1.08, 1.08, 0.75, 0.75)
    block, night = 0.60 / 9, 0.079 / 8
    hours = [night] * 8 + [0.035] + [block] * 5 + [0.045, 0.05, 0.055] + [block] * 4
    hours += [0.05, 0.046, 0.04]
    whole = sum(days) * sum(hours)
    return [day * hour / whole * HOURS for day in days for hour in hours]


TRUTH = reference_week()


def share_in_the_right_class(per_week, weeks, seed, trials):
    """Return the share of arrivals in the right level, raw, and on the right side with hysteresis."""
    dice = Random(seed)
    raw = steady = 0.0
    for _ in range(trials):
        profile, peaks = ActivityProfile(), ORGANIZER_PEAKS
        for week in range(weeks):
            arrivals = dice.choices(range(HOURS), TRUTH, k=per_week)
            profile = profile_of(arrivals, start=MONDAY + timedelta(weeks=week), profile=profile)
            peaks = classify(profile, peaks, {})
        for cell, (true, seen) in enumerate(zip(TRUTH, profile.week_rel(), strict=True)):
            raw += true * (level_of(true) is level_of(seen))
            steady += true * ((true >= ENTER_PEAK) is (cell in peaks))
    return raw / HOURS / trials, steady / HOURS / trials


@pytest.mark.parametrize(
    ("per_week", "weeks", "trials", "pooled_share", "steady_share"),
    [(50, 4, 60, 0.69, 0.77), (350, 8, 8, 0.90, 0.885)],
)
def test_most_arrivals_are_soon_in_the_right_class(
    per_week, weeks, trials, pooled_share, steady_share
):
    """One busy hour of the working days in the wrong class is 0.05; few questions need more trials."""
    raw, steady = share_in_the_right_class(per_week, weeks, seed=per_week + weeks, trials=trials)
    assert raw == pytest.approx(pooled_share, abs=0.03)
    assert steady == pytest.approx(steady_share, abs=0.03)


def test_hysteresis_changes_fewer_hours_than_bare_thresholds():
    dice = Random(4)
    profile, steady, bare = ActivityProfile(), ORGANIZER_PEAKS, ORGANIZER_PEAKS
    flips = [0, 0]
    for week in range(20):
        arrivals = dice.choices(range(HOURS), TRUTH, k=200)
        profile = profile_of(arrivals, start=MONDAY + timedelta(weeks=week), profile=profile)
        for place, (old, new) in enumerate(
            ((steady, classify(profile, steady, {})), (bare, classify(profile, frozenset(), {})))
        ):
            flips[place] += len(old ^ new)
        steady, bare = classify(profile, steady, {}), classify(profile, frozenset(), {})
    assert flips[0] < 0.7 * flips[1]
