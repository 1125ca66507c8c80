"""Entries as an auditor reads them: names instead of numbers, the digest, and the block."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    bindparam,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.orm import aliased

from upss.accounts.models import Account, AccountRole
from upss.kernel.roles import Role
from upss.ledger.models import account, block_entry, entry, pending, posting, seal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from upss.organizer.forms_audit import EntryFilter

_EXPORT_CHUNK = 500


@dataclass(frozen=True, slots=True)
class BookedLine:
    """One line: debit above zero, credit below; `holder` is the name of whose account it is."""

    account: str
    currency: str
    amount: int
    question_id: int | None
    holder: str | None


@dataclass(frozen=True, slots=True)
class BookedEntry:
    """An entry with its lines; the block is None while it waits for one.

    `debits` is what its seal states for the whole entry (minor units), also where only the lines
    of one question are shown.
    """

    id: int
    kind: str
    key: str
    external_ref: str | None
    booked_at: datetime
    value_date: date
    actor: str
    actor_name: str | None
    reason: str | None
    approver: str | None
    approver_name: str | None
    reverses_id: int | None
    digest: str
    debits: int
    block_seq: int | None
    block_position: int | None
    lines: tuple[BookedLine, ...]


_actor, _approver, _holder = (aliased(Account, name=name) for name in ("a", "b", "h"))


def number_in(column: ColumnElement[str], pattern: str) -> ColumnElement[int]:
    """Read the number of an account out of a text such as "account:21"; NULL if it has none."""
    return cast(func.substring(column, pattern), BigInteger)


PERSON = "^[a-z]+:([0-9]{1,18})$"
HOLDER = ":A([0-9]{1,18})$"


def _statement() -> Select[Any]:
    return (
        select(
            entry,
            seal.c.digest,
            seal.c.debits,
            block_entry.c.block_seq,
            block_entry.c.pos,
            account.c.code,
            posting.c.currency,
            posting.c.amount,
            posting.c.question_id,
            _actor.name.label("actor_name"),
            _approver.name.label("approver_name"),
            _holder.name.label("holder"),
        )
        .join(seal, seal.c.entry_id == entry.c.id)
        .join(posting, posting.c.entry_id == entry.c.id)
        .join(account, account.c.id == posting.c.account_id)
        .outerjoin(block_entry, block_entry.c.entry_id == entry.c.id)
        .outerjoin(_actor, _actor.id == number_in(entry.c.actor, PERSON))
        .outerjoin(_approver, _approver.id == number_in(entry.c.approver, PERSON))
        .outerjoin(_holder, _holder.id == number_in(account.c.code, HOLDER))
    )


# Made once: to put them together takes longer than to run them.
_BOOKED = _statement()
_TRAIL = _BOOKED.where(posting.c.question_id == bindparam("question_id")).order_by(
    entry.c.id, posting.c.line_no
)


def entry_by_id(session: Session, entry_id: int) -> BookedEntry | None:
    """Return one entry, or None if there is none."""
    statement = _BOOKED.where(entry.c.id == entry_id).order_by(posting.c.line_no)
    return next(_gathered(session.execute(statement)), None)


def trail(session: Session, question_id: int) -> list[BookedEntry]:
    """Return every entry that touched a question, oldest first, with that question's lines."""
    return list(_gathered(session.execute(_TRAIL, {"question_id": question_id})))


def journal(
    session: Session, wanted: EntryFilter, *, before: int | None, limit: int
) -> Sequence[BookedEntry]:
    """Return the newest entries of the filter with all their lines, or those before `before`."""
    page = select(entry.c.id).where(*conditions(wanted)).order_by(entry.c.id.desc()).limit(limit)
    if before is not None:
        page = page.where(entry.c.id < before)
    statement = _BOOKED.where(entry.c.id.in_(page))
    return list(_gathered(session.execute(_newest_first(statement))))


def not_anchored(session: Session, *, after: int | None, limit: int) -> Sequence[BookedEntry]:
    """Return the oldest entries that are in no block, or those after entry `after`."""
    page = select(pending.c.entry_id).order_by(pending.c.entry_id).limit(limit)
    if after is not None:
        page = page.where(pending.c.entry_id > after)
    statement = _BOOKED.where(entry.c.id.in_(page))
    return list(_gathered(session.execute(statement.order_by(entry.c.id, posting.c.line_no))))


def every_entry(session: Session, wanted: EntryFilter) -> Iterator[BookedEntry]:
    """Return all entries of the filter as one snapshot, newest first, some hundred at a time."""
    statement = _newest_first(_BOOKED.where(*conditions(wanted)))
    options = {"yield_per": _EXPORT_CHUNK}
    yield from _gathered(session.execute(statement, execution_options=options))


def conditions(wanted: EntryFilter) -> list[ColumnElement[bool]]:
    """Return what an entry of the filter fulfils."""
    found = [*dates(wanted), *deeds(wanted)]
    if wanted.question is not None:
        touched = posting.alias("touched")
        found.append(
            select(literal(1))
            .where(touched.c.entry_id == entry.c.id, touched.c.question_id == wanted.question)
            .exists()
        )
    return found


def dates(wanted: EntryFilter) -> list[ColumnElement[bool]]:
    """Return the part of the filter about the value date."""
    found = []
    if wanted.since is not None:
        found.append(entry.c.value_date >= wanted.since)
    if wanted.until is not None:
        found.append(entry.c.value_date <= wanted.until)
    return found


def deeds(wanted: EntryFilter) -> list[ColumnElement[bool]]:
    """Return the part about what was done by whom: a person's number, or an actor's own word."""
    found = []
    if wanted.kind is not None:
        found.append(entry.c.kind == wanted.kind)
    if wanted.actor is not None:
        is_person = wanted.actor.isascii() and wanted.actor.isdecimal()
        acted = func.substring(entry.c.actor, PERSON) if is_person else entry.c.actor
        found.append(acted == wanted.actor)
    return found


def organizers(session: Session) -> list[tuple[str, str]]:
    """Return number and name of each organizer, to choose among in a filter."""
    statement = (
        select(Account.id, Account.name)
        .join(AccountRole, AccountRole.account_id == Account.id)
        .where(AccountRole.role == Role.ORGANIZER)
        .order_by(Account.name)
    )
    return [(str(number), name) for number, name in session.execute(statement)]


def _newest_first(statement: Select[Any]) -> Select[Any]:
    return statement.order_by(entry.c.id.desc(), posting.c.line_no)


def _gathered(rows: Iterable[Row[Any]]) -> Iterator[BookedEntry]:
    """Gather rows that follow each other into entries with their lines."""
    for _, group in groupby(rows, key=lambda row: row.id):
        lines = list(group)
        head = lines[0]
        yield BookedEntry(
            id=head.id,
            kind=head.kind,
            key=head.idempotency_key,
            external_ref=head.external_ref,
            booked_at=head.booked_at,
            value_date=head.value_date,
            actor=head.actor,
            actor_name=head.actor_name,
            reason=head.reason,
            approver=head.approver,
            approver_name=head.approver_name,
            reverses_id=head.reverses_id,
            digest=head.digest,
            debits=head.debits,
            block_seq=head.block_seq,
            block_position=head.pos,
            lines=tuple(
                BookedLine(row.code, row.currency, row.amount, row.question_id, row.holder)
                for row in lines
            ),
        )
