"""What the rules of the queue need to know of a question and of who asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from upss.db import driver
from upss.forum import queries_hours, queries_offpeak
from upss.forum.rules.express import shared_minor
from upss.forum.rules.hours import is_away, local_day
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.pricing import MINUTES, Size
from upss.forum.rules.queue import AnswererView, QuestionView
from upss.ledger.rules.split import split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from upss.forum.models import Question
    from upss.forum.rules.dials import Dials

# A day of the wall has 25 hours at the most; which of them are today's, the rules say.
_LONGER_THAN_A_DAY = timedelta(days=2)

# All that the rules ask of one person, with the organizer's dials and the peaks in force. A claim
# is open as long as it has no end.
FACTS = """
    SELECT a.language,
           h.zone, h.windows, h.quiet_start_min, h.quiet_end_min, h.absences, h.paused_until,
           h.rest_days, h.daily_minutes, h.daily_answers, h.languages, h.topics_off,
           o.id, o.mode, o.urgency, o.margin, o.max_promise_hours, o.prior_per_hour,
           o.stagger_minutes, o.peak_source, o.fixed_cells, o.pins, o.closed_dates,
           o.express, o.express_percent, p.cells,
           work.sizes, work.ended,
           ARRAY(SELECT t.topic FROM topic_approval t WHERE t.account_id = a.id) AS topics,
           (SELECT r.percentile FROM answerer_rank r WHERE r.account_id = a.id) AS percentile,
           EXISTS (SELECT FROM cap_rule c WHERE c.account_id = a.id AND c.ended_at IS NULL)
           OR EXISTS (SELECT FROM answerer_flag f WHERE f.account_id = a.id AND f.no_paid_work)
             AS is_limited
      FROM account a
      JOIN offpeak_version o ON o.id = (SELECT max(id) FROM offpeak_version)
      JOIN peak_version p ON p.id = (SELECT max(id) FROM peak_version)
      LEFT JOIN hours_version h
        ON h.id = (SELECT max(id) FROM hours_version WHERE account_id = a.id)
     CROSS JOIN LATERAL (
           SELECT array_agg(q.size ORDER BY c.id) AS sizes, array_agg(c.ended_at ORDER BY c.id) AS ended
             FROM claim c JOIN question q ON q.id = c.question_id
            WHERE c.answerer_id = a.id
              AND (c.ended_at IS NULL OR c.status = 'posted' AND c.ended_at >= %(since)s)) AS work
     WHERE a.id = %(answerer)s"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Who wants to claim, and what the organizer has set; `is_limited`: own limits are set."""

    answerer: AnswererView
    dials: Dials
    is_limited: bool


def question_view(question: Question) -> QuestionView:
    """Return a paid question as the rules of the queue see it."""
    assert question.topic is not None
    assert question.asker_id is not None
    assert question.paid_at is not None
    assert question.price_minor is not None
    assert question.currency is not None
    assert question.commission_bp is not None
    assert question.fund_bp is not None
    shared = shared_minor(
        question.price_minor, question.express_minor, question.express_returned_at
    )
    parts = split(shared, commission_bp=question.commission_bp, fund_bp=question.fund_bp)
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
        is_express=question.express_minor is not None,
        is_taken=question.status != Status.QUEUED,
        reserved_for=question.reserved_for,
        reserved_until=question.reserved_until,
    )


def facts(session: Session, answerer_id: int, now: datetime, site_zone: str) -> Facts:
    """Return all that the rules ask of who wants to claim; one statement."""
    values = {"answerer": str(answerer_id), "since": now - _LONGER_THAN_A_DAY}
    row = driver.one(session, FACTS, values)
    assert row is not None
    declared = queries_hours.declared_of(row if row.zone else None, row.language, site_zone)
    day_start, _end = local_day(declared.hours, now)
    held = [size for size, ended_at in _work(row) if ended_at is None]
    done = [size for size, ended_at in _work(row) if ended_at is not None and ended_at >= day_start]
    answerer = AnswererView(
        id=answerer_id,
        percentile=row.percentile or 0.0,
        topics=frozenset(row.topics) - declared.topics_off,
        languages=declared.languages,
        is_away=is_away(declared.hours, now),
        open_claims=len(held),
        minutes_today=sum(MINUTES[Size(size)] for size in (*held, *done)),
        answers_today=len(done),
        daily_minutes=declared.hours.daily_minutes,
        daily_answers=declared.hours.daily_answers,
    )
    return Facts(answerer, queries_offpeak.dials_of(row, row.cells), is_limited=row.is_limited)


def answerer_view(
    session: Session, answerer_id: int, now: datetime, site_zone: str
) -> AnswererView:
    """Return who wants to claim as the rules of the queue see it; one statement.

    Own limits are not among it: they are reserved with the claim.
    """
    return facts(session, answerer_id, now, site_zone).answerer


def _work(row: Any) -> Iterator[tuple[str, datetime | None]]:
    """Yield the size of each claim that is open or was answered lately, and when it was."""
    return zip(row.sizes or (), row.ended or (), strict=True)
