"""The newest calculation of what positions of the dials would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from upss.organizer.models import DialPosition, DialTrial

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ABANDONED = timedelta(hours=2)  # longer than any calculation takes


@dataclass(frozen=True, slots=True)
class Trials:
    """The newest calculation that ended, with its positions, and the one that is under way."""

    ended: DialTrial | None
    positions: Sequence[DialPosition]
    running: DialTrial | None
    done: int


def newest(session: Session, now: datetime) -> Trials:
    """Return both; two statements."""
    rows = session.scalars(select(DialTrial).order_by(DialTrial.id.desc()).limit(20)).all()
    ended = next((row for row in rows if row.ended_at), None)
    running = next(
        (row for row in rows[:1] if row.ended_at is None and now - row.asked_at < ABANDONED), None
    )
    ids = [row.id for row in (ended, running) if row]
    found = session.scalars(
        select(DialPosition)
        .where(DialPosition.trial_id.in_(ids))
        .order_by(DialPosition.trial_id, DialPosition.place)
    ).all()
    return Trials(
        ended,
        [each for each in found if ended and each.trial_id == ended.id],
        running,
        sum(1 for each in found if running and each.trial_id == running.id),
    )
