"""Once an hour: what was answered meanwhile goes into each topic's rate and into the factor.

A claim or an answer writes nothing of this, so that nobody waits for a row that all share: rate
and factor are those of the last full hour, and both follow from the moves of questions alone.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, func, null, or_, select, union_all
from sqlalchemy.dialects.postgresql import insert

from upss.forum import queries_offpeak as queries
from upss.forum.models import Answer, Move, Question
from upss.forum.models_offpeak import Calibration, PromiseScore, QuestionPromise, TopicDesk
from upss.forum.queries_offpeak import Place
from upss.forum.rules.express import express_calibrator
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.promising import Calibrator, TopicRate, score
from upss.forum.rules.turns import AHEAD_MAX, full_hour

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from upss.db.work import UnitOfWork
    from upss.forum.rules.capacity import CapacityClock

ROLL = timedelta(days=1)
LATE = timedelta(days=1)
_log = logging.getLogger(__name__)

Change = tuple[datetime, int]  # when the queue grew or shrank, and by how many


@dataclass(slots=True)
class _Hour:
    """What one run works with: up to which full hour, and the desks with their clocks."""

    uow: UnitOfWork
    upto: datetime
    rows: dict[Place, TopicDesk]
    clocks: dict[Place, CapacityClock]


def calibrate_due(uow: UnitOfWork) -> int:
    """Count everything up to the last full hour, once; return 1 if there was anything to do."""
    now = uow.clock.now()
    upto, known = full_hour(now), queries.factor(uow.session)
    if known.at is not None and known.at > now + AHEAD_MAX:
        _log.warning("the clock was ahead: promises were calibrated until %s", known.at)
    elif known.at is not None and known.at >= upto:
        return 0
    rows = {
        (row.topic, row.language): row
        for row in uow.session.scalars(
            select(TopicDesk).order_by(TopicDesk.topic, TopicDesk.language).with_for_update()
        )
    }
    for row in rows.values():  # what a clock that ran ahead has left there
        row.clock_start = min(row.clock_start, upto)
        row.counted_until = min(row.counted_until, upto)
    since = min((row.clock_start for row in rows.values()), default=upto)
    declared = queries.declarations(uow.session, since, uow.zone)
    clocks = {each: declared.clock(queries.desk_of(row), upto) for each, row in rows.items()}
    hour = _Hour(uow, upto, rows, clocks)
    _score_answers(hour)
    _count_rates(hour)
    _store_factor(hour)
    _roll(hour)
    return 1


def _score_answers(hour: _Hour) -> None:
    """Score each question whose first answer was sent since then.

    What a slow transaction sent shortly before the last full hour is found a day long.
    """
    answered = hour.uow.session.execute(
        select(Question.id, Question.topic, Question.language, Answer.posted_at, QuestionPromise)
        .join(Answer, (Answer.question_id == Question.id) & (Answer.revision == 1))
        .join(QuestionPromise, QuestionPromise.question_id == Question.id)
        .outerjoin(PromiseScore, PromiseScore.question_id == Question.id)
        .where(
            Answer.posted_at >= _since(hour) - LATE,
            Answer.posted_at < hour.upto,
            PromiseScore.question_id.is_(None),
        )
        .order_by(Answer.posted_at, Question.id)
    ).all()
    scores = [
        {
            "question_id": row.id,
            "at": row.posted_at,
            "value": value,
            "is_express": row.QuestionPromise.is_express,
        }
        for row in answered
        if (value := _score(hour, row.topic, row.language, row.QuestionPromise, row.posted_at))
        is not None
    ]
    if scores:
        hour.uow.session.execute(insert(PromiseScore), scores)


def _score(
    hour: _Hour, topic: str, language: str, promise: QuestionPromise, at: datetime
) -> float | None:
    clock = hour.clocks.get((topic, language))
    if clock is None:
        return None
    return score(posted=promise.reading, answered=clock.cum(at), base_h=promise.base_h)


def _count_rates(hour: _Hour) -> None:
    """Add the answers, and the time with a queue, to every desk."""
    answers, (changes, waiting) = _answers(hour), _queues(hour)
    for place, row in hour.rows.items():
        if row.counted_until >= hour.upto:
            continue
        of_place = [change for change in changes[place] if change[0] >= row.counted_until]
        at_first = waiting[place] - sum(step for _at, step in of_place)
        clock = hour.clocks[place]
        exposure = sum(
            clock.cum(end) - clock.cum(start)
            for start, end in _busy(of_place, at_first, row.counted_until, hour.upto)
        )
        done = sum(at >= row.counted_until for at in answers[place])
        rate = TopicRate(row.completions + done, row.exposure_h).with_exposure(exposure)
        row.completions, row.exposure_h = rate.completions, rate.exposure_h
        row.counted_until = hour.upto


def _busy(
    changes: Iterable[Change], waiting: int, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield when the queue was not empty between two times; it held `waiting` at first."""
    since = start if waiting > 0 else None
    for at, step in changes:
        if at >= end:
            break
        waiting += step
        if since is None and waiting > 0:
            since = at
        elif since is not None and waiting <= 0:
            yield since, at
            since = None
    if since is not None:
        yield since, end


def _since(hour: _Hour) -> datetime:
    return min((row.counted_until for row in hour.rows.values()), default=hour.upto)


def _answers(hour: _Hour) -> dict[Place, list[datetime]]:
    rows = hour.uow.session.execute(
        select(Question.topic, Question.language, Answer.posted_at)
        .join(Question, Question.id == Answer.question_id)
        .where(Answer.posted_at >= _since(hour), Answer.posted_at < hour.upto)
    )
    found: dict[Place, list[datetime]] = defaultdict(list)
    for topic, language, at in rows:
        found[str(topic), language].append(at)
    return found


def _queues(hour: _Hour) -> tuple[dict[Place, list[Change]], dict[Place, int]]:
    """Return by place when its queue grew or shrank, in order, and how many wait now.

    Both in one statement, so that each change is in the count.
    """
    queued = Status.QUEUED
    moves = (
        select(
            Question.topic,
            Question.language,
            Move.at,
            Move.id,
            case((Move.to_status == queued, 1), else_=-1).label("step"),
        )
        .join(Question, Question.id == Move.question_id)
        .where(
            Move.at >= _since(hour),
            or_(Move.from_status == queued, Move.to_status == queued),
            Move.from_status != Move.to_status,
        )
    )
    present = (
        select(Question.topic, Question.language, null(), null(), func.count())
        .where(Question.status == queued)
        .group_by(Question.topic, Question.language)
    )
    changes: dict[Place, list[Change]] = defaultdict(list)
    waiting: dict[Place, int] = defaultdict(int)
    rows = hour.uow.session.execute(union_all(moves, present).order_by("at", "id")).all()
    for topic, language, at, _id, step in rows:
        if at is None:
            waiting[topic, language] = step
        else:
            changes[topic, language].append((at, step))
    return changes, waiting


def _store_factor(hour: _Hour) -> None:
    """Calculate both factors; what still waits and is late already counts as late."""
    policy = queries.dials(hour.uow.session).policy
    value, n_scores = _factor(hour, Calibrator(target=policy.target), is_express=False)
    express, n_express = _factor(hour, express_calibrator(policy), is_express=True)
    figures = {
        "factor": value,
        "n_scores": n_scores,
        "express_factor": express,
        "n_express_scores": n_express,
        "at": hour.upto,
    }
    hour.uow.session.execute(
        insert(Calibration)
        .values(id=1, **figures)
        .on_conflict_do_update(index_elements=["id"], set_=figures)
    )


def _factor(hour: _Hour, empty: Calibrator, *, is_express: bool) -> tuple[float, int]:
    """Return the factor of ordinary or of express questions, and of how many scores it is."""
    scores = queries.newest_scores(hour.uow.session, is_express=is_express, most=empty.window)
    calibrator = replace(empty, scores=deque(scores))
    return calibrator.factor(_open_scores(hour, is_express=is_express)), len(scores)


def _open_scores(hour: _Hour, *, is_express: bool) -> Iterator[float]:
    """Yield the scores so far of the paid questions that had no answer at the full hour."""
    is_open = Question.closed_at.is_(None) | (Question.closed_at > hour.upto)
    unanswered = Question.answered_at.is_(None) | (Question.answered_at >= hour.upto)
    rows = hour.uow.session.execute(
        select(Question.topic, Question.language, QuestionPromise)
        .join(QuestionPromise, QuestionPromise.question_id == Question.id)
        .where(Question.paid_at <= hour.upto, is_open, unanswered)
        .where(QuestionPromise.is_express.is_(is_express))
        .execution_options(yield_per=1000)
    )
    for topic, language, promise in rows:
        value = _score(hour, str(topic), language, promise, hour.upto)
        if value is not None:
            yield value


def _roll(hour: _Hour) -> None:
    """Let each clock start later, from the reading it shows there, so that it stays short."""
    start = hour.upto - ROLL
    for place, row in hour.rows.items():
        if start - row.clock_start >= ROLL:
            row.clock_base, row.clock_start = hour.clocks[place].cum(start), start
