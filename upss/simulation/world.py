"""The invented people: who asks when and what, who answers when and how fast.

Every concern draws from a stream of its own, made of the seed and a name, so that two policies
meet the same questions and the same people. The parameters are invented; what they can show is
the difference between policies, not what a real site will see.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from math import exp
from random import Random

from upss.forum.rules.hours import Hours, available, quiet_time
from upss.forum.rules.windows import Interval, Window
from upss.simulation.profile import HOUR, WEEK, Calendar
from upss.simulation.scenario import Scenario
from upss.simulation.site import Answerer

TOPIC_SKEW = 0.8
SIZES = (10, 20, 40)  # minutes that a price buys
SIZE_WEIGHTS = (0.40, 0.45, 0.15)
PRICES = (800, 1400, 2700)  # minor units: 13.6 on average
ANSWERER_SHARE = 0.80
CURRENCY = "EUR"
WORK_MEAN = 18 / 19  # of the size
WORK_SIGMA = 0.504  # with that of the sizes: 0.7
PACE_SIGMA = 0.25
ACTIVE_DAYS = 0.75
ABROAD = 0.15
VISITS_A_WEEK = 0.45 * 7
CAPPED = 0.5
CAPS = (20_000, 45_000)  # minor units in any CAP_DAYS days
CAP_DAYS = 30
SECOND_LANGUAGE = 0.3
LANGUAGES = ("es", "ca")
TAIL = 6 * WEEK  # after the last question: time for what is still open
_ZONES_ABROAD = ("America/New_York", "America/Bogota", "Asia/Kolkata", "Asia/Tokyo")
# the blocks of a day that people declare (start and length in hours), and how many do: all
# together the busiest hour has twice the mean one
_BLOCKS = ((6, 3), (9, 5), (14, 4), (17, 4), (19, 4), (23, 3))
_BLOCK_WEIGHTS = (0.12, 0.20, 0.12, 0.25, 0.23, 0.08)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as its asker brings it: offered at `at`, paid `pays_after` later.

    Minor units of `CURRENCY`; `minutes` is the size of answer that the price buys.
    """

    id: int
    at: datetime
    pays_after: timedelta
    topic: str
    language: str
    minutes: int
    share_minor: int
    asker_id: int
    wants_previous: bool
    wants_express: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who answers; `open` and `quiet` are `hours` laid out over the whole run.

    `visits` are two draws for each own visit, by week: does it follow a suggested slot, and where
    in the week it falls. `cap_minor` is what may be earned in 30 days.
    """

    id: int
    topics: tuple[str, ...]
    languages: tuple[str, ...]
    hours: Hours
    pace: float
    cap_minor: int | None
    is_away: bool
    open: tuple[Interval, ...]
    quiet: tuple[Interval, ...]
    visits: tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, slots=True)
class World:
    """What no policy changes."""

    seed: int
    scenario: Scenario
    calendar: Calendar
    asked: tuple[Asked, ...]
    people: tuple[Person, ...]

    def stream(self, concern: str) -> Random:
        """Return the draws of one concern, the same ones in every run of the seed."""
        return Random(f"{self.seed}:{concern}")  # noqa: S311 - a model, no secret


def make_world(scenario: Scenario, calendar: Calendar, seed: int) -> World:
    """Draw the people and the questions of one seed."""
    empty = World(seed, scenario, calendar, (), ())
    people = _people(empty)
    return World(seed, scenario, calendar, tuple(_questions(empty)), people)


def topic_shares(count: int) -> tuple[float, ...]:
    """Return the share of the questions that each topic gets, the greatest first (Zipf)."""
    raw = [1 / rank**TOPIC_SKEW for rank in range(1, count + 1)]
    return tuple(share / sum(raw) for share in raw)


def topic_names(count: int) -> tuple[str, ...]:
    """Return the names of the topics, the most asked first."""
    return tuple(f"topic-{number}" for number in range(1, count + 1))


def draw(rng: Random, cumulative: list[float]) -> int:
    """Return an index with the chances whose running sums are given."""
    return bisect(cumulative, rng.random() * cumulative[-1], 0, len(cumulative) - 1)


def _questions(world: World) -> list[Asked]:
    scenario, arrivals, traits = world.scenario, world.stream("arrivals"), world.stream("questions")
    shares = list(accumulate(topic_shares(scenario.topics)))
    names, sizes = topic_names(scenario.topics), list(accumulate(SIZE_WEIGHTS))
    found: list[Asked] = []
    for at in _arrivals(world, arrivals):
        if scenario.site:
            offer, (topic, language) = scenario.site.offer(traits), scenario.site.place(traits)
            minutes, share_minor = offer.minutes, offer.share_minor
        else:
            size = draw(traits, sizes)
            price = PRICES[size] * traits.uniform(0.85, 1.15)
            topic = names[draw(traits, shares)]
            second = traits.random() < SECOND_LANGUAGE and scenario.languages > 1
            language, minutes = LANGUAGES[second], SIZES[size]
            share_minor = round(price * ANSWERER_SHARE)
        found.append(
            Asked(
                id=len(found) + 1,
                at=at,
                pays_after=timedelta(minutes=min(55.0, traits.expovariate(1 / 5))),
                topic=topic,
                language=language,
                minutes=minutes,
                share_minor=share_minor,
                asker_id=100_000 + int(traits.random() * 3 * scenario.per_week),
                wants_previous=traits.random() < 0.30,
                wants_express=traits.random() < scenario.express_share,
            )
        )
    return found


def _arrivals(world: World, rng: Random) -> list[datetime]:
    """Return the times of a Poisson process that follows the reference week and the surge."""
    scenario, cells = world.scenario, world.calendar.cells
    hours = (scenario.end - scenario.start) // HOUR
    mean = scenario.per_week / len(scenario.rel)
    times: list[datetime] = []
    left = rng.expovariate(1.0)
    for number in range(hours):
        begin = scenario.start + number * HOUR
        rate = mean * scenario.rel[cells[number]]
        if scenario.surge and scenario.surge.covers(scenario.judged_week(begin)):
            rate *= scenario.surge.size
        passed = 0.0
        while left <= rate * (1 - passed):
            passed += left / rate
            times.append(begin + passed * HOUR)
            left = rng.expovariate(1.0)
        left -= rate * (1 - passed)
    return times


def _people(world: World) -> tuple[Person, ...]:
    scenario = world.scenario
    away = _away(world)
    if scenario.site:
        return tuple(
            _real_person(world, number, one, away)
            for number, one in enumerate(scenario.site.people)
        )
    skills = _skills(world)
    return tuple(
        _person(world, number, skills[number], away) for number in range(scenario.answerers)
    )


def _away(world: World) -> frozenset[int]:
    """Choose who is away, unannounced, while the scenario says so."""
    numbers = list(range(world.scenario.answerers))
    world.stream("away").shuffle(numbers)
    share = world.scenario.away.size if world.scenario.away else 0.0
    return frozenset(numbers[: round(share * len(numbers))])


def _skills(world: World) -> list[tuple[str, ...]]:
    """Give each person one to three topics, recruited as the questions fall.

    The first topics are dealt so that every topic gets its share of people, two at the least if
    there are enough; the others are drawn.
    """
    scenario, rng = world.scenario, world.stream("skills")
    names, shares = topic_names(scenario.topics), topic_shares(scenario.topics)
    taught = dict.fromkeys(names, 0.0)
    chances = list(accumulate(shares))
    skills: list[tuple[str, ...]] = []
    for _ in range(scenario.answerers):
        wanted = 1 + draw(rng, [0.3, 0.75, 1.0])
        scarce = min(range(len(names)), key=lambda i: (taught[names[i]] + 0.5) / shares[i])
        mine = [names[scarce]]
        while len(mine) < min(wanted, len(names)):
            other = names[draw(rng, chances)]
            if other not in mine:
                mine.append(other)
        for name in mine:
            taught[name] += 1 / len(mine)
        skills.append(tuple(mine))
    return skills


def _person(world: World, number: int, topics: tuple[str, ...], away: frozenset[int]) -> Person:
    scenario, rng = world.scenario, world.stream(f"person:{number}")
    both = rng.random()
    abroad, zone_draw = rng.random(), rng.random()
    pace = exp(rng.gauss(0, PACE_SIGMA) - PACE_SIGMA**2 / 2)
    capped, cap = rng.random(), CAPS[rng.random() < 0.5]
    zone = _ZONES_ABROAD[int(zone_draw * 4)] if abroad < ABROAD else scenario.zone
    hours = Hours(
        windows=_windows(rng),
        zone=zone,
        quiet_end_min=8 * 60 if scenario.quiet_hours else 22 * 60,
        daily_minutes=rng.choice((60, 90, 120, 150, 180)),
    )
    until = scenario.end + TAIL
    return Person(
        id=number + 1,
        topics=topics,
        languages=_languages(both, scenario.languages),
        hours=hours,
        pace=pace,
        cap_minor=cap if scenario.caps and capped < CAPPED else None,
        is_away=number in away,
        open=available(hours, scenario.start, until),
        quiet=quiet_time(hours, scenario.start, until),
        visits=_visits(rng, (until - scenario.start) // WEEK),
    )


def _real_person(world: World, number: int, one: Answerer, away: frozenset[int]) -> Person:
    """Return somebody of the real site, whose pace and visits are drawn."""
    scenario, rng = world.scenario, world.stream(f"person:{number}")
    pace = exp(rng.gauss(0, PACE_SIGMA) - PACE_SIGMA**2 / 2)
    until = scenario.end + TAIL
    return Person(
        id=number + 1,
        topics=one.topics,
        languages=one.languages,
        hours=one.hours,
        pace=pace,
        cap_minor=one.cap_minor if scenario.caps else None,
        is_away=number in away,
        open=available(one.hours, scenario.start, until),
        quiet=quiet_time(one.hours, scenario.start, until),
        visits=_visits(rng, (until - scenario.start) // WEEK),
    )


def _languages(draw_of_person: float, languages: int) -> tuple[str, ...]:
    if languages == 1 or draw_of_person < 0.35:
        return LANGUAGES[:1]
    return LANGUAGES if draw_of_person < 0.85 else LANGUAGES[1:]


def _windows(rng: Random) -> tuple[Window, ...]:
    """Draw two or three blocks of the day, on three days of four."""
    chances = list(accumulate(_BLOCK_WEIGHTS))
    blocks: set[int] = set()
    wanted = 2 + (rng.random() < 0.5)
    while len(blocks) < wanted:
        blocks.add(draw(rng, chances))
    days = [day for day in range(7) if rng.random() < ACTIVE_DAYS] or [rng.randrange(7)]
    return tuple(
        Window(day, _BLOCKS[block][0] * 60, _BLOCKS[block][1] * 60)
        for day in days
        for block in sorted(blocks)
    )


def _visits(rng: Random, weeks: int) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Draw a Poisson number of visits for each week."""
    found: list[tuple[tuple[float, float], ...]] = []
    for _ in range(weeks):
        visits: list[tuple[float, float]] = []
        left = rng.expovariate(VISITS_A_WEEK)
        while left < 1:
            visits.append((rng.random(), rng.random()))
            left += rng.expovariate(VISITS_A_WEEK)
        found.append(tuple(visits))
    return tuple(found)
