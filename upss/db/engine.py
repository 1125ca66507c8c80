"""Which address to connect to: the configured server, or the embedded one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy.engine import make_url

from upss.config import Settings
from upss.db import embedded, roles

APP_ROLE = "upss_app"
OWNER_ROLE = "upss_owner"
SUPERUSER = "postgres"
DATABASE = "upss"


@cache
def embedded_server(folder: Path) -> embedded.EmbeddedServer:
    """Start or join the server in `folder`; it is held until this process ends."""
    return embedded.start(folder)


def app_url(settings: Settings) -> str:
    """Return the application role's address: what web, worker and commands use."""
    return settings.database_url or _embedded(settings).url(APP_ROLE, DATABASE)


def owner_url(settings: Settings) -> str:
    """Return the owner's address; only `upss db` may use it.

    An external server without UPSS_DATABASE_OWNER_URL has none: the caller gets an error.
    """
    if settings.database_owner_url:
        return settings.database_owner_url
    if settings.database_url:
        raise embedded.EmbeddedError("set UPSS_DATABASE_OWNER_URL: migrations run as the owner")
    return _embedded(settings).url(OWNER_ROLE, DATABASE)


def url_of(instance: Path) -> str:
    """Return the application role's address of the embedded database in an instance folder."""
    return embedded_server(instance / "postgres").url(APP_ROLE, DATABASE)


def _embedded(settings: Settings) -> embedded.EmbeddedServer:
    return embedded_server(settings.instance / "postgres")


def init(settings: Settings, admin_url: str | None = None) -> None:
    """Make the two roles and the database where they are missing.

    The embedded server needs nothing; an external one an address that may create roles.
    Passwords are those of the two configured addresses.
    """
    if settings.database_url is None:
        roles.init_database(_embedded(settings).conninfo(SUPERUSER, "postgres"), DATABASE)
        return
    if admin_url is None:
        raise embedded.EmbeddedError(
            "set UPSS_DATABASE_ADMIN_URL (or --admin-url): making roles needs an administrator"
        )
    app, owner = make_url(settings.database_url), make_url(owner_url(settings))
    roles.init_database(
        admin_url.replace("postgresql+psycopg://", "postgresql://"),
        str(app.database),
        owner=str(owner.username),
        app=str(app.username),
        owner_password=owner.password,
        app_password=app.password,
    )


def leave(settings: Settings) -> None:
    """Let go of the embedded server, if it is in use: the last to leave stops it."""
    if settings.database_url is None:
        _embedded(settings).close()
        embedded_server.cache_clear()
