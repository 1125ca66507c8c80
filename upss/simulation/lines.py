"""What the site keeps of each question and of each topic's queue."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from upss.forum.rules.capacity import Availability, CapacityClock
from upss.forum.rules.promising import PRIOR_ANSWERS, Quote, TopicRate
from upss.forum.rules.queue import QuestionView
from upss.simulation.scenario import Scenario
from upss.simulation.world import TAIL, Asked, World


@dataclass(slots=True, eq=False)
class Case:
    """A question on its way: `due` is the promise with its pauses."""

    asked: Asked
    quote: Quote
    due: datetime
    posted_at: datetime
    is_express: bool = False
    view: QuestionView | None = None
    claimed_by: int | None = None
    answered_by: int | None = None
    answered_at: datetime | None = None
    first_answer_at: datetime | None = None
    kept: bool = True
    ended: str = ""
    ended_at: datetime | None = None


@dataclass(slots=True)
class Line:
    """The queue of one topic in one language, with its clock, and its rate of the last full hour."""

    clock: CapacityClock
    rate: TopicRate
    waiting: dict[int, QuestionView] = field(default_factory=dict)
    busy_since: float = 0.0
    exposure: float = 0.0
    answers: int = 0

    def add(self, view: QuestionView, now: datetime) -> None:
        """Let a question wait."""
        if not self.waiting:
            self.busy_since = self.clock.cum(now)
        self.waiting[view.id] = view

    def remove(self, view: QuestionView, now: datetime) -> None:
        """Take a question out; the time with a queue will count for the rate."""
        del self.waiting[view.id]
        if not self.waiting:
            self.exposure += self.clock.cum(now) - self.busy_since

    def count(self, now: datetime) -> None:
        """Put the past hour into the rate."""
        if self.waiting:
            reading = self.clock.cum(now)
            self.exposure += reading - self.busy_since
            self.busy_since = reading
        done = replace(self.rate, completions=self.rate.completions + self.answers)
        self.rate = done.with_exposure(self.exposure)
        self.exposure, self.answers = 0.0, 0


@dataclass(frozen=True, slots=True)
class Factor:
    """What promises were multiplied with in the last full hour, and how many scores it had."""

    value: float
    n_scores: int


def lines_of(world: World, scenario: Scenario) -> dict[tuple[str, str], Line]:
    """Build the clock of each topic and language that somebody answers."""
    given: dict[tuple[str, str], list[Availability]] = {}
    for person in world.people:
        weight = 1 / (len(person.topics) * len(person.languages))
        for topic in person.topics:
            for language in person.languages:
                given.setdefault((topic, language), []).append(Availability(person.open, weight))
    until = scenario.end + TAIL
    rate = TopicRate()
    if scenario.guess:
        rate = TopicRate(prior_h=PRIOR_ANSWERS / scenario.guess)
    return {
        key: Line(CapacityClock.build(given[key], scenario.start, until), rate)
        for key in sorted(given)
    }
