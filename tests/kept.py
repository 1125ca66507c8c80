"""What many tests begin with: made once by the real services, and put back as rows for the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tests.databases import ADMINS, what_empties
from tests.factories import Database

Made = TypeVar("Made")
_KEPT: dict[str, tuple[str, object]] = {}


def kept(name: str, database: Database, make: Callable[[], Made]) -> Made:
    """Return what `make` made in the first test of this worker that asked for `name`.

    Every later test finds the same rows and numbers. The stand-in has only one of each payment
    for all of them: keep nothing of which tests refund or pay out what it stands for.
    """
    admin = ADMINS[database.superuser_conninfo]
    if name not in _KEPT:
        made = make()
        with admin.transaction():
            _KEPT[name] = (what_empties(admin).as_string(admin), made)
    rows, found = _KEPT[name]
    with admin.transaction():
        admin.execute(rows)
    return found
