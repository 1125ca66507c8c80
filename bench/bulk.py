"""Filling tables quickly: without triggers, and with indexes that are made once at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import LiteralString, cast

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]


def quiet(conninfo: str) -> Connection:
    """Connect with triggers and foreign keys switched off for this session alone.

    `conninfo` is the superuser's.
    """
    connection = psycopg.connect(conninfo)
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET synchronous_commit = off")
    connection.execute("SET maintenance_work_mem = '512MB'")
    return connection


@contextmanager
def without_indexes(connection: Connection, tables: Sequence[str]) -> Iterator[None]:
    """Drop the indexes of these tables, primary keys apart, and make them again afterwards.

    To fill an index row by row takes several times as long as to sort it once.
    """
    unique = connection.execute(
        "SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),"
        " format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,"
        " pg_get_constraintdef(oid)) FROM pg_constraint WHERE contype = 'u'"
        " AND conrelid = ANY (%s::regclass[])",
        [list(tables)],
    ).fetchall()
    plain = connection.execute(
        "SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)"
        " FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid AND conrelid = indrelid"
        " WHERE pg_constraint.oid IS NULL AND indrelid = ANY (%s::regclass[])",
        [list(tables)],
    ).fetchall()
    commands = [cast(tuple[LiteralString, LiteralString], row) for row in (*unique, *plain)]
    for drop, _ in commands:
        connection.execute(drop)
    yield
    for _, make in commands:
        connection.execute(make)


def analyse(conninfo: str) -> None:
    """Leave the tables as they are some time after they were filled."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
