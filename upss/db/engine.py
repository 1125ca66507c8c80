"""Which address to connect to: the configured server, or the embedded one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from upss.config import Settings
from upss.db import embedded

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


def _embedded(settings: Settings) -> embedded.EmbeddedServer:
    return embedded_server(settings.instance / "postgres")
