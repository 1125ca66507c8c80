"""Alembic behind our own functions: migrations run inside the package, as the owner."""

from __future__ import annotations

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from upss.paths import MIGRATIONS


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; all of it happens or nothing."""
    _run(owner_url, lambda config: command.upgrade(config, revision))


def downgrade(owner_url: str, revision: str) -> None:
    """Take the database back to `revision`."""
    _run(owner_url, lambda config: command.downgrade(config, revision))


def check(owner_url: str) -> None:
    """Raise alembic's error when models and migrations differ."""
    _run(owner_url, command.check)


def revision_of(connection: Connection) -> str | None:
    """Return the revision that the database is at."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """Return the newest revision that this version of UPSS knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _run(owner_url: str, work: Callable[[Config], object]) -> None:
    engine = create_engine(owner_url)
    config = _config()
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            work(config)
            connection.commit()
    finally:
        engine.dispose()
