"""Which of somebody's own hours are suggested, by whose clock, and when none stands out."""

from __future__ import annotations

from upss.forum.rules.activity import HOURS
from upss.forum.rules.slots import quietness, shared_out, suggested
from upss.forum.rules.windows import Window

MONDAY_9_TO_13 = (Window(0, 540, 240),)


def weights(busy):
    """Quietness where all hours are declared alike and some are busy."""
    return quietness([3.0 if cell in busy else 0.8 for cell in range(HOURS)], [5.0] * HOURS)


def test_windows_are_shared_out_by_the_clock_of_the_site():
    assert [cell for cell, part in enumerate(shared_out(MONDAY_9_TO_13, 0)) if part] == [
        9,
        10,
        11,
        12,
    ]
    # half an hour ahead: half an hour of two hours, three whole ones
    parts = shared_out(MONDAY_9_TO_13, 330)
    assert parts[3:8] == [0.5, 1.0, 1.0, 1.0, 0.5]
    # round the end of the week
    assert shared_out((Window(0, 0, 60),), 60)[HOURS - 1] == 1.0


def test_the_quietest_are_suggested_by_ones_own_clock():
    assert suggested(MONDAY_9_TO_13, 0, weights({9, 10, 11})) == (Window(0, 720, 60),)
    # Monday 9 to 13 in Delhi is from 4:30 on in Madrid
    assert suggested(MONDAY_9_TO_13, 270, weights({5, 6})) == (Window(0, 690, 60),)


def test_hours_alike_are_suggested_together_or_not_at_all():
    days = tuple(Window(dow, 540, 240) for dow in range(5))
    busy = {dow * 24 + hour for dow in range(5) for hour in (9, 10)}
    assert suggested(days, 0, weights(busy | {11, 35, 59, 83, 107})) == tuple(
        Window(dow, 720, 60) for dow in range(5)
    )
    assert suggested(days, 0, weights(set())) == ()
    assert suggested((), 0, weights(set())) == ()


def test_hours_in_which_many_are_there_are_suggested_less():
    hours = [5.0] * HOURS
    hours[12] = 50.0
    quiet = quietness([1.0] * HOURS, hours)
    assert 12 not in {cell for cell in range(9, 13) if quiet[cell] == max(quiet[9:13])}
