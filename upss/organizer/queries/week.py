"""The organizer's week: when questions and answers came, the dials and peaks with their past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from upss.accounts.models import Account
from upss.forum.models_offpeak import Activity, OffpeakVersion, PeakVersion
from upss.forum.queries_offpeak import dials_of
from upss.forum.rules.activity import HOURS, ActivityProfile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from upss.forum.rules.dials import Dials

WEEKS = 8  # what the chart shows
_MOST_VERSIONS = 200

_TRAFFIC = text("""
    SELECT is_answer,
           CAST((extract(isodow FROM local) - 1) * 24 + extract(hour FROM local) AS integer) AS cell,
           count(*) AS number
      FROM (SELECT false AS is_answer, paid_at AT TIME ZONE :zone AS local
              FROM question WHERE paid_at >= :since AND paid_at < :until
             UNION ALL
            SELECT true, posted_at AT TIME ZONE :zone
              FROM answer WHERE posted_at >= :since AND posted_at < :until) happened
     GROUP BY is_answer, cell""")


@dataclass(frozen=True, slots=True)
class Traffic:
    """What came in the last weeks, by hour of the week (0 to 167) of the site's zone."""

    asked: Sequence[int]
    answered: Sequence[int]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the dials: who made it (None: the program) and what stood in it."""

    id: int
    at: datetime
    by: str | None
    row: OffpeakVersion


@dataclass(frozen=True, slots=True)
class Standing:
    """The dials in force, with the versions before them (newest first) and the learned arrivals."""

    dials: Dials
    versions: Sequence[Version]
    profile: ActivityProfile

    @property
    def before(self) -> Version | None:
        """The version that an undo brings back."""
        return self.versions[1] if len(self.versions) > 1 else None

    def pinned_by(self, cell: int) -> Version:
        """Return the version that first had the pin of an hour, as it stands now."""
        found = self.versions[0]
        for version in self.versions:
            if [cell, self.dials.pins[cell]] not in version.row.pins:
                break
            found = version
        return found


def traffic(session: Session, now: datetime, site_zone: str) -> Traffic:
    """Return questions paid and answers sent in the weeks before `now`; one statement."""
    rows = session.execute(
        _TRAFFIC, {"zone": site_zone, "since": now - timedelta(weeks=WEEKS), "until": now}
    )
    asked, answered = [0] * HOURS, [0] * HOURS
    for row in rows:
        (answered if row.is_answer else asked)[row.cell] = row.number
    return Traffic(asked, answered)


def standing(session: Session) -> Standing:
    """Return the dials in force with their past; three statements."""
    rows = session.execute(
        select(OffpeakVersion, Account.name)
        .outerjoin(Account, Account.id == OffpeakVersion.created_by)
        .order_by(OffpeakVersion.id.desc())
        .limit(_MOST_VERSIONS)
    )
    versions = [
        Version(row.OffpeakVersion.id, row.OffpeakVersion.created_at, row.name, row.OffpeakVersion)
        for row in rows
    ]
    cells = session.scalars(
        select(PeakVersion.cells).order_by(PeakVersion.id.desc()).limit(1)
    ).one()
    activity = session.get_one(Activity, 1, populate_existing=True)
    profile = ActivityProfile(tuple(activity.counts), activity.seen, activity.week)
    return Standing(dials_of(versions[0].row, cells), versions, profile)


def peak_changes(session: Session, *, before: int | None, limit: int) -> Sequence[PeakVersion]:
    """Return the log of the peaks, newest first, or what is older than `before`; one statement."""
    rows = select(PeakVersion).order_by(PeakVersion.id.desc()).limit(limit)
    if before is not None:
        rows = rows.where(PeakVersion.id < before)
    return session.scalars(rows).all()
