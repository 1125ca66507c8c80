"""What the rules of the queue need to know of a question and of who asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from upss.accounts.models import TopicApproval
from upss.forum import queries_hours
from upss.forum.models import Claim, Question
from upss.forum.models_offpeak import AnswererRank
from upss.forum.rules.hours import is_away, local_day
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.pricing import MINUTES, Size
from upss.forum.rules.queue import AnswererView, QuestionView
from upss.ledger.rules.split import split

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def question_view(question: Question) -> QuestionView:
    """Return a paid question as the rules of the queue see it."""
    assert question.topic is not None
    assert question.asker_id is not None
    assert question.paid_at is not None
    assert question.price_minor is not None
    assert question.currency is not None
    assert question.commission_bp is not None
    assert question.fund_bp is not None
    parts = split(
        question.price_minor, commission_bp=question.commission_bp, fund_bp=question.fund_bp
    )
    return QuestionView(
        id=question.id,
        topic=question.topic,
        language=question.language,
        posted_at=question.paid_at,
        released_at=question.released_at or question.paid_at,
        urgent_from=question.urgent_at or question.paid_at,
        asker_id=question.asker_id,
        share_minor=parts.share_minor,
        currency=question.currency,
        minutes=MINUTES[Size(str(question.size))],
        is_taken=question.status != Status.QUEUED,
    )


def answerer_view(
    session: Session, answerer_id: int, now: datetime, site_zone: str
) -> AnswererView:
    """Return who wants to claim as the rules of the queue see it; four statements.

    Own limits are not among it: they are reserved with the claim.
    """
    declared = queries_hours.in_force(session, answerer_id, site_zone)
    approved = session.scalars(
        select(TopicApproval.topic).where(TopicApproval.account_id == answerer_id)
    )
    day_start, _end = local_day(declared.hours, now)
    work = session.execute(
        select(Question.size, Claim.status, func.count())
        .join(Question, Question.id == Claim.question_id)
        .where(
            Claim.answerer_id == answerer_id,
            (Claim.status == "active")
            | ((Claim.status == "posted") & (Claim.ended_at >= day_start)),
        )
        .group_by(Question.size, Claim.status)
    ).all()
    rank = session.get(AnswererRank, answerer_id, populate_existing=True)
    return AnswererView(
        id=answerer_id,
        percentile=0.0 if rank is None else rank.percentile,
        topics=frozenset(approved) - declared.topics_off,
        languages=declared.languages,
        is_away=is_away(declared.hours, now),
        open_claims=sum(n for _size, status, n in work if status == "active"),
        minutes_today=sum(MINUTES[Size(str(size))] * n for size, _status, n in work),
        answers_today=sum(n for _size, status, n in work if status == "posted"),
        daily_minutes=declared.hours.daily_minutes,
        daily_answers=declared.hours.daily_answers,
    )
