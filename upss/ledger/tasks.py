"""Background work on the ledger: anchoring what waits, and telling the newest hash each week."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from upss.ledger import queries_chain
from upss.ledger.events import BooksAnchored
from upss.ledger.service import anchoring
from upss.web.ports import settings, unit

# A week's mail is due on Monday at seven, by the time of the site.
_MONDAY_MORNING = timedelta(hours=7)


def anchor() -> int:
    """Seal what waits into blocks, in a unit of its own; return how many entries it were."""
    with unit() as uow:
        anchored = anchoring.anchor(uow)
        uow.commit()
    return anchored.entries if anchored else 0


def tell_newest_block() -> None:
    """Have the newest hash mailed, once in each week however often this runs.

    It runs each hour and not on Monday alone: a server that was down then makes up for it.
    """
    with unit() as uow:
        if queries_chain.newest_block(uow.session) is not None:
            now = uow.clock.now()
            uow.emit(BooksAnchored(at=now, week=_week(now)))
        uow.commit()


def _week(now: datetime) -> int:
    begun = now.astimezone(ZoneInfo(settings().timezone)) - _MONDAY_MORNING
    year, week, _day = begun.isocalendar()
    return year * 100 + week
