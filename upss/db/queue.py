"""Deferring background jobs inside the caller's own transaction."""

from __future__ import annotations

from collections.abc import Mapping

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy.orm import Session


class ProcrastinateQueue:
    """Puts jobs into procrastinate's tables through the session's own connection."""

    def __init__(self) -> None:
        # Never opened: every deferral brings its connection. The tasks live in jobs.py, above.
        self._app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

    def defer(
        self,
        session: Session,
        name: str,
        *,
        key: str | None,
        lock: str | None,
        ids: Mapping[str, int | str],
    ) -> None:
        """Add the job `name`; a job of the same `key` that still waits is enough.

        Use a key only for a job about a row that this same transaction writes: a waiting job
        may start before this transaction commits.
        """
        try:
            with session.begin_nested():  # the refusal of a doubled key must not undo the caller
                # Asked for inside: the session sets its savepoint when it hands the connection out.
                raw = session.connection().connection.driver_connection
                self._app.configure_task(
                    name, connection=raw, lock=lock, queueing_lock=key, allow_unknown=True
                ).defer(**ids)
        except AlreadyEnqueued:
            return
