"""The simulator as a whole: same seed same figures, moved in time, every question ends once."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.living import LOADED, SMALL, claims, played, world_of
from upss.forum.rules.hours import is_open, is_quiet, local_day
from upss.forum.rules.policy import Mode, Policy
from upss.simulation import engine
from upss.simulation.metrics import quantile, tally
from upss.simulation.profile import HOUR, PEAK_CELLS, WEEK
from upss.simulation.running import run, run_all
from upss.simulation.scenario import PLAIN, Dispatch, Event, Scenario, baselines

SUMMER = datetime(2026, 6, 1, tzinfo=UTC)  # no zone of the model changes its clock until autumn
ALL_DIALS = replace(
    SMALL, policy=Policy(express=True), express_share=0.2, quiet_hours=True, learned=True
)
FEW = settings().max_examples // 10


@pytest.fixture(scope="module")
def small():
    return played(SMALL)


@pytest.fixture(scope="module")
def dialled():
    return played(ALL_DIALS)


scenarios = st.builds(
    Scenario,
    answerers=st.integers(1, 10),
    per_week=st.floats(5, 40),
    weeks=st.just(1),
    warm_up=st.integers(0, 1),
    topics=st.integers(1, 5),
    languages=st.integers(1, 2),
    policy=st.sampled_from(
        [PLAIN, Policy(), Policy(express=True), Policy(mode=Mode.STRICT), Policy(urgency=0)]
    ),
    dispatch=st.sampled_from(Dispatch),
    slots=st.sampled_from([0.0, 0.6, 1.0]),
    learned=st.booleans(),
    quiet_hours=st.booleans(),
    caps=st.booleans(),
    express_share=st.sampled_from([0.0, 0.3]),
    surge=st.sampled_from([None, Event(3.0, 1, 2)]),
    away=st.sampled_from([None, Event(1.0, 1, 3)]),
)


@pytest.mark.no_cover
@settings(max_examples=FEW)
@given(scenarios, st.integers(1, 50))
def test_every_question_ends_exactly_once_and_nobody_does_two_things_at_once(scenario, seed):
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
    mine = defaultdict(list)
    for work in trace.works:
        mine[work.person_id].append((work.start, work.end))
    for spans in mine.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
    for worker in live.workers.values():
        assert worker.counter is None or worker.counter.reserved == 0


@pytest.mark.no_cover
def test_nobody_earns_more_than_they_wished(monkeypatch):
    """With limits so small that they are reached within days."""
    monkeypatch.setattr("upss.simulation.world.CAPS", (2_000, 4_500))
    world, live, trace = played(SMALL)
    assert live.limited > 20
    assert tally(world, SMALL, trace).over_cap == 0


@pytest.mark.no_cover
def test_moved_by_whole_weeks_it_is_the_same():
    here = replace(ALL_DIALS, start=SUMMER, zone="Etc/UTC")
    assert run(here, 3) == run(replace(here, start=SUMMER + 3 * WEEK), 3)


@pytest.mark.no_cover
def test_seeds_give_the_same_in_one_process_or_in_several(monkeypatch):
    tiny = replace(SMALL, answerers=4, per_week=15, warm_up=0, topics=1)
    both = {"a": tiny, "b": replace(tiny, slots=0.0)}
    several = run_all(both, 2)
    monkeypatch.setattr("upss.simulation.running.os.cpu_count", lambda: 1)
    weeks = []
    assert run_all(both, 2, weeks.append) == several
    assert sum(weeks) == 4 * 2
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


@pytest.mark.no_cover
def test_promises_do_not_feed_on_themselves():
    assert promise_growth(Scenario(answerers=12, per_week=70, weeks=8, warm_up=4, topics=2)) <= 1.5


@pytest.mark.no_cover
def test_what_is_promised_moves_nobody_in_the_queue():
    """Two sites that differ in their promises only: the same people take the same questions."""
    slower = LOADED.turned(margin=2.0, cold_margin=2.0)
    assert claims(LOADED) == claims(slower)


def test_invitations_go_only_to_who_may_be_invited(dialled):
    world, _, trace = dialled
    hours = {person.id: person.hours for person in world.people}
    assert len(trace.invitations) > 30
    last, of_day = {}, Counter()
    for at, person_id in trace.invitations:
        assert is_open(hours[person_id], at)
        assert not is_quiet(hours[person_id], at)
        assert at - last.get(person_id, SMALL.start - WEEK) >= Policy().invitations_apart
        last[person_id] = at
        of_day[person_id, local_day(hours[person_id], at)[0]] += 1
    assert max(of_day.values()) <= Policy().invitations_a_day


def test_deferred_questions_wait_for_a_quieter_hour_or_for_urgency(small):
    _, live, _ = small
    seen = Counter()
    for each in live.desk.taken:
        is_its_hour = not each.is_peak and each.at >= each.view.released_at
        assert is_its_hour or each.at >= each.view.urgent_from
        seen["urgent"] += not is_its_hour
        seen["deferred"] += is_its_hour and each.view.released_at > each.view.posted_at
    assert min(seen["urgent"], seen["deferred"]) > 10


def test_a_hard_gate_lets_nobody_begin_in_a_peak():
    world, live, trace = played(baselines(SMALL)["hard gate"])
    assert live.desk.taken
    assert not any(world.calendar.cell(each.at) in PEAK_CELLS for each in live.desk.taken)
    assert trace.invitations
    for worker in live.workers.values():  # to be noted is to be mailed
        mailed = [at for at, person_id in trace.invitations if person_id == worker.person.id]
        assert worker.invited == mailed[-len(worker.invited) :]


def test_a_mail_to_all_goes_to_who_could_answer():
    world, _, trace = played(replace(baselines(SMALL)["push to all"], warm_up=0))
    posted = {case.posted_at: case.asked.topic for case in trace.cases}
    topics = {person.id: person.topics for person in world.people}
    assert len(trace.invitations) > 2 * len(posted)
    assert all(posted[at] in topics[person_id] for at, person_id in trace.invitations)


def test_who_is_away_comes_not(small):
    gone = replace(SMALL, away=Event(1.0, 1, 3))
    _, _, trace = played(gone)
    assert not any(gone.judged_from <= at < gone.judged_until for at, _ in trace.visits)
    _, _, trace = small
    assert any(gone.judged_from <= at < gone.judged_until for at, _ in trace.visits)


def test_a_surge_brings_more_questions_in_its_weeks_only():
    before, surge = world_of(SMALL), world_of(replace(SMALL, surge=Event(3.0, 1, 2)))
    first = [a for a in surge.asked if SMALL.judged_week(a.at) == 1]
    usual = [a for a in before.asked if SMALL.judged_week(a.at) == 1]
    assert len(first) > 2 * len(usual)
    early = [a.at for a in before.asked if a.at < SMALL.judged_from]
    assert early
    assert [a.at for a in surge.asked if a.at < SMALL.judged_from] == early


def test_a_claim_that_ended_gives_the_question_back(monkeypatch):
    monkeypatch.setattr(engine, "REJECTED", 0.3)
    _, live, trace = played(SMALL)
    redone = [case for case in trace.cases if case.view.excluded]
    assert redone
    assert len(live.desk.back) > sum(len(case.view.excluded) for case in redone)  # lapses too
    assert not trace.false_lapses
    assert all(case.due > case.quote.by for case in redone)
    assert all(c.answered_by not in c.view.excluded for c in redone if c.ended == "accepted")


def test_who_answered_before_has_a_head_start_where_the_asker_wished_it(small):
    again = replace(SMALL, answerers=4, warm_up=2, topics=1, slots=0.0)
    _, live, trace = played(again.turned(continuity=Policy().continuity))
    kept = [each for each in live.desk.taken if each.view.reserved_for]
    assert kept
    for each in kept:
        assert each.case.asked.wants_previous
        is_free = each.at >= min(each.view.reserved_until, each.view.urgent_from)
        assert is_free or each.person == each.view.reserved_for
    assert any(each.person == each.view.reserved_for for each in kept)
    assert trace.same_answerer
    _, live, _ = small
    assert not any(each.view.reserved_for for each in live.desk.taken)
