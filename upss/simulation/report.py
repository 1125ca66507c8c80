"""The figures in words and tables, for a terminal, and as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from upss.simulation.goals import Goal
from upss.simulation.metrics import Tally, Topic, rounded
from upss.simulation.scenario import Scenario

# figure -> head of its column
_COLUMNS = {
    "off_peak_share": "off-peak",
    "moved_share": "moved",
    "par_work": "PAR work",
    "par_total": "PAR total",
    "answered_p50_h": "answ. h",
    "answered_p95_h": "p95",
    "promise_p50_h": "prom. h",
    "kept": "kept",
    "kept_worst_week": "week",
    "kept_worst_topic": "topic",
    "refused_share": "refused",
    "gini": "Gini",
    "invitations_per_answer": "invited",
    "empty_visits": "empty",
    "at_once_p99": "c99",
}
_LONG_PROMISE_H = 48.0
_FEW = 3


def table(figures: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Yield a line for each run, under a line of heads."""
    width = max(len(name) for name in figures)
    yield " " * width + "".join(f"{head:>10}" for head in _COLUMNS.values())
    for name, mine in figures.items():
        yield f"{name:<{width}}" + "".join(f"{mine[key]:>10.3g}" for key in _COLUMNS)


def verdicts(goals: Sequence[Goal], figures: Mapping[str, float]) -> Iterator[str]:
    """Yield a line for each goal."""
    for goal in goals:
        word = "met   " if goal.is_met(figures) else "MISSED"
        sign = "<=" if goal.at_most else ">="
        yield f"{word} {goal.key:<28}{figures[goal.key]:>9.4g}  {sign} {goal.limit:g}"


def warnings(tallies: Sequence[Tally]) -> Iterator[str]:
    """Yield what an organizer should look at: topics with few people, long promises or none."""
    rows: dict[str, list[Topic]] = {}
    for one in tallies:
        for topic in one.by_topic:
            rows.setdefault(topic.name, []).append(topic)
    for name, mine in rows.items():
        people, promised = fmean(one.people for one in mine), sum(one.promised for one in mine)
        if not promised:
            yield f"{name}: {people:.0f} answerers, every question refused; it needs more people."
            continue
        p95 = fmean(one.promise_p95_h for one in mine if one.promised)
        if p95 > _LONG_PROMISE_H or people < _FEW:
            kept = sum(one.kept for one in mine) / promised
            yield (
                f"{name}: {people:.0f} answerers, promise p95 {p95:.0f} h, kept {kept:.3f};"
                " one more with other hours would help."
            )
    refused = sum(one.counts["refused"] for one in tallies)
    if refused:
        yield f"{refused} questions were not taken: nothing could be promised within the limit."
    cut = sum(one.counts["cut_at_refund"] for one in tallies)
    if cut:
        yield f"{cut} times somebody was still writing when the money went back."


def document(
    scenario: Scenario,
    seeds: int,
    figures: Mapping[str, float],
    runs: Mapping[str, Mapping[str, float]],
    goals: Sequence[Goal],
) -> str:
    """Return everything as one JSON text: the figures at the top, then each run."""
    told: dict[str, object] = dict(rounded(figures))
    told["scenario"] = {
        "answerers": scenario.answerers,
        "per_week": scenario.per_week,
        "weeks": scenario.weeks,
        "topics": scenario.topics,
        "languages": scenario.languages,
        "mode": scenario.policy.mode.value,
        "urgency": scenario.policy.urgency,
        "slots": scenario.slots,
        "learned": scenario.learned,
        "quiet_hours": scenario.quiet_hours,
        "seeds": seeds,
    }
    told["goals"] = {goal.key: goal.is_met(figures) for goal in goals}
    told["runs"] = {name: rounded(mine) for name, mine in runs.items()}
    return json.dumps(told, indent=1) + "\n"
