"""The proof of one person's entries: each with its way to a block, then the chain of the blocks.

`upss/ledger/offline/verify_proof.py` reads it. No entry of anybody else is in it, and the
memory that it takes does not grow with the number of entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, select

from upss.ledger.models import account, block, block_entry, entry, posting, seal
from upss.ledger.rules import merkle
from upss.ledger.rules.entry import Line, Record
from upss.payouts.queries_statement import codes_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

FORMAT = {"format": "upss-proof", "version": 1}
_CHUNK = 100
# Entries follow each other by id, and so, almost always, do their blocks.
_BLOCKS_KEPT = 4


def proof_lines(session: Session, answerer_id: int) -> Iterator[str]:
    """Yield the file; read as of one moment, or a block may be missing at its end.

    Entries that are in no block yet are only counted, in the first line.
    """
    mine = _entries_of(answerer_id).subquery()
    everything = select(func.count()).select_from(mine)
    placed = select(block_entry).join(mine, mine.c.id == block_entry.c.entry_id)
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
        records = _records(session, [row.entry_id for row in rows])
        for row in rows:
            leaves = digests(row.block_seq)
            yield _line(
                {
                    "entry": records[row.entry_id].document(),
                    "id": row.entry_id,
                    "digest": leaves[row.pos],
                    "block": row.block_seq,
                    "pos": row.pos,
                    "path": merkle.proof(leaves, row.pos),
                }
            )
    yield from _blocks(session, answerer_id)


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


def _records(session: Session, entry_ids: Sequence[int]) -> Mapping[int, Record]:
    """Return entries as their digests cover them, by id."""
    statement = (
        select(entry, account.c.code, posting.c.currency, posting.c.amount, posting.c.question_id)
        .join(posting, posting.c.entry_id == entry.c.id)
        .join(account, account.c.id == posting.c.account_id)
        .where(entry.c.id.in_(entry_ids))
        .order_by(entry.c.id, posting.c.line_no)
    )
    found = {}
    for entry_id, group in groupby(session.execute(statement), key=lambda row: row.id):
        lines = list(group)
        head = lines[0]
        found[entry_id] = Record(
            kind=head.kind,
            key=head.idempotency_key,
            request_hash=head.request_hash,
            external_ref=head.external_ref,
            reverses_id=head.reverses_id,
            booked_at=head.booked_at,
            value_date=head.value_date,
            actor=head.actor,
            reason=head.reason,
            approver=head.approver,
            lines=tuple(Line(row.code, row.currency, row.amount, row.question_id) for row in lines),
        )
    return found


def _blocks(session: Session, answerer_id: int) -> Iterator[str]:
    """Yield the heads of all blocks from the first that holds a person's entry to the newest.

    They are one unbroken chain, so that whatever block a statement names is among them.
    """
    first = select(func.min(block_entry.c.block_seq)).where(
        block_entry.c.entry_id.in_(_entries_of(answerer_id))
    )
    statement = select(block).where(block.c.seq >= first.scalar_subquery()).order_by(block.c.seq)
    for row in session.execute(statement, execution_options={"yield_per": _CHUNK}):
        head = merkle.Block(
            seq=row.seq,
            prev=row.prev_hash,
            n_entries=row.n_entries,
            root=row.root,
            sealed_at=row.sealed_at,
        )
        yield _line({"block": head.document() | {"hash": row.hash}})


def _line(document: Mapping[str, object]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n"
