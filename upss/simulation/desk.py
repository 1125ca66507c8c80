"""What the site knows and does: promises, queues, rates and peaks, all by the product's rules."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from zoneinfo import ZoneInfo

from upss.forum.rules.activity import ORGANIZER_PEAKS, ActivityProfile, PeakMap, classify
from upss.forum.rules.express import express_calibrator, express_policy, is_express_offered
from upss.forum.rules.invite import LATELY, minutes_an_hour
from upss.forum.rules.promising import (
    Calibrator,
    NoCapacity,
    Quote,
    WhyNot,
    quote,
    score,
    urgent_from,
)
from upss.forum.rules.queue import QuestionView, release_at, reservation_until
from upss.forum.rules.timers import OFFER
from upss.simulation.lines import Case, Factor, Line, lines_of
from upss.simulation.profile import WEEK
from upss.simulation.scenario import Scenario
from upss.simulation.world import CURRENCY, Asked, Person, World


class Desk:
    """The state behind the pages: what the product keeps in tables."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self.scenario, self.policy = scenario, scenario.policy
        self._express_policy = express_policy(scenario.policy)
        self.lines = lines_of(world, scenario)
        self.zone = ZoneInfo(scenario.zone)
        self.profile = ActivityProfile()
        self._expected: tuple[ActivityProfile, tuple[float, ...]] | None = None
        self.peaks = PeakMap(ORGANIZER_PEAKS if scenario.learned else scenario.peaks, self.zone)
        self.calibrators = {
            False: Calibrator(target=self.policy.target),
            True: express_calibrator(self.policy),
        }
        self.factors = {kind: Factor(one.factor(), 0) for kind, one in self.calibrators.items()}
        self.pressing_from: dict[int, datetime] = {}
        self.unanswered: dict[int, Case] = {}
        self._lately: deque[tuple[datetime, int]] = deque()
        self._minutes = 0
        self.offered: list[tuple[datetime, bool]] = []

    def line(self, asked: Asked) -> Line:
        """Return the queue that a question belongs to."""
        return self.lines[asked.topic, asked.language]

    def offer(self, asked: Asked) -> Case | NoCapacity:
        """Promise an answer to somebody who is about to pay, or say why not."""
        line = self.lines.get((asked.topic, asked.language))
        if line is None:
            return NoCapacity(WhyNot.NOBODY)
        ordinary = self._quote(asked, line, is_express=False)
        if isinstance(ordinary, NoCapacity):
            return ordinary
        own = self._quote(asked, line, is_express=True) if asked.wants_express else None
        is_express = own is not None and self._is_express_offered(asked, ordinary, own)
        given = own if is_express and isinstance(own, Quote) else ordinary
        return Case(asked, given, given.by, asked.at + asked.pays_after, is_express=is_express)

    def _quote(self, asked: Asked, line: Line, *, is_express: bool) -> Quote | NoCapacity:
        """Calculate a promise as from the end of the offer, the last minute in which it is paid."""
        if is_express:
            ahead, policy = sum(v.is_express for v in line.waiting.values()), self._express_policy
        else:
            ahead, policy = len(line.waiting), self.policy
        return quote(
            now=asked.at + OFFER,
            clock=line.clock,
            n_ahead=ahead,
            rate=line.rate,
            factor=self.factors[is_express].value,
            n_scores=self.factors[is_express].n_scores,
            policy=policy,
        )

    def _is_express_offered(self, asked: Asked, ordinary: Quote, own: Quote | NoCapacity) -> bool:
        """Tell whether express may be sold; the questions of the trailing week are counted."""
        week = [sold for at, sold in self.offered if at > asked.at - WEEK]
        return is_express_offered(
            ordinary=ordinary,
            express=own,
            now=asked.at + OFFER,
            express_week=sum(week),
            all_week=len(week),
            policy=self.policy,
        )

    def post(self, case: Case, previous: Person | None = None) -> None:
        """Put a paid question into its queue; `previous` gets a head start, if there is one."""
        now, asked, line = case.posted_at, case.asked, self.line(case.asked)
        self.profile = self.profile.added(now, self.zone)
        self._lately.append((now, asked.minutes))
        self._minutes += asked.minutes
        if self.policy.express:
            self.offered.append((now, case.is_express))
        released = release_at(now, self.peaks, self.policy.mode, is_express=case.is_express)
        urgent = self._urgent_from(case, self.policy.urgency)
        self._press(case)
        reserved = None
        if previous and self.policy.continuity:
            reserved = reservation_until(
                released_at=released,
                urgent_from=urgent,
                opens_at=_opens_at(previous, released),
                is_express=case.is_express,
                policy=self.policy,
            )
        case.view = QuestionView(
            id=asked.id,
            topic=asked.topic,
            language=asked.language,
            posted_at=now,
            released_at=released,
            urgent_from=urgent,
            asker_id=asked.asker_id,
            share_minor=asked.share_minor,
            currency=CURRENCY,
            minutes=asked.minutes,
            is_express=case.is_express,
            reserved_for=previous.id if previous and reserved else None,
            reserved_until=reserved,
        )
        self.unanswered[asked.id] = case
        line.add(case.view, now)

    def _urgent_from(self, case: Case, urgency: float) -> datetime:
        return urgent_from(
            self.line(case.asked).clock,
            by=case.due,
            reading=case.quote.reading,
            urgency=urgency,
        )

    def _press(self, case: Case) -> None:
        """Note from when on people are called for the question at any hour."""
        urgency = self.policy.urgency * self.scenario.press
        self.pressing_from[case.asked.id] = self._urgent_from(case, urgency)

    def waiting(self, topics: tuple[str, ...], languages: tuple[str, ...]) -> list[QuestionView]:
        """Return the waiting questions of these topics and languages."""
        return [
            view
            for topic in topics
            for language in languages
            if (topic, language) in self.lines
            for view in self.lines[topic, language].waiting.values()
        ]

    def every_waiting(self) -> Iterator[QuestionView]:
        """Return every waiting question."""
        for line in self.lines.values():
            yield from line.waiting.values()

    def take(self, case: Case, person: int, now: datetime) -> None:
        """Let a question be claimed."""
        assert case.view is not None
        self.line(case.asked).remove(case.view, now)
        case.claimed_by = person

    def put_back(self, case: Case, now: datetime) -> None:
        """Let a question wait again after its claim ended."""
        assert case.view is not None
        case.claimed_by = None
        self.line(case.asked).add(case.view, now)

    def answer(self, case: Case, now: datetime) -> None:
        """Take in an answer: the rate and the calibration learn from it."""
        self.line(case.asked).answers += 1
        if case.first_answer_at is None:
            case.first_answer_at = now
            self.calibrators[case.is_express].add(self._score(case, now))
        case.kept = case.kept and now <= case.due
        case.answered_by, case.claimed_by, case.answered_at = case.claimed_by, None, now
        self.unanswered.pop(case.asked.id, None)

    def redo(self, case: Case, now: datetime) -> None:
        """Queue a question anew for somebody else; the time of the dispute is added to its due."""
        assert case.view is not None
        assert case.answered_at is not None
        assert case.answered_by is not None
        case.due += now - case.answered_at
        case.answered_at = None
        case.view = replace(
            case.view,
            excluded=case.view.excluded | {case.answered_by},
            urgent_from=self._urgent_from(case, self.policy.urgency),
        )
        self._press(case)
        self.put_back(case, now)

    def give_up(self, case: Case, now: datetime) -> None:
        """Take a question out for good, two days after its promise."""
        assert case.view is not None
        self.line(case.asked).remove(case.view, now)
        self.unanswered.pop(case.asked.id, None)
        case.kept = False

    def _score(self, case: Case, now: datetime) -> float:
        reading = self.line(case.asked).clock.cum(now)
        return score(posted=case.quote.reading, answered=reading, base_h=case.quote.base_h)

    def refresh(self, now: datetime) -> None:
        """Calculate rates and factors anew; the product keeps them for an hour."""
        for line in self.lines.values():
            line.count(now)
        for is_express, calibrator in self.calibrators.items():
            if is_express and not self.policy.express:
                continue
            mine = (case for case in self.unanswered.values() if case.is_express is is_express)
            value = calibrator.factor([self._score(case, now) for case in mine])
            self.factors[is_express] = Factor(value, len(calibrator.scores))
        self.offered = [one for one in self.offered if one[0] > now - WEEK]

    def new_week(self) -> None:
        """Recompute the peaks, if they are learned."""
        if self.scenario.learned:
            self.peaks = PeakMap(classify(self.profile, self.peaks.cells, {}), self.zone)

    def minutes_an_hour(self, now: datetime) -> float:
        """Return the work asked for in the mean hour of the last two weeks, in minutes."""
        while self._lately and self._lately[0][0] <= now - LATELY:
            self._minutes -= self._lately.popleft()[1]
        return minutes_an_hour(self._minutes, now - self.scenario.start)

    def expected(self) -> tuple[float, ...]:
        """Return the arrivals by hour of the week, relative to the mean, as the site has seen them."""
        if self._expected is None or self._expected[0] is not self.profile:
            self._expected = self.profile, self.profile.week_rel()
        return self._expected[1]


def _opens_at(person: Person, at: datetime) -> datetime | None:
    """Return the first instant from `at` on in the person's declared hours."""
    index = bisect_right(person.open, at, key=attrgetter("end"))
    return max(at, person.open[index].start) if index < len(person.open) else None
