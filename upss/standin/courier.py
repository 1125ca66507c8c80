"""Delivers signed webhooks from a background thread, with retries that survive a restart."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from upss.standin.operations import age

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from upss.standin.store import Json
    from upss.standin.world import World

_LOG = logging.getLogger(__name__)
_PAUSE_SECONDS = 0.5
_TIMEOUT_SECONDS = 10
_BATCH = 20
_PAYLOAD = ("id", "object", "type", "livemode", "created", "related_object")


def sign(body: str, secret: str, timestamp: int) -> str:
    """Return the value of the `Stripe-Signature` header."""
    digest = hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256)
    return f"t={timestamp},v1={digest.hexdigest()}"


class Courier:
    """One thread that sends what is due and lets the world age."""

    def __init__(
        self, world: World, url: str | None, secret: str, retry_seconds: Sequence[float]
    ) -> None:
        self._world = world
        self._url = urlsplit(url) if url else None
        self._secret = secret
        self._retry_seconds = retry_seconds
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="standin-courier", daemon=True)
        world.on_event = self._wake.set

    def start(self) -> None:
        """Begin delivering."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the delivery under way."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_TIMEOUT_SECONDS + 1)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                with self._world.store.unit():
                    age(self._world)
                self._deliver_due()
            except Exception:  # noqa: BLE001 - logged with its trace
                # The thread must outlive a clock that cannot be read for a moment.
                _LOG.exception("the stand-in's courier stumbled")
            self._wake.wait(_PAUSE_SECONDS)

    def _deliver_due(self) -> None:
        for row in self._due():
            if self._stopped.is_set():
                return
            answer = self._send(row["event_id"])
            self._record(row, answer)

    def _due(self) -> list[sqlite3.Row]:
        store = self._world.store
        if self._url is None or store.switch("webhooks_paused", default=False):
            return []
        order = "DESC" if store.switch("webhooks_reorder", default=False) else "ASC"
        return store.execute(
            "SELECT * FROM delivery WHERE state = 'waiting' AND due_at <= ?"  # noqa: S608
            f" ORDER BY id {order} LIMIT {_BATCH}",
            self._world.clock.system_now().timestamp(),
        )

    def _send(self, event_id: str) -> str:
        """Post one event; returns the status, or what went wrong."""
        event: Json | None = self._world.store.get(event_id)
        if event is None or self._url is None:
            return "gone"
        body = json.dumps({name: event[name] for name in _PAYLOAD})
        timestamp = int(self._world.clock.system_now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "Stripe-Signature": sign(body, self._secret, timestamp),
        }
        line = http.client.HTTPConnection(
            self._url.hostname or "127.0.0.1", self._url.port or 80, timeout=_TIMEOUT_SECONDS
        )
        try:
            line.request("POST", self._url.path or "/", body=body, headers=headers)
            return str(line.getresponse().status)
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        finally:
            line.close()

    def _record(self, row: sqlite3.Row, answer: str) -> None:
        attempts = row["attempts"] + 1
        if answer.startswith("2"):
            state, wait = "delivered", 0.0
        elif attempts > len(self._retry_seconds):
            state, wait = "given_up", 0.0
        else:
            state, wait = "waiting", self._retry_seconds[attempts - 1]
        self._world.store.execute(
            "UPDATE delivery SET state = ?, attempts = ?, answer = ?, due_at = ? WHERE id = ?",
            state,
            attempts,
            answer,
            self._world.clock.system_now().timestamp() + wait,
            row["id"],
        )
