"""Runs scenarios with several seeds, in parallel processes, always to the same figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import datetime
from zoneinfo import ZoneInfo

from upss.simulation.engine import Run
from upss.simulation.metrics import Tally, tally
from upss.simulation.profile import HOUR, Calendar
from upss.simulation.scenario import Scenario
from upss.simulation.world import TAIL, make_world

Seen = Callable[[int], object]  # called with a number of weeks that were lived through
MOST_PROCESSES = 8


def run(scenario: Scenario, seed: int, seen: Seen = lambda _: None) -> Tally:
    """Run one seed in this process."""

    def week(at: datetime) -> None:
        if at < scenario.end:  # what comes after is not counted
            seen(1)

    hours = (scenario.end + TAIL - scenario.start) // HOUR
    calendar = Calendar(scenario.start, hours + 1, ZoneInfo(scenario.zone))
    world = make_world(scenario, calendar, seed)
    return tally(world, scenario, Run(world, scenario).play(week))


def run_all(
    scenarios: Mapping[str, Scenario], seeds: int, seen: Seen = lambda _: None
) -> dict[str, list[Tally]]:
    """Run every scenario with seeds 1 to `seeds`; the tallies come in the order of the seeds."""
    tasks = [(name, seed) for name in scenarios for seed in range(1, seeds + 1)]
    processes = min(MOST_PROCESSES, os.cpu_count() or 1, len(tasks))
    done: dict[tuple[str, int], Tally] = {}
    if processes == 1:
        done = {(name, seed): run(scenarios[name], seed, seen) for name, seed in tasks}
    else:
        with ProcessPoolExecutor(processes) as pool:
            waiting = {
                pool.submit(run, scenarios[name], seed): (name, seed) for name, seed in tasks
            }
            for future in as_completed(waiting):
                name, seed = waiting[future]
                done[name, seed] = future.result()
                seen(weeks_of(scenarios[name]))
    return {name: [done[name, seed] for seed in range(1, seeds + 1)] for name in scenarios}


def weeks_of(scenario: Scenario) -> int:
    """Return how many weeks a run lives through, for a progress bar."""
    return (scenario.end - scenario.start).days // 7
