"""The organizer turns a dial of the off-peak engine: each change is a new version."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from upss.forum import queries_invite
from upss.forum import queries_offpeak as queries
from upss.forum.models_offpeak import Activity, OffpeakVersion
from upss.forum.service import releasing
from upss.kernel.errors import DomainError
from upss.kernel.ids import AccountId

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork

_MOMENT = timedelta(microseconds=1)


class DialsChanged(DomainError):
    """Somebody else has turned them since the page was shown; nothing was changed."""

    code = "dials_changed"


def turn(
    uow: UnitOfWork, *, organizer_id: AccountId | None, expected: int | None = None, **changes: Any
) -> int:
    """Store the dials in force with these columns changed, and return the version's number.

    Promises that were given stand; what waits is released by the new dials: 1,000 questions at
    once, the others by the worker. `expected` is the version that the organizer has seen (None:
    whichever). Raises `DialsChanged`; the database refuses what makes no sense (IntegrityError).
    """
    # One after the other, and never while the week's peaks are learned.
    uow.session.execute(select(Activity.id).with_for_update())
    newest = select(OffpeakVersion).order_by(OffpeakVersion.id.desc()).limit(1)
    last = uow.session.scalars(newest.execution_options(populate_existing=True)).one()
    if expected not in {None, last.id}:
        raise DialsChanged(version_id=last.id)
    columns = {column.key for column in OffpeakVersion.__table__.columns} - {"id"}
    values = {name: getattr(last, name) for name in columns}
    # a clock set back changes nothing of the order in which versions came into force
    since = max(uow.clock.now(), last.created_at + _MOMENT)
    fresh = OffpeakVersion(**(values | changes | {"created_at": since, "created_by": organizer_id}))
    uow.session.add(fresh)
    uow.session.flush()
    dials = queries.dials(uow.session)
    peaks = dials.peaks_from(queries_invite.profile(uow.session))
    releasing.declare_peaks(uow, dials, peaks, source="organizer")
    releasing.fit_due(uow)
    return fresh.id
