"""What is tried out: a site of some size, its dials, and what happens to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from upss.forum.rules.invite import PRESS
from upss.forum.rules.policy import Mode, Policy
from upss.kernel.errors import DomainError
from upss.simulation.profile import PEAK_CELLS, REFERENCE, WEEK

if TYPE_CHECKING:
    from upss.simulation.site import Site

WARM_UP_WEEKS = 6
FINISH_WEEKS = 1
SLOTS = 0.6  # a guess: of own visits to an invented site
_EVENT = re.compile(r"(\d+(?:\.\d+)?)@(\d+):(\d+)")


class BadScenario(DomainError):
    """The fact `option` cannot be read or is out of its range; the fact `wanted` says what can be."""

    code = "bad_scenario"


class Dispatch(StrEnum):
    """How answerers hear of questions."""

    PACED = "paced"  # invitations by the rules
    NONE = "none"  # they look by themselves
    ALL = "all"  # everybody who could answer, at every question
    DIGEST = "digest"  # everybody who could answer, when a peak ends


@dataclass(frozen=True, slots=True)
class Event:
    """Something of this size in judged weeks `first` up to, not including, `end`; 1 is the first."""

    size: float
    first: int
    end: int

    @classmethod
    def parse(cls, option: str, text: str) -> Self:
        """Read `1.6@10:12`; raise `BadScenario`."""
        found = _EVENT.fullmatch(text)
        event = cls(float(found[1]), int(found[2]), int(found[3])) if found else None
        if event is None or not 1 <= event.first < event.end:
            raise BadScenario(option=option, wanted="size@first week:week after, as 1.6@10:12")
        return event

    def covers(self, week: int) -> bool:
        """Tell whether the event is on in judged week `week`."""
        return self.first <= week < self.end


# Runs 1, 3 and 4 of the goals: what is judged apart is off.
PLAIN = Policy(stagger=timedelta(0), continuity=timedelta(0), express=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """One run. `slots` is the share of own visits that follow suggested quiet hours.

    What is urgent may be claimed in a peak; people are called for it, in a peak or at its end, only
    once `press` times that urgency is reached (1: at once). `guess` is how many answers the organizer expects of a declared hour, before any was given.
    """

    answerers: int = 60
    per_week: float = 350.0
    weeks: int = 15
    warm_up: int = WARM_UP_WEEKS
    topics: int = 8
    languages: int = 1
    policy: Policy = field(default=PLAIN)
    dispatch: Dispatch = Dispatch.PACED
    slots: float = SLOTS
    learned: bool = False
    quiet_hours: bool = False
    caps: bool = True
    express_share: float = 0.0
    guess: float | None = None
    press: float = PRESS
    surge: Event | None = None
    away: Event | None = None
    start: datetime = datetime(2026, 1, 4, 23, tzinfo=UTC)  # a Monday, 0 o'clock in `zone`
    zone: str = "Europe/Madrid"
    site: Site | None = None  # a real one, in place of the invented people and questions

    def __post_init__(self) -> None:
        ranges = {
            "answerers": (1 <= self.answerers <= 2000, "1 to 2000"),
            "per-week": (0 < self.per_week <= 20_000, "more than 0, up to 20000"),
            "weeks": (1 <= self.weeks <= 104, "1 to 104"),
            "warm-up": (0 <= self.warm_up <= 52, "0 to 52"),
            "topics": (1 <= self.topics <= 50, "1 to 50"),
            "languages": (1 <= self.languages <= 2, "1 or 2"),
            "urgency": (0 <= self.policy.urgency <= 1, "0 to 1"),
            "slots": (0 <= self.slots <= 1, "0 to 1"),
            "express": (0 <= self.express_share <= 1, "0 to 1"),
            "press": (0 <= self.press <= 1, "0 to 1"),
            "guess": (self.guess is None or self.guess > 0, "more than 0"),
            "away": (self.away is None or self.away.size <= 1, "a share of 0 to 1"),
        }
        for option, (is_fine, wanted) in ranges.items():
            if not is_fine:
                raise BadScenario(option=option, wanted=wanted)

    @property
    def rel(self) -> tuple[float, ...]:
        """The arrivals of each hour of the week, 1.0 being the mean hour's."""
        return self.site.rel if self.site else REFERENCE

    @property
    def peaks(self) -> frozenset[int]:
        """The hours of the week that are a peak, unless they are learned."""
        return self.site.peaks if self.site else PEAK_CELLS

    @property
    def judged_from(self) -> datetime:
        """When warm-up ends."""
        return self.start + self.warm_up * WEEK

    @property
    def judged_until(self) -> datetime:
        """When the judged weeks end."""
        return self.judged_from + self.weeks * WEEK

    @property
    def end(self) -> datetime:
        """When the last question arrives; what waits then is still seen to its end."""
        return self.judged_until + FINISH_WEEKS * WEEK

    def judged_week(self, at: datetime) -> int:
        """Return the judged week of `at`; 1 is the first, less is warm-up."""
        return (at - self.judged_from) // WEEK + 1

    def turned(self, **dials: object) -> Scenario:
        """Return the scenario with other dials of the policy."""
        return replace(self, policy=replace(self.policy, **dials))  # type: ignore[arg-type]


def baselines(scenario: Scenario) -> dict[str, Scenario]:
    """Return the naive ways of running the same site, by name."""
    naive = replace(
        scenario.turned(
            mode=Mode.OPEN, stagger=timedelta(0), continuity=timedelta(0), express=False
        ),
        slots=0.0,
        express_share=0.0,
    )
    return {
        "pull FIFO, no windows": replace(naive, dispatch=Dispatch.NONE),
        "push to all": replace(naive, dispatch=Dispatch.ALL),
        "hard gate": replace(naive.turned(mode=Mode.STRICT), dispatch=Dispatch.DIGEST),
        "open, paced": replace(scenario.turned(mode=Mode.OPEN), slots=0.0),
        "open, paced, slots": scenario.turned(mode=Mode.OPEN),
    }
