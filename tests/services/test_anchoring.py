"""Anchoring and reading the chain, on a real PostgreSQL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from upss.db import migrate
from upss.db.work import UnitOfWork
from upss.kernel.clock import FixedClock
from upss.kernel.money import Money
from upss.ledger import models, queries, queries_chain
from upss.ledger.rules import chart, merkle
from upss.ledger.rules.posting import questions
from upss.ledger.service import anchoring
from upss.ledger.service.anchoring import Anchored, anchor
from upss.ledger.service.posting import post

NOON = datetime(2026, 11, 1, 12, 0, 0, 123_456, tzinfo=UTC)
numbers = count(1)


class Work(UnitOfWork):
    """A unit of work on a session of its own, so that threads can have one each."""

    def __init__(self, session):
        self.clock = FixedClock(NOON)
        self._own = session

    @property
    def session(self):
        return self._own


@pytest.fixture
def engine(database):
    made = create_engine(database.app_url, pool_size=8)
    yield made
    made.dispose()


@pytest.fixture
def session(engine):
    with Session(engine) as session:
        yield session


@pytest.fixture
def other(engine):
    with Session(engine) as session:
        yield session


@pytest.fixture
def uow(session):
    return Work(session)


def pay(uow, minor=1000):
    """Book one payment; return the id of its entry."""
    question = next(numbers)
    draft = questions.question_paid(
        question_id=question, amount=Money(minor, "EUR"), session_id=f"cs_{question}"
    )
    return post(uow, draft).entry_id


def summed(session):
    """Add up every line of the ledger: what the totals of the chain must come to."""
    rows = session.execute(
        text("""
        SELECT a.code, a.kind, a.currency, sum(greatest(p.amount, 0)), sum(greatest(-p.amount, 0)),
               sum(p.amount)
          FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id
         GROUP BY a.id ORDER BY a.code""")
    )
    return [queries_chain.AccountTotals(*row[:3], *map(int, row[3:])) for row in rows]


def test_what_waits_goes_into_one_block_with_its_root_and_hash(uow, session):
    entries = [pay(uow) for _ in range(3)]
    session.commit()
    assert queries_chain.waiting(session) == queries_chain.Waiting(3, NOON)
    uow.clock.advance(timedelta(minutes=5))
    anchored = anchor(uow)
    session.commit()
    digests = session.scalars(select(models.seal.c.digest).order_by(models.seal.c.entry_id)).all()
    head = merkle.Block(
        seq=1,
        prev=merkle.NO_BLOCK,
        n_entries=3,
        root=merkle.root(digests),
        sealed_at=NOON + timedelta(minutes=5),
    )
    assert anchored == Anchored(blocks=1, entries=3, seq=1, hash=head.hash)
    assert queries_chain.newest_block(session) == queries_chain.BlockRow(
        1, merkle.NO_BLOCK, 3, head.root, head.sealed_at, head.hash
    )
    taken = session.scalars(
        select(models.block_entry.c.entry_id).order_by(models.block_entry.c.pos)
    )
    assert list(taken) == entries
    assert queries_chain.waiting(session) == queries_chain.Waiting(0, None)
    assert queries_chain.anchored_entries(session) == 3


def test_nothing_waits_nothing_happens(uow, session):
    assert anchor(uow) is None
    pay(uow)
    assert anchor(uow) is not None
    assert anchor(uow) is None
    session.commit()
    assert queries_chain.newest_block(session).seq == 1


def test_many_entries_make_several_blocks_of_a_chain(uow, session, monkeypatch):
    monkeypatch.setattr(anchoring, "MAX_ENTRIES", 4)
    for _ in range(10):
        pay(uow)
    anchored = anchor(uow)
    session.commit()
    assert (anchored.blocks, anchored.entries, anchored.seq) == (3, 10, 3)
    blocks = queries_chain.blocks(session, limit=50)
    assert [block.n_entries for block in blocks] == [2, 4, 4]
    assert [block.prev for block in blocks] == [blocks[1].hash, blocks[2].hash, merkle.NO_BLOCK]
    assert queries_chain.blocks(session, before=3, limit=1) == [blocks[1]]


def test_an_entry_that_commits_late_is_not_left_out(uow, session, other):
    pay(uow)  # opens the accounts, which another session would wait for
    session.commit()
    late = pay(Work(other))
    early = pay(uow)
    assert late < early
    anchor(uow)
    session.commit()
    other.commit()
    assert queries_chain.waiting(session).entries == 1
    assert anchor(uow).entries == 1
    session.commit()
    where = select(models.block_entry.c.block_seq).where(models.block_entry.c.entry_id == late)
    assert session.scalars(where).one() == 2


def test_two_at_once_make_no_fork_and_the_slower_goes_on(engine, uow, session):
    """The slower waits for the number that the faster took, and does nothing."""
    pay(uow)
    session.commit()
    assert anchor(uow) is not None
    begun = threading.Event()

    def slower():
        with Session(engine) as late:
            work = Work(late)
            begun.set()
            assert anchor(work) is None
            pay(work)
            late.commit()

    with ThreadPoolExecutor() as pool:
        running = pool.submit(slower)
        begun.wait()
        while not _somebody_waits(engine):
            assert not running.done()
        session.commit()
        running.result()
    assert queries_chain.newest_block(session).seq == 1
    assert queries_chain.waiting(session).entries == 1


def _somebody_waits(engine):
    with Session(engine) as looking:
        return looking.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            )
        )


def test_many_at_once_anchor_every_entry_once(engine):
    def work(_):
        with Session(engine) as own:
            uow = Work(own)
            for _ in range(5):
                pay(uow)
                own.commit()
                anchor(uow)
                own.commit()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    with Session(engine) as after:
        anchor(Work(after))
        after.commit()
        assert queries_chain.waiting(after).entries == 0
        assert queries_chain.anchored_entries(after) == 30
        assert queries_chain.account_totals(after) == summed(after)
        blocks = queries_chain.blocks(after, limit=99)
        assert [block.seq for block in blocks] == list(range(len(blocks), 0, -1))


def test_what_is_no_lost_race_reaches_the_caller(uow, session, monkeypatch):
    pay(uow)
    monkeypatch.setattr(merkle, "root", lambda _digests: "no root")
    with pytest.raises(IntegrityError, match="block_root_check"):
        anchor(uow)


def test_totals_are_those_of_all_lines_before_between_and_after_blocks(uow, session):
    for minor in (100, 250):
        pay(uow, minor)
    assert queries_chain.account_totals(session) == summed(session)
    anchor(uow)
    session.commit()
    assert queries_chain.account_totals(session) == summed(session)
    pay(uow, 7)
    session.commit()
    assert queries.trial_balance(session) == summed(session)
    anchor(uow)
    session.commit()
    assert queries.trial_balance(session) == summed(session)
    (held,) = queries_chain.account_totals(session, chart.HELD)
    assert (held.debit, held.credit, held.balance) == (0, 357, -357)
    assert queries.account_balance(session, chart.HELD) == -357
    assert queries.account_balance(session, "Assets:Never:Used") == 0


def test_the_migration_finds_entries_from_before_it_and_never_drops_blocks(uow, session, database):
    entries = [pay(uow), pay(uow)]
    session.commit()
    migrate.downgrade(database.owner_url, "0002")
    migrate.upgrade(database.owner_url)
    waits = session.scalars(select(models.pending.c.entry_id).order_by(models.pending.c.entry_id))
    assert list(waits) == entries
    anchor(uow)
    session.commit()
    with pytest.raises(Exception, match="holds blocks"):
        migrate.downgrade(database.owner_url, "0002")
