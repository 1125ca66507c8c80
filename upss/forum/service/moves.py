"""The one way in which a question changes its state; a claim writes the same by one statement."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value

from upss.forum.models import Move, Question
from upss.forum.rules.lifecycle import ENDS, move
from upss.kernel.errors import NotFound

if TYPE_CHECKING:
    from sqlalchemy import ColumnExpressionArgument
    from sqlalchemy.orm import InstrumentedAttribute

    from upss.db.work import UnitOfWork
    from upss.kernel.ids import QuestionId

BATCH = 100
_log = logging.getLogger(__name__)


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


def lock_due(
    uow: UnitOfWork, *which: ColumnExpressionArgument[bool], first: InstrumentedAttribute[Any]
) -> Sequence[Question]:
    """Lock a batch of questions, the smallest of `first` first, without waiting for anybody."""
    return uow.session.scalars(
        select(Question)
        .where(*which)
        .order_by(first)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def make_move(uow: UnitOfWork, question: Question, event: str, *, actor: str) -> None:
    """Move a locked question by the table and write the move down.

    `actor` is "system", "timer" or "account:<id>". Raises `MoveRefused`.
    """
    now, target = uow.clock.now(), target_of(question.status, event)
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


def target_of(status: str, event: str) -> str:
    """Return the state that an event leads to from this one. Raises `MoveRefused`."""
    row = move(status, event)
    return status if row.target is None else str(row.target)


def known(uow: UnitOfWork, question_id: int, **written: object) -> None:
    """Let what this session has read of a question hold what a statement has just written."""
    key = Question.__mapper__.identity_key_from_primary_key((question_id,))
    question = uow.session.identity_map.get(key)
    if question is not None:
        for name, value in written.items():
            set_committed_value(question, name, value)


def each(uow: UnitOfWork, questions: Sequence[Question], act: Callable[[Question], None]) -> int:
    """Do `act` to every question, and what follows from it, apart; return how many went well.

    One question whose money is not as it must be does not hold up all the others: it stays as
    it is, is logged, and is tried again by the next run. Not even a mistake of ours in one of
    them may keep other people's money waiting.
    """
    done = 0
    for question in questions:
        number = question.id
        try:
            with uow.part():
                act(question)
        except Exception:  # noqa: BLE001
            _log.exception("question %s stays as it is", number)
        else:
            done += 1
    return done


def by(account_id: int) -> str:
    """Return the actor of a person."""
    return f"account:{account_id}"
