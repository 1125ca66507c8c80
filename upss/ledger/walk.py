"""Walking along the ledger in one direction, in constant memory, and what its rows say."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session
from typing_extensions import override

from upss.ledger.models import account, block, block_entry, entry, posting, seal
from upss.ledger.rules import merkle
from upss.ledger.rules.entry import Line, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Engine, Select

_CHUNK = 2_000


@contextmanager
def snapshot(engine: Engine) -> Iterator[Session]:
    """Open a session that sees the database as it is now, whatever others write meanwhile."""
    with Session(engine) as session:
        as_of_one_moment(session)
        yield session


def as_of_one_moment(session: Session) -> None:
    """Let this transaction, which has not begun, read everything as of its first look; only read."""
    session.connection(
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )


def entries(
    session: Session, *, by_value_date: bool = False, ids: Sequence[int] | None = None
) -> Iterator[list[Row[Any]]]:
    """Yield the rows of one entry after the other, a row for each line, by id; all or only `ids`.

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
    if ids is not None:
        statement = statement.where(entry.c.id.in_(ids))
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


class _Written(Line):
    """A line as it stands, right or not: to judge is the reader's part."""

    __slots__ = ()

    @override
    def __post_init__(self) -> None:
        """Refuse nothing."""


def record_of(rows: Sequence[Row[Any]]) -> Record:
    """Return an entry as its rows say, right or not; what is no line is left out."""
    head = rows[0]
    return Record(
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
        lines=tuple(
            _Written(row.code, row.currency, row.amount, row.question_id)
            for row in rows
            if row.amount is not None
        ),
    )


def block_of_row(row: Row[Any]) -> merkle.Block:
    """Return the head of a block as its row says; whether `row.hash` is its hash is not checked."""
    return merkle.Block(
        seq=row.seq,
        prev=row.prev_hash,
        n_entries=row.n_entries,
        root=row.root,
        sealed_at=row.sealed_at,
    )


def _grouped(
    session: Session, statement: Select[Any], key: Callable[[Row[Any]], int]
) -> Iterator[list[Row[Any]]]:
    # The cursor is closed at once where the walk is left before its end.
    with session.execute(statement, execution_options={"yield_per": _CHUNK}) as rows:
        for _, group in groupby(rows, key=key):
            yield list(group)
