"""Verification finds what an owner of the tables changes in blocks, what waits, and totals."""

from __future__ import annotations

import os
import random
from contextlib import contextmanager
from itertools import islice

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from tests.books import BEGINNING, lives, write
from tests.databases import clone
from upss.db.queue import ProcrastinateQueue
from upss.db.work import OwnSession
from upss.kernel.clock import FixedClock
from upss.ledger.verify import verify

TABLES = ("block", "block_entry", "pending", "checkpoint", "entry", "seal", "posting")
ZEROS, ONES = "0" * 64, "1" * 64
FREE = "ALTER TABLE ledger.block_entry DROP CONSTRAINT {}"
MORE_TOTALS = """
    INSERT INTO ledger.checkpoint SELECT a.id, 4, 0, 0 FROM ledger.account a
     WHERE NOT EXISTS (SELECT FROM ledger.checkpoint WHERE (account_id, block_seq) = (a.id, 4))"""


@pytest.fixture(scope="module")
def owner(server):
    """Four blocks of five entries, and three entries that wait."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = clone(server, f"chain_{worker}")
    engine = create_engine(made.app_url)
    steps = lives(random.Random(4))
    write(engine, islice(steps, 20), per_commit=5)
    with Session(engine) as session:
        uow = OwnSession(session, FixedClock(BEGINNING), ProcrastinateQueue())
        for step in islice(steps, 3):
            step(uow)
        uow.commit()
    engine.dispose()
    owner = create_engine(made.owner_url)
    yield owner
    owner.dispose()


@contextmanager
def changed(owner, *statements):
    """Change history as the owner can, with the triggers off; undone at the end."""
    with owner.connect() as connection:
        for table in TABLES:
            connection.execute(text(f"ALTER TABLE ledger.{table} DISABLE TRIGGER USER"))
        for statement in statements:
            connection.execute(text(statement))
        yield Session(connection)
        connection.rollback()


def test_blocks_are_counted_and_right(owner):
    with Session(owner) as session:
        report = verify(session)
    assert report.differences == []
    assert (report.entries, report.blocks) == (23, 4)


CHANGES = {
    "hash": (
        [f"UPDATE ledger.block SET hash = '{ONES}' WHERE seq = 2"],
        ["block 2: the hash is not", "block 3: does not follow block 2"],
    ),
    "root": (
        [f"UPDATE ledger.block SET root = '{ONES}' WHERE seq = 2"],
        ["block 2: the hash is not", "block 2: the root is not"],
    ),
    "time": (
        ["UPDATE ledger.block SET sealed_at = sealed_at + interval '1 us' WHERE seq = 4"],
        ["block 4: the hash is not"],
    ),
    "first block": (
        [f"UPDATE ledger.block SET prev_hash = '{ONES}' WHERE seq = 1"],
        ["block 1: does not follow block 0", "block 1: the hash is not"],
    ),
    "number of entries": (
        ["UPDATE ledger.block SET n_entries = 2000000000 WHERE seq = 1"],
        ["block 1: its places are not", "block 1: the hash is not"],
    ),
    "a block lost": (
        [
            FREE.format("block_entry_block_seq_fkey"),
            "ALTER TABLE ledger.checkpoint DROP CONSTRAINT checkpoint_block_seq_fkey",
            "DELETE FROM ledger.block WHERE seq = 3",
        ],
        ["block 4: does not follow block 2", "place in no block: entry 11"],
    ),
    "an end cut off": (
        [
            "DELETE FROM ledger.checkpoint WHERE block_seq = 4",
            "DELETE FROM ledger.block_entry WHERE block_seq = 4",
            "DELETE FROM ledger.block WHERE seq = 4",
        ],
        ["entry 16: 1 seals, in 0 blocks, waits 0 times"],
    ),
    "places swapped": (
        [
            FREE.format("block_entry_pkey"),
            "UPDATE ledger.block_entry SET pos = 9 - pos WHERE block_seq = 2 AND pos IN (4, 5)",
            "UPDATE ledger.block_entry SET pos = 1 - pos WHERE block_seq = 2 AND pos IN (0, 1)",
        ],
        ["block 2: its places are not", "block 2"],
    ),
    "order": (
        [
            FREE.format("block_entry_pkey"),
            "UPDATE ledger.block_entry SET pos = 1 - pos WHERE block_seq = 2 AND pos IN (0, 1)",
        ],
        ["block 2: its entries are not in the order", "block 2: the root is not"],
    ),
    "a place lost": (
        ["DELETE FROM ledger.block_entry WHERE entry_id = 7"],
        ["block 2: its places are not", "entry 7: 1 seals, in 0 blocks, waits 0 times"],
    ),
    "two blocks": (
        [
            FREE.format("block_entry_entry_id_key"),
            "UPDATE ledger.block_entry SET entry_id = 7 WHERE entry_id = 12",
        ],
        [
            "entry 7: 1 seals, in 2 blocks",
            "entry 12: 1 seals, in 0 blocks",
            "block 3: the root is not",
        ],
    ),
    "an entry lost": (
        [
            FREE.format("block_entry_entry_id_fkey"),
            "ALTER TABLE ledger.entry DROP CONSTRAINT must_be_sealed",
            "DELETE FROM ledger.posting WHERE entry_id = 7",
            "DELETE FROM ledger.seal WHERE entry_id = 7",
            "DELETE FROM ledger.entry WHERE id = 7",
        ],
        ["block 2: an entry of it is missing", "entry 7: 0 seals, in 1 blocks"],
    ),
    "digest": (
        [f"UPDATE ledger.seal SET digest = '{ONES}' WHERE entry_id = 7"],
        ["block 2: the root is not", "entry 7"],
    ),
    "not waiting": (
        ["DELETE FROM ledger.pending WHERE entry_id = 22"],
        ["entry 22: 1 seals, in 0 blocks, waits 0 times"],
    ),
    "waiting twice": (
        ["INSERT INTO ledger.pending VALUES (3), (99)"],
        ["entry 3: 1 seals, in 1 blocks, waits 1", "entry 99: 0 seals"],
    ),
    "total": (
        ["UPDATE ledger.checkpoint SET debit = debit + 1 WHERE block_seq = 4"],
        ["at block 4: lines"],
    ),
    "total of both sides": (
        ["UPDATE ledger.checkpoint SET debit = debit + 1, credit = credit + 1"],
        [
            "totals of Assets:Stripe:Unsettled at block 1",
            "totals of Liabilities:Held:Questions at block 1",
        ],
    ),
    "total lost": (
        ["DELETE FROM ledger.checkpoint WHERE block_seq = 1 AND account_id = 1"],
        ["totals of Assets:Receivable:Telco at block 1"],
    ),
    "total too many": (
        [
            MORE_TOTALS,
        ],
        ["at block 4: lines None and None, kept 0 and 0"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_of_the_chain_is_found(owner, name):
    statements, expected = CHANGES[name]
    with changed(owner, *statements) as session:
        found = verify(session).differences
    assert [part for part in expected if not any(part in line for line in found)] == [], found
