"""Counts the SQL statements of the application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask.testing import FlaskClient
from sqlalchemy import event

from upss.db.base import db


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements of the application's connections, on one line each."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(" ".join(statement.split())[:120])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def statements_of(client: FlaskClient, path: str) -> list[str]:
    """Return the statements of a page, once the session has the token of its forms."""
    client.get(path)
    with statements() as seen:
        assert client.get(path).status_code == 200, path
    return seen
