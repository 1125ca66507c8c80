"""The two database roles: the owner migrates, the application runs and may only connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from upss.kernel.errors import UpssError

if TYPE_CHECKING:
    from typing import Any

    Connection = psycopg.Connection[tuple[Any, ...]]

# any number, so that two processes do not create the same role at once
_LOCK = 7_202_118


class UnsafeRole(UpssError):
    """The application's role could do more than connect; the guarantees would be void."""

    code: ClassVar[str] = "unsafe_role"


def init_database(
    admin_conninfo: str,
    database: str = "upss",
    *,
    owner: str = "upss_owner",
    app: str = "upss_app",
    owner_password: str | None = None,
    app_password: str | None = None,
) -> None:
    """Create what is missing of the two roles and the database, and take rights from PUBLIC.

    `admin_conninfo` (libpq's words or a `postgresql://` address) is a superuser, or
    a role that may create roles and databases. Passwords are set only if given.
    Raise UnsafeRole if `app` exists and has rights beyond connecting.
    """
    with psycopg.connect(admin_conninfo, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        _ensure_role(admin, owner, owner_password)
        _ensure_role(admin, app, app_password)
        _join_owner(admin, owner)
        _refuse_powerful(admin, app, owner)
        _ensure_database(admin, database, owner, app)
    with psycopg.connect(make_conninfo(admin_conninfo, dbname=database), autocommit=True) as inside:
        inside.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _ensure_role(admin: Connection, name: str, password: str | None) -> None:
    known = admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    if known is None:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE").format(
                sql.Identifier(name)
            )
        )
    if password is not None:
        # hashed here, so that no log of the server can show it
        secret = admin.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
        admin.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(name), sql.Literal(secret.decode())
            )
        )


def _join_owner(admin: Connection, owner: str) -> None:
    """Let an administrator who is no superuser give a database to the owner."""
    member = admin.execute("SELECT pg_has_role(%s, 'USAGE')", [owner]).fetchone()
    if member == (False,):
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(owner)))


def _refuse_powerful(admin: Connection, app: str, owner: str) -> None:
    powers = admin.execute(
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
        " OR pg_has_role(rolname, %s, 'MEMBER') FROM pg_roles WHERE rolname = %s",
        [owner, app],
    ).fetchone()
    if powers != (False,):
        raise UnsafeRole(role=app, owner=owner)


def _ensure_database(admin: Connection, database: str, owner: str, app: str) -> None:
    names = {
        "database": sql.Identifier(database),
        "owner": sql.Identifier(owner),
        "app": sql.Identifier(app),
    }
    known = admin.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone()
    if known is None:
        admin.execute(
            sql.SQL(
                "CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'"
            ).format(**names)
        )
    for command in (
        "ALTER DATABASE {database} OWNER TO {owner}",
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {app}",
    ):
        admin.execute(sql.SQL(command).format(**names))
