"""The simulator as a whole: same seed same figures, moved in time, every question ends once."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upss.forum.rules.hours import is_open, is_quiet, local_day
from upss.forum.rules.policy import Mode, Policy
from upss.simulation import engine
from upss.simulation.engine import Run
from upss.simulation.metrics import figures, quantile
from upss.simulation.profile import HOUR, PEAK_CELLS, WEEK, Calendar
from upss.simulation.running import run, run_all
from upss.simulation.scenario import PLAIN, Dispatch, Event, Scenario, baselines
from upss.simulation.world import TAIL, make_world

SUMMER = datetime(2026, 6, 1, tzinfo=UTC)  # no zone of the model changes its clock until autumn
SMALL = Scenario(answerers=8, per_week=30, weeks=2, topics=2)
ALL_DIALS = replace(
    SMALL, policy=Policy(express=True), express_share=0.2, quiet_hours=True, learned=True
)


def played(scenario, seed=1):
    hours = (scenario.end + TAIL - scenario.start) // HOUR + 1
    world = make_world(scenario, Calendar(scenario.start, hours, ZoneInfo(scenario.zone)), seed)
    live = Run(world, scenario)
    return world, live, live.play()


scenarios = st.builds(
    Scenario,
    answerers=st.integers(1, 10),
    per_week=st.floats(5, 40),
    weeks=st.just(1),
    topics=st.integers(1, 5),
    languages=st.integers(1, 2),
    policy=st.sampled_from(
        [PLAIN, Policy(), Policy(express=True), Policy(mode=Mode.STRICT), Policy(urgency=0)]
    ),
    dispatch=st.sampled_from(Dispatch),
    gate=st.booleans(),
    slots=st.sampled_from([0.0, 0.6, 1.0]),
    learned=st.booleans(),
    quiet_hours=st.booleans(),
    caps=st.booleans(),
    express_share=st.sampled_from([0.0, 0.3]),
    surge=st.sampled_from([None, Event(3.0, 1, 2)]),
    away=st.sampled_from([None, Event(1.0, 1, 3)]),
)


@settings(max_examples=8)
@given(scenarios, st.integers(1, 50))
def test_every_question_ends_exactly_once(scenario, seed):
    world, live, trace = played(scenario, seed)
    posted = [case.asked.id for case in trace.cases]
    assert len(posted) == len(set(posted))
    assert len(posted) + len(trace.refused) == len(world.asked)
    assert {case.ended for case in trace.cases} <= {"accepted", "refunded"}
    accepted = [case for case in trace.cases if case.ended == "accepted"]
    assert len(trace.earned) == len(accepted)
    assert all(case.answered_by for case in accepted)
    assert not any(line.waiting for line in live.desk.lines.values())
    assert not live.desk.unanswered


@settings(max_examples=5)
@given(scenarios, st.integers(1, 50))
def test_nobody_works_on_two_questions_or_earns_more_than_they_wished(scenario, seed):
    _, live, trace = played(scenario, seed)
    mine = defaultdict(list)
    for work in trace.works:
        mine[work.person_id].append((work.start, work.end))
    for spans in mine.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert figures([run(scenario, seed)])["cap_breaches"] == 0
    for worker in live.workers.values():
        assert worker.counter is None or worker.counter.reserved == 0


@pytest.mark.parametrize(("scenario", "weeks"), [(SMALL, 1), (ALL_DIALS, 3)])
def test_moved_by_whole_weeks_it_is_the_same(scenario, weeks):
    here = replace(scenario, start=SUMMER, zone="Etc/UTC")
    there = replace(here, start=SUMMER + weeks * WEEK)
    assert run(here, 3) == run(there, 3)


def test_seeds_give_the_same_in_one_process_or_in_several():
    several = run_all({"a": SMALL, "b": replace(SMALL, slots=0.0)}, 2)
    assert several["a"] == [run(SMALL, 1), run(SMALL, 2)]
    assert several["a"][0] != several["a"][1]
    assert several["a"] != several["b"]


def promise_growth(scenario):
    """Return the p95 of promises in the last quarter of the judged weeks, over the first one."""
    _, _, trace = played(scenario)
    since, quarter = scenario.judged_from, (scenario.judged_until - scenario.judged_from) / 4
    parts = [
        sorted(
            (case.quote.by - case.asked.at) / HOUR
            for case in trace.cases
            if since + n * quarter <= case.asked.at < since + (n + 1) * quarter
        )
        for n in range(4)
    ]
    return quantile(parts[3], 0.95) / quantile(parts[0], 0.95)


def test_promises_do_not_feed_on_themselves():
    assert promise_growth(Scenario(answerers=20, per_week=110, weeks=8, topics=4)) <= 1.5


def test_invitations_go_only_to_who_may_be_invited():
    scenario = replace(SMALL, quiet_hours=True)
    world, _, trace = played(scenario)
    hours = {person.id: person.hours for person in world.people}
    assert len(trace.invitations) > 50
    last, of_day = {}, Counter()
    for at, person_id in trace.invitations:
        assert is_open(hours[person_id], at)
        assert not is_quiet(hours[person_id], at)
        assert at - last.get(person_id, scenario.start - WEEK) >= scenario.policy.invitations_apart
        last[person_id] = at
        of_day[person_id, local_day(hours[person_id], at)[0]] += 1
    assert max(of_day.values()) <= scenario.policy.invitations_a_day


def test_deferred_questions_wait_for_a_quieter_hour_or_for_urgency():
    world, _, trace = played(SMALL)
    waited = 0
    for case in trace.cases:
        posted_in_peak = world.calendar.cell(case.posted_at) in PEAK_CELLS
        waited += posted_in_peak and case.view.released_at > case.posted_at
        assert case.view.released_at >= case.posted_at
        assert case.view.urgent_from <= case.due
    assert waited > 30


def test_a_hard_gate_lets_nobody_begin_in_a_peak():
    world, _, trace = played(baselines(SMALL)["hard gate"])
    visited = {at for at, found in trace.visits if found}
    assert visited
    assert not any(world.calendar.cell(at) in PEAK_CELLS for at in visited)


def test_who_is_away_comes_not():
    gone = replace(SMALL, away=Event(1.0, 1, 3))
    _, _, trace = played(gone)
    assert not any(gone.judged_from <= at < gone.judged_until for at, _ in trace.visits)
    _, _, trace = played(SMALL)
    assert any(gone.judged_from <= at < gone.judged_until for at, _ in trace.visits)


def test_a_surge_brings_more_questions_in_its_weeks_only():
    before, _, _ = played(SMALL)
    surge, _, _ = played(replace(SMALL, surge=Event(3.0, 1, 2)))
    first = [a for a in surge.asked if SMALL.judged_week(a.at) == 1]
    usual = [a for a in before.asked if SMALL.judged_week(a.at) == 1]
    assert len(first) > 2 * len(usual)
    early = [a.at for a in before.asked if a.at < SMALL.judged_from]
    assert [a.at for a in surge.asked if a.at < SMALL.judged_from] == early


def test_a_claim_that_ended_gives_the_question_back(monkeypatch):
    monkeypatch.setattr(engine, "REJECTED", 0.3)
    _, _, trace = played(SMALL)
    assert trace.lapses
    assert not trace.false_lapses
    redone = [case for case in trace.cases if case.view.excluded]
    assert redone
    assert all(case.due > case.quote.by for case in redone)
    assert all(c.answered_by not in c.view.excluded for c in redone if c.ended == "accepted")
