"""What answerers have declared: in force now, and through time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from upss.accounts.models import Account, AccountRole, TopicApproval
from upss.forum.models import Claim, Question
from upss.forum.models_hours import HoursVersion
from upss.forum.models_inviting import NoInvitations
from upss.forum.rules.declared import Declared, assumed
from upss.forum.rules.hours import Hours
from upss.forum.rules.windows import Interval, Window
from upss.kernel.roles import Role

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ASSUMED = 0  # the id of what is assumed of somebody who has declared nothing
# They are expected from the day on which they came, not from the day of their invitation.
_ASSUMED_SINCE = func.coalesce(Account.confirmed_at, Account.created_at).label("assumed_since")


@dataclass(frozen=True, slots=True)
class Version:
    """What was in force for one person from `created_at` until their next version."""

    id: int
    account_id: int
    created_at: datetime
    declared: Declared
    is_invited: bool = True  # by mail, to what waits

    @property
    def is_assumed(self) -> bool:
        """Tell whether the person has not declared anything yet."""
        return self.id == ASSUMED


def in_force(session: Session, account_id: int, site_zone: str) -> Declared:
    """Return what counts for somebody now; one statement.

    `site_zone` is the IANA zone that is assumed of who has declared nothing.
    """
    return newest(session, [account_id], site_zone)[account_id].declared


def newest(session: Session, account_ids: Collection[int], site_zone: str) -> Mapping[int, Version]:
    """Return the version in force of each account, declared or assumed; one statement."""
    of_account = aliased(HoursVersion)
    last = (
        select(func.max(of_account.id)).where(of_account.account_id == Account.id).scalar_subquery()
    )
    rows = session.execute(
        select(
            Account.id,
            Account.language,
            _ASSUMED_SINCE,
            HoursVersion,
            NoInvitations.account_id.is_(None).label("is_invited"),
        )
        .select_from(Account)
        .outerjoin(HoursVersion, HoursVersion.id == last)
        .outerjoin(NoInvitations, NoInvitations.account_id == Account.id)
        .where(Account.id.in_(account_ids))
    )
    found: dict[int, Version] = {}
    for row in rows:
        plain = Version(ASSUMED, row.id, row.assumed_since, assumed(row.language, site_zone))
        version = _version(row.HoursVersion) if row.HoursVersion else plain
        found[row.id] = replace(version, is_invited=row.is_invited)
    return found


def before(session: Session, version: Version, site_zone: str) -> Version:
    """Return what was in force for the same person before a declared version; one statement."""
    earlier = session.execute(
        select(Account.language, _ASSUMED_SINCE, HoursVersion)
        .outerjoin(
            HoursVersion,
            (HoursVersion.account_id == Account.id) & (HoursVersion.id < version.id),
        )
        .where(Account.id == version.account_id)
        .order_by(HoursVersion.id.desc())
        .limit(1)
    ).one()
    if earlier.HoursVersion:
        return _version(earlier.HoursVersion)
    plain = assumed(earlier.language, site_zone)
    return Version(ASSUMED, version.account_id, earlier.assumed_since, plain)


def history(session: Session, since: datetime, site_zone: str) -> list[Version]:
    """Return every version of an answerer that is or was in force at `since` or later.

    In the order in which they came into force, which is that of their ids for each person; what
    was assumed before somebody's first version is among them. Who was invited and never came
    is expected to do nothing, and has none. One statement.
    """
    of_account = aliased(HoursVersion)
    then = (
        select(func.max(of_account.id))
        .where(of_account.account_id == Account.id, of_account.created_at <= since)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Account.id, Account.language, _ASSUMED_SINCE, then.label("then"), HoursVersion)
        .join(AccountRole, AccountRole.account_id == Account.id)
        .outerjoin(
            HoursVersion,
            (HoursVersion.account_id == Account.id)
            & or_(HoursVersion.id == then, HoursVersion.created_at > since),
        )
        .where(AccountRole.role == Role.ANSWERER, Account.confirmed_at.is_not(None))
    ).all()
    plain = {
        row.id: Version(ASSUMED, row.id, row.assumed_since, assumed(row.language, site_zone))
        for row in rows
        if row.then is None
    }
    declared = [_version(row.HoursVersion) for row in rows if row.HoursVersion]
    return sorted((*plain.values(), *declared), key=lambda each: (each.created_at, each.id))


def held(session: Session, account_id: int) -> set[tuple[str, str]]:
    """Return topic and language of each question that the person holds a claim on."""
    rows = session.execute(
        select(Question.topic, Question.language)
        .join(Claim, Claim.question_id == Question.id)
        .where(Claim.answerer_id == account_id, Claim.status == "active")
    )
    return {(row.topic, row.language) for row in rows if row.topic is not None}


def approved_for(session: Session, topics: Collection[str]) -> Mapping[str, frozenset[int]]:
    """Return who may answer in each of the topics, and has come."""
    rows = session.execute(
        select(TopicApproval.topic, TopicApproval.account_id)
        .join(Account, Account.id == TopicApproval.account_id)
        .where(TopicApproval.topic.in_(topics), Account.confirmed_at.is_not(None))
    ).all()
    return {
        topic: frozenset(row.account_id for row in rows if row.topic == topic) for topic in topics
    }


def declared_of(row: HoursVersion | None, language: str, site_zone: str) -> Declared:
    """Return what a person's newest row declares; None: what is assumed of who declared nothing."""
    return assumed(language, site_zone) if row is None else _declared(row)


def _version(row: HoursVersion) -> Version:
    return Version(row.id, row.account_id, row.created_at, _declared(row))


def _declared(row: HoursVersion) -> Declared:
    hours = Hours(
        windows=tuple(Window(*window) for window in row.windows),
        zone=row.zone,
        quiet_start_min=row.quiet_start_min,
        quiet_end_min=row.quiet_end_min,
        absences=tuple(
            Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))
            for start, end in row.absences
        ),
        paused_until=row.paused_until,
        rest_days=frozenset(row.rest_days),
        daily_minutes=row.daily_minutes,
        daily_answers=row.daily_answers,
    )
    return Declared(hours, frozenset(row.languages), frozenset(row.topics_off))
