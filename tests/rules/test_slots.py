"""Suggested hours fill the quiet ones, where few others are at hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upss.forum.rules.activity import HOURS
from upss.forum.rules.slots import quietness


@settings(max_examples=settings().max_examples // 2)
@given(st.lists(st.integers(0, 9), min_size=HOURS, max_size=HOURS).filter(any))
def test_suggested_hours_make_the_week_level_where_arrivals_allow(raw):
    arrivals = [level * HOURS / sum(raw) for level in raw]
    wanted = quietness(arrivals, [1.0] * HOURS)
    assert min(wanted) >= 0
    assert sum(wanted) == pytest.approx(HOURS)
    filled = [seen + more for seen, more in zip(arrivals, wanted, strict=True) if more > 1e-9]
    assert max(filled) == pytest.approx(min(filled))
    left = [seen for seen, more in zip(arrivals, wanted, strict=True) if more <= 1e-9]
    assert min(left, default=max(filled)) >= max(filled) - 1e-6


def test_an_hour_that_many_declare_is_suggested_less_and_nobodys_hour_not_without_end():
    arrivals = [2.0, 0.5, 0.5, 1.0]
    assert quietness(arrivals, [1.0, 1.0, 4.0, 2.0]) == pytest.approx([0, 1.5, 1.5 / 4, 1.0 / 2])
    assert quietness(arrivals, [1.0, 0.0, 9.0, 10.0])[1] == pytest.approx(1.5 / 0.1)
    assert quietness(arrivals, [0.0] * 4)[0] == 0
