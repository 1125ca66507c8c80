"""The demo's post office: takes every mail over real SMTP and keeps it as a file to read."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as policy
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One mail as it came; `key` names its file."""

    key: str
    to: str
    subject: str
    language: str
    text: str
    html: str


class _Keep:
    """Writes each message to the folder, under a name that sorts by arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        name = f"{time.time_ns():020d}.eml"
        part = self._folder / (name + ".part")
        part.write_bytes(envelope.content)
        part.rename(self._folder / name)
        return "250 Kept"


def serve(folder: Path, *, port: int) -> None:
    """Take mail on loopback until a signal stops it."""
    controller = Controller(_Keep(folder), hostname="127.0.0.1", port=port)
    controller.start()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_args: stop.set())
    stop.wait()
    controller.stop()


_LONGEST_KEY = 40  # no name of a file may be much longer


def newest(folder: Path, *, before: str | None, limit: int) -> Sequence[CaughtMail]:
    """Return caught mails, newest first, from below the key `before`."""
    keys = sorted((file.stem for file in folder.glob("*.eml")), reverse=True)
    chosen = [key for key in keys if before is None or key < before][:limit]
    return [found for key in chosen if (found := read(folder, key)) is not None]


def read(folder: Path, key: str) -> CaughtMail | None:
    """Return one mail, or None where there is none of that key."""
    file = folder / f"{key}.eml"
    if not key.isdecimal() or len(key) > _LONGEST_KEY or not file.is_file():
        return None
    message = message_from_bytes(file.read_bytes(), policy=policy)
    assert isinstance(message, EmailMessage)
    return CaughtMail(
        key,
        str(message["To"]),
        str(message["Subject"]),
        str(message["Content-Language"] or ""),
        _part(message, "plain"),
        _part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return "" if body is None else str(body.get_content())
