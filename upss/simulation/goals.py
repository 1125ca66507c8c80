"""The goals of the off-peak engine, and the runs that each of them is judged in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from upss.forum.rules.policy import Policy
from upss.simulation.scenario import Dispatch, Event, Scenario

BIG = 200  # answerers from which a mirror peak may be a little higher
_DEFAULTS = Policy()
MAIN = "run 1"
NO_SLOTS = "nobody follows slots"
_STRESS_FROM = 7  # the judged week
_IN_QUIET_HOURS = "invitations_in_quiet_hours"


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that must not be more (`at_most`) or less than `limit`."""

    key: str
    limit: float
    at_most: bool

    def is_met(self, figures: Mapping[str, float]) -> bool:
        """Tell whether the figure is good enough."""
        value = figures[self.key]
        return value <= self.limit if self.at_most else value >= self.limit


def goals_for(scenario: Scenario, figures: Mapping[str, float]) -> list[Goal]:
    """Return the goals for which there is a figure."""
    mirror = 1.40 if scenario.answerers >= BIG else 1.30
    every = [
        Goal("off_peak_share", 0.62, at_most=False),
        Goal("par_total", 1.58, at_most=True),
        Goal("par_work_over_arrivals", mirror, at_most=True),
        Goal("refused_share", 0.01, at_most=True),
        Goal("kept", 0.97, at_most=False),
        Goal("kept_worst_week", 0.94, at_most=False),
        Goal("kept_worst_topic", 0.94, at_most=False),
        Goal("promise_p50_h", 24.0, at_most=True),
        Goal("answered_over_promise_p50", 0.5, at_most=True),
        Goal("cap_breaches", 0, at_most=True),
        Goal("false_lapses", 0, at_most=True),
        Goal("invitations_per_answer", 1.5, at_most=True),
        Goal(_IN_QUIET_HOURS, 0, at_most=True),
        Goal("gini", 0.30, at_most=True),
        Goal("surge_kept", 0.96, at_most=False),
        Goal("surge_kept_worst_week", 0.93, at_most=False),
        Goal("away_kept", 0.96, at_most=False),
        Goal("away_kept_worst_week", 0.90, at_most=False),
    ]
    return [goal for goal in every if goal.key in figures]


def runs(scenario: Scenario, *, with_stress: bool) -> dict[str, Scenario]:
    """Return the runs that the goals need, from a scenario whose special dials do not matter."""
    plain = replace(
        scenario.turned(stagger=timedelta(0), continuity=timedelta(0), express=False),
        caps=True,
        express_share=0.0,
    )
    found = {
        MAIN: plain,
        "run 2": replace(plain.turned(stagger=_DEFAULTS.stagger), caps=False),
    }
    if plain.slots:
        found[NO_SLOTS] = replace(plain, slots=0.0)
    if with_stress:
        found |= stress(plain) | costs(plain)
    return found


def _event(size: float, scenario: Scenario) -> Event:
    """Return two weeks of stress, as far from the start as the judged weeks allow."""
    first = max(1, min(_STRESS_FROM, scenario.weeks - 1))
    return Event(size, first, first + 2)


def costs(plain: Scenario) -> dict[str, Scenario]:
    """Return run 1 with one recommended default more in each, and with all of them."""
    express = replace(plain.turned(express=True), express_share=0.10)
    dials = {"stagger": _DEFAULTS.stagger, "continuity": _DEFAULTS.continuity}
    return {
        "calls as soon as urgent": replace(plain, press=1.0),
        "with stagger": plain.turned(stagger=_DEFAULTS.stagger),
        "with continuity": plain.turned(continuity=_DEFAULTS.continuity),
        "with express (10 %)": express,
        "with quiet hours": replace(plain, quiet_hours=True),
        "with learned peaks": replace(plain, learned=True),
        "with two languages": replace(plain, languages=2),
        "with all defaults": replace(express.turned(**dials), quiet_hours=True, learned=True),
    }


def stress(scenario: Scenario) -> dict[str, Scenario]:
    """Return runs 3 and 4: a surge, and people who are away unannounced."""
    return {
        "run 3": replace(scenario, surge=_event(1.6, scenario)),
        "run 4": replace(scenario, away=_event(0.35, scenario)),
    }


def together(
    figures: Mapping[str, Mapping[str, float]], scenarios: Mapping[str, Scenario]
) -> dict[str, float]:
    """Return the figures of the first run, with those that the goals take from other runs.

    Mails in quiet hours are counted where people have such hours and the rules invite; without
    such a run there is no figure.
    """
    found = dict(figures[next(iter(figures))])
    quiet = [
        figures[run][_IN_QUIET_HOURS]
        for run, scenario in scenarios.items()
        if scenario.quiet_hours and scenario.dispatch is Dispatch.PACED
    ]
    del found[_IN_QUIET_HOURS]
    if quiet:
        found[_IN_QUIET_HOURS] = sum(quiet)
    if "run 2" in figures:
        found["gini"] = figures["run 2"]["gini"]
    for run, name in (("run 3", "surge"), ("run 4", "away")):
        if run in figures:
            found[f"{name}_kept"] = figures[run]["kept"]
            found[f"{name}_kept_worst_week"] = figures[run]["kept_worst_week"]
    return found
