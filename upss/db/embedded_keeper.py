"""The keeper: a process that owns one embedded server and stops it once nobody uses it.

Three locks say who lives, since a lock dies with its process and a pid does not:
`users` is shared by every user, `keeper` is held by the keeper, and `server` is
inherited by PostgreSQL's own processes, so it is free only when the last is gone.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from upss.db.embedded_place import (
    PORT,
    EmbeddedError,
    Place,
    check_socket_folder,
    make_socket_folder,
    try_lock,
)
from upss.db.embedded_root import Launcher, launcher

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
PAUSE = 0.1
# seconds; a server that ends earlier would only end again
TOO_SOON = 2.0


class Keeper:
    """Starts the server, starts it again if it dies, and stops it after the last user."""

    def __init__(self, place: Place, *, durable: bool) -> None:
        self.place = place
        self.durable = durable
        self.users = place.lock("users")
        self.server = place.lock("server")
        self.child: subprocess.Popen[bytes] | None = None
        self.started = 0.0

    def run(self) -> None:
        """Keep the server until nobody uses it."""
        try:
            while not try_lock(self.users):
                # a server that outlived its keeper still holds the lock: it is simply kept
                if try_lock(self.server):
                    self._start()
                time.sleep(PAUSE)
        finally:
            self._stop()

    def _start(self) -> None:
        if self.child is not None:
            self.child.wait()
            if time.monotonic() - self.started < TOO_SOON:
                raise EmbeddedError("PostgreSQL ended right after its start.")
        self.started = time.monotonic()
        how = launcher(self.place)
        make_socket_folder(self.place)
        self._clear_remains()
        if not self.place.data.exists():
            self._create(how)
        directories = '"{}"'.format(str(self.place.socket).replace('"', '""'))
        settings = SETTINGS | {"unix_socket_directories": directories, "port": str(PORT)}
        if not self.durable:
            settings |= THROWAWAY
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.child = how.popen("postgres", "-D", str(self.place.data), *options, lock=self.server)
        # from here on only PostgreSQL holds the lock; the new descriptor asks for it
        os.close(self.server)
        self.server = self.place.lock("server")

    def _create(self, how: Launcher) -> None:
        """Make the data folder under another name and rename it when it is complete."""
        draft = self.place.data.with_name("data.draft")
        shutil.rmtree(draft, ignore_errors=True)
        creation = how.popen(
            "initdb",
            f"--pgdata={draft}",
            "--username=postgres",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--no-locale",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *([] if self.durable else ["--no-sync"]),
            lock=self.server,
        )
        if creation.wait() != 0:
            raise EmbeddedError("PostgreSQL could not create its data folder.")
        draft.rename(self.place.data)

    def _clear_remains(self) -> None:
        """Remove what a killed server left; its pid may be another program's by now."""
        pid = self._written_pid()
        if pid is not None and _is_server(pid, self.place.data):
            raise EmbeddedError(f"Another PostgreSQL (process {pid}) serves {self.place.data}.")
        socket = self.place.socket / f".s.PGSQL.{PORT}"
        for remains in (self.place.data / "postmaster.pid", socket, Path(f"{socket}.lock")):
            remains.unlink(missing_ok=True)

    def _stop(self) -> None:
        """Disconnect everybody, write everything to disk, end."""
        while not try_lock(self.server):
            pid = self._server_pid()
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)
            time.sleep(PAUSE)
        # a folder that somebody else made, for which the start was refused, is left alone
        with suppress(OSError, EmbeddedError):
            check_socket_folder(self.place)
            self.place.socket.rmdir()

    def _server_pid(self) -> int | None:
        if self.child is not None and self.child.poll() is None:
            return self.child.pid
        pid = self._written_pid()
        return pid if pid is not None and _is_server(pid, self.place.data) else None

    def _written_pid(self) -> int | None:
        try:
            return int((self.place.data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None


def _is_server(pid: int, data: Path) -> bool:
    """Say whether the process is a PostgreSQL at work in this data folder."""
    process = Path("/proc") / str(pid)
    try:
        if Path("/proc/self").exists():
            program = (process / "exe").readlink().name
            return program.startswith("postgres") and (process / "cwd").readlink() == data
        answer = subprocess.run(  # noqa: S603
            ["/bin/ps", "-o", "comm=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:  # gone, a zombie, or another user's
        return False
    return Path(answer.stdout.strip()).name == "postgres"


def main() -> int:
    """Run a keeper on the folder and the locked descriptor given on the command line."""
    parser = argparse.ArgumentParser(prog="upss.db.embedded_keeper")
    parser.add_argument("folder", type=Path)
    parser.add_argument("keeper_lock", type=int)
    parser.add_argument("--throwaway", action="store_true")
    given = parser.parse_args()
    if os.fork():
        # the starter waits for this process alone; the keeper is nobody's child
        os._exit(0)
    fcntl.fcntl(given.keeper_lock, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    keeper = Keeper(Place(given.folder), durable=not given.throwaway)
    try:
        keeper.run()
    except (EmbeddedError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        # before the users' lock, which ends with the process: who gets that one
        # must not mistake this keeper for one that will serve
        os.close(given.keeper_lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
