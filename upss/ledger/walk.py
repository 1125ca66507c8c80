"""Walking along the whole ledger in one direction, in constant memory."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from upss.ledger.models import account, block, block_entry, entry, posting, seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine, Select

_CHUNK = 2_000


@contextmanager
def snapshot(engine: Engine) -> Iterator[Session]:
    """Open a session that sees the database as it is now, whatever others write meanwhile."""
    still = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with Session(still) as session:
        yield session


def entries(session: Session, *, by_value_date: bool = False) -> Iterator[list[Row[Any]]]:
    """Yield the rows of one entry after the other, a row for each line, by id.

    With `by_value_date` the day that counts comes before the id. What lacks its seal, its lines
    or their account is not left out: those columns are None. The rows come through a cursor of
    the server, so the session must stay open and not commit in between.
    """
    statement = (
        select(
            entry,
            seal.c.n_lines,
            seal.c.debits,
            seal.c.digest,
            account.c.code,
            posting.c.currency,
            posting.c.amount,
            posting.c.question_id,
        )
        .join_from(entry, seal, seal.c.entry_id == entry.c.id, isouter=True)
        .join(posting, posting.c.entry_id == entry.c.id, isouter=True)
        .join(account, account.c.id == posting.c.account_id, isouter=True)
    )
    first = (entry.c.value_date, entry.c.id) if by_value_date else (entry.c.id,)
    ordered = statement.order_by(*first, posting.c.line_no)
    return _grouped(session, ordered, lambda row: row.id)


def blocks(session: Session) -> Iterator[list[Row[Any]]]:
    """Yield the rows of one block after the other, a row for each of its entries, by position."""
    statement = (
        select(block, block_entry.c.pos, block_entry.c.entry_id, seal.c.digest)
        .join_from(block, block_entry, block_entry.c.block_seq == block.c.seq, isouter=True)
        .join(seal, seal.c.entry_id == block_entry.c.entry_id, isouter=True)
        .order_by(block.c.seq, block_entry.c.pos)
    )
    return _grouped(session, statement, lambda row: row.seq)


def _grouped(
    session: Session, statement: Select[Any], key: Callable[[Row[Any]], int]
) -> Iterator[list[Row[Any]]]:
    # The cursor is closed at once where the walk is left before its end.
    with session.execute(statement, execution_options={"yield_per": _CHUNK}) as rows:
        for _, group in groupby(rows, key=key):
            yield list(group)
