"""The proof of one person's entries: each with its way to a block, then the chain of the blocks.

`upss/ledger/offline/verify_proof.py` reads it. No entry of anybody else is in it, and the
memory that it takes does not grow with the number of entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, select

from upss.ledger import walk
from upss.ledger.models import account, block, block_entry, posting, seal
from upss.ledger.rules import merkle
from upss.payouts.queries_statement import codes_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

FORMAT = {"format": "upss-proof", "version": 1}
_CHUNK = 100
# Entries follow each other by id, and so, almost always, do their blocks.
_BLOCKS_KEPT = 4


def proof_lines(session: Session, answerer_id: int, *, up_to: int | None = None) -> Iterator[str]:
    """Yield the file; read as of one moment, or a block may be missing at its end.

    With `up_to` it ends with the block of that number: enough for who holds the hash of that one.
    Entries that are in no block yet, or in a later one, are only counted, in the first line.
    """
    mine = _entries_of(answerer_id).subquery()
    everything = select(func.count()).select_from(mine)
    placed = select(block_entry).join(mine, mine.c.id == block_entry.c.entry_id)
    if up_to is not None:
        placed = placed.where(block_entry.c.block_seq <= up_to)
    anchored = select(func.count()).select_from(placed.subquery())
    waiting = session.execute(everything).scalar_one() - session.execute(anchored).scalar_one()
    yield _line(FORMAT | {"not_anchored": waiting})

    @lru_cache(_BLOCKS_KEPT)
    def digests(seq: int) -> Sequence[str]:
        return _digests(session, seq)

    places = session.execute(
        placed.order_by(block_entry.c.entry_id), execution_options={"yield_per": _CHUNK}
    )
    for rows in places.partitions():
        ids = [row.entry_id for row in rows]
        for place, written in zip(rows, walk.entries(session, ids=ids), strict=True):
            leaves = digests(place.block_seq)
            yield _line(
                {
                    "entry": walk.record_of(written).document(),
                    "id": place.entry_id,
                    "digest": leaves[place.pos],
                    "block": place.block_seq,
                    "pos": place.pos,
                    "path": merkle.proof(leaves, place.pos),
                }
            )
    yield from _blocks(session, placed, up_to)


def _entries_of(answerer_id: int) -> Select[Any]:
    """Select the ids of all entries that touch a person's accounts."""
    mine = account.c.code.in_(codes_of(answerer_id))
    statement = select(posting.c.entry_id.label("id")).join(
        account, account.c.id == posting.c.account_id
    )
    return statement.where(mine).distinct()


def _digests(session: Session, seq: int) -> Sequence[str]:
    """Return the leaves of a block, in its order."""
    statement = select(seal.c.digest).join(block_entry, block_entry.c.entry_id == seal.c.entry_id)
    ordered = statement.where(block_entry.c.block_seq == seq).order_by(block_entry.c.pos)
    return session.execute(ordered).scalars().all()


def _blocks(session: Session, placed: Select[Any], up_to: int | None) -> Iterator[str]:
    """Yield the heads of all blocks from the first that holds one of the entries.

    They are one unbroken chain, so that whatever block a statement names is among them.
    """
    first = select(func.min(placed.subquery().c.block_seq)).scalar_subquery()
    statement = select(block).where(block.c.seq >= first).order_by(block.c.seq)
    if up_to is not None:
        statement = statement.where(block.c.seq <= up_to)
    for row in session.execute(statement, execution_options={"yield_per": _CHUNK}):
        yield _line({"block": walk.block_of_row(row).document() | {"hash": row.hash}})


def _line(document: Mapping[str, object]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n"
