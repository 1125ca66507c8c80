"""Five bugs of other forums and help desks, planted one by one: a short check finds each.

Every check passes while nothing is planted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from tests.simulation.living import LOADED, SMALL, claims, played
from upss.forum.rules import promising, queue, windows
from upss.forum.rules.cap_counters import Counter, Limits
from upss.forum.rules.capacity import Availability, CapacityClock
from upss.forum.rules.policy import Policy
from upss.forum.rules.promising import Calibrator, TopicRate, quote
from upss.forum.rules.windows import Interval, Window
from upss.simulation.metrics import tally

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


# what finds it


def promises_leave_hours_enough():
    """Somebody is there from nine to one; what is promised at night has their hours before it."""
    mornings = [MONDAY + 24 * day * HOUR + 9 * HOUR for day in range(7)]
    own = tuple(Interval(start, start + 4 * HOUR) for start in mornings)
    clock = CapacityClock.build([Availability(own, 1.0)], MONDAY, MONDAY + 168 * HOUR)
    given = quote(
        now=MONDAY + 20 * HOUR, clock=clock, n_ahead=0, rate=TopicRate(60, 50.0), factor=2.0,
        n_scores=300, policy=Policy(),
    )  # fmt: skip
    before = sum(4 for start in mornings if MONDAY + 20 * HOUR < start < given.by - 4 * HOUR)
    assert before >= given.base_h * given.factor


def promises_move_nobody_in_the_queue():
    assert claims(LOADED) == claims(LOADED.turned(margin=2.0, cold_margin=2.0))


def a_growing_backlog_makes_promises_longer():
    calibrator = Calibrator()
    for number in range(100):
        calibrator.add(number / 100)
    assert calibrator.factor([5.0] * 9) > calibrator.factor()


def nobody_passes_their_own_limit():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("upss.simulation.world.CAPS", (2_000, 4_500))
        world, _, trace = played(SMALL)
    assert tally(world, SMALL, trace).over_cap == 0


def an_open_window_is_open_at_each_instant():
    """On the day on which three o'clock becomes two o'clock again."""
    madrid, night = ZoneInfo("Europe/Madrid"), (Window(6, 60, 90),)
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    own = windows.occurrences(night, madrid, start, start + 6 * HOUR)
    for quarter in range(24):
        at = start + quarter * HOUR / 4
        assert windows.contains(night, madrid, at) == windows.covers(own, at)


# what plants it


def wall_time(patch):
    """A promise from hours of the wall, as if somebody were always there."""
    patch.setattr(CapacityClock, "cum", lambda clock, at: (at - clock.start) / HOUR)
    patch.setattr(CapacityClock, "inv", lambda clock, reading: clock.start + reading * HOUR)


def promise_first(patch):
    """The queue in the order of what is urgent first."""
    patch.setattr(queue, "order_key", lambda q, _a, _now: (q.urgent_from, q.id))


def watermark(patch):
    """Promises learn from answers alone, not from what still waits."""
    patch.setattr(promising, "nlargest", lambda _count, _scores: [])


def cap_afterwards(patch):
    """A claim is made while there is any room, and counted then."""

    def has_room(limits, _share, _currency, _minutes):
        return all(room > 0 for _, room in limits.rooms)

    patch.setattr(Limits, "has_room", has_room)
    patch.setattr(Counter, "reserve", lambda counter, amount, _on: counter.release(-amount))


def local_time(patch):
    """Two times of one zone compared as its wall shows them."""

    def contains(own, tz, at, closed=frozenset()):
        near = windows.each_occurrence(own, tz, at, at, closed)
        local = at.astimezone(tz)
        return any(i.start.astimezone(tz) <= local < i.end.astimezone(tz) for i in near)

    patch.setattr(windows, "contains", contains)


class Bug(NamedTuple):
    plant: Callable[[pytest.MonkeyPatch], None]
    check: Callable[[], None]


BUGS = [
    Bug(wall_time, promises_leave_hours_enough),
    Bug(promise_first, promises_move_nobody_in_the_queue),
    Bug(watermark, a_growing_backlog_makes_promises_longer),
    Bug(cap_afterwards, nobody_passes_their_own_limit),
    Bug(local_time, an_open_window_is_open_at_each_instant),
]


@pytest.mark.no_cover
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.plant.__name__)
def test_a_planted_bug_is_found(bug, monkeypatch):
    bug.check()
    bug.plant(monkeypatch)
    with pytest.raises(AssertionError):
        bug.check()
