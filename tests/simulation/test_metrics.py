"""What the figures, the goals, the chart and the command make of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from upss.cli import main
from upss.forum.rules.lease import begin
from upss.forum.rules.policy import Mode, Policy
from upss.forum.rules.windows import Interval
from upss.simulation import goals, slots
from upss.simulation.chart import svg_chart
from upss.simulation.command import Wanted, runs_of
from upss.simulation.metrics import figures, gini, peak_to_average, quantile
from upss.simulation.people import effort
from upss.simulation.profile import HOUR, LOW, PEAK, PEAK_CELLS, REFERENCE, WEEK_HOURS, Calendar
from upss.simulation.running import run
from upss.simulation.scenario import PLAIN, BadScenario, Event, Scenario
from upss.simulation.world import TAIL, make_world, topic_shares

SMALL = Scenario(answerers=8, per_week=30, weeks=1, topics=2)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = {
    "off_peak_share",
    "par_total",
    "par_work_over_arrivals",
    "kept",
    "kept_worst_week",
    "kept_worst_topic",
    "promise_p50_h",
    "answered_over_promise_p50",
    "cap_breaches",
    "false_lapses",
    "invitations_per_answer",
    "gini",
}
STRESS = {"surge_kept", "surge_kept_worst_week", "away_kept", "away_kept_worst_week"}


def test_the_reference_week_is_the_one_that_the_goals_were_set_with():
    share = {name: sum(cells) / WEEK_HOURS for name, cells in levels().items()}
    assert {name: len(cells) for name, cells in levels().items()} == {
        "peak": 54,
        "shoulder": 58,
        "low": 56,
    }
    assert share["peak"] == pytest.approx(0.549, abs=0.005)
    assert share["low"] == pytest.approx(0.079, abs=0.005)
    hours = [sum(REFERENCE[hour::24]) for hour in range(24)]
    assert peak_to_average(hours) == pytest.approx(1.68, abs=0.01)
    assert not any(cell >= 120 for cell in PEAK_CELLS)


def levels():
    return {
        "peak": [level for level in REFERENCE if level >= PEAK],
        "shoulder": [level for level in REFERENCE if LOW < level < PEAK],
        "low": [level for level in REFERENCE if level <= LOW],
    }


def test_declared_hours_are_as_uneven_as_assumed():
    hours = [0.0] * 24
    scenario = replace(Scenario(), weeks=1, per_week=1)
    count = (scenario.end + TAIL - scenario.start) // HOUR + 1
    calendar = Calendar(scenario.start, count, ZoneInfo(scenario.zone))
    for seed in range(1, 5):
        for person in make_world(scenario, calendar, seed).people:
            for cell, start, end in slots.pieces(person.open, calendar):
                hours[cell % 24] += (end - start) / HOUR
    assert peak_to_average(hours) == pytest.approx(1.98, abs=0.15)
    assert sum(topic_shares(8)) == pytest.approx(1)


def test_gini_and_quantile_of_known_values():
    assert gini([1, 1, 1, 1]) == pytest.approx(0)
    assert gini([0, 0, 0, 1]) == pytest.approx(0.75)
    assert gini([]) == gini([0, 0]) == 0
    assert quantile([1, 2, 3, 4], 0.5) == 3
    assert quantile([], 0.5) == 0
    assert peak_to_average([0, 0]) == 0
    assert peak_to_average([1, 3]) == 1.5


@given(
    st.lists(st.floats(0, 5), min_size=WEEK_HOURS, max_size=WEEK_HOURS).filter(
        lambda week: sum(week) > 1
    )
)
def test_suggested_hours_make_the_week_level_where_arrivals_allow(raw):
    arrivals = [level * WEEK_HOURS / sum(raw) for level in raw]
    wanted = slots.quietness(arrivals, [1.0] * WEEK_HOURS)
    assert min(wanted) >= 0
    assert sum(wanted) == pytest.approx(WEEK_HOURS)
    filled = [seen + more for seen, more in zip(arrivals, wanted, strict=True) if more > 1e-9]
    assert max(filled) == pytest.approx(min(filled))


def test_visits_fall_into_the_own_hours_and_rather_into_quiet_ones():
    calendar = Calendar(MONDAY, 168, ZoneInfo("Etc/UTC"))
    night = Interval(MONDAY + 2 * HOUR, MONDAY + 4 * HOUR)
    noon = Interval(MONDAY + 11.5 * HOUR, MONDAY + 13.5 * HOUR)
    mine = slots.pieces((night, noon), calendar)
    assert [cell for cell, _, _ in mine] == [2, 3, 11, 12, 13]
    weights = slots.quietness(REFERENCE, slots.declared([mine] * 3))
    draws = [number / 100 for number in range(100)]
    at_night = [slots.place(mine, weights, draw) < noon.start for draw in draws]
    plain = [slots.place(mine, None, draw) < noon.start for draw in draws]
    assert sum(plain) == 50
    assert sum(at_night) > 80
    assert slots.place([], weights, 0.5) is None
    assert slots.place(mine, [0.0] * WEEK_HOURS, 0.0) == night.start


@pytest.mark.parametrize("minutes", [120, 30])
def test_honest_work_outlasts_its_lease_whatever_it_takes(minutes):
    policy = replace(PLAIN, lease=timedelta(minutes=minutes))
    world_stream = make_small().stream("test")
    for _ in range(500):
        done = effort(world_stream, 40, 2.0, MONDAY, policy, MONDAY + timedelta(days=2))
        assert done.is_finished or not done.is_honest
        assert done.is_honest or done.lease_ends == begin(MONDAY).claimed_at + policy.lease
    over = effort(world_stream, 40, 2.0, MONDAY, policy, MONDAY - timedelta(hours=47, minutes=59))
    assert not over.is_finished


def make_small():
    hours = (SMALL.end + TAIL - SMALL.start) // HOUR + 1
    return make_world(SMALL, Calendar(SMALL.start, hours, ZoneInfo(SMALL.zone)), 1)


def test_two_seeds_are_pooled_or_averaged():
    one, two = run(SMALL, 1), run(SMALL, 2)
    both = figures([one, two])
    assert both.keys() >= KEYS
    assert both["questions"] == one.kept[1] + two.kept[1]
    assert both["kept_worst_week"] == pytest.approx(
        (min(one.by_week) + min(two.by_week)) / 2, abs=1e-4
    )
    work = [sum(pair) for pair in zip(one.work, two.work, strict=True)]
    assert both["par_work"] == pytest.approx(peak_to_average(work), abs=1e-4)
    assert both["off_peak_share"] == pytest.approx(
        (one.off_peak + two.off_peak) / sum(work), abs=1e-4
    )


def test_goals_know_better_from_worse():
    told = dict.fromkeys(KEYS, 0.0)
    judged = {goal.key: goal for goal in goals.goals_for(SMALL, told)}
    assert judged.keys() == KEYS
    assert not judged["kept"].is_met(told)
    assert judged["kept"].is_met({"kept": 0.97})
    assert judged["gini"].is_met({"gini": 0.30})
    assert not judged["gini"].is_met({"gini": 0.31})
    big = goals.goals_for(replace(SMALL, answerers=200), {"par_work_over_arrivals": 1.35})
    assert big[0].is_met({"par_work_over_arrivals": 1.35})


def test_runs_of_the_goals_are_what_they_are_defined_to_be():
    found = goals.runs(replace(SMALL, policy=Policy(urgency=0.5)), with_stress=True)
    first, second = found["run 1"], found["run 2"]
    assert first.caps
    assert not second.caps
    assert first.policy.stagger == timedelta(0)
    assert second.policy.stagger == Policy().stagger
    assert {one.policy.urgency for one in found.values()} == {0.5}
    long = goals.stress(Scenario())
    assert long["run 3"].surge == Event(1.6, 7, 9)
    assert long["run 4"].away == Event(0.35, 7, 9)
    assert found["run 3"].surge == Event(1.6, 1, 3)
    together = goals.together({"run 1": {"gini": 0.4, "kept": 1}, "run 2": {"gini": 0.2}}, "run 1")
    assert together == {"gini": 0.2, "kept": 1}


def test_what_is_run_follows_what_is_wanted():
    assert list(runs_of(SMALL, Wanted())) == ["as asked", goals.NO_SLOTS]
    assert list(runs_of(replace(SMALL, slots=0.0), Wanted())) == ["as asked"]
    compared = runs_of(SMALL, Wanted(compare=True))
    assert "push to all" in compared
    assert compared["hard gate"].policy.mode is Mode.STRICT
    assert set(runs_of(SMALL, Wanted(stress=True))) >= {"run 3", "run 4"}


def test_an_event_is_read_or_refused():
    assert Event.parse("surge", "1.6@10:12") == Event(1.6, 10, 12)
    for wrong in ("1.6", "1.6@12:10", "x@1:2", "1@0:2", "1.6@10:12 "):
        with pytest.raises(BadScenario):
            Event.parse("surge", wrong)
    for wrong in ({"weeks": 0}, {"answerers": 0}, {"languages": 3}, {"slots": 1.1}):
        with pytest.raises(BadScenario):
            replace(SMALL, **wrong)


def test_the_chart_can_be_heard():
    chart = svg_chart({"a < b": [run(SMALL, 1)], "two": [run(SMALL, 2)]})
    root = ET.fromstring(chart)
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    ids = {root.find(f"{space}{tag}").get("id") for tag in ("title", "desc")}
    assert ids == set(root.get("aria-labelledby").split())
    assert "a < b: most questions come at" in root.find(f"{space}desc").text
    panels = root.findall(f"{space}g")
    assert len(panels) == 2
    assert [len(panel.findall(f"{space}rect")) for panel in panels] == [24, 24]


OPTIONS = ["--answerers", "8", "--per-week", "30", "--weeks", "1", "--topics", "2", "--seeds", "2"]


def test_the_command_writes_the_same_bytes_whatever_the_order_of_hashes(tmp_path):
    texts = []
    for seed in ("1", "2"):
        file = tmp_path / f"{seed}.json"
        subprocess.run(
            [sys.executable, "-m", "upss", "simulate", *OPTIONS, "--json", str(file)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )
        texts.append(file.read_bytes())
    assert texts[0] == texts[1]


def test_the_command_prints_json_alone_and_says_when_a_goal_is_missed(tmp_path):
    chart = tmp_path / "day.svg"
    done = CliRunner().invoke(
        main,
        [
            "simulate",
            *OPTIONS,
            "--seeds",
            "1",
            "--goals",
            "--stress",
            "--json",
            "-",
            "--chart",
            str(chart),
        ],
    )
    told = json.loads(done.stdout)
    assert told.keys() >= KEYS | STRESS
    assert set(told["goals"]) >= KEYS | STRESS
    assert done.exit_code == (0 if all(told["goals"].values()) else 1)
    assert told["gini"] == told["runs"]["run 2"]["gini"]
    assert ET.parse(chart).getroot().get("role") == "img"


def test_the_command_refuses_what_it_cannot_read():
    for wrong in (["--surge", "much"], ["--seeds", "0"], ["--weeks", "0"]):
        done = CliRunner().invoke(main, ["simulate", *wrong])
        assert done.exit_code == 1
        assert "bad_scenario" in done.output
