"""State that survives a kill: objects, idempotency keys, deliveries and switches in one SQLite file.

A unit is committed before its answer is sent, so nothing that was answered can be lost.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    body TEXT NOT NULL, private TEXT NOT NULL DEFAULT '{}');
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, seq);
CREATE TABLE IF NOT EXISTS used_key (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'waiting',
    answer TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """One connection behind one lock: a local stand-in needs order more than speed."""

    def __init__(self, path: Path | None) -> None:
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=30
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Everything inside happens, or nothing does; an inner unit may fail by itself."""
        with self._lock:
            name = f"unit_{self._depth}"
            self._db.execute("BEGIN IMMEDIATE" if self._depth == 0 else f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                self._undo(name)
                raise
            self._depth -= 1
            self._db.execute("COMMIT" if self._depth == 0 else f"RELEASE {name}")

    def _undo(self, name: str) -> None:
        if self._depth == 0:
            self._db.execute("ROLLBACK")
        else:
            self._db.execute(f"ROLLBACK TO {name}")
            self._db.execute(f"RELEASE {name}")

    def execute(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Run one statement of a neighbouring module and return its rows."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def put(self, kind: str, body: Json, private: Json | None = None) -> None:
        """Insert or replace an object; what is `private` is never shown by the interface."""
        self.execute(
            "INSERT INTO object (id, kind, body, private) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            body["id"],
            kind,
            json.dumps(body),
            json.dumps(private or {}),
        )

    def get(self, object_id: str) -> Json | None:
        """Return an object by its id."""
        rows = self.execute("SELECT body FROM object WHERE id = ?", object_id)
        return json.loads(rows[0]["body"]) if rows else None

    def kind_of(self, object_id: str) -> str | None:
        """Return what an id stands for."""
        rows = self.execute("SELECT kind FROM object WHERE id = ?", object_id)
        return rows[0]["kind"] if rows else None

    def private(self, object_id: str) -> Json:
        """Return the hidden facts of an object."""
        rows = self.execute("SELECT private FROM object WHERE id = ?", object_id)
        return json.loads(rows[0]["private"]) if rows else {}

    def note(self, object_id: str, **facts: object) -> None:
        """Add hidden facts to an object."""
        private = json.dumps(self.private(object_id) | facts)
        self.execute("UPDATE object SET private = ? WHERE id = ?", private, object_id)

    def find(self, kind: str, **equals: object) -> list[Json]:
        """Return the objects of a kind whose fields have these values, newest first."""
        tests = "".join(f" AND json_extract(body, '$.{name}') = ?" for name in equals)
        rows = self.execute(
            f"SELECT body FROM object WHERE kind = ?{tests} ORDER BY seq DESC",  # noqa: S608
            kind,
            *equals.values(),
        )
        return [json.loads(row["body"]) for row in rows]

    def switch(self, name: str, default: Any) -> Any:
        """Return a setting of the controls page."""
        rows = self.execute("SELECT value FROM switch WHERE name = ?", name)
        return json.loads(rows[0]["value"]) if rows else default

    def set_switch(self, name: str, value: object) -> None:
        """Keep a setting of the controls page."""
        self.execute("REPLACE INTO switch (name, value) VALUES (?, ?)", name, json.dumps(value))
