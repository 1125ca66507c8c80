"""What many tests begin with: made once by the real services, and put back as rows for the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psycopg
from psycopg import sql

from tests.databases import what_empties
from tests.factories import Database

Made = TypeVar("Made")
_KEPT: dict[str, tuple[sql.Composable, object]] = {}


def kept(name: str, database: Database, make: Callable[[], Made]) -> Made:
    """Return what `make` made in the first test of this worker that asked for `name`.

    Every later test finds the same rows and numbers. The stand-in has only one of each payment
    for all of them: keep nothing of which tests refund or pay out what it stands for.
    """
    if name not in _KEPT:
        made = make()
        with psycopg.connect(database.superuser_conninfo) as admin:
            _KEPT[name] = (what_empties(admin), made)
    rows, found = _KEPT[name]
    with psycopg.connect(database.superuser_conninfo) as admin:
        admin.execute(rows)
    return found
