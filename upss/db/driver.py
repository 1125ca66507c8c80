"""Statements that go to the driver as they are.

For what is asked so often that putting the statement together, and taking its rows apart again,
would cost more than the database; docs/decisions/0023 says why.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# The rows of each statement; the driver's own named tuples are put together for each row anew.
_shapes: dict[str, Any] = {}


def one(session: Session, statement: str, values: Mapping[str, object]) -> Any | None:
    """Return the first row as a named tuple, its instants in UTC; None: there is no row.

    What the session has not written yet is written first. Numbers had better come as text: the
    driver prepares the statement anew for each width of an integer.
    """
    session.flush()
    raw = session.connection().connection.driver_connection
    assert raw is not None
    cursor = raw.execute(statement, values, prepare=True)
    found = cursor.fetchone()
    if found is None:
        return None
    if statement not in _shapes:
        _shapes[statement] = namedtuple("Row", [each.name for each in cursor.description])  # noqa: PYI024
    return _shapes[statement](*(
        value.astimezone(UTC) if isinstance(value, datetime) else value for value in found
    ))  # fmt: skip
