"""What organizers are told before a promise is missed: the people it counted on are not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from upss.forum import queries_offpeak as queries
from upss.forum.events import CapacityVanished
from upss.forum.models import Question
from upss.forum.models_offpeak import QuestionPromise
from upss.forum.rules.alarm import has_vanished
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.topic_clock import Fact, Person, Since
from upss.forum.rules.windows import zone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Row

    from upss.db.work import UnitOfWork
    from upss.forum.queries_offpeak import Declarations

    AnyRow = Row[*tuple[Any, ...]]


def alarm(uow: UnitOfWork) -> int:
    """Emit where half of a promise is over and nobody has hours left before it; return how many.

    A notice goes out once a day for each topic and language, however often this is called.
    """
    now = uow.clock.now()
    due = [*_due(uow, Question.promise_at), *_due(uow, Question.promise_at.desc())]
    if not due:
        return 0
    since = min(row.offered_at for row in due)
    declared = queries.declarations(uow.session, since, uow.zone)
    day = int(f"{now.astimezone(zone(uow.zone)):%Y%m%d}")
    alone = {(row.topic, row.language) for row in due if _has_vanished(declared, row, now)}
    for topic, language in sorted(alone):
        uow.emit(CapacityVanished(at=now, topic=topic, language=language, day=day))
    return len(alone)


def _has_vanished(declared: Declarations, row: AnyRow, now: datetime) -> bool:
    """Compare what is declared now with what was declared when the promise was given."""
    offered_at: datetime = row.offered_at
    desk = queries.new_desk((row.topic, row.language), offered_at)
    people = tuple(
        Person(
            _until(offered_at, each.declared),
            _until(offered_at, each.approved),
            _until(offered_at, each.unpaid),
        )
        for each in declared.people
    )
    promised = replace(declared, people=people, closed=_until(offered_at, declared.closed))
    clocks = declared.clock(desk, now), promised.clock(desk, now)
    return has_vanished(*clocks, now=now, by=row.promise_at)


def _until(at: datetime, facts: Since[Fact]) -> Since[Fact]:
    return tuple(fact for fact in facts if fact[0] <= at)


def _due(uow: UnitOfWork, order: Any) -> Sequence[AnyRow]:
    """Return by topic and language the first promise in this order among those half over.

    The one due next and the one due last say it for all: people may leave before a late promise
    while those of an early one were never expected to be there, or the other way round.
    """
    now = uow.clock.now()
    return uow.session.execute(
        select(Question.topic, Question.language, Question.promise_at, QuestionPromise.offered_at)
        .join(QuestionPromise, QuestionPromise.question_id == Question.id)
        .where(
            Question.status == Status.QUEUED,
            now - Question.paid_at >= Question.promise_at - now,
            Question.promise_at > now,
        )
        .ext(distinct_on(Question.topic, Question.language))
        .order_by(Question.topic, Question.language, order, Question.id)
    ).all()
