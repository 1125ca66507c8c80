"""What the figures, the goals, the chart and the command make of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from upss.cli import main
from upss.forum.rules.activity import ENTER_PEAK, HOURS, LOW
from upss.forum.rules.lease import begin
from upss.forum.rules.policy import Mode, Policy
from upss.forum.rules.slots import quietness
from upss.forum.rules.windows import Interval
from upss.simulation import goals, slots
from upss.simulation.chart import svg_chart
from upss.simulation.command import Wanted, runs_of, simulate
from upss.simulation.metrics import Topic, figures, gini, peak_to_average, quantile, rounded
from upss.simulation.people import effort
from upss.simulation.profile import HOUR, PEAK_CELLS, REFERENCE, Calendar
from upss.simulation.report import warnings
from upss.simulation.running import run
from upss.simulation.scenario import PLAIN, BadScenario, Dispatch, Event, Scenario
from upss.simulation.world import TAIL, make_world, topic_shares

SMALL = Scenario(answerers=8, per_week=30, weeks=1, warm_up=0, topics=2)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = {
    "off_peak_share",
    "par_total",
    "par_work_over_arrivals",
    "refused_share",
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
    share = {name: sum(cells) / HOURS for name, cells in levels().items()}
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
        "peak": [level for level in REFERENCE if level >= ENTER_PEAK],
        "shoulder": [level for level in REFERENCE if LOW < level < ENTER_PEAK],
        "low": [level for level in REFERENCE if level <= LOW],
    }


@pytest.mark.no_cover
def test_declared_hours_are_as_uneven_as_assumed():
    hours = [0.0] * 24
    scenario = Scenario(weeks=1, warm_up=0, per_week=1)
    count = (scenario.end + TAIL - scenario.start) // HOUR + 1
    calendar = Calendar(scenario.start, count, ZoneInfo(scenario.zone))
    for seed in (1, 2):
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


def test_visits_fall_into_the_own_hours_and_rather_into_quiet_ones():
    calendar = Calendar(MONDAY, 168, ZoneInfo("Etc/UTC"))
    night = Interval(MONDAY + 2 * HOUR, MONDAY + 4 * HOUR)
    noon = Interval(MONDAY + 11.5 * HOUR, MONDAY + 13.5 * HOUR)
    mine = slots.pieces((night, noon), calendar)
    assert [cell for cell, _, _ in mine] == [2, 3, 11, 12, 13]
    weights = quietness(REFERENCE, slots.declared([mine] * 3))
    draws = [number / 100 for number in range(100)]
    at_night = [slots.place(mine, weights, draw) < noon.start for draw in draws]
    plain = [slots.place(mine, None, draw) < noon.start for draw in draws]
    assert sum(plain) == 50
    assert sum(at_night) > 80
    assert slots.place([], weights, 0.5) is None
    assert slots.place(mine, [0.0] * HOURS, 0.0) == night.start


@pytest.mark.parametrize("minutes", [120, 30])
def test_honest_work_outlasts_its_lease_whatever_it_takes(minutes):
    policy = replace(PLAIN, lease=timedelta(minutes=minutes))
    world_stream = Random(minutes)
    for _ in range(300):
        done = effort(world_stream, 40, 2.0, MONDAY, policy, MONDAY + timedelta(days=2))
        assert done.is_finished or not done.is_honest
        assert done.is_honest or done.lease_ends == begin(MONDAY).claimed_at + policy.lease
    over = effort(world_stream, 40, 2.0, MONDAY, policy, MONDAY - timedelta(hours=47, minutes=59))
    assert not over.is_finished


@pytest.fixture(scope="module")
def seeds():
    return [run(SMALL, 1), run(SMALL, 2)]


def test_two_seeds_are_pooled_or_averaged(seeds):
    one, two = seeds
    both = figures(seeds)
    assert both.keys() >= KEYS
    assert both["questions"] == one.kept[1] + two.kept[1]
    assert both["kept_worst_week"] == pytest.approx((min(one.by_week) + min(two.by_week)) / 2)
    work = [sum(pair) for pair in zip(one.work, two.work, strict=True)]
    assert both["par_work"] == pytest.approx(peak_to_average(work))
    assert both["off_peak_share"] == pytest.approx((one.off_peak + two.off_peak) / sum(work))


def test_goals_know_better_from_worse():
    told = dict.fromkeys(KEYS, 0.0)
    judged = {goal.key: goal for goal in goals.goals_for(SMALL, told)}
    assert judged.keys() == KEYS
    assert not judged["kept"].is_met(told)
    assert judged["kept"].is_met({"kept": 0.97})
    assert judged["gini"].is_met({"gini": 0.30})
    assert not judged["gini"].is_met({"gini": 0.31})
    assert not judged["kept"].is_met({"kept": 0.96996})  # judged as it is, told as 0.97
    assert rounded({"kept": 0.96996}) == {"kept": 0.97}
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
    assert goals.NO_SLOTS in found
    assert goals.NO_SLOTS not in goals.runs(replace(SMALL, slots=0.0), with_stress=False)


def test_some_goals_are_judged_in_other_runs():
    """Nobody gets a mail in quiet hours where nobody has any: that is no figure."""
    mails = "invitations_in_quiet_hours"
    first, second = {"gini": 0.4, "kept": 1, mails: 0}, {"gini": 0.2, "kept": 0, mails: 0}
    found = {"run 1": first, "run 2": second, "with quiet hours": first | {mails: 2}}
    found["push to all"] = first | {mails: 9}
    scenarios = dict.fromkeys(found, SMALL)
    assert goals.together(found, scenarios) == {"gini": 0.2, "kept": 1}
    quiet = replace(SMALL, quiet_hours=True)
    scenarios |= {"with quiet hours": quiet}
    scenarios |= {"push to all": replace(quiet, dispatch=Dispatch.ALL)}
    assert goals.together(found, scenarios) == {"gini": 0.2, "kept": 1, mails: 2}


def test_what_is_run_follows_what_is_wanted():
    assert list(runs_of(SMALL, Wanted())) == ["as asked", goals.NO_SLOTS]
    assert list(runs_of(replace(SMALL, slots=0.0), Wanted())) == ["as asked"]
    asked = replace(SMALL, policy=Policy(express=True), express_share=0.2)
    compared = runs_of(asked, Wanted(compare=True))
    assert compared["hard gate"].policy.mode is Mode.STRICT
    assert compared["open, paced, slots"] == asked.turned(mode=Mode.OPEN)
    beside = list(compared)
    assert beside[beside.index(goals.NO_SLOTS) :][1:4] == [
        "pull FIFO, no windows",
        "push to all",
        "hard gate",
    ]
    compared = runs_of(asked, Wanted(goals=True, compare=True))
    assert compared["open, paced, slots"] == compared["run 1"].turned(mode=Mode.OPEN)
    assert compared["open, paced"].slots == compared["push to all"].slots == 0
    assert set(runs_of(SMALL, Wanted(stress=True))) >= {"run 3", "run 4"}


def test_an_event_is_read_or_refused():
    assert Event.parse("surge", "1.6@10:12") == Event(1.6, 10, 12)
    for wrong in ("1.6", "1.6@12:10", "x@1:2", "1@0:2", "1.6@10:12 "):
        with pytest.raises(BadScenario):
            Event.parse("surge", wrong)
    for wrong in ({"weeks": 0}, {"answerers": 0}, {"languages": 3}, {"slots": 1.1}):
        with pytest.raises(BadScenario):
            replace(SMALL, **wrong)


def test_the_chart_can_be_heard(seeds):
    chart = svg_chart({"a < b": seeds[:1], "two": seeds[1:]})
    root = ET.fromstring(chart)
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    ids = {root.find(f"{space}{tag}").get("id") for tag in ("title", "desc")}
    assert ids == set(root.get("aria-labelledby").split())
    assert "a < b: most questions come at" in root.find(f"{space}desc").text
    panels = root.findall(f"{space}g")
    assert len(panels) == 2
    assert [len(panel.findall(f"{space}rect")) for panel in panels] == [24, 24]


DIALS = "policy=Policy(express=True), express_share=0.2, quiet_hours=True, learned=True"
PRINTING = f"""
from upss.forum.rules.policy import Policy
from upss.simulation.command import Wanted, simulate
from upss.simulation.scenario import Scenario
simulate(Scenario(answerers=8, per_week=30, weeks=1, warm_up=0, topics=2, {DIALS}),
         Wanted(seeds=1, json="-"))
"""


@pytest.mark.no_cover
def test_the_same_bytes_are_written_whatever_the_order_of_hashes():
    texts = [
        subprocess.run(
            [sys.executable, "-c", PRINTING],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert texts[0] == texts[1]
    assert b'"kept": ' in texts[0]


TINY = Scenario(answerers=3, per_week=6, weeks=1, warm_up=0, topics=1)


@pytest.fixture
def one_process(monkeypatch):
    monkeypatch.setattr("upss.simulation.running.os.cpu_count", lambda: 1)


@pytest.mark.usefixtures("one_process")
def test_json_is_printed_alone_with_every_goal(tmp_path, capsys):
    chart = tmp_path / "day.svg"
    is_met = simulate(TINY, Wanted(seeds=1, goals=True, stress=True, json="-", chart=chart))
    told = json.loads(capsys.readouterr().out)
    assert told.keys() >= KEYS | STRESS
    assert set(told["goals"]) == KEYS | STRESS | {"invitations_in_quiet_hours"}
    assert is_met == all(told["goals"].values())
    assert told["gini"] == told["runs"]["run 2"]["gini"]
    assert told["scenario"]["slots"] == 0.6
    assert ET.parse(chart).getroot().get("role") == "img"


@pytest.mark.usefixtures("one_process")
def test_the_command_tells_in_words_and_says_when_a_goal_is_missed(tmp_path):
    file = tmp_path / "told.json"
    options = ["--answerers", "1", "--per-week", "40", "--weeks", "1", "--topics", "1"]
    options += ["--seeds", "1", "--slots", "0", "--goals", "--json", str(file)]
    done = CliRunner().invoke(main, ["simulate", *options])
    assert done.exit_code == 1
    assert "MISSED refused_share" in done.output
    assert "topic-1: 1 answerers" in done.output
    assert "questions were not taken" in done.output
    told = json.loads(file.read_text())
    assert list(told["runs"]) == ["run 1", "run 2"]
    assert told["refused"] > 0


def test_a_topic_that_refuses_everything_is_named(seeds):
    hopeless = Topic("rare", kept=0, promised=0, refused=4, promise_p95_h=0.0, people=1)
    fine = Topic("often", kept=9, promised=9, refused=0, promise_p95_h=20.0, people=5)
    one = replace(seeds[0], by_topic=(hopeless, fine), counts=seeds[0].counts | {"refused": 4})
    told = list(warnings([one]))
    assert told[0] == "rare: 1 answerers, every question refused; it needs more people."
    assert len(told) == 2
    assert figures([one])["kept_worst_topic"] == 1
    counts = seeds[0].counts | {"refused": 0, "cut_at_refund": 2}
    cut = replace(one, by_topic=(fine,), counts=counts)
    assert list(warnings([cut])) == ["2 times somebody was still writing when the money went back."]


def test_the_command_refuses_what_it_cannot_read():
    for wrong in (["--surge", "much"], ["--seeds", "0"], ["--weeks", "0"]):
        done = CliRunner().invoke(main, ["simulate", *wrong])
        assert done.exit_code == 2
        assert f"{wrong[0]}: write " in done.output
