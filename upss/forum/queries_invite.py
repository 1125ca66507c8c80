"""What a round of invitations looks at: what waits, who is reachable, what will be asked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select
from sqlalchemy.orm import aliased

from upss.accounts.models import Account, AccountRole, TopicApproval
from upss.forum import queries_caps, queries_hours
from upss.forum.models import Claim, Move, Question
from upss.forum.models_inviting import Invitation
from upss.forum.models_offers import Skip
from upss.forum.models_offpeak import Activity, AnswererRank, QuestionPromise
from upss.forum.rules.activity import ActivityProfile
from upss.forum.rules.declared import Declared
from upss.forum.rules.hours import is_away, local_day
from upss.forum.rules.invite import AT_WORK, LATELY
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.pricing import MINUTES, Size
from upss.forum.rules.queue import AnswererView
from upss.kernel.ids import AccountId
from upss.kernel.roles import Role

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.orm import Session

MOST_WAITING = 200  # of each topic and language: never are so many people called at once
_LOOKS_BACK = timedelta(days=2)  # longer than any day of a person


@dataclass(frozen=True, slots=True)
class Crowd:
    """Every answerer: what they declared, who wants mails, who holds a question, who writes now.

    `invited` are the times of each one's invitations of the last two days.
    """

    declared: Mapping[int, Declared]
    wants_none: frozenset[int]
    holding: frozenset[int]
    writing: frozenset[int]
    invited: Mapping[int, Sequence[datetime]]

    @property
    def all_invited(self) -> list[datetime]:
        """The times of all their invitations."""
        return [at for times in self.invited.values() for at in times]


def waiting(session: Session) -> list[tuple[Question, QuestionPromise | None]]:
    """Return what waits, the oldest of each topic and language; one statement."""
    place = (Question.topic, Question.language)
    number = func.row_number().over(partition_by=place, order_by=(Question.paid_at, Question.id))
    queued = (
        select(Question.id, number.label("number"))
        .where(Question.status == Status.QUEUED)
        .subquery()
    )
    rows = session.execute(
        select(Question, QuestionPromise)
        .join(queued, queued.c.id == Question.id)
        .outerjoin(QuestionPromise, QuestionPromise.question_id == Question.id)
        .where(queued.c.number <= MOST_WAITING)
        .order_by(Question.paid_at, Question.id)
        .execution_options(populate_existing=True)
    )
    return [(row.Question, row.QuestionPromise) for row in rows]


def crowd(session: Session, now: datetime, site_zone: str) -> Crowd:
    """Return every answerer who has come and takes paid work; five statements."""
    came = session.scalars(
        select(AccountRole.account_id)
        .join(Account, Account.id == AccountRole.account_id)
        .where(AccountRole.role == Role.ANSWERER, Account.confirmed_at.is_not(None))
    )
    answerers = frozenset(came) - queries_caps.unpaid(session)
    versions = queries_hours.newest(session, answerers, site_zone)
    claims = session.execute(
        select(Claim.answerer_id, Claim.last_saved).where(Claim.status == "active")
    ).all()
    invited: dict[int, list[datetime]] = defaultdict(list)
    for row in session.execute(
        select(Invitation.account_id, Invitation.at).where(Invitation.at > now - _LOOKS_BACK)
    ):
        invited[row.account_id].append(row.at)
    return Crowd(
        declared={who: version.declared for who, version in versions.items()},
        wants_none=frozenset(who for who, each in versions.items() if not each.is_invited),
        holding=frozenset(row.answerer_id for row in claims),
        writing=frozenset(row.answerer_id for row in claims if now - row.last_saved < AT_WORK),
        invited=invited,
    )


def answerer_views(
    session: Session, declared: Mapping[int, Declared], now: datetime
) -> dict[int, AnswererView]:
    """Return several people as `queries_queue.facts` does, with their own limits.

    Four statements, and one for each person.
    """
    approved = _approved(session, declared)
    ranks = session.execute(
        select(AnswererRank.account_id, AnswererRank.percentile).where(
            AnswererRank.account_id.in_(declared)
        )
    ).all()
    percentile = {row.account_id: row.percentile for row in ranks}
    day_starts = {who: local_day(each.hours, now)[0] for who, each in declared.items()}
    work, skipped = _work(session, day_starts), _skipped(session, day_starts)
    found: dict[int, AnswererView] = {}
    for who, each in declared.items():
        mine = work[who]
        no_paid_work, limits = queries_caps.limits(session, AccountId(who), now)
        found[who] = AnswererView(
            id=who,
            percentile=percentile.get(who, 0.0),
            topics=approved[who] - each.topics_off,
            languages=each.languages,
            is_away=is_away(each.hours, now),
            open_claims=sum(is_open for _minutes, is_open in mine),
            minutes_today=sum(minutes for minutes, _is_open in mine),
            answers_today=sum(not is_open for _minutes, is_open in mine),
            daily_minutes=each.hours.daily_minutes,
            daily_answers=each.hours.daily_answers,
            caps=limits,
            skipped=skipped[who],
            no_paid_work=no_paid_work,
        )
    return found


def _skipped(session: Session, day_starts: Mapping[int, datetime]) -> dict[int, frozenset[int]]:
    """Return by person the questions that they passed over since then: nobody is invited to one."""
    if not day_starts:
        return {}
    rows = session.execute(
        select(Skip.account_id, Skip.question_id, Skip.at).where(
            Skip.account_id.in_(day_starts), Skip.at >= min(day_starts.values())
        )
    ).all()
    return {
        who: frozenset(row.question_id for row in rows if row.account_id == who and row.at >= start)
        for who, start in day_starts.items()
    }


def _approved(session: Session, people: Collection[int]) -> dict[int, frozenset[str]]:
    topics: dict[int, set[str]] = {who: set() for who in people}
    for row in session.execute(
        select(TopicApproval.account_id, TopicApproval.topic).where(
            TopicApproval.account_id.in_(people)
        )
    ):
        topics[row.account_id].add(row.topic)
    return {who: frozenset(each) for who, each in topics.items()}


def _work(
    session: Session, day_starts: Mapping[int, datetime]
) -> Mapping[int, list[tuple[int, bool]]]:
    """Return by person the minutes of each claim that is open, or was answered since then."""
    done: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    if not day_starts:
        return done
    rows = session.execute(
        select(Claim.answerer_id, Claim.status, Claim.ended_at, Question.size)
        .join(Question, Question.id == Claim.question_id)
        .where(
            Claim.answerer_id.in_(day_starts),
            (Claim.status == "active")
            | ((Claim.status == "posted") & (Claim.ended_at >= min(day_starts.values()))),
        )
    )
    for row in rows:
        is_open = row.status == "active"
        if is_open or row.ended_at >= day_starts[row.answerer_id]:
            done[row.answerer_id].append((MINUTES[Size(row.size)], is_open))
    return done


def asked_lately(session: Session, now: datetime) -> tuple[int, timedelta]:
    """Return the minutes of answering that were paid for lately, and how long that is; one statement."""
    paid = aliased(Move)
    minutes = case(*((Question.size == size, n) for size, n in MINUTES.items()), else_=0)
    total, first = session.execute(
        select(func.coalesce(func.sum(minutes), 0), func.min(paid.at))
        .join(Question, Question.id == paid.question_id)
        .where(
            paid.to_status == Status.QUEUED,
            paid.event.in_(("payment_confirmed", "late_payment_honoured")),
            paid.at > now - LATELY,
            paid.at <= now,
        )
    ).one()
    return int(total), timedelta(0) if first is None else now - first


def profile(session: Session) -> ActivityProfile:
    """Return the arrivals by hour, as learned; one statement."""
    row = session.get(Activity, 1, populate_existing=True)
    assert row is not None  # the migration made it
    return ActivityProfile(tuple(row.counts), row.seen, row.week)
