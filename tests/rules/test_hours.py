"""One person's declared hours: available, away, quiet, and their calendar day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.forum.rules import hours as rules
from upss.forum.rules.capacity import HORIZON
from upss.forum.rules.hours import Hours, HoursRefused
from upss.forum.rules.windows import Interval, Window, covers, merged

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)  # a Wednesday, noon in Madrid
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
MORNINGS = Hours(rules.PRESETS["mornings"], "Europe/Madrid")
ALWAYS = Hours(tuple(Window(dow, 0, 1440) for dow in range(7)), "Europe/Madrid")

names = st.sampled_from(
    ["Europe/Madrid", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]
)
some_windows = st.lists(
    st.builds(Window, st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440)), max_size=8
).map(merged)


@st.composite
def absences(draw):
    lengths = st.tuples(st.integers(-2000, 20000), st.integers(1, 9000))
    return tuple(
        Interval(NOW + start * MINUTE, NOW + (start + length) * MINUTE)
        for start, length in draw(st.lists(lengths, max_size=3))
    )


some_hours = st.builds(
    Hours,
    some_windows,
    names,
    quiet_start_min=st.integers(0, 1439),
    quiet_end_min=st.integers(0, 1439),
    absences=absences(),
    paused_until=st.none() | st.integers(1, 20000).map(lambda n: NOW + n * MINUTE),
    rest_days=st.frozensets(st.integers(0, 6), max_size=3),
)
moments = st.integers(0, 14 * 1440 * 60).map(lambda n: NOW + timedelta(seconds=n))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- what is refused ---


def test_good_hours_pass():
    rules.check_hours(MORNINGS, now=NOW)
    rules.check_hours(replace(MORNINGS, paused_until=NOW + MOMENT, daily_answers=1), now=NOW)
    for minutes in (15, 480):
        rules.check_hours(replace(MORNINGS, daily_minutes=minutes), now=NOW)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"zone": "Mars/Base"}, "zone"),
        ({"windows": ()}, "empty"),
        ({"rest_days": frozenset(range(5))}, "empty"),
        ({"windows": tuple(Window(0, n, 1) for n in range(169))}, "too_many"),
        ({"paused_until": NOW}, "pause_in_past"),
        ({"paused_until": NOW - DAY}, "pause_in_past"),
        ({"quiet_start_min": 1440}, "quiet"),
        ({"quiet_end_min": -1}, "quiet"),
        ({"rest_days": frozenset({7})}, "rest_days"),
        ({"daily_minutes": 14}, "daily_minutes"),
        ({"daily_minutes": 481}, "daily_minutes"),
        ({"daily_answers": 0}, "daily_answers"),
    ],
)
def test_hours_that_are_refused(change, reason):
    with pytest.raises(HoursRefused) as refused:
        rules.check_hours(replace(MORNINGS, **change), now=NOW)
    assert refused.value.facts == {"reason": reason, "faults": (reason,)}
    assert refused.value.status == 422


def test_every_fault_is_named_at_once():
    hours = Hours((), "Mars/Base", paused_until=NOW, daily_minutes=0)
    with pytest.raises(HoursRefused) as refused:
        rules.check_hours(hours, now=NOW)
    faults = ("zone", "empty", "pause_in_past", "daily_minutes")
    assert refused.value.facts == {"reason": "zone", "faults": faults}


def test_presets_are_written_in_the_one_way():
    for windows in rules.PRESETS.values():
        assert merged(windows) == windows
    assert len(rules.PRESETS) == 6


# --- available and away ---


@given(some_hours, moments, st.frozensets(st.integers(-2, 15), max_size=3))
def test_open_is_available(hours, moment, closed_days):
    closed = frozenset(NOW.date() + n * DAY for n in closed_days)
    found = rules.available(hours, NOW, NOW + 15 * DAY, closed)
    edges = {edge + step for i in found for edge in (i.start, i.end) for step in (-MOMENT, 0 * DAY)}
    for one in {moment} | {edge for edge in edges if NOW <= edge < NOW + 15 * DAY}:
        assert rules.is_open(hours, one, closed) == covers(found, one)
        assert not (covers(found, one) and rules.is_away(hours, one))


@given(some_hours, moments)
def test_nothing_but_windows_rest_days_absences_and_pause_decides(hours, moment):
    bare = Hours(hours.windows, hours.zone)
    resting = tuple(w for w in hours.windows if w.dow in hours.rest_days)
    away = any(i.start <= moment < i.end for i in hours.absences)
    away |= hours.paused_until is not None and moment < hours.paused_until
    assert rules.is_away(hours, moment) == away
    if rules.is_open(hours, moment):
        assert rules.is_open(bare, moment)
    elif rules.is_open(bare, moment):
        assert away or rules.is_open(Hours(resting, hours.zone), moment)


def test_a_week_of_mornings():
    holiday = frozenset({date(2026, 11, 20)})
    hours = replace(
        MORNINGS,
        absences=(Interval(at("2026-11-23 09:00"), at("2026-11-23 10:00")),),
        paused_until=NOW + 30 * MINUTE,
        rest_days=frozenset({3}),
    )
    assert rules.available(hours, NOW, NOW + 7 * DAY, holiday) == (
        Interval(at("2026-11-18 11:30"), at("2026-11-18 12:00")),
        Interval(at("2026-11-23 08:00"), at("2026-11-23 09:00")),
        Interval(at("2026-11-23 10:00"), at("2026-11-23 12:00")),
        Interval(at("2026-11-24 08:00"), at("2026-11-24 12:00")),
        Interval(at("2026-11-25 08:00"), at("2026-11-25 11:00")),
    )


# --- quiet ---


def test_quiet_hours_are_in_the_own_zone_and_pass_midnight():
    assert not rules.is_quiet(MORNINGS, at("2026-11-18 20:59"))
    assert rules.is_quiet(MORNINGS, at("2026-11-18 21:00"))
    assert rules.is_quiet(MORNINGS, at("2026-11-19 06:59"))
    assert not rules.is_quiet(MORNINGS, at("2026-11-19 07:00"))
    early = replace(MORNINGS, quiet_start_min=60, quiet_end_min=300, zone="Asia/Kolkata")
    assert rules.is_quiet(early, at("2026-11-18 19:30"))
    assert not rules.is_quiet(early, at("2026-11-18 23:30"))
    assert rules.is_quiet(replace(MORNINGS, rest_days=frozenset({2})), at("2026-11-18 21:00"))


@given(some_hours, moments)
def test_quiet_time_is_when_it_is_quiet(hours, moment):
    found = rules.quiet_time(hours, NOW, NOW + 15 * DAY)
    assert covers(found, moment) == rules.is_quiet(hours, moment)
    if hours.quiet_start_min == hours.quiet_end_min:
        assert found == ()


def test_the_same_minute_twice_is_no_quiet_time():
    loud = replace(MORNINGS, quiet_start_min=480, quiet_end_min=480)
    assert rules.quiet_time(loud, NOW, NOW + 7 * DAY) == ()


# --- reachable by mail ---


def test_a_mail_may_arrive_until_the_own_window_or_the_hour_ends():
    def until(hours, text):
        found = rules.reachable_until(hours, at(text))
        return found and found.isoformat(" ", "minutes")[:16]

    evenings = replace(MORNINGS, windows=(Window(2, 19 * 60, 300),))  # Wednesday in Madrid
    assert until(evenings, "2026-11-18 17:59") is None
    assert until(evenings, "2026-11-18 18:00") == "2026-11-18 19:00"
    assert until(evenings, "2026-11-18 20:30") == "2026-11-18 21:00"  # 22:00: quiet hours
    assert until(evenings, "2026-11-18 21:00") is None
    short = replace(evenings, windows=(Window(2, 19 * 60, 20),))
    assert until(short, "2026-11-18 18:05") == "2026-11-18 18:20"
    assert until(replace(short, paused_until=at("2026-11-18 18:06")), "2026-11-18 18:05") is None


@given(some_hours, moments)
def test_reachable_is_open_and_not_quiet(hours, instant):
    reachable = rules.reachable_until(hours, instant) is not None
    assert reachable == (rules.is_open(hours, instant) and not rules.is_quiet(hours, instant))


# --- ends of windows ---


def test_the_end_of_this_window_and_of_the_next():
    inside, before, after = NOW, at("2026-11-18 05:00"), at("2026-11-20 12:00")
    assert rules.end_of_window(MORNINGS, inside) == at("2026-11-18 12:00")
    assert rules.end_of_next_window(MORNINGS, inside) == at("2026-11-19 12:00")
    for end_of in (rules.end_of_window, rules.end_of_next_window):
        assert end_of(MORNINGS, before) == at("2026-11-18 12:00")
        assert end_of(MORNINGS, after) == at("2026-11-23 12:00")
    closed = frozenset({date(2026, 11, 19), date(2026, 11, 20)})
    assert rules.end_of_next_window(MORNINGS, inside, closed) == at("2026-11-23 12:00")


def test_the_next_window_starts_after_now():
    opening = at("2026-11-19 08:00")
    assert rules.end_of_next_window(MORNINGS, opening - MOMENT) == at("2026-11-19 12:00")
    assert rules.end_of_next_window(MORNINGS, opening) == at("2026-11-20 12:00")


def test_an_absence_ends_a_window_or_takes_all_of_it():
    away = Interval(at("2026-11-19 00:00"), at("2026-11-20 10:00"))
    assert rules.end_of_next_window(replace(MORNINGS, absences=(away,)), NOW) == at(
        "2026-11-20 12:00"
    )
    early = Interval(at("2026-11-19 10:00"), at("2026-11-19 11:00"))
    assert rules.end_of_next_window(replace(MORNINGS, absences=(early,)), NOW) == early.start


def test_who_is_always_there_keeps_until_the_end_of_tomorrow():
    assert rules.end_of_next_window(ALWAYS, NOW) == at("2026-11-19 23:00")
    assert rules.end_of_window(ALWAYS, NOW) == NOW + HORIZON


def test_no_window_in_five_weeks():
    gone = replace(MORNINGS, paused_until=NOW + HORIZON)
    for end_of in (rules.end_of_window, rules.end_of_next_window):
        assert end_of(gone, NOW) is None
        assert end_of(replace(gone, paused_until=NOW + HORIZON - 7 * DAY), NOW) is not None
    tomorrow = replace(ALWAYS, windows=(Window(3, 720, 60),), rest_days=frozenset({3}))
    assert rules.end_of_next_window(tomorrow, NOW) is None


@given(some_hours, moments)
def test_the_ends_are_ends_of_available_time(hours, moment):
    this, following = rules.end_of_window(hours, moment), rules.end_of_next_window(hours, moment)
    assert following is None or (this is not None and following > moment)
    assert (this is None) == (not rules.available(hours, moment, moment + HORIZON))
    for end in (this, following):
        assert end is None or rules.is_open(hours, end - MOMENT)


# --- the calendar day ---


@pytest.mark.parametrize(
    ("name", "moment", "start", "end"),
    [
        ("Europe/Madrid", "2026-11-18 11:00", "2026-11-17 23:00", "2026-11-18 23:00"),
        ("Europe/Madrid", "2026-03-29 11:00", "2026-03-28 23:00", "2026-03-29 22:00"),
        ("Europe/Madrid", "2026-10-25 11:00", "2026-10-24 22:00", "2026-10-25 23:00"),
        ("Asia/Kolkata", "2026-11-18 19:00", "2026-11-18 18:30", "2026-11-19 18:30"),
        # no midnight: the clock jumps from 00:00 to 01:00
        ("America/Sao_Paulo", "2018-11-04 12:00", "2018-11-04 03:00", "2018-11-05 02:00"),
        # the clock goes back at midnight: the evening has one hour more
        ("America/Sao_Paulo", "2018-02-18 02:30", "2018-02-17 02:00", "2018-02-18 03:00"),
        # it went back at a minute past midnight: that minute had begun the new day
        ("America/St_Johns", "2010-11-07 02:31", "2010-11-07 02:30", "2010-11-08 03:30"),
        ("Pacific/Apia", "2011-12-30 09:59", "2011-12-29 10:00", "2011-12-30 10:00"),
        ("Pacific/Apia", "2011-12-30 10:00", "2011-12-30 10:00", "2011-12-31 10:00"),
    ],
)
def test_the_calendar_day(name, moment, start, end):
    assert rules.local_day(replace(MORNINGS, zone=name), at(moment)) == (at(start), at(end))


@given(names, st.integers(0, 21 * 365 * 24 * 60).map(lambda n: at("2010-01-01") + n * MINUTE))
def test_days_follow_each_other(name, moment):
    hours = replace(MORNINGS, zone=name)
    start, end = rules.local_day(hours, moment)
    assert start <= moment < end
    assert 23 * HOUR <= end - start <= 25 * HOUR
    assert rules.local_day(hours, end)[0] == end
    assert rules.local_day(hours, start - MOMENT)[1] == start
    assert {one.astimezone(ZoneInfo(name)).date() for one in (start, end - MOMENT)} == {
        moment.astimezone(ZoneInfo(name)).date()
    }
