"""Databases for tests: cloned from a migrated template, or emptied for the next test."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from sqlalchemy import Engine, event

from tests.factories import Database
from upss.db import embedded

TEMPLATE = "upss_template"
_LOCK = "SELECT pg_advisory_lock(4711)"

_CATALOGUES = (
    "pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_default_acl", "pg_depend",
    "pg_event_trigger", "pg_index", "pg_policy", "pg_proc", "pg_rewrite", "pg_trigger", "pg_type",
)  # fmt: skip
# Each change of a definition writes a new row with a new xmin; temporary tables leave traces of
# their own, in a namespace that stays, and are no change.
_DEFINITIONS = (
    "SELECT " + ", ".join(
        f"(SELECT (count(*), sum(xmin::text::bigint))::text FROM pg_catalog.{name})"
        for name in _CATALOGUES
    )
    + ", (SELECT (count(*), sum(xmin::text::bigint))::text FROM pg_namespace"
    "     WHERE nspname !~ '^pg_(toast_)?temp'),"
    " (SELECT datacl::text FROM pg_database WHERE datname = current_database()),"
    " (SELECT string_agg(s::text, ',') FROM pg_db_role_setting s)"
)  # fmt: skip
_OTHERS = (
    "SELECT coalesce(bool_and(pg_terminate_backend(pid, 5000)), true) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s)"
)
_IDLE = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s) AND state = 'idle'"
_TABLES = (
    "SELECT schemaname, tablename FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
)
_SEQUENCES = "SELECT schemaname, sequencename, last_value, start_value FROM pg_sequences"

# Somebody rests in every topic and language, all the week, so that each question of a test can be
# promised: by 24 hours after the end of its offer, and 8 hours later for each one that waits.
RESTING = 900_000
_REST = """
INSERT INTO account (id, public_id, email, name, language, created_at, confirmed_at) OVERRIDING
  SYSTEM VALUE VALUES (900000, 'restingpersonxyz', 'resting@example.org', 'Rest', 'en', '2020-01-01Z',
  '2020-01-01Z');
INSERT INTO account_role VALUES (900000, 'answerer', '2020-01-01Z');
INSERT INTO topic_approval SELECT 900000, code, '2020-01-01Z' FROM topic;
INSERT INTO hours_version OVERRIDING SYSTEM VALUE VALUES (900000, 900000, '2020-01-01Z',
  'Europe/Madrid', '[[0,0,1440],[1,0,1440],[2,0,1440],[3,0,1440],[4,0,1440],[5,0,1440],[6,0,1440]]',
  1320, 480, '[]', NULL, '{}', 480, NULL, '{en,es,ca}', '{}');
INSERT INTO offpeak_version (created_at, mode, urgency, margin, max_promise_hours, prior_per_hour,
  stagger_minutes, peak_source, fixed_cells, pins, closed_dates)
  SELECT created_at, 'open', urgency, margin, max_promise_hours, 5.859375, 0,
    peak_source, fixed_cells, pins, closed_dates FROM offpeak_version;
"""


def let_somebody_rest(conninfo: str) -> None:
    """Add the one who rests, and dials under which nothing waits for a quieter hour."""
    with psycopg.connect(conninfo) as owner:
        owner.execute(_REST)


def send_home(conninfo: str) -> None:
    """Take the one who rests away: a site as its migrations leave it, with the first dials."""
    with psycopg.connect(conninfo) as owner:
        for table in ("hours_version", "topic_approval", "account_role"):
            owner.execute(f"DELETE FROM {table} WHERE account_id = {RESTING}")
        owner.execute(f"DELETE FROM account WHERE id = {RESTING}")
        owner.execute("DELETE FROM offpeak_version WHERE id > 1")


def clone(server: embedded.EmbeddedServer, name: str) -> Database:
    """Make a fresh database from the template; one of the same name is replaced."""
    assert re.fullmatch(r"\w+", name)
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(_LOCK)
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER upss_owner")
        admin.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
        admin.execute(f"GRANT CONNECT ON DATABASE {name} TO upss_app")
    return Database(
        owner_url=server.url("upss_owner", name),
        app_url=server.url("upss_app", name),
        superuser_conninfo=server.conninfo("postgres", name),
        app_conninfo=server.conninfo("upss_app", name),
        owner_conninfo=server.conninfo("upss_owner", name),
    )


# The connection of each reused database, by its address, for what puts rows into it.
ADMINS: dict[str, psycopg.Connection] = {}


@dataclass
class Reused:
    """One database for test after test: emptied before each, or cloned anew where that is not enough.

    A clone takes ten times as long as emptying the few rows that a test leaves.
    """

    server: embedded.EmbeddedServer
    name: str
    _database: Database | None = None
    _admin: psycopg.Connection | None = None
    _definitions: object = None
    _emptying: str = ""
    _pools: dict[Engine, set[int]] = field(default_factory=dict)

    def keep(self, engine: Engine) -> None:
        """Leave the connections of this engine's pool alone from now on, as long as they are idle.

        A new one reads what it has to know of all tables, which takes longer than most tests.
        """
        if engine in self._pools:
            return
        pids = self._pools[engine] = set()

        def note(connection: psycopg.Connection, _record: object) -> None:
            pids.add(connection.info.backend_pid)

        def forget(connection: psycopg.Connection, _record: object) -> None:
            pids.discard(connection.info.backend_pid)

        event.listen(engine, "connect", note)
        event.listen(engine, "close", forget)

    def _let_pools_go(self) -> None:
        for engine, pids in self._pools.items():
            engine.dispose()
            pids.clear()

    def fresh(self) -> Database:
        """Return the database as it is after the migrations; whoever still uses it is cut off."""
        if self._database is not None and self._is_emptied():
            return self._database
        self.close()
        self._database = clone(self.server, self.name)
        # Kept: a new connection reads what it has to know of all tables, which takes longer.
        self._admin = psycopg.connect(self._database.superuser_conninfo)
        ADMINS[self._database.superuser_conninfo] = self._admin
        with self._admin.transaction():
            self._definitions = self._admin.execute(_DEFINITIONS).fetchone()
            self._emptying = what_empties(self._admin).as_string(self._admin)
        return self._database

    def _is_emptied(self) -> bool:
        """Empty it, unless the last test changed definitions or dropped it."""
        assert self._admin is not None
        try:
            with self._admin.transaction():
                kept = [pid for pids in self._pools.values() for pid in pids]
                if self._admin.execute(_IDLE, [kept]).fetchone() != (len(kept),):
                    self._let_pools_go()
                    kept = []
                if self._admin.execute(_OTHERS, [kept]).fetchone() != (True,):
                    return False
                if self._admin.execute(_DEFINITIONS).fetchone() != self._definitions:
                    return False
                self._admin.execute(self._emptying)
        except psycopg.OperationalError:
            return False
        return True

    def close(self) -> None:
        """Let the database go."""
        self._let_pools_go()
        if self._admin is not None:
            self._admin.close()
            ADMINS.clear()


def what_empties(admin: psycopg.Connection) -> sql.Composable:
    """Return the statements that bring every row and number back to what they are now."""
    statements: list[sql.Composable] = [sql.SQL("SET LOCAL session_replication_role = replica")]
    for schema, table in admin.execute(_TABLES).fetchall():
        name = sql.Identifier(schema, table)
        statements.append(sql.SQL("DELETE FROM {}").format(name))
        rows = admin.execute(sql.SQL("SELECT json_agg(t)::text FROM {} t").format(name)).fetchone()
        if rows is not None and rows[0] is not None:
            statements.append(
                sql.SQL(
                    "INSERT INTO {0} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{0}, {1})"
                ).format(name, sql.Literal(rows[0]))
            )
    for schema, name, last, first in admin.execute(_SEQUENCES).fetchall():
        statements.append(
            sql.SQL("SELECT setval({}, {}, {})").format(
                sql.Literal(f'"{schema}"."{name}"'),
                sql.Literal(first if last is None else last),
                sql.Literal(last is not None),
            )
        )
    return sql.SQL(";").join(statements)
