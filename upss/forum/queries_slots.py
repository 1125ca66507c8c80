"""Which of somebody's own hours are quiet, by what the site has learned and all have declared."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from upss.forum import queries_hours, queries_invite
from upss.forum.rules.activity import LEARN_FROM
from upss.forum.rules.slots import quietness, shared_out, suggested
from upss.forum.rules.windows import Window, zone

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from upss.forum.rules.hours import Hours


def of_own(session: Session, mine: Hours, now: datetime, site_zone: str) -> tuple[Window, ...]:
    """Return the quiet windows of these hours, by their own clock; two statements.

    None until the site has learned when questions come. Days away do not matter: these are hours
    of any week.
    """
    profile = queries_invite.profile(session)
    if profile.seen < LEARN_FROM:
        return ()
    everybody = queries_hours.history(session, now, site_zone)
    declared = [each.declared.hours for each in everybody]
    parts = [shared_out(_kept(hours), _ahead(hours, now, site_zone)) for hours in declared]
    weights = quietness(profile.week_rel(), [sum(hour) for hour in zip(*parts, strict=True)])
    return suggested(_kept(mine), _ahead(mine, now, site_zone), weights)


def _kept(hours: Hours) -> tuple[Window, ...]:
    return tuple(window for window in hours.windows if window.dow not in hours.rest_days)


def _ahead(hours: Hours, now: datetime, site_zone: str) -> int:
    """Return how many minutes the person's clock is ahead of the site's."""
    theirs, ours = (now.astimezone(zone(each)).utcoffset() for each in (hours.zone, site_zone))
    assert theirs is not None
    assert ours is not None
    return round((theirs - ours).total_seconds() / 60)
