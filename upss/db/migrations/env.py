"""Alembic's environment: one connection, given by `upss db`, that belongs to the owner."""

from alembic import context

import upss.accounts.models
import upss.adjustments.models
import upss.doctor.models
import upss.forum.models
import upss.notices.models
import upss.organizer.models
import upss.payments.models
import upss.payouts.models
import upss.site.models
import upss.web.models  # noqa: F401 - the imports fill Base.metadata
from upss.db.base import Base


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    """Leave procrastinate's tables and the ledger, which is written by hand, alone."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_name=_ours,
)
with context.begin_transaction():
    context.run_migrations()
