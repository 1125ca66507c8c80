"""The embedded PostgreSQL: start or join the server of a folder, and hold it while it is used."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from upss.db.embedded_place import (
    ELSEWHERE,
    PORT,
    EmbeddedError,
    Place,
    binaries,
    check_socket_folder,
    check_version,
    prepare_folder,
    try_lock,
    wait_until,
)

__all__ = ["EmbeddedError", "EmbeddedServer", "binaries", "start"]

PATIENCE = 120.0
LOG_TAIL = 2000


@dataclass
class EmbeddedServer:
    """A running server; it stops soon after the last process that holds one of these."""

    place: Place
    users_lock: int = field(repr=False)

    def url(self, user: str, database: str) -> str:
        """Return the SQLAlchemy address for this user (upss_owner, upss_app or postgres)."""
        # the port is named so that a PGPORT in the environment cannot lead astray
        query = {"host": str(self.place.socket), "port": str(PORT)}
        address = URL.create("postgresql+psycopg", user, database=database, query=query)
        return address.render_as_string(hide_password=False)

    def conninfo(self, user: str, database: str) -> str:
        """Return the same address in libpq's words, for psycopg."""
        return make_conninfo(user=user, dbname=database, host=str(self.place.socket), port=PORT)

    def close(self) -> None:
        """Use the server no more; the last user's end stops it within a second or so."""
        if self.users_lock >= 0:
            # closed, not unlocked: a forked child may still hold the same lock
            os.close(self.users_lock)
            self.users_lock = -1


def start(folder: Path, *, durable: bool = True) -> EmbeddedServer:
    """Start the server whose files are in `folder`, or join it if it runs.

    It is held until `close()` or the end of this process. With `durable=False`
    a server that starts now may lose everything in a crash: for tests only.
    """
    place = prepare_folder(folder)
    users = place.lock("users")
    server = EmbeddedServer(place, users)
    try:
        _ensure(server, durable=durable)
    except BaseException:
        server.close()
        raise
    return server


def _ensure(server: EmbeddedServer, *, durable: bool) -> None:
    """See to it that a keeper lives and that its server answers."""
    # refused only while a keeper is stopping the server
    if not wait_until(lambda: try_lock(server.users_lock, fcntl.LOCK_SH), seconds=PATIENCE):
        raise EmbeddedError(f"The server in {server.place.folder} does not stop. {ELSEWHERE}")
    started = False

    def answers() -> bool:
        nonlocal started
        lock = server.place.lock("keeper")
        try:
            if try_lock(lock):
                if started:
                    raise EmbeddedError(_what_went_wrong(server.place))
                _start_keeper(server.place, lock, durable=durable)
                started = True
        finally:
            os.close(lock)
        return _connects(server)

    if not wait_until(answers, seconds=PATIENCE):
        raise EmbeddedError(_what_went_wrong(server.place))


def _start_keeper(place: Place, lock: int, *, durable: bool) -> None:
    """Start a keeper that takes over the lock and outlives this process and its terminal."""
    check_version(place, binaries())
    if place.log.exists():
        place.log.replace(place.log.with_suffix(".log.1"))
    command = [sys.executable, "-m", "upss.db.embedded_keeper", str(place.folder), str(lock)]
    with place.open_log() as output:
        # this waits only for a first process, which leaves the keeper to itself
        subprocess.run(  # noqa: S603
            command if durable else [*command, "--throwaway"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # `-m` finds this very package, installed or not
            cwd=Path(__file__).parents[2],
            pass_fds=(lock,),
            start_new_session=True,
            check=True,
        )


def _connects(server: EmbeddedServer) -> bool:
    if not server.place.socket.exists():
        return False
    check_socket_folder(server.place)
    try:
        psycopg.connect(server.conninfo("postgres", "postgres"), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _what_went_wrong(place: Place) -> str:
    said = place.log.read_text(errors="replace")[-LOG_TAIL:].strip()
    return f"The embedded PostgreSQL in {place.folder} did not start. {ELSEWHERE}\n{said}"
