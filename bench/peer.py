"""The peer: django-hordak in an environment of its own, which is made once and kept."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.race import Turn
from bench.server import SUPERUSER, Server
from upss.db.embedded_place import PORT

REQUIREMENTS = Path(__file__).with_name("hordak.txt")
CLIENT = Path(__file__).with_name("hordak_client.py")


class PeerMissingError(Exception):
    """The peer cannot take part; the message says why and what to do."""


def environment(work: Path | None = None) -> Path:
    """Return the Python of hordak's environment; make it from the package index if it is missing.

    It stays in `work`, or in the user's cache, under a name that follows the pinned versions.
    Raises `PeerMissingError` where nothing can be installed.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "upss-bench"
    pins = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = (work or home) / f"hordak-{pins}"
    python, complete = folder / "bin" / "python", folder / "complete"
    if complete.exists():
        return python
    print("Installing django-hordak for comparison (once)", file=sys.stderr)
    venv.create(folder, clear=True)  # without a pip of its own: ours installs into it
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--retries=1")
    ran = subprocess.run(
        [
            *pip,
            "--disable-pip-version-check",
            "--timeout=15",
            "--no-deps",
            "--no-compile",
            "-r",
            REQUIREMENTS,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        said = ran.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise PeerMissingError(f"django-hordak could not be installed (network?): {said[0]}")
    complete.touch()
    return python


def versions() -> list[str]:
    """Return the pinned versions of the peer and what it stands on."""
    return REQUIREMENTS.read_text().split()


@dataclass(frozen=True)
class Hordak:
    """A process that takes turns on demand."""

    process: subprocess.Popen[str]

    def __call__(self, turn: Turn) -> float:
        """Return transactions per second."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{turn.clients} {turn.seconds}\n")
        self.process.stdin.flush()
        return float(self.answer()["rate"])

    def answer(self) -> dict[str, Any]:
        """Read its next answer; raises `PeerMissingError` if it has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise PeerMissingError("django-hordak ended; its error stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def hordak(server: Server, database: str, work: Path | None = None) -> Iterator[Hordak]:
    """Make hordak's tables in a new database of this server and let it take turns.

    Raises `PeerMissingError` where it cannot be installed or does not start.
    """
    python = environment(work)
    server.make_bare(database)
    socket = str(server.running.place.socket)
    command = [str(python), "-P", str(CLIENT), socket, str(PORT), database, SUPERUSER]
    pipe = subprocess.PIPE
    # leaving it closes the input, which is what lets the process go
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as process:
        peer = Hordak(process)
        peer.answer()
        yield peer
