"""Short runs of the simulator that several tests look at, with what happened at their desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from upss.forum.rules.policy import Mode
from upss.forum.rules.queue import QuestionView, Reason, claimable
from upss.simulation.desk import Desk
from upss.simulation.engine import Run
from upss.simulation.lines import Case
from upss.simulation.people import Worker
from upss.simulation.profile import HOUR, WEEK, Calendar
from upss.simulation.scenario import PLAIN, Dispatch, Scenario
from upss.simulation.trace import Trace
from upss.simulation.world import TAIL, World, make_world

SMALL = Scenario(answerers=8, per_week=40, weeks=1, warm_up=1, topics=2)

# Much work for few people, so that queues are long; nothing but the order chooses who gets what.
LOADED = Scenario(
    answerers=6,
    per_week=50,
    weeks=1,
    warm_up=0,
    topics=3,
    policy=replace(PLAIN, mode=Mode.OPEN, margin=0.0, max_promise=20 * WEEK),
    dispatch=Dispatch.NONE,
    slots=0.0,
    caps=False,
)


class Taken(NamedTuple):
    """A claim: of what as it was then, by whom and when, and how many waited in that queue."""

    case: Case
    view: QuestionView
    person: int
    at: datetime
    is_peak: bool
    waiting: int


class Watched(Desk):
    """Notes each claim, and each question that is put back."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        super().__init__(world, scenario)
        self.taken: list[Taken] = []
        self.back: list[Case] = []

    def take(self, case: Case, person: int, now: datetime) -> None:
        assert case.view is not None
        waiting, is_peak = len(self.line(case.asked).waiting), self.peaks.is_peak(now)
        self.taken.append(Taken(case, case.view, person, now, is_peak, waiting))
        super().take(case, person, now)

    def put_back(self, case: Case, now: datetime) -> None:
        self.back.append(case)
        super().put_back(case, now)


class Life(Run):
    """A run at a watched desk; `limited` counts whom only their own limits kept from a question."""

    desk: Watched

    def __init__(self, world: World, scenario: Scenario) -> None:
        super().__init__(world, scenario, Watched(world, scenario))
        self.limited = 0

    def _claim(self, worker: Worker, now: datetime) -> bool:
        is_peak, view = self.desk.peaks.is_peak(now), worker.view(now)
        for q in self.desk.waiting(worker.person.topics, worker.person.languages):
            why = claimable(q, view, now, self.policy, is_peak=is_peak).reasons
            self.limited += why == {Reason.OWN_LIMITS}
        return super()._claim(worker, now)


def world_of(scenario: Scenario, seed: int = 1) -> World:
    """Draw the people and the questions."""
    hours = (scenario.end + TAIL - scenario.start) // HOUR + 1
    calendar = Calendar(scenario.start, hours, ZoneInfo(scenario.zone))
    return make_world(scenario, calendar, seed)


def played(scenario: Scenario, seed: int = 1) -> tuple[World, Life, Trace]:
    """Live through a scenario to its end."""
    world = world_of(scenario, seed)
    live = Life(world, scenario)
    return world, live, live.play()


def claims(scenario: Scenario) -> list[tuple[int, int, datetime]]:
    """Return what was claimed by whom and when, where several waited and nothing was refused."""
    world, live, trace = played(scenario)
    assert not trace.refused
    assert {case.ended for case in trace.cases} == {"accepted"}
    assert max(each.waiting for each in live.desk.taken) > 5
    assert sum(len(person.topics) > 1 for person in world.people) > 1
    return [(each.case.asked.id, each.person, each.at) for each in live.desk.taken]
