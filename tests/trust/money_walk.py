"""A walk through all events with weighted chances; a seed gives the same walk each time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

from tests.trust import money_events_beside as _beside  # noqa: F401 - registers its events
from tests.trust import money_events_disputes as _disputes  # noqa: F401 - likewise
from tests.trust.money_events import EVENTS
from tests.trust.money_world import World

__all__ = ["EVENTS", "walk"]


def walk(
    world: World,
    random: Random,
    *,
    entries: int,
    every: int,
    pause: Callable[[], object] = lambda: None,
) -> Counter[str]:
    """Let events happen until there are so many entries; check as often. Return what happened."""
    happened: Counter[str] = Counter()
    names, weights = list(EVENTS), [each.weight for each in EVENTS.values()]
    checked = 0
    while world.entries < entries:
        name = random.choices(names, weights)[0]
        if EVENTS[name].can(world):
            EVENTS[name].act(world, random)
            happened[name] += 1
        if world.entries - checked >= every:
            checked = world.entries
            world.check()
            pause()
    return happened
