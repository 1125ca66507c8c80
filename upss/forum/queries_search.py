"""What one person may be offered at one moment, as conditions and a statement for the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    String,
    and_,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union,
)
from sqlalchemy.orm import defer

from upss.forum.models import Question
from upss.forum.rules.dials import Dials
from upss.forum.rules.policy import Mode
from upss.forum.rules.pricing import MINUTES
from upss.forum.rules.queue import AnswererView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, FromClause, Select

MOST_TOLD = 100  # of more questions than these a page says only that there are more
AT_ONCE = 20
_NEVER = literal_column("false", Boolean)  # `false()` would fold away what stands beside it
_IS_QUEUED = Question.status == literal_column("'queued'")  # as the partial indexes have it


@dataclass(frozen=True, slots=True)
class Search:
    """What one person may be offered at one moment, as conditions for the database."""

    person: AnswererView
    dials: Dials
    now: datetime
    is_peak: bool
    places: Sequence[tuple[str, str]]

    def statement(self, after: tuple[datetime, int] | None) -> Select[Any]:
        """Select counts and the next questions in a row, each with both counts.

        Each place (a topic in a language) is read along its index, and no further than is needed.
        """
        place = self._places()
        key = (Question.paid_at, Question.id)
        may = (*self._matches(place), self._is_open())
        head = (
            select(*key)
            .where(*may, tuple_(*key) > after if after else ~_NEVER)
            .order_by(*key)
            .limit(AT_ONCE)
            .lateral("head")
        )
        heads = (
            select(head.c.id)
            .select_from(place.join(head, true()))
            .order_by(head.c.paid_at, head.c.id)
            .limit(AT_ONCE)
        )
        express = (
            select(Question.id)
            .where(*may, Question.is_express)
            .order_by(*key)
            .limit(AT_ONCE)
            .lateral("express")
        )
        first = select(express.c.id).select_from(place.join(express, true()))
        mine = (
            select(Question.id)
            .where(
                *may,
                Question.reserved_for == self.person.id,
                self._is_kept(),
            )
            .limit(AT_ONCE)
        )
        wanted = union(heads.subquery().select(), first, mine.subquery().select()).subquery()
        counts = select(
            self._count(self._is_open()).label("others"),
            self._count(self._waits()).label("held_back"),
        ).subquery()
        return (
            select(counts, Question)
            .select_from(counts)
            .outerjoin(wanted, true())
            .outerjoin(Question, Question.id == wanted.c.id)
            .options(defer(Question.body))
        )

    def _places(self) -> FromClause:
        topics, languages = ([*each] for each in zip(*self.places, strict=True))
        return (
            func.unnest(cast(topics, ARRAY(String)), cast(languages, ARRAY(String)))
            .table_valued("topic", "language")
            .render_derived(name="place")
        )

    def _count(self, condition: ColumnElement[bool]) -> ColumnElement[int]:
        place = self._places()
        some: Select[Any] = (
            select(literal_column("1"))
            .select_from(place)
            .join(Question, and_(*self._matches(place), condition))
            .limit(MOST_TOLD + 1)
        )
        return select(func.count()).select_from(some.subquery()).scalar_subquery()

    def _matches(self, place: FromClause) -> list[ColumnElement[bool]]:
        """Return what holds at any hour: the place, the person, their day, somebody's head start."""
        person, is_kept = self.person, self._is_kept()
        left = person.daily_minutes - person.minutes_today
        return [
            _IS_QUEUED,
            Question.topic == place.c.topic,
            Question.language == place.c.language,
            Question.asker_id != person.id,
            Question.id.not_in(sorted(person.skipped)),
            Question.size.in_([size for size, minutes in MINUTES.items() if minutes <= left]),
            or_(Question.reserved_for.is_(None), ~is_kept, Question.reserved_for == person.id),
            or_(~self._is_staggered(), and_(Question.reserved_for == person.id, is_kept)),
        ]

    def _is_open(self) -> ColumnElement[bool]:
        """Return the condition that a waiting question may be taken now, as `queue.waits` says."""
        mode = self.dials.policy.mode
        if mode is Mode.OPEN:
            return ~_NEVER
        quiet = _NEVER if self.is_peak else Question.released_at <= self.now
        at_once = Question.is_express
        return quiet | at_once if mode is Mode.STRICT else quiet | at_once | self._is_urgent()

    def _waits(self) -> ColumnElement[bool]:
        """Return the contrary. Outside a peak its first part finds by an index that nothing does."""
        if self.is_peak:
            return ~self._is_open()
        return and_(Question.released_at > self.now, ~self._is_open())

    def _is_urgent(self) -> ColumnElement[bool]:
        return Question.urgent_at <= self.now

    def _is_kept(self) -> ColumnElement[bool]:
        """Return the condition that somebody has a head start; what is urgent waits for nobody."""
        return (Question.reserved_until > self.now) & ~self._is_urgent()

    def _is_staggered(self) -> ColumnElement[bool]:
        """Return the condition that a question shows itself to others first, as the rule says."""
        waits = self.dials.policy.stagger * self.person.percentile
        if not waits:
            return _NEVER
        is_open_mode = self.dials.policy.mode is Mode.OPEN
        start = Question.paid_at if is_open_mode else Question.released_at
        return (
            ~Question.is_express
            & ~self._is_urgent()
            & (start <= self.now)
            & (start > self.now - waits)
        )
