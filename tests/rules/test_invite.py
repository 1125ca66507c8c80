"""Invitations: at hours that are the person's own, few, and for a question they may claim."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upss.forum.rules.invite import (
    COMES_AFTER,
    EXPRESS_INVITED,
    FORGOTTEN,
    P_RESPONSE,
    Call,
    Invitee,
    coming,
    expected_work,
    express_invitations,
    invitations,
    may_invite,
    minutes_an_hour,
    people_needed,
    pressing_minutes,
    water_fill,
)
from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import AnswererView, QuestionView, is_claimable

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
POLICY = Policy()
PLENTY = Call(100.0, 0.3)


def question(number=1, **facts):
    usual = {
        "id": number,
        "topic": "law",
        "language": "es",
        "posted_at": NOW - 9 * HOUR + number * SECOND,
        "released_at": NOW - 8 * HOUR,
        "urgent_from": NOW + HOUR,
        "asker_id": 0,
        "share_minor": 800,
        "currency": "EUR",
        "minutes": 20,
    }
    return QuestionView(**(usual | facts))


def invitee(number=1, view=None, **facts):
    usual = {"is_open": True, "is_quiet": False, "day_start": NOW - 11 * HOUR}
    answerer = AnswererView(
        id=number,
        **({"topics": frozenset({"law"}), "languages": frozenset({"es"})} | (view or {})),
    )
    return Invitee(answerer=answerer, **(usual | facts))


# --- who may be told ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "may"),
    [
        ({}, True),
        ({"is_open": False}, False),
        ({"is_quiet": True}, False),
        ({"view": {"is_away": True}}, False),
        ({"invited": [NOW - 3 * HOUR]}, True),
        ({"invited": [NOW - 3 * HOUR + SECOND]}, False),
        ({"invited": [NOW - 9 * HOUR, NOW - 4 * HOUR]}, False),
        ({"invited": [NOW - 11 * HOUR, NOW - 4 * HOUR]}, False),  # the first of their day
        ({"invited": [NOW - 11 * HOUR - SECOND, NOW - 4 * HOUR]}, True),  # the day before
    ],
)
def test_who_may_be_invited(facts, may):
    assert may_invite(invitee(**facts), NOW, POLICY) is may
    assert (
        bool(invitations(NOW, [invitee(**facts)], [question()], PLENTY, POLICY, Random(1))) is may
    )


# --- how many -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "base", "capacity", "filled"),
    [
        (6, (4, 1, 2), (9, 9, 9), (0.333333, 3.333333, 2.333333)),
        (2, (4, 1, 2), (9, 9, 9), (0, 1.5, 0.5)),
        (6, (4, 1, 2), (9, 1, 9), (1.5, 1, 3.5)),  # the second is full
        (99, (4, 1, 2), (1, 2, 3), (1, 2, 3)),  # more than fits
        (0, (4, 1), (9, 9), (0, 0)),
        (5, (1, 1), (0, 9), (0, 5)),
        (5, (1, 4), (0, 0), (0, 0)),
        (0, (1, 1), (0, 0), (0, 0)),
        (3, (), (), ()),
    ],
)
def test_water_finds_its_level(work, base, capacity, filled):
    assert water_fill(work, base, capacity) == pytest.approx(filled, abs=1e-6)


amounts = st.floats(0, 1000).map(lambda x: round(x, 3))


@given(amounts, st.lists(st.tuples(amounts, amounts), min_size=1, max_size=24))
def test_no_minute_could_be_moved_to_a_lower_slot(work, slots):
    base, capacity = zip(*slots, strict=True)
    filled = water_fill(work, base, capacity)
    assert sum(filled) == pytest.approx(min(work, sum(capacity)), abs=1e-6)
    assert all(-1e-9 <= done <= most for done, most in zip(filled, capacity, strict=True))
    tops = [low + done for low, done in zip(base, filled, strict=True)]
    used = [top for top, done in zip(tops, filled, strict=True) if done > 1e-6]
    free = [
        top for top, done, most in zip(tops, filled, capacity, strict=True) if done < most - 1e-6
    ]
    assert not used or not free or max(used) <= min(free) + 1e-6


@pytest.mark.parametrize(
    ("facts", "need"),
    [
        ({}, 1.5),  # 180 minutes level over two hours: 90 in this one
        ({"active": 1}, 0.5),
        ({"active": 2}, 0.0),
        ({"urgent": 120.0}, 2.0),
        ({"urgent": 120.0, "active": 2}, 0.0),
        ({"forecast": (60.0, 0.0)}, 1.5),  # 240 on a base of 60 and 0: up to 150, 90 here
        ({"capacity": (30.0, 999.0)}, 0.5),
        ({"backlog": 0.0}, 0.0),
    ],
)
def test_how_many_people_are_needed(facts, need):
    usual = {
        "backlog": 180.0,
        "urgent": 0.0,
        "forecast": (0.0, 0.0),
        "capacity": (999.0, 999.0),
        "active": 0,
    }
    assert people_needed(**(usual | facts)) == pytest.approx(need)


@pytest.mark.parametrize(
    ("need", "p", "wanted", "each"),
    [(1, 0.3, 4, 4), (0.3, 0.3, 1, 4), (0, 0.3, 0, 4), (2, 1.0, 2, 1), (0.1, 0.5, 1, 2)],
)
def test_how_many_mails_bring_them(need, p, wanted, each):
    call = Call(need, p)
    assert (call.wanted, call.each) == (wanted, each)
    people = [invitee(n) for n in range(1, 30)]
    rows = [question(n) for n in range(1, 30)]
    assert len(invitations(NOW, people, rows, call, POLICY, Random(1))) == wanted


# --- for which question -------------------------------------------------------------------------


def told(people, rows, call=PLENTY, policy=POLICY, **at):
    return [
        (invite.answerer_id, invite.question.id)
        for invite in invitations(NOW, people, rows, call, policy, Random(1), **at)
    ]


def test_the_urgent_ones_come_first_then_the_oldest():
    rows = [question(3), question(2), question(4, urgent_from=NOW)]
    people = [invitee(n) for n in range(10, 20)]
    assert [q for _, q in told(people, rows, Call(2.0, 1.0))] == [4, 2]
    assert [q for _, q in told(people, rows, Call(9.0, 1.0))] == [4, 2, 3]
    assert [q for _, q in told(people, rows, Call(9.0, 0.5))] == [4, 2, 3, 4, 2, 3]


def test_one_question_calls_as_many_as_it_takes_for_one_to_come():
    people = [invitee(n) for n in range(1, 20)]
    assert len(told(people, [question()])) == 4
    assert len(told(people[:3], [question()])) == 3
    assert told([], [question()]) == told(people, []) == []


def test_nobody_is_called_for_what_waits_for_a_quieter_hour():
    rows = [question(1), question(2, urgent_from=NOW)]
    people = [invitee(n) for n in range(1, 20)]
    assert {q for _, q in told(people, rows, is_peak=True)} == {2}
    assert {q for _, q in told(people, rows)} == {1, 2}
    assert told(people, [question(released_at=NOW + HOUR)]) == []


def test_only_who_may_claim_the_question_is_called():
    people = [
        invitee(1, {"topics": frozenset({"cars"})}),
        invitee(2, {"open_claims": 3}),
        invitee(3, {"minutes_today": 101}),
        invitee(4, {"percentile": 1.0}),
        invitee(5),
    ]
    fresh = question(released_at=NOW)
    assert told(people, [fresh]) == [(5, 1)]


def test_an_express_question_calls_five_at_once():
    people = [invitee(n) for n in range(1, 9)] + [invitee(9, is_quiet=True)]
    express = question(is_express=True)
    found = express_invitations(NOW, express, people, POLICY, Random(1))
    chosen = {invite.answerer_id for invite in found}
    assert len(chosen) == len(found) == EXPRESS_INVITED
    assert 9 not in chosen
    assert len(express_invitations(NOW, express, people[:2], POLICY, Random(1))) == 2
    other = express_invitations(NOW, express, people, POLICY, Random(2))
    assert {invite.answerer_id for invite in other} != chosen  # by lot


def test_the_same_lot_gives_the_same_people():
    people = [invitee(n) for n in range(1, 20)]
    rows = [question(n) for n in range(1, 5)]
    assert told(people, rows) == told(people, rows)


# --- weeks of it --------------------------------------------------------------------------------

ZONES = [ZoneInfo("Europe/Madrid"), ZoneInfo("Pacific/Auckland"), ZoneInfo("Asia/Kolkata")]


def at_home(number, now):
    """The person's hours: two blocks a day, quiet from 22 to 8, away every fifth day."""
    local = now.astimezone(ZONES[number % 3])
    start = datetime.combine(local.date(), time(), local.tzinfo).astimezone(UTC)
    is_open = (local.hour + number) % 24 in {6, 7, 8, 16, 17, 18, 19, 20, 21, 22, 23}
    is_quiet = local.hour < 8 or local.hour >= 22
    return is_open, is_quiet, (local.toordinal() + number) % 5 == 0, start


@settings(max_examples=settings().max_examples // 5)
@given(st.integers(0, 10**6), st.integers(0, 200), st.floats(0.05, 1))
def test_never_at_a_wrong_hour_and_never_more_than_two_a_day(seed, days, p):
    """Two days of any season, every half hour, six people of three zones."""
    sent = {number: [] for number in range(6)}
    rng = Random(seed)
    for step in range(2 * 48):
        now = NOW - 60 * 24 * HOUR + days * 24 * HOUR + step * HOUR / 2
        people = []
        for number, invited in sent.items():
            is_open, is_quiet, is_away, start = at_home(number, now)
            view = {"is_away": is_away, "percentile": number / 5}
            people.append(
                invitee(
                    number + 1,
                    view,
                    is_open=is_open,
                    is_quiet=is_quiet,
                    day_start=start,
                    invited=tuple(invited),
                )
            )
        row = replace(question(), posted_at=now - HOUR, released_at=now - HOUR)
        row = replace(row, urgent_from=now + rng.randrange(-1, 2) * HOUR)
        for invite in invitations(now, people, [row], Call(rng.random() * 3, p), POLICY, rng):
            who = people[invite.answerer_id - 1]
            assert who.is_open
            assert not who.is_quiet
            assert not who.answerer.is_away
            assert is_claimable(invite.question, who.answerer, now, POLICY)
            sent[invite.answerer_id - 1].append(now)
    for number, instants in sent.items():
        local = [at.astimezone(ZONES[number % 3]).date() for at in instants]
        assert all(local.count(day) <= 2 for day in local)
        assert all(b - a >= 3 * HOUR for a, b in pairwise(instants))


# --- what is expected ---------------------------------------------------------------------------


def test_who_is_still_expected_fades_away():
    assert coming(NOW, []) == 0
    assert coming(NOW, [NOW] * 10) == pytest.approx(10 * P_RESPONSE)
    assert coming(NOW, [NOW - COMES_AFTER]) == pytest.approx(P_RESPONSE / math.e)
    assert coming(NOW, [NOW - FORGOTTEN]) == 0
    assert coming(NOW, [NOW + HOUR]) == 0  # the clock was set back


def test_the_mean_hour_of_the_last_two_weeks():
    assert minutes_an_hour(480, timedelta(hours=1)) == 20  # not 480: it is the first busy hour
    assert minutes_an_hour(480, timedelta(hours=48)) == 10
    assert minutes_an_hour(3360, timedelta(weeks=9)) == 10


def test_expected_work_follows_the_hours_of_the_week():
    rel = [1.0] * 168
    rel[167] = 3.0
    assert expected_work(20, rel, [166, 167, 0]) == [20, 60, 20]


def test_people_are_called_at_once_for_what_presses():
    waiting = [question(1), question(2, minutes=40), question(3, minutes=10)]
    pressing_from = {1: NOW, 2: NOW - HOUR, 3: NOW + SECOND}
    assert pressing_minutes(NOW, waiting, pressing_from) == 60
