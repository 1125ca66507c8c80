"""Migrations and models agree, and every migration can be undone and done again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from tests.architecture.source import ROOT
from upss.db import embedded, migrate, roles

# Everything a migration can make; the same rows before and after, or something was left behind.
SHAPE = """
SELECT 'table', table_schema || '.' || table_name, column_name || ' ' || data_type || ' ' || is_nullable
  FROM information_schema.columns WHERE table_schema IN ('public', 'ledger')
UNION ALL SELECT 'index', schemaname || '.' || tablename, indexdef
  FROM pg_indexes WHERE schemaname IN ('public', 'ledger')
UNION ALL SELECT 'constraint', conrelid::regclass::text, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace::regnamespace::text IN ('public', 'ledger')
UNION ALL SELECT 'trigger', tgrelid::regclass::text, pg_get_triggerdef(oid)
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', p.oid::regprocedure::text, p.prosrc
  FROM pg_proc p WHERE p.pronamespace::regnamespace::text IN ('public', 'ledger')
UNION ALL SELECT 'grant', table_schema || '.' || table_name, grantee || ' ' || privilege_type
  FROM information_schema.role_table_grants
  WHERE table_schema IN ('public', 'ledger') AND grantee LIKE 'upss%'
ORDER BY 1, 2, 3
"""


@pytest.fixture
def bare(server: embedded.EmbeddedServer, worker_id: str) -> Iterator[tuple[str, str]]:
    """An initialised database without a table: the owner's address, and libpq's."""
    name = f"upss_bare_{worker_id}"
    admin = server.conninfo("postgres", "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4711)")
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        roles.init_database(admin, name)
    yield server.url("upss_owner", name), server.conninfo("postgres", name)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def shape(conninfo: str) -> list[tuple[str, ...]]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(SHAPE).fetchall()


def test_models_and_migrations_agree(bare):
    owner, _conninfo = bare
    migrate.upgrade(owner)
    migrate.check(owner)


def test_every_migration_goes_up_down_and_up_again(bare):
    owner, conninfo = bare
    before = shape(conninfo)
    migrate.upgrade(owner)
    after = shape(conninfo)
    migrate.downgrade(owner, "base")
    left = [row for row in shape(conninfo) if row not in before]
    assert [row for row in left if "alembic_version" not in row[1]] == []
    migrate.upgrade(owner)
    assert shape(conninfo) == after


def test_revisions_make_one_line():
    script = ScriptDirectory(str(ROOT / "upss" / "db" / "migrations"))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    files = Path(script.dir, "versions").glob("[0-9]*.py")
    assert len(list(files)) == len(list(script.walk_revisions()))
