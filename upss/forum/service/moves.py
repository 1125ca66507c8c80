"""The one way in which a question changes its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from upss.forum.models import Move, Question
from upss.forum.rules.lifecycle import ENDS, move
from upss.kernel.errors import NotFound

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.kernel.ids import QuestionId


def locked(uow: UnitOfWork, question_id: QuestionId) -> Question:
    """Return the question under a row lock, as it is now; raises `NotFound`."""
    found = uow.session.scalar(
        select(Question)
        .where(Question.id == question_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(question_id=question_id)
    return found


def make_move(uow: UnitOfWork, question: Question, event: str, *, actor: str) -> None:
    """Move a locked question by the table and write the move down.

    `actor` is "system", "timer" or "account:<id>". Raises `MoveRefused`.
    """
    row = move(question.status, event)
    now = uow.clock.now()
    target = question.status if row.target is None else str(row.target)
    uow.session.add(
        Move(
            question_id=question.id,
            event=event,
            from_status=question.status,
            to_status=target,
            actor=actor,
            at=now,
        )
    )
    question.status = target
    question.updated_at = now
    if target in ENDS:
        question.closed_at = now


def by(account_id: int) -> str:
    """Return the actor of a person."""
    return f"account:{account_id}"
