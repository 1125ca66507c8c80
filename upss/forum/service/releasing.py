"""When a paid question may be taken, and the weekly learning of the peaks that it depends on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from upss.accounts.models import Account, AccountRole, TopicApproval
from upss.forum import queries_offpeak as queries
from upss.forum.models import Question
from upss.forum.models_caps import AnswererFlag
from upss.forum.models_hours import HoursVersion
from upss.forum.models_offpeak import (
    Activity,
    OffpeakVersion,
    PeakVersion,
    QuestionPromise,
)
from upss.forum.rules.activity import ActivityProfile, changes, week_of
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.promising import urgent_from
from upss.forum.rules.queue import release_at
from upss.forum.rules.turns import AHEAD_MAX, full_hour, week_start
from upss.forum.rules.windows import zone
from upss.kernel.roles import Role

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.forum.rules.dials import Dials

    Asked = Sequence[tuple[Question, QuestionPromise | None]]

BATCH = 1_000
_MOMENT = timedelta(microseconds=1)
_log = logging.getLogger(__name__)


def release(uow: UnitOfWork, question: Question) -> None:
    """Say of a question that was just paid from when it may be taken."""
    newest = _newest_change(uow)  # before the dials: those that are turned now come after it
    promise = uow.session.get(QuestionPromise, question.id)
    _fit(uow, queries.dials(uow.session), [(question, promise)], knows_until=newest + _MOMENT)


def fit_due(uow: UnitOfWork) -> int:
    """Say anew from when waiting questions may be taken, where hours or dials changed; return how many.

    At most 1,000, and none that somebody is working on now: those are left for the next time, and
    so is what is claimed until it waits again.
    """
    newest = _newest_change(uow)
    rows = uow.session.execute(
        select(Question, QuestionPromise)
        .outerjoin(QuestionPromise, QuestionPromise.question_id == Question.id)
        .where(
            Question.status == Status.QUEUED,
            or_(Question.fitted_at.is_(None), Question.fitted_at <= newest),
        )
        .order_by(Question.fitted_at)
        .limit(BATCH)
        .with_for_update(of=Question, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    asked = [(row.Question, row.QuestionPromise) for row in rows]
    if asked:
        _fit(uow, queries.dials(uow.session), asked, knows_until=newest + _MOMENT)
    return len(asked)


def urgent_times(uow: UnitOfWork, asked: Asked, *, urgency: float) -> dict[int, datetime]:
    """Return by question from when it is urgent by the clocks of today; four statements.

    What was promised without a clock keeps the time that it has, or is urgent at once.
    """
    now, desks = uow.clock.now(), queries.desks(uow.session)
    since = min((desk.clock_start for desk in desks.values()), default=now)
    declared = queries.declarations(uow.session, since, uow.zone)
    found: dict[int, datetime] = {}
    for question, promise in asked:
        assert question.paid_at is not None
        desk = desks.get((str(question.topic), question.language))
        if promise is None or desk is None or question.promise_at is None:
            found[question.id] = question.urgent_at or question.paid_at
            continue
        found[question.id] = urgent_from(
            declared.clock(desk, now),
            by=question.promise_at,
            reading=promise.reading,
            urgency=urgency,
        )
    return found


def _newest_change(uow: UnitOfWork) -> datetime:
    """Return when the newest change was made that waiting questions must know of.

    A turned dial and other peaks are known at once, what people declare with the next full hour.
    """
    hour = full_hour(uow.clock.now())
    came = select(func.max(Account.confirmed_at)).join(
        AccountRole, AccountRole.account_id == Account.id
    )
    changes = (
        select(func.max(OffpeakVersion.created_at)),
        select(func.max(PeakVersion.created_at)),
        select(func.max(HoursVersion.created_at)).where(HoursVersion.created_at < hour),
        select(func.max(TopicApproval.approved_at)).where(TopicApproval.approved_at < hour),
        select(func.max(AnswererFlag.changed_at)).where(AnswererFlag.changed_at < hour),
        came.where(AccountRole.role == Role.ANSWERER, Account.confirmed_at < hour),
    )
    newest = func.greatest(*(each.scalar_subquery() for each in changes))
    return uow.session.execute(select(newest)).scalar_one()  # type: ignore[no-any-return]


def _fit(uow: UnitOfWork, dials: Dials, asked: Asked, *, knows_until: datetime) -> None:
    """Calculate both times; what is urgent already stays so."""
    now, peaks = uow.clock.now(), dials.peak_map(uow.zone)
    urgent = urgent_times(uow, asked, urgency=dials.policy.urgency)
    for question, _promise in asked:
        assert question.paid_at is not None
        question.released_at = release_at(
            question.paid_at, peaks, dials.policy.mode, is_express=question.is_express
        )
        if question.urgent_at is None or question.urgent_at > now:
            question.urgent_at = urgent[question.id]
        question.fitted_at = knows_until


def learn_due(uow: UnitOfWork) -> int:
    """Take the arrivals of the weeks that are over into the peaks, once; return 1 if it did.

    A week ends on Monday at 00:00 where the site is at home: people need habits.
    """
    now, tz = uow.clock.now(), zone(uow.zone)
    monday = week_start(now, tz)
    row = uow.session.get(Activity, 1, with_for_update=True, populate_existing=True)
    assert row is not None  # the migration made it
    if row.counted_until > now + AHEAD_MAX:
        _log.warning("the clock was ahead: peaks were learned until %s", row.counted_until)
        row.counted_until, row.week = monday, week_of(monday.astimezone(tz).date())
        return 0
    if row.counted_until >= monday:
        return 0
    dials = queries.dials(uow.session)
    profile = ActivityProfile(tuple(row.counts), row.seen, row.week)
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
