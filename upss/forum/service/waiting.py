"""Those who wanted to hear when an answer can be promised again are told once, then forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, tuple_

from upss.forum.events import PromisePossible
from upss.forum.models_offpeak import Waiting
from upss.forum.rules.promising import Quote
from upss.forum.rules.timers import OFFER
from upss.forum.service.promises import Quoter
from upss.site import queries as site

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.forum.queries_offpeak import Place

BATCH = 100
KEPT = timedelta(days=90)  # an address that nothing could be told


def tell_waiting(uow: UnitOfWork) -> int:
    """Tell those whose topic and language can be promised now, 100 at most; return how many.

    Their rows go in the same transaction, and a row can be deleted by one worker only. Rows that
    are too old go untold.
    """
    uow.session.execute(delete(Waiting).where(Waiting.created_at < uow.clock.now() - KEPT))
    places = _promised_again(uow)
    if not places:
        return 0
    oldest = (
        select(Waiting.id)
        .where(tuple_(Waiting.topic, Waiting.language).in_(places))
        .order_by(Waiting.id)
        .limit(BATCH)
    )
    gone = uow.session.execute(
        delete(Waiting)
        .where(Waiting.id.in_(oldest))
        .returning(Waiting.id, Waiting.email, Waiting.reads, Waiting.topic, Waiting.language)
    ).all()
    for row in gone:
        uow.emit(
            PromisePossible(
                at=uow.clock.now(),
                waiting_id=row.id,
                email=row.email,
                reads=row.reads,
                topic=row.topic,
                language=row.language,
            )
        )
    return len(gone)


def _promised_again(uow: UnitOfWork) -> list[Place]:
    """Return where somebody waits and the first question would get a promise."""
    wanted = uow.session.execute(select(Waiting.topic, Waiting.language).distinct()).all()
    if not wanted:
        return []
    on_the_menu = site.terms(uow.session).topics
    places = sorted((row.topic, row.language) for row in wanted if row.topic in on_the_menu)
    if not places:
        return []
    quoter, at = Quoter.load(uow, places), uow.clock.now() + OFFER
    return [place for place in places if isinstance(quoter.quote(place, at), Quote)]
