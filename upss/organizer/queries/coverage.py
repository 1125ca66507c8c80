"""Topics by language: who answers, for how many hours, what waits, and what would be promised now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from upss.forum import queries_offpeak
from upss.forum.models import Question
from upss.forum.rules.hours import available, is_away
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.promising import NoCapacity, Quote, quote
from upss.forum.rules.timers import OFFER
from upss.site.models import Topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session

    from upss.forum.queries_offpeak import Declarations, Place
    from upss.forum.rules.declared import Declared
    from upss.forum.rules.dials import Dials

_HOUR = timedelta(hours=1)
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Row:
    """One topic in one language. `hours` are declared ones of the coming week, of all its people.

    `away` of the people take nothing now. `by` is what a question offered now would be promised,
    None if nothing can be.
    """

    topic: str
    language: str
    people: int
    away: int
    hours: float
    waiting: int
    by: datetime | None

    @property
    def is_alarm(self) -> bool:
        """Whether something waits that nobody is there for."""
        return self.waiting > 0 and self.people == self.away


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every open topic in every language."""

    rows: Sequence[Row]

    @property
    def empty(self) -> list[str]:
        """Topics in which nobody is there now, in any language."""
        topics = dict.fromkeys(row.topic for row in self.rows)
        served = {row.topic for row in self.rows if row.people > row.away}
        return [topic for topic in topics if topic not in served]

    @property
    def unsold(self) -> list[str]:
        """Topics in which nothing can be promised, in any language."""
        topics = dict.fromkeys(row.topic for row in self.rows)
        sold = {row.topic for row in self.rows if row.by is not None}
        return [topic for topic in topics if topic not in sold]

    @property
    def nobody(self) -> list[tuple[str, list[str]]]:
        """Topics with the languages in which nobody answers them and nothing waits."""
        found: dict[str, list[str]] = {}
        for row in self.rows:
            if not (row.people or row.waiting):
                found.setdefault(row.topic, []).append(row.language)
        return list(found.items())


def coverage(
    session: Session, dials: Dials, languages: Sequence[str], *, now: datetime, site_zone: str
) -> Coverage:
    """Return how each topic is served in each language; eight statements."""
    topics = session.scalars(select(Topic.code).where(Topic.is_open).order_by(Topic.position)).all()
    places = [(topic, language) for topic in topics for language in languages]
    known, waiting = queries_offpeak.desks(session), _waiting(session)
    desks = {each: known.get(each) or queries_offpeak.new_desk(each, now) for each in places}
    since = min((desk.clock_start for desk in desks.values()), default=now)
    declared = queries_offpeak.declarations(session, since, site_zone)
    factor = queries_offpeak.factor(session)
    at = now + OFFER  # as an asker would be promised it

    def promised(place: Place) -> Quote | NoCapacity:
        desk = desks[place]
        return quote(
            now=at,
            clock=declared.clock(desk, at),
            n_ahead=waiting.get(place, 0),
            rate=desk.rate(dials),
            factor=factor.value,
            n_scores=factor.n_scores,
            policy=dials.policy,
        )

    hours = _Hours(declared, now, dials)
    return Coverage([hours.row(each, waiting.get(each, 0), promised(each)) for each in places])


@dataclass(frozen=True, slots=True)
class _Hours:
    declared: Declarations
    now: datetime
    dials: Dials

    def row(self, place: Place, waiting: int, promise: Quote | NoCapacity) -> Row:
        serving = list(self._serving(place))
        return Row(
            *place,
            people=len(serving),
            away=sum(not works or is_away(each.hours, self.now) for each, works in serving),
            hours=sum(self._in_a_week(each) for each, works in serving if works),
            waiting=waiting,
            by=promise.by if isinstance(promise, Quote) else None,
        )

    def _serving(self, place: Place) -> Iterator[tuple[Declared, bool]]:
        """Yield what everybody of the place declares, and whether they take paid work.

        Who does not looks here like somebody who is away: it can reveal a pension or an illness.
        """
        topic, language = place
        for person in self.declared.people:
            newest = person.declared[-1][1]
            if newest.serves(topic, language) and topic in {name for _at, name in person.approved}:
                yield newest, not person.is_unpaid

    def _in_a_week(self, declared: Declared) -> float:
        until = self.now + _WEEK
        open_time = available(declared.hours, self.now, until, self.dials.closed)
        return sum((each.end - each.start) / _HOUR for each in open_time)


def _waiting(session: Session) -> dict[Place, int]:
    rows = session.execute(
        select(Question.topic, Question.language, func.count().label("number"))
        .where(Question.status == Status.QUEUED)
        .group_by(Question.topic, Question.language)
    )
    return {(str(row.topic), row.language): row.number for row in rows}
