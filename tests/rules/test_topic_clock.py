"""The clock of a topic: facts count from their moment on, and its past never changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.forum.rules.declared import Declared, assumed
from upss.forum.rules.hours import Hours
from upss.forum.rules.topic_clock import Person, topic_clock
from upss.forum.rules.windows import Window

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
ALWAYS = tuple(Window(dow, 0, 1440) for dow in range(7))
EVER = ((MONDAY - WEEK, frozenset()),)


def declared(*languages, windows=ALWAYS, off=(), **more):
    return Declared(Hours(windows, "UTC", **more), frozenset(languages), frozenset(off))


def person(*facts, topics=("bills",), since=MONDAY - DAY):
    return Person(tuple(facts), tuple((since, topic) for topic in topics))


def clock(*people, closed=EVER, place=("bills", "en"), start=MONDAY, weeks=2, base=0.0):
    return topic_clock(tuple(people), closed, place, (start, start + weeks * WEEK), base)


def test_a_person_counts_by_their_share_of_topics_and_languages():
    both = person((MONDAY - DAY, declared("en", "es")), topics=("bills", "home", "daily"))
    assert clock(both).cum(MONDAY + 6 * HOUR) == pytest.approx(1.0)
    alone = person((MONDAY - DAY, declared("en")))
    assert clock(both, alone).cum(MONDAY + 6 * HOUR) == pytest.approx(7.0)


def test_a_topic_or_language_that_is_not_theirs_brings_nothing():
    one = person((MONDAY - DAY, declared("en", off=("home",))), topics=("bills", "home"))
    for place in (("home", "en"), ("daily", "en"), ("bills", "ca")):
        assert clock(one, place=place).cum(MONDAY + WEEK) == 0.0
    # what is switched off takes no share
    assert clock(one).cum(MONDAY + HOUR) == pytest.approx(1.0)


def test_what_is_assumed_until_something_is_declared():
    told = (MONDAY + 2 * DAY, declared("en"))
    one = person((MONDAY - DAY, assumed("en", "UTC")), told)
    assert clock(one).cum(MONDAY + 2 * DAY) == pytest.approx(16.0)
    assert clock(one).cum(MONDAY + 3 * DAY) == pytest.approx(40.0)


def test_nobody_counts_before_an_approval_or_a_declaration():
    later = Person(((MONDAY + DAY, declared("en")),), ((MONDAY + 2 * DAY, "bills"),))
    assert clock(later).cum(MONDAY + 2 * DAY) == 0.0
    assert clock(later).cum(MONDAY + 2 * DAY + HOUR) == pytest.approx(1.0)


def test_a_second_topic_takes_its_share_from_its_approval_on():
    one = Person(
        ((MONDAY - DAY, declared("en")),), ((MONDAY - DAY, "bills"), (MONDAY + DAY, "home"))
    )
    assert clock(one).cum(MONDAY + 2 * DAY) == pytest.approx(24 + 12)


def test_who_takes_no_paid_work_counts_before_and_after():
    facts = ((MONDAY + 2 * HOUR, True), (MONDAY + 5 * HOUR, False))
    one = replace(person((MONDAY - DAY, declared("en"))), unpaid=facts)
    assert [clock(one).cum(MONDAY + hours * HOUR) for hours in (2, 5, 6)] == [2.0, 2.0, 3.0]
    assert not one.is_unpaid
    assert replace(one, unpaid=facts[:1]).is_unpaid


def test_a_pause_and_a_closed_date():
    paused = declared("en", paused_until=MONDAY + 3 * DAY)
    one = person((MONDAY - DAY, declared("en")), (MONDAY + DAY, paused))
    assert clock(one).cum(MONDAY + 3 * DAY) == pytest.approx(24)
    assert clock(one).cum(MONDAY + 4 * DAY) == pytest.approx(48)
    closed = (*EVER, (MONDAY + DAY, frozenset({date(2026, 11, 16), date(2026, 11, 18)})))
    plain = person((MONDAY - DAY, declared("en")))
    # the Monday was over when it was closed; the Wednesday was not
    assert clock(plain, closed=closed).cum(MONDAY + 3 * DAY) == pytest.approx(48)


EDITS = st.lists(
    st.tuples(
        st.integers(0, 14 * 24),
        st.sampled_from(
            [
                declared("en"),
                declared("en", "es"),
                declared("es"),
                declared("en", off=("bills",)),
                declared("en", windows=(Window(2, 600, 300), Window(5, 1200, 600))),
                declared("en", paused_until=MONDAY + WEEK),
            ]
        ),
    ),
    min_size=1,
    max_size=5,
)


def facts(edits):
    return tuple((MONDAY + hours * HOUR, what) for hours, what in sorted(edits, key=lambda e: e[0]))


@given(EDITS, EDITS, st.integers(0, 14 * 24 * 60))
def test_an_edit_changes_the_future_only(before, after, minute):
    at = MONDAY + minute * timedelta(minutes=1)
    old = facts(before)
    new = (*old, *(fact for fact in facts(after) if fact[0] >= max(at, old[-1][0])))
    was, is_now = clock(person(*old)), clock(person(*new))
    assert is_now.cum(at) == pytest.approx(was.cum(at), abs=1e-9)


@given(EDITS, st.integers(0, 14 * 24 * 60), st.integers(0, 7 * 24 * 60))
def test_a_clock_that_starts_later_goes_on_where_the_first_was(edits, moved, minute):
    one, start = person(*facts(edits)), MONDAY + moved * timedelta(minutes=1)
    at = start + minute * timedelta(minutes=1)
    whole = clock(one, weeks=4)
    rolled = clock(one, start=start, base=whole.cum(start))
    assert rolled.cum(at) == pytest.approx(whole.cum(at), abs=1e-6)
