"""A real site to be tried out instead of an invented one: its week, its people, its questions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from upss.forum.rules.hours import Hours
from upss.simulation.scenario import Scenario

if TYPE_CHECKING:
    from upss.forum.rules.policy import Policy


@dataclass(frozen=True, slots=True)
class Answerer:
    """Somebody who answers; `cap_minor` is what may be earned in 30 days, None without a limit."""

    topics: tuple[str, ...]
    languages: tuple[str, ...]
    hours: Hours
    cap_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One size of answer: its minutes, what an answer earns in minor units, how many buy it."""

    minutes: int
    share_minor: int
    weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What is taken from the real site; all else is the model's.

    `rel` are the arrivals of each hour of the week, 1.0 being the mean hour's, `peaks` those in
    force. `places` are the chances of each (topic, language).
    """

    zone: str
    per_week: float
    rel: tuple[float, ...]
    peaks: frozenset[int]
    people: tuple[Answerer, ...]
    places: tuple[tuple[str, str, float], ...]
    offers: tuple[Offer, ...]
    guess: float

    def scenario(self, policy: Policy, *, weeks: int) -> Scenario:
        """Return the scenario in which this site is run by `policy`.

        Nobody follows suggested hours: whether people do is to be seen on the site itself.
        """
        return Scenario(
            answerers=len(self.people),
            per_week=self.per_week,
            weeks=weeks,
            topics=len({topic for topic, _language, _weight in self.places}),
            policy=policy,
            slots=0.0,
            quiet_hours=True,
            guess=self.guess,
            zone=self.zone,
            site=self,
        )

    def placed_in(self, scenario: Scenario) -> Scenario:
        """Return a scenario of the command line on this site: its dials and events stay."""
        own = self.scenario(scenario.policy, weeks=scenario.weeks)
        kept = {"learned", "surge", "away", "slots", "press", "express_share", "caps", "dispatch"}
        return replace(own, **{name: getattr(scenario, name) for name in kept})

    def place(self, rng: Random) -> tuple[str, str]:
        """Draw the topic and language of a question."""
        chances = list(accumulate(weight for _topic, _language, weight in self.places))
        topic, language, _weight = rng.choices(self.places, cum_weights=chances)[0]
        return topic, language

    def offer(self, rng: Random) -> Offer:
        """Draw the size of answer that an asker buys."""
        return rng.choices(self.offers, [offer.weight for offer in self.offers])[0]
