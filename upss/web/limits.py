"""Rate limits in the database: one upsert in its own short transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from upss.db.base import db
from upss.kernel.errors import TooManyRequests
from upss.web.models import RateCount
from upss.web.ports import clock


def hit(key: str, *, most: int, window: timedelta) -> None:
    """Count one use of `key`; raises `TooManyRequests` above `most` in the present window.

    The count is kept even when the request fails later, because it commits by itself.
    """
    now = clock().system_now()
    seconds = int(window.total_seconds())
    start = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=now.tzinfo)
    count = (
        insert(RateCount)
        .values(key=key, window_start=start, uses=1)
        .on_conflict_do_update(
            index_elements=["key", "window_start"], set_={"uses": RateCount.uses + 1}
        )
        .returning(RateCount.uses)
    )
    with db.engine.begin() as connection:
        uses = connection.execute(count).scalar_one()
    if uses > most:
        raise TooManyRequests(until=start + window)


def delete_old(before: datetime) -> int:
    """Delete counts of windows that began before `before`; return how many."""
    with db.engine.begin() as connection:
        return connection.execute(delete(RateCount).where(RateCount.window_start < before)).rowcount
