"""Statements that go to the driver as they are.

For what is asked so often that putting the statement together, and taking its rows apart again,
would cost more than the database; docs/decisions/0021 says which these are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, LiteralString, cast

from psycopg.rows import namedtuple_row

if TYPE_CHECKING:
    from psycopg import Cursor
    from sqlalchemy.orm import Session


def one(session: Session, statement: str, values: Mapping[str, object]) -> Any | None:
    """Return the first row as a named tuple, its instants in UTC; None: there is no row.

    What the session has not written yet is written first. Numbers had better come as text: the
    driver prepares the statement anew for each width of an integer.
    """
    session.flush()
    raw = session.connection().connection.driver_connection
    assert raw is not None
    with raw.cursor(row_factory=_in_utc) as cursor:
        cursor.execute(cast("LiteralString", statement), values, prepare=True)
        return cursor.fetchone()


def _in_utc(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], Any]:
    """Make rows whose instants are read as `UtcDateTime` reads them."""
    make = namedtuple_row(cursor)

    def row(values: Sequence[Any]) -> Any:
        return make([
            value.astimezone(UTC) if isinstance(value, datetime) else value for value in values
        ])  # fmt: skip

    return row
