"""When a paid question may be taken, and the weekly learning of the peaks that it depends on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from upss.accounts.models import TopicApproval
from upss.forum import queries_offpeak as queries
from upss.forum.models import Question
from upss.forum.models_hours import HoursVersion
from upss.forum.models_offpeak import (
    Activity,
    OffpeakVersion,
    PeakVersion,
    QuestionPromise,
)
from upss.forum.rules.activity import ActivityProfile, changes
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.promising import urgent_from
from upss.forum.rules.queue import release_at
from upss.forum.rules.windows import first_instant, zone

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.forum.rules.dials import Dials


def release(uow: UnitOfWork, question: Question) -> None:
    """Say of a question that was just paid from when it may be taken."""
    assert question.topic is not None
    assert question.paid_at is not None
    dials = queries.dials(uow.session)
    question.released_at = release_at(
        question.paid_at,
        dials.peak_map(uow.zone),
        dials.policy.mode,
        is_express=question.is_express,
    )
    _set_urgency(uow, dials, [question])


def refresh_urgency(uow: UnitOfWork, *, since: datetime | None) -> None:
    """Say anew from when each waiting question is urgent, if hours or dials changed since then."""
    newest = uow.session.execute(
        select(
            select(func.max(HoursVersion.created_at)).scalar_subquery(),
            select(func.max(TopicApproval.approved_at)).scalar_subquery(),
            select(func.max(OffpeakVersion.created_at)).scalar_subquery(),
        )
    ).one()
    if since is None or any(at is not None and at >= since for at in newest):
        _set_urgency(uow, queries.dials(uow.session), _not_urgent_yet(uow))


def release_anew(uow: UnitOfWork) -> None:
    """Say of each waiting question anew from when it may be taken: the dials have changed."""
    dials = queries.dials(uow.session)
    waiting, peaks = _not_urgent_yet(uow), dials.peak_map(uow.zone)
    for question in waiting:
        assert question.paid_at is not None
        question.released_at = release_at(
            question.paid_at, peaks, dials.policy.mode, is_express=question.is_express
        )
    _set_urgency(uow, dials, waiting)


def _not_urgent_yet(uow: UnitOfWork) -> list[Question]:
    """Lock what waits and is not urgent; what somebody is working on now is left out."""
    waiting = uow.session.scalars(
        select(Question)
        .where(Question.status == Status.QUEUED, Question.urgent_at > uow.clock.now())
        .order_by(Question.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(waiting)


def _set_urgency(uow: UnitOfWork, dials: Dials, questions: list[Question]) -> None:
    """Calculate it by the clocks of today; what was promised without a clock is urgent at once."""
    noted = {
        row.question_id: row
        for row in uow.session.scalars(
            select(QuestionPromise).where(
                QuestionPromise.question_id.in_([each.id for each in questions])
            )
        )
    }
    desks = queries.desks(uow.session)
    since = min((desk.clock_start for desk in desks.values()), default=uow.clock.now())
    declared = queries.declarations(uow.session, since, uow.zone)
    for question in questions:
        promise = noted.get(question.id)
        desk = desks.get((str(question.topic), question.language))
        if promise is None or desk is None or question.promise_at is None:
            question.urgent_at = question.paid_at
            continue
        question.urgent_at = urgent_from(
            declared.clock(desk, uow.clock.now()),
            by=question.promise_at,
            reading=promise.reading,
            urgency=dials.policy.urgency,
        )


def learn_due(uow: UnitOfWork) -> int:
    """Take the arrivals of the weeks that are over into the peaks, once; return 1 if it did.

    A week ends on Monday at 00:00 where the site is at home: people need habits.
    """
    monday = _monday(uow)
    row = uow.session.get(Activity, 1, with_for_update=True, populate_existing=True)
    assert row is not None  # the migration made it
    if row.counted_until >= monday:
        return 0
    dials = queries.dials(uow.session)
    tz, profile = zone(uow.zone), ActivityProfile(tuple(row.counts), row.seen, row.week)
    arrived = uow.session.scalars(
        select(Question.paid_at)
        .where(Question.paid_at >= row.counted_until, Question.paid_at < monday)
        .order_by(Question.paid_at, Question.id)
    )
    for paid_at in arrived:
        assert paid_at is not None
        profile = profile.added(paid_at, tz, dials.closed)
    row.counts, row.seen, row.week = list(profile.counts), profile.seen, profile.week
    row.counted_until = monday
    declare_peaks(uow, dials, dials.peaks_from(profile), source="week")
    return 1


def profile_of(uow: UnitOfWork) -> ActivityProfile:
    """Return the arrivals as the weeks that are over left them."""
    row = uow.session.get(Activity, 1, populate_existing=True)
    assert row is not None
    return ActivityProfile(tuple(row.counts), row.seen, row.week)


def declare_peaks(uow: UnitOfWork, dials: Dials, cells: frozenset[int], *, source: str) -> None:
    """Put other peaks in force, and log which hours changed; nothing if none did."""
    if cells == dials.peaks:
        return
    uow.session.add(
        PeakVersion(
            created_at=uow.clock.now(),
            cells=sorted(cells),
            source=source,
            changes=[
                [each.dow, each.start_hour, each.end_hour, each.is_peak]
                for each in changes(dials.peaks, cells)
            ],
        )
    )
    uow.session.flush()


def _monday(uow: UnitOfWork) -> datetime:
    """Return when this week began where the site is at home."""
    tz = zone(uow.zone)
    today = uow.clock.now().astimezone(tz).replace(tzinfo=None)
    monday = today.date() - timedelta(days=today.weekday())
    return first_instant(datetime(monday.year, monday.month, monday.day), tz)  # noqa: DTZ001
