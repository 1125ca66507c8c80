"""The provider's events: stored once, handled by a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects.postgresql import insert

from upss.payments.models import ProviderEvent

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.kernel.ports import EventNotice


def receive_event(uow: UnitOfWork, *, notice: EventNotice) -> bool:
    """Store a verified event and defer its handling; False when it came before."""
    stored = uow.session.execute(
        insert(ProviderEvent)
        .values(
            id=notice.id,
            type=notice.type,
            object_id=notice.object_id,
            received_at=uow.clock.system_now(),
        )
        .on_conflict_do_nothing()
        .returning(ProviderEvent.id)
    ).scalar_one_or_none()
    if stored is None:
        return False
    # No lock: the handler reads the object as it is now and the row's lock orders what follows of
    # it, while one event that cannot be handled yet would hold up all later ones of its object.
    uow.defer("payments.handle_event", event_id=notice.id)
    return True
