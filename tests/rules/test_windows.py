"""Weekly windows: what they are in real time, joined, clipped and with holes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from upss.forum.rules import windows as rules
from upss.forum.rules.windows import Interval, Window, contains, covers, occurrences, subtract

MADRID = ZoneInfo("Europe/Madrid")
MINUTE = timedelta(minutes=1)
MOMENT = timedelta(microseconds=1)
WEEK = timedelta(weeks=1)

zones = st.sampled_from(
    [
        "Europe/Madrid",
        "America/New_York",
        "America/Sao_Paulo",
        "America/St_Johns",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Auckland",
        "Africa/Casablanca",
        "UTC",
    ]
).map(ZoneInfo)
instants = st.datetimes(
    datetime(2010, 1, 1),  # noqa: DTZ001
    datetime(2031, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
spans = st.timedeltas(MOMENT, 4 * WEEK)
one_window = st.builds(
    Window,
    st.integers(0, 6),
    st.integers(0, 1439),
    st.one_of(st.integers(1, 1440), st.just(1440), st.sampled_from([30, 60, 240])),
)
window_sets = st.lists(one_window, max_size=12).map(tuple)


@st.composite
def interval_sets(draw):
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    minutes = st.tuples(st.integers(0, 600), st.integers(1, 120))
    return [
        Interval(begin + start * MINUTE, begin + (start + length) * MINUTE)
        for start, length in draw(st.lists(minutes, max_size=8))
    ]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def minutes_of(windows) -> set[int]:
    return {
        (w.dow * 1440 + w.start_min + n) % rules.WEEK for w in windows for n in range(w.length_min)
    }


def length(intervals) -> timedelta:
    return sum((i.end - i.start for i in intervals), timedelta())


# --- what they may be ---


@pytest.mark.parametrize(
    "fields", [(-1, 0, 60), (7, 0, 60), (0, -1, 60), (0, 1440, 60), (0, 0, 0), (0, 0, 1441)]
)
def test_there_is_no_such_window(fields):
    with pytest.raises(ValueError, match="no such window"):
        Window(*fields)


def test_an_interval_is_in_utc_and_not_empty():
    start = at("2026-03-29 01:00")
    with pytest.raises(ValueError, match="empty"):
        Interval(start, start)
    with pytest.raises(ValueError, match="not in UTC"):
        Interval(start, (start + MINUTE).astimezone(MADRID))
    with pytest.raises(ValueError, match="not in UTC"):
        Interval(start.astimezone(MADRID), start + MINUTE)


def test_zones_are_those_of_the_iana_database():
    assert rules.zone("Europe/Madrid") is MADRID
    assert rules.zone("UTC").key == "UTC"


@pytest.mark.parametrize(
    "name", ["", "Europe", "europe/madrid", "Mars/Base", "../UTC", "/etc/localtime", "localtime"]
)
def test_an_unknown_zone(name):
    with pytest.raises(rules.ZoneUnknown) as refused:
        rules.zone(name)
    assert refused.value.facts == {"name": name}
    assert refused.value.status == 422


def test_windows_that_are_refused():
    with pytest.raises(rules.WindowsRefused) as refused:
        rules.check_windows([])
    assert refused.value.facts == {"reason": "empty"}
    many = [Window(0, n, 1) for n in range(rules.MOST_WINDOWS + 1)]
    with pytest.raises(rules.WindowsRefused) as refused:
        rules.check_windows(many)
    assert refused.value.facts == {"reason": "too_many", "most": rules.MOST_WINDOWS}
    assert rules.check_windows(many[1:]) == (Window(0, 1, rules.MOST_WINDOWS),)


# --- one way to write the same minutes ---


@pytest.mark.parametrize(
    ("given_windows", "expected"),
    [
        ([], []),
        ([(0, 540, 60), (0, 600, 60)], [(0, 540, 120)]),
        ([(0, 540, 120), (0, 570, 30)], [(0, 540, 120)]),
        ([(0, 1320, 120), (1, 0, 120)], [(0, 1320, 240)]),
        ([(6, 1320, 240), (0, 60, 120)], [(6, 1320, 300)]),
        ([(6, 1320, 120), (0, 0, 60)], [(6, 1320, 180)]),
        ([(6, 600, 1440), (0, 0, 60), (0, 120, 60), (0, 500, 200)], [(0, 0, 700), (6, 600, 840)]),
        ([(5, 0, 1440), (6, 0, 1440)], [(5, 0, 1440), (6, 0, 1440)]),
        ([(0, 1320, 1440), (1, 1320, 240)], [(0, 1320, 120), (1, 0, 1440), (2, 0, 120)]),
        ([(n, 540, 1440) for n in range(7)], [(n, 0, 1440) for n in range(7)]),
        ([(n, 0, 1440) for n in range(7)], [(n, 0, 1440) for n in range(7)]),
    ],
)
def test_merged(given_windows, expected):
    merged = rules.merged(Window(*fields) for fields in given_windows)
    assert merged == tuple(Window(*fields) for fields in expected)


@given(window_sets)
def test_merged_has_the_same_minutes_each_once(windows):
    merged = rules.merged(windows)
    assert minutes_of(merged) == minutes_of(windows)
    assert sum(w.length_min for w in merged) == len(minutes_of(windows))
    assert merged == tuple(sorted(merged))


@given(window_sets, st.integers(1, 400))
def test_merged_depends_on_the_minutes_only(windows, step):
    pieces = [
        Window(begin // 1440 % 7, begin % 1440, min(step, w.length_min - done))
        for w in windows
        for done in range(0, w.length_min, step)
        for begin in [w.dow * 1440 + w.start_min + done]
    ]
    assert rules.merged(reversed(pieces)) == rules.merged(windows)


@given(window_sets, zones, instants, spans)
def test_merged_is_open_at_the_same_time(windows, tz, start, span):
    merged = rules.merged(windows)
    assert occurrences(merged, tz, start, start + span) == occurrences(
        windows, tz, start, start + span
    )


# --- in real time ---


@pytest.mark.parametrize(
    ("start_min", "length_min", "first", "last"),
    [
        (120, 60, None, None),
        (60, 180, "2026-03-29 00:00", "2026-03-29 02:00"),
        (150, 90, "2026-03-29 01:00", "2026-03-29 02:00"),
        (90, 60, "2026-03-29 00:30", "2026-03-29 01:00"),
        (0, 1440, "2026-03-28 23:00", "2026-03-29 22:00"),
    ],
)
def test_a_clock_set_forward(start_min, length_min, first, last):
    window = Window(6, start_min, length_min)
    found = occurrences([window], MADRID, at("2026-03-28 12:00"), at("2026-03-30 12:00"))
    assert found == ((Interval(at(first), at(last)),) if first else ())


@pytest.mark.parametrize(
    ("start_min", "length_min", "first", "last"),
    [
        (120, 60, "2026-10-25 00:00", "2026-10-25 02:00"),
        (60, 180, "2026-10-24 23:00", "2026-10-25 03:00"),
        (60, 60, "2026-10-24 23:00", "2026-10-25 00:00"),
        (90, 60, "2026-10-24 23:30", "2026-10-25 01:30"),
        (150, 30, "2026-10-25 00:30", "2026-10-25 02:00"),
        (180, 60, "2026-10-25 02:00", "2026-10-25 03:00"),
        (0, 1440, "2026-10-24 22:00", "2026-10-25 23:00"),
    ],
)
def test_a_clock_set_back(start_min, length_min, first, last):
    window = Window(6, start_min, length_min)
    found = occurrences([window], MADRID, at("2026-10-24 12:00"), at("2026-10-26 12:00"))
    assert found == (Interval(at(first), at(last)),)


def test_a_day_that_never_was():
    apia, begin, end = ZoneInfo("Pacific/Apia"), at("2011-12-26 00:00"), at("2012-01-02 00:00")
    assert occurrences([Window(4, 0, 1440)], apia, begin, end) == ()
    jump = at("2011-12-30 10:00")
    around = occurrences([Window(3, 0, 1440), Window(5, 0, 1440)], apia, begin, end)
    assert around == (Interval(jump - 24 * 60 * MINUTE, jump + 24 * 60 * MINUTE),)
    # what reaches into the day after is open there
    assert occurrences([Window(4, 1380, 120)], apia, begin, end) == (
        Interval(jump, jump + 60 * MINUTE),
    )


def test_a_leap_day_and_midnight():
    found = occurrences(
        [Window(1, 1380, 120)], MADRID, at("2028-02-28 00:00"), at("2028-03-05 00:00")
    )
    assert found == (Interval(at("2028-02-29 22:00"), at("2028-03-01 00:00")),)


def test_a_window_belongs_to_the_day_of_its_start_on_closed_dates_too():
    night, begin, end = Window(0, 1320, 240), at("2026-11-16 00:00"), at("2026-11-18 00:00")
    monday, tuesday = date(2026, 11, 16), date(2026, 11, 17)
    whole = (Interval(at("2026-11-16 21:00"), at("2026-11-17 01:00")),)
    assert occurrences([night], MADRID, begin, end) == whole
    assert occurrences([night], MADRID, begin, end, frozenset({tuesday})) == whole
    assert occurrences([night], MADRID, begin, end, frozenset({monday})) == ()
    assert contains([night], MADRID, at("2026-11-17 00:30"), {tuesday})
    assert not contains([night], MADRID, at("2026-11-16 22:00"), {monday})


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("America/New_York", "2026-11-18 03:59"),  # two dates after it began, in UTC
        ("Pacific/Auckland", "2026-11-17 09:59"),
    ],
)
def test_a_long_window_far_from_utc(name, last):
    windows, tz = [Window(0, 1380, 1440)], ZoneInfo(name)  # Monday 16 November at 23:00
    assert contains(windows, tz, at(last))
    assert not contains(windows, tz, at(last) + MINUTE)
    assert contains(windows, tz, at(last) - 1439 * MINUTE)
    assert not contains(windows, tz, at(last) - 1440 * MINUTE)


def test_no_windows_and_no_time():
    start = at("2026-11-16 00:00")
    assert occurrences((), MADRID, start, start + WEEK) == ()
    assert not contains((), MADRID, start)
    whole = [Window(dow, 0, 1440) for dow in range(7)]
    assert occurrences(whole, MADRID, start, start) == ()
    assert occurrences(whole, MADRID, start, start - WEEK) == ()
    assert occurrences(whole, MADRID, start, start + MINUTE) == (Interval(start, start + MINUTE),)


@given(window_sets, zones, instants, spans, st.data())
def test_intervals_are_sorted_disjoint_inside_and_agree_with_contains(
    windows, tz, start, span, data
):
    end = start + span
    days = [start.date() + timedelta(days=n) for n in range(-1, 29)]
    closed = data.draw(st.frozensets(st.sampled_from(days), max_size=5))
    found = occurrences(windows, tz, start, end, closed)
    assert all(one.end < other.start for one, other in pairwise(found))
    assert all(start <= i.start < i.end <= end for i in found)
    edges = {start, end - MOMENT} | {edge for i in found for edge in (i.start, i.end)}
    near = {edge + step for edge in edges for step in (-MOMENT, timedelta(), MOMENT)}
    drawn = data.draw(
        st.lists(st.datetimes(*naive(start, end), timezones=st.just(UTC)), max_size=9)
    )
    for moment in near | set(drawn):
        if start <= moment < end:
            is_open = contains(windows, tz, moment, closed)
            assert is_open == any(i.start <= moment < i.end for i in found)
            assert is_open == covers(found, moment)
            assert is_open == contains(windows, tz, moment.astimezone(tz), closed)


def naive(*moments: datetime) -> list[datetime]:
    return [moment.replace(tzinfo=None) for moment in moments]


@given(one_window, zones, instants)
def test_while_no_clock_changes_local_times_decide(window, tz, moment):
    offsets = {(moment + n * 60 * MINUTE).astimezone(tz).utcoffset() for n in range(-49, 50)}
    assume(len(offsets) == 1)
    local = moment.astimezone(tz)
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    begin = window.dow * 1440 + window.start_min
    assert contains([window], tz, moment) == ((minute - begin) % rules.WEEK < window.length_min)


@given(
    window_sets, st.sampled_from(["UTC", "Asia/Kolkata"]).map(ZoneInfo), instants, st.integers(1, 9)
)
def test_whole_weeks_later_all_is_the_same(windows, tz, start, weeks):
    later = tuple(
        Interval(i.start + weeks * WEEK, i.end + weeks * WEEK)
        for i in occurrences(windows, tz, start, start + 2 * WEEK)
    )
    moved = start + weeks * WEEK
    assert occurrences(windows, tz, moved, moved + 2 * WEEK) == later


@given(zones, instants)
def test_a_week_of_whole_days_is_always(tz, start):
    whole = [Window(dow, 0, 1440) for dow in range(7)]
    assert occurrences(whole, tz, start, start + WEEK) == (Interval(start, start + WEEK),)


# --- intervals ---


@given(interval_sets(), interval_sets())
def test_subtract_leaves_what_is_in_no_hole(intervals, holes):
    left = subtract(intervals, holes)
    assert left == rules.joined_up(left)
    for n in range(730):
        moment = at("2026-03-01 00:00") + n * MINUTE
        inside = any(i.start <= moment < i.end for i in intervals)
        in_hole = any(i.start <= moment < i.end for i in holes)
        assert covers(left, moment) == (inside and not in_hole)


@given(interval_sets(), st.integers(0, 700), st.integers(0, 700))
def test_clipped_and_the_rest_are_the_whole(intervals, one, other):
    first, last = sorted((one, other))
    begin = at("2026-03-01 00:00")
    start, end = begin + first * MINUTE, begin + last * MINUTE
    whole = rules.joined_up(intervals)
    inside = rules.clipped(whole, start, end)
    assert all(start <= i.start < i.end <= end for i in inside)
    outside = subtract(whole, [Interval(start, end)] if start < end else [])
    assert length(inside) + length(outside) == length(whole)
