"""What the rules of the queue need to know of a question and of who asks for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

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

    from sqlalchemy.orm import Session

    from upss.forum.models import Question
    from upss.forum.models_hours import HoursVersion
    from upss.forum.models_offpeak import OffpeakVersion
    from upss.forum.rules.declared import Declared
    from upss.forum.rules.dials import Dials

# A day of the wall has 25 hours at the most; which of them are today's, the rules say.
_LONGER_THAN_A_DAY = timedelta(days=2)

# All that the rules ask of one person, with the organizer's dials and the peaks in force. A claim
# is open as long as it has no end. Whole rows come as JSON: what they mean is known by their text.
FACTS = """
    SELECT a.language,
           (SELECT row_to_json(h)::text FROM hours_version h WHERE h.account_id = a.id
             ORDER BY h.id DESC LIMIT 1) AS hours,
           (SELECT row_to_json(o)::text FROM offpeak_version o ORDER BY o.id DESC LIMIT 1) AS dials,
           (SELECT to_json(p.cells)::text FROM peak_version p ORDER BY p.id DESC LIMIT 1) AS peaks,
           ARRAY(SELECT t.topic FROM topic_approval t WHERE t.account_id = a.id) AS topics,
           (SELECT r.percentile FROM answerer_rank r WHERE r.account_id = a.id) AS percentile,
           EXISTS (SELECT FROM cap_rule c WHERE c.account_id = a.id AND c.ended_at IS NULL)
           OR EXISTS (SELECT FROM answerer_flag f WHERE f.account_id = a.id AND f.no_paid_work)
             AS is_limited,
           work.sizes, work.ended
      FROM account a
     CROSS JOIN LATERAL (
           SELECT array_agg(q.size) AS sizes, array_agg(c.ended_at) AS ended
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
    """Return all that the rules ask of who wants to claim; one statement.

    Own limits are not in the view: they are reserved with the claim.
    """
    values = {"answerer": str(answerer_id), "since": now - _LONGER_THAN_A_DAY}
    row = driver.one(session, FACTS, values)
    assert row is not None
    declared = _declared(row.hours, row.language, site_zone)
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
    return Facts(answerer, _dials(row.dials, row.peaks), is_limited=row.is_limited)


def _work(row: Any) -> Iterator[tuple[str, datetime | None]]:
    """Yield the size of each claim that is open or was answered lately, and when it was."""
    return zip(row.sizes or (), row.ended or (), strict=True)


@lru_cache(maxsize=2_000)
def _declared(row: str | None, language: str, site_zone: str) -> Declared:
    """Return what a row of `HoursVersion` declares; None: what is assumed."""
    if row is None:
        return queries_hours.declared_of(None, language, site_zone)
    told = json.loads(row)
    if told["paused_until"] is not None:
        told["paused_until"] = datetime.fromisoformat(told["paused_until"]).astimezone(UTC)
    version = cast("HoursVersion", SimpleNamespace(**told))
    return queries_hours.declared_of(version, language, site_zone)


@lru_cache(maxsize=20)
def _dials(row: str, peaks: str) -> Dials:
    """Return what a row of `OffpeakVersion` sets, with the peaks in force."""
    told = json.loads(row)
    told["closed_dates"] = [date.fromisoformat(day) for day in told["closed_dates"]]
    version = cast("OffpeakVersion", SimpleNamespace(**told))
    return queries_offpeak.dials_of(version, json.loads(peaks))
