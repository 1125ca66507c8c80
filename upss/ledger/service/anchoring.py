"""Anchoring: entries that wait are sealed into blocks, each of which names the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import errors
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from upss.ledger import models, queries_chain
from upss.ledger.rules import merkle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from upss.db.work import UnitOfWork

MAX_ENTRIES = 512
# Another session made the block of this number: no fork, whatever two of them try.
_LOST = {"block_pkey", "block_prev_hash_key"}

_TAKE = text("""
    INSERT INTO ledger.block_entry (block_seq, pos, entry_id)
    SELECT :seq, e.place - 1, e.entry_id
      FROM unnest(CAST(:entry_ids AS bigint[])) WITH ORDINALITY AS e (entry_id, place)""")


@dataclass(frozen=True, slots=True)
class Anchored:
    """What one call added to the chain, and the newest block of it."""

    blocks: int
    entries: int
    seq: int
    hash: str


def anchor(uow: UnitOfWork) -> Anchored | None:
    """Seal every entry that waits into blocks; None if none waits or another session was faster.

    What another session left out waits for the next call. The unit of work can go on.
    """
    try:
        with uow.session.begin_nested():
            return _seal_all(uow)
    except IntegrityError as error:
        if isinstance(error.orig, errors.UniqueViolation) and (
            error.orig.diag.constraint_name in _LOST
        ):
            return None
        raise


def _seal_all(uow: UnitOfWork) -> Anchored | None:
    # The head is read before the entries: who reads them the other way round may take entries
    # that a block made in between holds already.
    head = queries_chain.newest_block(uow.session)
    seq, prev = (head.seq, head.hash) if head else (0, merkle.NO_BLOCK)
    blocks = entries = 0
    page = _waiting(uow.session, after=0)
    while page:
        seq += 1
        prev = _seal(uow, seq, prev, page)
        blocks += 1
        entries += len(page)
        # Only within this transaction; the next call begins at zero again, so that an entry
        # with a smaller id that commits later is never left out.
        page = _waiting(uow.session, after=page[-1][0])
    return Anchored(blocks, entries, seq, prev) if blocks else None


def _waiting(session: Session, *, after: int) -> Sequence[tuple[int, str]]:
    """Return id and digest of the next entries that wait, in the order of a block."""
    pending, seal = models.pending.c, models.seal.c
    statement = (
        select(pending.entry_id, seal.digest)
        .join_from(models.pending, models.seal, seal.entry_id == pending.entry_id)
        .where(pending.entry_id > after)
        .order_by(pending.entry_id)
        .limit(MAX_ENTRIES)
    )
    return [(row.entry_id, row.digest) for row in session.execute(statement)]


def _seal(uow: UnitOfWork, seq: int, prev: str, page: Sequence[tuple[int, str]]) -> str:
    """Write one block with its entries; return its hash."""
    block = merkle.Block(
        seq=seq,
        prev=prev,
        n_entries=len(page),
        root=merkle.root([digest for _, digest in page]),
        sealed_at=uow.clock.now(),
    )
    uow.session.execute(
        insert(models.block).values(
            seq=seq,
            prev_hash=prev,
            n_entries=block.n_entries,
            root=block.root,
            sealed_at=block.sealed_at,
            hash=block.hash,
        )
    )
    uow.session.execute(_TAKE, {"seq": seq, "entry_ids": [entry_id for entry_id, _ in page]})
    return block.hash
