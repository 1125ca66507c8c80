"""What promises are made of: the organizer's dials, the clocks of topics, rates and the factor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from upss.accounts.models import TopicApproval
from upss.forum import queries_caps, queries_hours
from upss.forum.models import Question
from upss.forum.models_offpeak import (
    Calibration,
    OffpeakVersion,
    PeakVersion,
    PromiseScore,
    TopicDesk,
)
from upss.forum.rules.capacity import HORIZON, CapacityClock
from upss.forum.rules.dials import Dials, PeakSource
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.policy import Mode, Policy
from upss.forum.rules.promising import COLD_FACTOR, PRIOR_ANSWERS, WINDOW, TopicRate
from upss.forum.rules.topic_clock import Person, Since, topic_clock
from upss.forum.rules.turns import full_hour

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

Place = tuple[str, str]  # a topic and a language

_other_dials, _other_peaks = aliased(OffpeakVersion), aliased(PeakVersion)
# For a page that joins the dials to what it reads anyway.
DIALS_IN_FORCE = OffpeakVersion.id == select(func.max(_other_dials.id)).scalar_subquery()
PEAKS_IN_FORCE = PeakVersion.id == select(func.max(_other_peaks.id)).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Desk:
    """One topic in one language: where its clock starts and what its rate was counted from."""

    place: Place
    clock_start: datetime
    clock_base: float
    completions: float
    exposure_h: float
    counted_until: datetime

    def rate(self, dials: Dials) -> TopicRate:
        """Return answers per answerer-hour, beginning with what the organizer guessed."""
        prior_h = PRIOR_ANSWERS / dials.prior_per_hour
        return TopicRate(self.completions, self.exposure_h, PRIOR_ANSWERS, prior_h)


@dataclass(frozen=True, slots=True)
class Factor:
    """What the base of a promise is multiplied with, and how many scores stand behind it."""

    value: float
    n_scores: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Declarations:
    """All that the clocks are made of, since some time."""

    people: tuple[Person, ...]
    closed: Since[frozenset[date]]

    def clock(self, desk: Desk, now: datetime) -> CapacityClock:
        """Return a desk's clock; it ends more than five weeks after `now`.

        A desk that was stored by a clock that ran ahead starts with the present hour.
        """
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        end = midnight + HORIZON + timedelta(days=2)
        topic, _language = desk.place
        people = tuple(each for each in self.people if any(t == topic for _, t in each.approved))
        span = (min(desk.clock_start, full_hour(now)), end)
        return topic_clock(people, self.closed, desk.place, span, desk.clock_base)


def dials(session: Session) -> Dials:
    """Return the organizer's dials in force; one statement."""
    row = session.execute(
        select(OffpeakVersion, PeakVersion.cells)
        .join(PeakVersion, PEAKS_IN_FORCE)
        .where(DIALS_IN_FORCE)
    ).one()
    return dials_of(row.OffpeakVersion, row.cells)


def dials_of(row: OffpeakVersion, cells: Sequence[int]) -> Dials:
    """Return one version of the dials, with the peaks in force."""
    return Dials(
        version_id=row.id,
        policy=Policy(
            mode=Mode(row.mode),
            urgency=row.urgency,
            margin=row.margin,
            cold_margin=max(row.margin, Policy().cold_margin),
            max_promise=timedelta(hours=row.max_promise_hours),
            stagger=timedelta(minutes=row.stagger_minutes),
            express=row.express,
        ),
        prior_per_hour=row.prior_per_hour,
        peak_source=PeakSource(row.peak_source),
        fixed_cells=frozenset(row.fixed_cells),
        pins={cell: bool(is_peak) for cell, is_peak in row.pins},
        closed=frozenset(row.closed_dates),
        peaks=frozenset(cells),
        express_percent=row.express_percent,
    )


def new_desk(place: Place, now: datetime) -> Desk:
    """Return the desk of a topic and language in which nothing was ever promised."""
    hour = full_hour(now)
    return Desk(place, hour, 0.0, 0.0, 0.0, hour)


def desks(session: Session, places: Iterable[Place] | None = None) -> dict[Place, Desk]:
    """Return the desks that there are (None: every one), by place; one statement."""
    statement = select(TopicDesk)
    if places is not None:
        wanted = list(places)
        statement = statement.where(
            TopicDesk.topic.in_({topic for topic, _ in wanted}),
            TopicDesk.language.in_({language for _, language in wanted}),
        )
    return {(row.topic, row.language): desk_of(row) for row in session.scalars(statement)}


def desk_of(row: TopicDesk) -> Desk:
    """Return a row as plain values."""
    return Desk(
        (row.topic, row.language),
        row.clock_start,
        row.clock_base,
        row.completions,
        row.exposure_h,
        row.counted_until,
    )


def factor(session: Session, *, is_express: bool = False) -> Factor:
    """Return the factor of the last full hour, of ordinary or express promises; one statement."""
    row = session.get(Calibration, 1, populate_existing=True)
    if row is None:
        return Factor(COLD_FACTOR, 0, None)
    if is_express:
        return Factor(row.express_factor, row.n_express_scores, row.at)
    return Factor(row.factor, row.n_scores, row.at)


def declarations(session: Session, since: datetime, site_zone: str) -> Declarations:
    """Return what every answerer declared and every closed date, as far as it counts since then.

    Four statements.
    """
    declared: dict[int, list[tuple[datetime, object]]] = {}
    for version in queries_hours.history(session, since, site_zone):
        declared.setdefault(version.account_id, []).append((version.created_at, version.declared))
    approved: dict[int, list[tuple[datetime, str]]] = {}
    for row in session.scalars(
        select(TopicApproval).order_by(TopicApproval.approved_at, TopicApproval.topic)
    ):
        approved.setdefault(row.account_id, []).append((row.approved_at, row.topic))
    unpaid = queries_caps.unpaid_since(session)
    people = (
        Person(tuple(declared[each]), tuple(approved[each]), tuple(unpaid.get(each, ())))  # type: ignore[arg-type]
        for each in sorted(declared.keys() & approved.keys())
    )
    return Declarations(tuple(people), _closed(session, since))


def _closed(session: Session, since: datetime) -> Since[frozenset[date]]:
    """Return the closed dates of each version in force at `since` or later."""
    earlier = aliased(OffpeakVersion)
    then = select(func.max(earlier.id)).where(earlier.created_at <= since).scalar_subquery()
    rows = session.execute(
        select(OffpeakVersion.created_at, OffpeakVersion.closed_dates)
        .where((OffpeakVersion.id == then) | (OffpeakVersion.created_at > since))
        .order_by(OffpeakVersion.id)
    )
    return tuple((row.created_at, frozenset(row.closed_dates)) for row in rows)


def waiting(session: Session, place: Place, most: int, *, is_express: bool = False) -> int:
    """Return how many questions wait in a topic and language, counting up to `most`.

    An ordinary one waits behind all of them, an express one behind express ones alone.
    """
    some = select(Question.id).where(
        Question.status == Status.QUEUED,
        Question.topic == place[0],
        Question.language == place[1],
    )
    if is_express:
        some = some.where(Question.is_express)
    counted = some.limit(most).subquery()
    return session.scalar(select(func.count()).select_from(counted)) or 0


def sold_since(session: Session, since: datetime) -> tuple[int, int]:
    """Return how many express questions, and how many in all, were paid for since; one statement."""
    row = session.execute(
        select(func.count().filter(Question.is_express), func.count()).where(
            Question.paid_at > since
        )
    ).one()
    return row[0], row[1]


def newest_scores(session: Session, *, is_express: bool, most: int = WINDOW) -> Sequence[float]:
    """Return the newest scores of ordinary or of express questions, the oldest of them first."""
    newest = (
        select(PromiseScore.value)
        .where(PromiseScore.is_express if is_express else ~PromiseScore.is_express)
        .order_by(PromiseScore.at.desc(), PromiseScore.question_id.desc())
        .limit(most)
    )
    return list(reversed(session.scalars(newest).all()))
