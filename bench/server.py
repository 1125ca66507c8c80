"""A private PostgreSQL for one run of measurements: durable, in a temporary folder, gone afterwards."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from upss.db import embedded, migrate, roles
from upss.db.embedded_place import try_lock, wait_until

SUPERUSER = "postgres"
TEMPLATE = "bench_template"
# A checkpoint would fall into the round of one contender alone; these keep it out of all rounds.
SETTINGS = {"max_wal_size": "4GB", "checkpoint_timeout": "1h"}


@dataclass(frozen=True)
class Server:
    """The running server; databases made here have all tables, triggers and rights of the product."""

    running: embedded.EmbeddedServer

    def admin(self, database: str = "postgres") -> str:
        """Return the superuser's address of a database, in libpq's words."""
        return self.running.conninfo(SUPERUSER, database)

    def app_url(self, database: str) -> str:
        """Return the address that the product's own processes would use."""
        return self.running.url("upss_app", database)

    def app_conninfo(self, database: str) -> str:
        """Return the same address in libpq's words."""
        return self.running.conninfo("upss_app", database)

    def make(self, database: str) -> None:
        """Make an empty, migrated database."""
        with psycopg.connect(self.admin(), autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{database}" TEMPLATE {TEMPLATE} OWNER upss_owner')
            admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
            admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO upss_app')

    def make_bare(self, database: str) -> None:
        """Make a database without tables, for a peer that brings its own."""
        with psycopg.connect(self.admin(), autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{database}"')

    def settle(self) -> None:
        """Write to disk what earlier work left, so that the next round does not pay for it."""
        with psycopg.connect(self.admin(), autocommit=True) as admin:
            admin.execute("CHECKPOINT")

    def facts(self) -> dict[str, str]:
        """Return what decides the speed of a commit."""
        names = (
            "server_version",
            "fsync",
            "synchronous_commit",
            "full_page_writes",
            "wal_sync_method",
        )
        with psycopg.connect(self.admin()) as admin:
            shown = [admin.execute(f"SHOW {name}").fetchone() for name in (*names, *SETTINGS)]
        values = [row[0] for row in shown if row]
        return dict(zip((*names, *SETTINGS), values, strict=True))


@contextmanager
def private_server(work: Path | None = None, *, durable: bool = True) -> Iterator[Server]:
    """Start a server of our own in a new folder (inside `work` if given) and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="upss-bench-", dir=work))
    running = embedded.start(folder / "postgres", durable=durable)
    try:
        server = Server(running)
        _prepare(server)
        yield server
    finally:
        running.close()
        _wait_for_end(running)
        shutil.rmtree(running.place.home, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(server: Server) -> None:
    with psycopg.connect(server.admin(), autocommit=True) as admin:
        for name, value in SETTINGS.items():
            admin.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        admin.execute("SELECT pg_reload_conf()")
    roles.init_database(server.admin(), TEMPLATE)
    migrate.upgrade(server.running.url("upss_owner", TEMPLATE))


def _wait_for_end(running: embedded.EmbeddedServer) -> None:
    """Wait until the keeper has stopped the server: nothing may write into a folder that goes."""

    def ended() -> bool:
        with open(running.place.lock("keeper"), closefd=True) as lock:  # noqa: PTH123
            return try_lock(lock.fileno(), fcntl.LOCK_EX)

    wait_until(ended, seconds=embedded.PATIENCE, pause=0.1)
