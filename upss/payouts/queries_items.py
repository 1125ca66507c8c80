"""Reading the items of payouts: what one person gets in one run, and from which questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, func, select, text

from upss.accounts.models import Account
from upss.payouts.models import PayoutItem, PayoutLine, PayoutRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    AnyRow = Row[*tuple[Any, ...]]


def _items() -> Select[*tuple[Any, ...]]:
    questions = select(func.count()).where(PayoutLine.item_id == PayoutItem.id).scalar_subquery()
    return select(
        PayoutItem.id,
        PayoutItem.public_id,
        PayoutItem.status,
        PayoutItem.amount_minor,
        PayoutItem.currency,
        PayoutItem.destination,
        PayoutItem.provider_id,
        PayoutItem.failure_reason,
        PayoutItem.sent_at,
        Account.name,
        questions.label("questions"),
    ).join(Account, Account.id == PayoutItem.answerer_id)


def items_of(session: Session, run_id: int, *, after: int | None, limit: int) -> Sequence[AnyRow]:
    """Return the items of a run with the person's name and the number of questions."""
    statement = _items().where(PayoutItem.run_id == run_id).order_by(PayoutItem.id).limit(limit)
    if after is not None:
        statement = statement.where(PayoutItem.id > after)
    return session.execute(statement).all()


def item_by_public_id(session: Session, public_id: str) -> AnyRow | None:
    """Return one item with its run's `run_id` (public) and `prepared_at`."""
    statement = _items().add_columns(
        PayoutRun.public_id.label("run_id"), PayoutRun.prepared_at.label("prepared_at")
    )
    joined = statement.join(PayoutRun, PayoutRun.id == PayoutItem.run_id)
    return session.execute(joined.where(PayoutItem.public_id == public_id)).one_or_none()


def questions_of(
    session: Session, item_id: int, *, after: int | None, limit: int
) -> Sequence[AnyRow]:
    """Return the question_id and minor units that make up an item, by question."""
    lines = _lines(item_id)
    if after is not None:
        lines = lines.where(PayoutLine.question_id > after)
    return session.execute(lines.limit(limit)).all()


def lines_of(session: Session, item_id: int) -> tuple[tuple[int, int], ...]:
    """Return the (question id, minor units) of an item."""
    return tuple((row.question_id, row.minor) for row in session.execute(_lines(item_id)))


def _lines(item_id: int) -> Select[int, int]:
    statement = select(PayoutLine.question_id, PayoutLine.amount_minor.label("minor"))
    return statement.where(PayoutLine.item_id == item_id).order_by(PayoutLine.question_id)


def of_question(session: Session, question_id: int) -> Sequence[AnyRow]:
    """Return the items that hold money of a question, oldest first, with the part that is its."""
    statement = (
        select(
            PayoutItem.public_id,
            PayoutItem.status,
            PayoutItem.currency,
            PayoutItem.failure_reason,
            PayoutLine.amount_minor.label("minor"),
            PayoutRun.public_id.label("run_id"),
            PayoutRun.prepared_at,
            Account.name,
        )
        .join(PayoutItem, PayoutItem.id == PayoutLine.item_id)
        .join(PayoutRun, PayoutRun.id == PayoutItem.run_id)
        .join(Account, Account.id == PayoutItem.answerer_id)
        .where(PayoutLine.question_id == question_id)
        .order_by(PayoutItem.id)
    )
    return session.execute(statement).all()


# A failed job is a dead letter: it waits for a person and is not started again by itself.
_FORGOTTEN = text("""
    SELECT i.id FROM payout_item i
     WHERE i.status = 'reserved' AND NOT EXISTS (
           SELECT 1 FROM procrastinate_jobs j
            WHERE j.task_name = :task AND j.status IN ('todo', 'doing', 'failed')
              AND j.args ->> 'item_id' = CAST(i.id AS text))
     ORDER BY i.id LIMIT 500""")


def forgotten_items(session: Session, task: str) -> list[int]:
    """Return reserved items that no job is going to send."""
    return [int(item_id) for item_id in session.execute(_FORGOTTEN, {"task": task}).scalars()]
