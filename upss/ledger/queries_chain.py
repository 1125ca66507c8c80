"""Reading the chain: blocks, what waits, and the totals that the blocks leave.

Totals take the same time however long the ledger is: they are those of the newest block and
the few entries that wait, never the sum of all lines. Amounts are minor units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Row, Select, bindparam, cast, func, literal_column, select, true

from upss.ledger.models import (
    account,
    block,
    checkpoint,
    entry,
    pending,
    posting,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """One account of the trial balance; `balance` = debit - credit."""

    code: str
    kind: str
    currency: str
    debit: int
    credit: int
    balance: int


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block of the chain, with its hash."""

    seq: int
    prev: str
    n_entries: int
    root: str
    sealed_at: datetime
    hash: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many entries are in no block, and when the oldest of them was booked."""

    entries: int
    oldest: datetime | None


def newest_block(session: Session) -> BlockRow | None:
    """Return the newest block, or None before the first."""
    found = blocks(session, limit=1)
    return found[0] if found else None


def blocks(session: Session, *, before: int | None = None, limit: int) -> list[BlockRow]:
    """Return the newest blocks, or those older than block `before`, newest first."""
    statement = select(block).order_by(block.c.seq.desc()).limit(limit)
    if before is not None:
        statement = statement.where(block.c.seq < before)
    return [_block(row) for row in session.execute(statement)]


def anchored_entries(session: Session) -> int:
    """Return how many entries are in a block."""
    statement = select(func.coalesce(func.sum(block.c.n_entries), 0))
    return int(session.execute(statement).scalar_one())


def waiting(session: Session) -> Waiting:
    """Return how many entries wait for a block, and since when the oldest does."""
    statement = select(func.count(), func.min(entry.c.booked_at)).join_from(
        pending, entry, entry.c.id == pending.c.entry_id
    )
    count, oldest = session.execute(statement).one()
    return Waiting(count, oldest)


def account_totals(session: Session, code: str | None = None) -> list[AccountTotals]:
    """Return the totals of every account with lines, by code, or those of one account alone.

    The newest block's totals and the lines of waiting entries are read in one snapshot.
    """
    if code is None:
        rows = session.execute(_TOTALS)
    else:
        rows = session.execute(_TOTALS_OF_ONE, {"code": code})
    return [
        AccountTotals(
            row.code, row.kind, row.currency, row.debit, row.credit, row.debit - row.credit
        )
        for row in rows
    ]


# Part of the text, never parameters: their plan is made once, not for every balance.
_ZERO: ColumnElement[int] = literal_column("0")
_ONE: ColumnElement[int] = literal_column("1")


def _totals() -> Select[Any]:
    newest = (
        select(checkpoint.c.debit, checkpoint.c.credit)
        .where(checkpoint.c.account_id == account.c.id)
        .order_by(checkpoint.c.block_seq.desc())
        .limit(_ONE)
        .lateral("newest")
    )
    # From the oldest entry that waits to the newest, the index of the account leads to few lines.
    # Without the upper end PostgreSQL would expect a third of all lines, and prepare for them.
    late = (
        select(
            func.sum(func.greatest(posting.c.amount, _ZERO)).label("debit"),
            func.sum(func.greatest(-posting.c.amount, _ZERO)).label("credit"),
        )
        .where(
            posting.c.account_id == account.c.id,
            posting.c.entry_id.between(
                select(func.min(pending.c.entry_id)).scalar_subquery(),
                select(func.max(pending.c.entry_id)).scalar_subquery(),
            ),
            posting.c.entry_id.in_(select(pending.c.entry_id)),
        )
        .lateral("late")
    )
    sums = [
        cast(
            func.coalesce(newest.c[side], _ZERO) + func.coalesce(late.c[side], _ZERO), BigInteger
        ).label(side)
        for side in ("debit", "credit")
    ]
    return (
        select(account.c.code, account.c.kind, account.c.currency, *sums)
        .select_from(account)
        .outerjoin(newest, true())
        .outerjoin(late, true())
        .where(func.coalesce(newest.c.debit, late.c.debit).is_not(None))
        .order_by(account.c.code)
    )


# Made once: to put them together takes longer than to run them.
_TOTALS = _totals()
_TOTALS_OF_ONE = _TOTALS.where(account.c.code == bindparam("code"))


def _block(row: Row[Any]) -> BlockRow:
    return BlockRow(row.seq, row.prev_hash, row.n_entries, row.root, row.sealed_at, row.hash)
