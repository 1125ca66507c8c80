"""The head start of whoever answered an asker before, when the asker wished it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upss.forum import queries_caps, queries_hours, queries_offpeak, queries_previous
from upss.forum.rules.hours import available
from upss.forum.rules.queue import reservation_until

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.forum.models import Question


def give(uow: UnitOfWork, question: Question) -> None:
    """Keep a question that was just released for the asker's previous answerer, as the rule says.

    Nobody has a head start who has no hours within it, is away, does not answer in this topic and
    language any more, or takes no paid work; the question is then like any other.
    """
    assert question.asker_id is not None
    assert question.topic is not None
    if not question.wants_previous:
        return
    who = queries_previous.answerer(uow.session, question.asker_id, question.topic)
    if who is None or queries_caps.in_force(uow.session, who).no_paid_work:
        return
    declared = queries_hours.in_force(uow.session, who, uow.zone)
    if not declared.serves(question.topic, question.language):
        return
    assert question.released_at is not None
    assert question.urgent_at is not None
    dials, released = queries_offpeak.dials(uow.session), question.released_at
    open_time = available(
        declared.hours, released, released + dials.policy.continuity, dials.closed
    )
    until = reservation_until(
        released_at=released,
        urgent_from=question.urgent_at,
        opens_at=open_time[0].start if open_time else None,
        is_express=question.is_express,
        policy=dials.policy,
    )
    if until is not None:
        question.reserved_for, question.reserved_until = who, until
