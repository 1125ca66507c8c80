"""How long a promise takes: the rule on a clock of many people, and the offer through the service."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from bench.claiming import CLOCK, QUEUE
from bench.processes import connected, side_by_side
from bench.race import spread
from bench.waiting import ASKER, NOW, ZONE, Site
from upss.db.work import UnitOfWork
from upss.flow import HANDLERS
from upss.forum.queries_offpeak import Declarations, Desk
from upss.forum.rules.declared import Declared
from upss.forum.rules.hours import Hours
from upss.forum.rules.policy import Policy
from upss.forum.rules.promising import Calibrator, Quote, TopicRate, quote
from upss.forum.rules.topic_clock import Person
from upss.forum.rules.windows import Window
from upss.forum.service import asking
from upss.kernel.ids import QuestionId

PLACE = ("home", "en")
# Answers that an hour of one person brings, so high that the last in the queue is promised too.
RATE = TopicRate(completions=400, exposure_h=100)
FACTOR, SCORES = 1.1, 400
CALLS, BATCHES = 100, 12  # a figure is the mean of the fastest batch: others ran beside something
STARTED = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Crowd:
    """So many answerers with so many questions ahead; the figures of each round."""

    answerers: int
    questions: int
    quote_us: list[float]
    clock_ms: list[float]
    factor_ms: list[float]

    def measure(self, seed: int) -> None:
        """Take one figure of each kind."""
        chance = random.Random(seed)
        declared = Declarations(_people(self.answerers, chance), ())
        desk = Desk(PLACE, STARTED, 0.0, 0.0, 0.0, STARTED)
        begun = time.perf_counter()
        clock = declared.clock(desk, NOW)
        self.clock_ms.append((time.perf_counter() - begun) * 1000)
        moments = [NOW + timedelta(seconds=chance.randrange(86_400)) for _ in range(CALLS)]
        policy = Policy()

        def promise() -> list[object]:
            return [
                quote(
                    now=now, clock=clock, n_ahead=self.questions, rate=RATE, factor=FACTOR,
                    n_scores=SCORES, policy=policy,
                )
                for now in moments
            ]  # fmt: skip

        if not all(isinstance(each, Quote) for each in promise()):
            raise RuntimeError("nothing could be promised: it would not be the whole calculation")
        self.quote_us.append(min(_took(promise) for _ in range(BATCHES)) / CALLS * 1e6)
        kept = Calibrator(scores=[chance.lognormvariate(-0.7, 0.4) for _ in range(SCORES)])  # type: ignore[arg-type]
        open_scores = [chance.lognormvariate(-0.7, 0.4) for _ in range(self.questions)]
        self.factor_ms.append(_took(lambda: kept.factor(open_scores)) * 1000)

    def summary(self) -> Mapping[str, object]:
        """Return the raw figures with medians and spread."""
        return {
            "answerers": self.answerers,
            "questions": self.questions,
            "quote_us": spread(self.quote_us),
            "clock_ms": spread(self.clock_ms),
            "factor_ms": spread(self.factor_ms),
        }


def measure(sizes: tuple[tuple[int, int], ...], rounds: int) -> list[Crowd]:
    """Measure each number of answerers and questions in turn, round by round."""
    crowds = [Crowd(answerers, questions, [], [], []) for answerers, questions in sizes]
    for seed in range(rounds):
        for crowd in crowds:
            crowd.measure(seed)
    return crowds


def growth(small: Crowd, large: Crowd) -> list[float]:
    """Return how much longer a promise takes in the larger crowd, for each round."""
    return [many / few for few, many in zip(small.quote_us, large.quote_us, strict=True)]


def _took(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _people(number: int, chance: random.Random) -> tuple[Person, ...]:
    """Return people with a window of their own on every day, beginning at any minute."""
    return tuple(
        Person(
            declared=((STARTED, Declared(_hours(chance), frozenset({PLACE[1]}))),),
            approved=((STARTED, PLACE[0]),),
        )
        for _ in range(number)
    )


def _hours(chance: random.Random) -> Hours:
    return Hours(
        tuple(Window(day, chance.randrange(8 * 60, 18 * 60), 240) for day in range(7)), ZONE
    )


DESKS = """
INSERT INTO topic_desk SELECT code, language, '2026-11-01Z'::timestamptz, 0, 400, 100,
    '2026-11-22T10:00Z'::timestamptz
  FROM topic, unnest('{en,es,ca}'::text[]) language;
INSERT INTO calibration VALUES (1, 1.1, 400, '2026-11-22T10:00Z');
"""
DRAFTS = """
INSERT INTO question (id, public_id, asker_id, status, language, topic, size, title, body,
    created_at, updated_at) OVERRIDING SYSTEM VALUE
  SELECT 100000000 + n, 'draft' || lpad(n::text, 11, '0'), %s, 'draft', 'en', 'home', 'small',
    'Can I return a fridge that arrived damaged?',
    'It has a dent in the door and does not close well.', %s, %s FROM generate_series(1, %s) n
"""
FIRST_DRAFT = 100_000_001


def offer_ms(site: Site, offers: int) -> list[float]:
    """Return the milliseconds of each of so many offers made through the service."""
    with psycopg.connect(site.server.admin(site.database)) as admin:
        admin.execute(DESKS)
        admin.execute(DRAFTS, (ASKER, NOW, NOW, offers + 1))

    def offer(_worker: int, _start: object) -> list[float]:
        with connected(site.url):
            return [_offer(QuestionId(FIRST_DRAFT + number)) for number in range(offers + 1)]

    (took,) = side_by_side(1, offer)
    return took[1:]  # the first one prepares the statements and the clock


def _offer(question: QuestionId) -> float:
    begun = time.perf_counter()
    with UnitOfWork(CLOCK, QUEUE, HANDLERS, ZONE) as uow:
        asking.make_offer(uow, question_id=question)
        uow.commit()
    return (time.perf_counter() - begun) * 1000
