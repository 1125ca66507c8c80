"""The organizer's week: which hours are meant, and where it comes from that one is a peak."""

from __future__ import annotations

from datetime import date

import pytest

from upss.forum.rules.activity import LEARN_FROM
from upss.forum.rules.dials import Dials, PeakSource
from upss.forum.rules.policy import Policy
from upss.forum.rules.windows import Window
from upss.organizer.labels_peaks import days_listed
from upss.organizer.rules.week import (
    Origin,
    Stretch,
    What,
    cells_of,
    day_in_stretches,
    origins,
    turned,
    windows_of,
)

MONDAY_NINE = 9
SUNDAY_LAST = 6 * 24 + 23


def dials(source=PeakSource.PINNED, pins=None, peaks=(), fixed=()):
    return Dials(
        version_id=1, policy=Policy(), prior_per_hour=0.1, peak_source=source,
        fixed_cells=frozenset(fixed), pins=pins or {}, closed=frozenset(), peaks=frozenset(peaks),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("days", "start", "end", "cells"),
    [
        ("0", 9, 11, {9, 10}),
        ("weekdays", 9, 10, {9, 33, 57, 81, 105}),
        ("weekend", 23, 24, {5 * 24 + 23, SUNDAY_LAST}),
        ("6", 23, 1, {SUNDAY_LAST, 0}),  # over midnight, round the end of the week
        ("all", 0, 24, set(range(168))),
        ("1", 5, 5, set(range(29, 53))),
    ],
)
def test_hours_of_the_week_by_days_and_hours(days, start, end, cells):
    assert cells_of(days, start, end) == cells


def test_windows_join_hours_that_follow_each_other():
    assert windows_of({9, 10, 12}) == (Window(0, 540, 120), Window(0, 720, 60))
    assert windows_of(()) == ()
    assert sum(window.length_min for window in windows_of(range(168))) == 168 * 60


class TestOrigins:
    def test_few_questions_leave_the_organizers_own(self):
        here = dials(PeakSource.LEARNED, peaks={9, 10})
        assert origins(here, LEARN_FROM - 1) == {Origin.OWN: {9, 10}}
        assert origins(here, LEARN_FROM) == {Origin.LEARNED: {9, 10}}

    def test_fixed_peaks_are_ones_own_for_ever_and_no_pin_counts(self):
        here = dials(PeakSource.FIXED, pins={9: True, 12: False}, peaks={9, 10})
        assert origins(here, 10_000) == {Origin.OWN: {9, 10}}

    def test_a_pin_is_named_as_such_whatever_was_learned(self):
        here = dials(pins={9: True, 12: False}, peaks={9, 10})
        assert origins(here, LEARN_FROM) == {
            Origin.LEARNED: {10},
            Origin.PINNED: {9},
            Origin.UNPINNED: {12},
        }

    def test_a_learned_source_knows_no_pins(self):
        assert origins(dials(PeakSource.LEARNED, pins={9: True}, peaks={10}), LEARN_FROM) == {
            Origin.LEARNED: {10}
        }


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        (What.ADD, {"fixed_cells": [5, 9, 10]}),
        (What.REMOVE, {"fixed_cells": [5]}),
        (What.PIN_PEAK, {"pins": [[9, True], [10, True], [20, False]]}),
        (What.PIN_QUIET, {"pins": [[9, False], [10, False], [20, False]]}),
        (What.FREE, {"pins": [[20, False]]}),
    ],
)
def test_what_is_done_to_hours(what, changes):
    here = dials(pins={20: False, 10: True}, fixed={5, 10})
    assert turned(here, frozenset({9, 10}), what) == changes


def test_a_day_joins_hours_of_the_same_figures():
    asked, answered = [0] * 168, [0] * 168
    asked[24 + 3], answered[24 + 4] = 2, 1
    assert day_in_stretches(1, asked, answered, frozenset({24, 25})) == [
        Stretch(0, 2, 0, 0, True),
        Stretch(2, 3, 0, 0, False),
        Stretch(3, 4, 2, 0, False),
        Stretch(4, 5, 0, 1, False),
        Stretch(5, 24, 0, 0, False),
    ]


def test_days_that_follow_each_other_are_one_run():
    days = [date(2026, 12, 25), date(2026, 12, 24), date(2027, 1, 1)]
    assert days_listed(days) == [
        (date(2026, 12, 24), date(2026, 12, 25)),
        (date(2027, 1, 1), date(2027, 1, 1)),
    ]
