"""Each night: who earned how much per declared hour lately, so that the others may choose first.

A question that is not urgent shows itself to those who earn most a little later. Nothing of this
touches a price or a share.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from upss.forum import queries_hours, queries_offpeak
from upss.forum.models_offpeak import AnswererRank
from upss.forum.rules.hours import available
from upss.forum.rules.queue import percentiles
from upss.forum.rules.turns import AHEAD_MAX, day_start
from upss.forum.rules.windows import zone
from upss.ledger.models import account, entry, posting
from upss.ledger.rules import chart

if TYPE_CHECKING:
    from collections.abc import Collection

    from upss.db.work import UnitOfWork

LATELY = timedelta(days=28)
_HOUR = timedelta(hours=1)
_log = logging.getLogger(__name__)


def rank_due(uow: UnitOfWork) -> int:
    """Place everybody anew, once for each day of the site; return 1 if it did."""
    now = uow.clock.now()
    midnight = day_start(now, zone(uow.zone))
    newest = uow.session.scalar(select(func.max(AnswererRank.at)))
    if newest is not None and newest > now + AHEAD_MAX:
        _log.warning("the clock was ahead: everybody was placed until %s", newest)
        uow.session.execute(
            update(AnswererRank).where(AnswererRank.at > midnight).values(at=midnight)
        )
    elif newest is not None and newest >= midnight:
        return 0
    hours = _declared_hours(uow, midnight)
    earned = _earned(uow, hours.keys(), midnight)
    rates = {who: earned.get(who, 0) / max(1.0, hours[who]) for who in hours}
    places = [
        {"account_id": who, "percentile": place, "at": midnight}
        for who, place in percentiles(rates).items()
    ]
    if not places:
        return 0
    fresh = insert(AnswererRank)
    uow.session.execute(
        fresh.on_conflict_do_update(
            index_elements=["account_id"],
            set_={"percentile": fresh.excluded.percentile, "at": fresh.excluded.at},
        ),
        places,
    )
    return 1


def _declared_hours(uow: UnitOfWork, until: datetime) -> dict[int, float]:
    """Return how many hours everybody had declared in the 28 days before."""
    since = until - LATELY
    closed = queries_offpeak.dials(uow.session).closed
    versions = defaultdict(list)
    for version in queries_hours.history(uow.session, since, uow.zone):
        if version.created_at < until:
            versions[version.account_id].append(version)
    hours: dict[int, float] = {}
    for who, theirs in versions.items():
        starts = [max(each.created_at, since) for each in theirs]
        ends = [*starts[1:], until]
        hours[who] = sum(
            (piece.end - piece.start) / _HOUR
            for each, start, end in zip(theirs, starts, ends, strict=True)
            for piece in available(each.declared.hours, start, end, closed)
        )
    return hours


def _earned(uow: UnitOfWork, people: Collection[int], until: datetime) -> dict[int, int]:
    """Return what the ledger says that each earned by accepted answers, in minor units."""
    codes = {chart.payable(who): who for who in people}
    rows = uow.session.execute(
        select(account.c.code, -func.sum(posting.c.amount))
        .join(account, account.c.id == posting.c.account_id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(
            account.c.code.in_(codes),
            entry.c.kind == "answer_accepted",
            entry.c.booked_at >= until - LATELY,
            entry.c.booked_at < until,
        )
        .group_by(account.c.code)
    )
    return {codes[code]: int(minor) for code, minor in rows}
