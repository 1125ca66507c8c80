"""The capacity clock of one topic and language, from all that its people have ever declared.

What somebody declares counts from that moment on, and so does an approval or a closed date: the
past of the clock never changes, so that readings which were stored stay true.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import TypeVar

from upss.forum.rules.capacity import Availability, CapacityClock
from upss.forum.rules.declared import Declared
from upss.forum.rules.hours import available

Fact = TypeVar("Fact")
Since = tuple[tuple[datetime, Fact], ...]  # facts with the time from which each holds, in order

_when = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Person:
    """One answerer: what they declared, in which topics they were approved, when they took no work.

    `unpaid` says from when on they may take no paid work (True), or may again.
    """

    declared: Since[Declared]
    approved: Since[str]
    unpaid: Since[bool] = ()

    @property
    def is_unpaid(self) -> bool:
        """Whether they take no paid work by the newest that is known."""
        return bool(self.unpaid) and self.unpaid[-1][1]


@lru_cache(maxsize=512)
def topic_clock(
    people: tuple[Person, ...],
    closed: Since[frozenset[date]],
    place: tuple[str, str],
    span: tuple[datetime, datetime],
    base: float,
) -> CapacityClock:
    """Return the clock of `place` (topic, language) over `span`; it shows `base` at its start.

    `closed` are the site's closed dates. The same facts give the very same clock, made once.
    """
    start, end = span
    shares = (share for person in people for share in _shares(person, closed, place, start, end))
    return CapacityClock.build(shares, start, end, base)


def _shares(
    person: Person,
    closed: Since[frozenset[date]],
    place: tuple[str, str],
    start: datetime,
    end: datetime,
) -> Iterator[Availability]:
    """Yield what of one person's time the place may expect, a piece for each change of a fact."""
    topic, language = place
    known = (person.declared, person.approved, person.unpaid, closed)
    changes = {at for facts in known for at, _fact in facts}
    cuts = sorted({start, end, *(at for at in changes if start < at < end)})
    for since, until in pairwise(cuts):
        declared = _newest(person.declared, since)
        if declared is None or not declared.serves(topic, language):
            continue
        if _newest(person.unpaid, since):
            continue
        approved = {name for at, name in person.approved if at <= since} - declared.topics_off
        if topic in approved:
            weight = 1 / (len(approved) * len(declared.languages))
            days = _newest(closed, since) or frozenset()
            yield Availability(available(declared.hours, since, until, days), weight)


def _newest(facts: Sequence[tuple[datetime, Fact]], at: datetime) -> Fact | None:
    """Return the fact that holds at `at`, None if there was none yet."""
    index = bisect_right(facts, at, key=_when)
    return facts[index - 1][1] if index else None
