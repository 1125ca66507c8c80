"""What `upss simulate` does: choose the runs, show how far they are, tell what came out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from upss.forum.rules.policy import Mode, Policy
from upss.simulation import goals, report
from upss.simulation.chart import svg_chart
from upss.simulation.metrics import Tally, figures
from upss.simulation.running import run_all, weeks_of
from upss.simulation.scenario import SLOTS, BadScenario, Event, Scenario, baselines

SEEDS_MOST = 99
AS_ASKED = "as asked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to run and to tell, and where to write it; `-` is the standard output."""

    seeds: int = 3
    compare: bool = False
    goals: bool = False
    stress: bool = False
    json: str | None = None
    chart: Path | None = None


def read(options: Mapping[str, Any], *, slots: float = SLOTS) -> tuple[Scenario, Wanted]:
    """Return what the options of the command line ask for; raise `BadScenario`.

    `slots` hold unless the options say how many visits follow suggested hours.
    """
    policy = Policy(
        mode=Mode(options["mode"]),
        urgency=options["urgency"],
        express=options["express"] > 0,
    )
    if options["plain"]:
        policy = replace(policy, stagger=timedelta(0), continuity=timedelta(0))
    same = ("answerers", "per_week", "weeks", "topics", "languages", "guess", "press")
    scenario = Scenario(
        policy=policy,
        slots=slots if options["slots"] is None else options["slots"],
        express_share=options["express"],
        learned=options["learned"],
        quiet_hours=options["quiet_hours"],
        surge=Event.parse("surge", options["surge"]) if options["surge"] else None,
        away=Event.parse("away", options["away"]) if options["away"] else None,
        **{name: options[name] for name in same},
    )
    wanted = Wanted(
        seeds=options["seeds"],
        compare=options["compare"],
        goals=options["goals"],
        stress=options["stress"],
        json=options["as_json"],
        chart=options["chart"],
    )
    return scenario, wanted


def simulate(scenario: Scenario, wanted: Wanted) -> bool:
    """Run, print and write; return whether every goal that was asked for is met."""
    if not 1 <= wanted.seeds <= SEEDS_MOST:
        raise BadScenario(option="seeds", wanted=f"1 to {SEEDS_MOST}")
    scenarios = runs_of(scenario, wanted)
    total = wanted.seeds * sum(weeks_of(one) for one in scenarios.values())
    with _progress(total) as seen:
        tallies = run_all(scenarios, wanted.seeds, seen)
    found = {name: figures(mine) for name, mine in tallies.items()}
    told = goals.together(found, scenarios)
    judged = goals.goals_for(scenario, told) if wanted.goals else []
    if wanted.json != "-":
        _tell(tallies, found, told, judged)
    if wanted.json:
        _write(wanted.json, report.document(scenario, wanted.seeds, told, found, judged))
    if wanted.chart:
        wanted.chart.write_text(svg_chart(tallies), encoding="utf-8")
    return all(goal.is_met(told) for goal in judged)


def runs_of(scenario: Scenario, wanted: Wanted) -> dict[str, Scenario]:
    """Return the runs by name, in the order in which they are told; the first is the main one.

    The naive ways are those of the main run's site. They know no suggested hours, so they stand
    beside the run without any.
    """
    if wanted.goals:
        found = goals.runs(scenario, with_stress=wanted.stress)
    else:
        found = {AS_ASKED: scenario}
        if scenario.slots:
            found[goals.NO_SLOTS] = replace(scenario, slots=0.0)
        if wanted.stress:
            found |= goals.stress(scenario)
    if not wanted.compare:
        return found
    beside = {name: found.pop(name) for name in (goals.NO_SLOTS,) if name in found}
    return found | beside | baselines(next(iter(found.values())))


def _tell(
    tallies: Mapping[str, Sequence[Tally]],
    found: Mapping[str, Mapping[str, float]],
    told: Mapping[str, float],
    judged: Sequence[goals.Goal],
) -> None:
    for line in report.table(found):
        click.echo(line)
    click.echo("")
    for line in report.verdicts(judged, told):
        click.echo(line)
    for line in report.warnings(next(iter(tallies.values()))):
        click.echo(line)


def _write(where: str, text: str) -> None:
    if where == "-":
        click.echo(text, nl=False)
    else:
        Path(where).write_text(text, encoding="utf-8")


@contextmanager
def _progress(weeks: int) -> Iterator[Callable[[int], object]]:
    """Give what is called with each few weeks: it moves a bar where a person looks on."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=weeks, label="Weeks", file=sys.stderr) as bar:
        yield bar.update
