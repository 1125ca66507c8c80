"""What an answerer declares beside hours: whom it serves, what is refused, what is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from upss.forum.rules.declared import (
    MOST_ABSENCES,
    Declared,
    DeclaredRefused,
    assumed,
    check_declared,
    tidied,
)
from upss.forum.rules.hours import HoursRefused
from upss.forum.rules.windows import Interval, Window

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PLAIN = assumed("ca", "Europe/Madrid")
BOTH = frozenset({"home", "garden"})


def away(**changes) -> Declared:
    return replace(PLAIN, hours=replace(PLAIN.hours, **changes))


def test_assumed_are_mornings_and_afternoons_of_every_day_in_the_own_language():
    check_declared(PLAIN, approved=BOTH, now=NOW)
    assert sum(window.length_min for window in PLAIN.hours.windows) == 7 * 8 * 60
    assert {window.dow for window in PLAIN.hours.windows} == set(range(7))
    assert PLAIN.serves("home", "ca")
    assert not PLAIN.serves("home", "en")


def test_a_topic_that_is_off_is_not_served():
    off = replace(PLAIN, topics_off=frozenset({"home"}))
    assert not off.serves("home", "ca")
    assert off.serves("garden", "ca")
    check_declared(off, approved=BOTH, now=NOW)


def test_who_is_away_is_not_there_for_anything_until_the_very_instant():
    paused = away(paused_until=NOW + DAY)
    assert not paused.is_there_for("home", "ca", NOW)
    assert paused.is_there_for("home", "ca", NOW + DAY)
    assert not paused.is_there_for("home", "en", NOW + DAY)


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (replace(PLAIN, languages=frozenset()), "no_language"),
        (replace(PLAIN, topics_off=BOTH | {"bills"}), "no_topic"),
        (away(absences=(Interval(NOW, NOW + DAY),) * (MOST_ABSENCES + 1)), "too_many_absences"),
    ],
)
def test_what_is_refused(declared, reason):
    with pytest.raises(DeclaredRefused) as refused:
        check_declared(declared, approved=BOTH, now=NOW)
    assert refused.value.facts["reason"] == reason


def test_the_rules_of_hours_hold_too():
    with pytest.raises(HoursRefused, match="pause_in_past"):
        check_declared(away(paused_until=NOW), approved=BOTH, now=NOW)


def test_whoever_has_no_approved_topic_yet_may_declare():
    check_declared(replace(PLAIN, topics_off=BOTH), approved=frozenset(), now=NOW)


def test_tidied_merges_windows_and_drops_what_is_over():
    begun, over = Interval(NOW - DAY, NOW + DAY), Interval(NOW - DAY, NOW)
    untidy = away(
        windows=(Window(0, 600, 60), Window(0, 540, 60)),
        absences=(over, begun),
        paused_until=NOW,
    )
    tidy = tidied(untidy, NOW)
    assert tidy.hours.windows == (Window(0, 540, 120),)
    assert tidy.hours.absences == (begun,)
    assert tidy.hours.paused_until is None
    assert tidied(away(paused_until=NOW + DAY), NOW).hours.paused_until == NOW + DAY
    assert tidied(tidy, NOW) == tidy
