"""The organizer turns a dial of the off-peak engine: each change is a new version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from upss.forum import queries_offpeak as queries
from upss.forum.models_offpeak import OffpeakVersion
from upss.forum.service import releasing
from upss.kernel.ids import AccountId

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork


def turn(uow: UnitOfWork, *, organizer_id: AccountId | None, **changes: Any) -> int:
    """Store the dials in force with these columns changed, and return the version's number.

    Promises that were given stand; what waits is released by the new dials. The database refuses
    what makes no sense (IntegrityError).
    """
    newest = select(OffpeakVersion).order_by(OffpeakVersion.id.desc()).limit(1)
    last = uow.session.scalars(newest).one()
    columns = {column.key for column in OffpeakVersion.__table__.columns} - {"id"}
    values = {name: getattr(last, name) for name in columns}
    # a clock set back changes nothing of the order in which versions came into force
    since = max(uow.clock.now(), last.created_at)
    fresh = OffpeakVersion(**(values | changes | {"created_at": since, "created_by": organizer_id}))
    uow.session.add(fresh)
    uow.session.flush()
    dials = queries.dials(uow.session)
    peaks = dials.peaks_from(releasing.profile_of(uow))
    releasing.declare_peaks(uow, dials, peaks, source="organizer")
    releasing.release_anew(uow)
    return fresh.id
