"""Offers, prices, texts and ownership: what is said and refused before any row exists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.forum.rules import texts, timers
from upss.forum.rules.ownership import Owner
from upss.forum.rules.pricing import MINUTES, Size
from upss.payments.rules.lifecycle import SESSION_LEAST


def test_an_offer_outlives_the_shortest_payment_page():
    assert timedelta(minutes=30) < SESSION_LEAST < timers.OFFER


def test_three_sizes_of_answer():
    assert {str(size): MINUTES[size] for size in Size} == {"small": 10, "medium": 20, "large": 40}


def test_who_is_to_act_is_told_before_time_runs_out():
    assert list(timers.REVIEW_REMINDERS) == sorted(set(timers.REVIEW_REMINDERS))
    assert max(timers.REVIEW_REMINDERS) < timers.REVIEW < timers.CLOSE_FOR_GOOD
    assert timedelta(0) < timers.DRAFT_WARNING < timers.DRAFT_RETENTION
    assert timers.OFFER < timers.GRACE


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  plain \n", "plain"),
        ("one\r\ntwo\rthree\n\nfour", "one\ntwo\nthree\n\nfour"),
        ("a\x00b\x00", "ab"),
        ("\x00", ""),
        ("\x00 a", "a"),
        ("ñ · 😀 · àéü", "ñ · 😀 · àéü"),
    ],
)
def test_text_is_kept_as_typed(typed, kept):
    assert texts.clean(typed) == kept


@given(st.text(max_size=60))
def test_cleaning_twice_changes_nothing(typed):
    once = texts.clean(typed)
    assert texts.clean(once) == once
    assert not set("\r\x00") & set(once)


@pytest.mark.parametrize(
    ("title", "body", "faults"),
    [
        ("t", "b", {}),
        ("", "", {"title": "empty", "body": "empty"}),
        ("t" * 120, "b" * 3_000, {}),
        ("t" * 121, "b" * 3_001, {"title": "too_long", "body": "too_long"}),
        ("t", "b" * 100_000, {"body": "too_long"}),
    ],
)
def test_what_a_question_must_be_like(title, body, faults):
    assert texts.question_faults(title=title, body=body) == faults


@pytest.mark.parametrize(
    ("length", "fault"),
    [(0, "empty"), (39, "too_short"), (40, None), (20_000, None), (20_001, "too_long")],
)
def test_what_an_answer_must_be_like(length, fault):
    assert texts.answer_fault("a" * length) == fault


def test_a_draft_may_be_longer_than_what_is_sent():
    assert min(texts.DRAFT_MAX, 100_000) > max(texts.BODY_MAX, texts.ANSWER_MAX)


@pytest.mark.parametrize(
    ("owner", "owned"),
    [
        (Owner(asker_id=7, session_id=None), True),
        (Owner(asker_id=None, session_id=9), True),
        (Owner(asker_id=7, session_id=9), True),
        (Owner(asker_id=8, session_id=9), False),  # the next person at the same computer
        (Owner(asker_id=8, session_id=None), False),
        (Owner(asker_id=9, session_id=7), False),
        (Owner(asker_id=None, session_id=None), False),
    ],
)
def test_whose_a_question_is(owner, owned):
    assert owner.owns(asker_id=7, session_id=9) is owned


@pytest.mark.parametrize("who", [None, 8])
def test_what_has_no_account_yet_is_its_browsers(who):
    assert Owner(asker_id=who, session_id=9).owns(asker_id=None, session_id=9)
    assert not Owner(asker_id=who, session_id=7).owns(asker_id=None, session_id=9)


def test_nobody_owns_what_has_no_owner():
    nobody = Owner(asker_id=None, session_id=None)
    assert not nobody.owns(asker_id=None, session_id=None)
