"""Another question, please: what somebody passes over today, and their change of mind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from upss.accounts.models import Account
from upss.forum import queries_hours
from upss.forum.models import Question
from upss.forum.models_offers import Skip
from upss.forum.rules.hours import local_day
from upss.forum.rules.policy import Policy
from upss.forum.rules.skips import SkipReason, SkipsUsedUp

if TYPE_CHECKING:
    from datetime import datetime

    from upss.db.work import UnitOfWork
    from upss.kernel.ids import AccountId, QuestionId


def skip(
    uow: UnitOfWork, *, question_id: QuestionId, answerer_id: AccountId, reason: SkipReason
) -> None:
    """Offer this question to this person no more until their own day is over.

    Twice on one day is once. Raises `SkipsUsedUp`.
    """
    # the question before the person, as everywhere: its foreign key would lock it after
    uow.session.execute(
        select(Question.id)
        .where(Question.id == question_id)
        .with_for_update(read=True, key_share=True)
    )
    # two presses at once count each other; a key lock leaves foreign keys alone
    uow.session.execute(
        select(Account.id).where(Account.id == answerer_id).with_for_update(key_share=True)
    )
    passed_over = uow.session.scalars(
        select(Skip.question_id).where(
            Skip.account_id == answerer_id, Skip.at >= _day_start(uow, answerer_id)
        )
    ).all()
    if question_id in passed_over:
        return
    most = Policy().skips_a_day
    if len(passed_over) >= most:
        raise SkipsUsedUp(most=most)
    uow.session.add(
        Skip(
            account_id=answerer_id,
            question_id=question_id,
            at=uow.clock.now(),
            reason=reason.value,
        )
    )


def show_again(
    uow: UnitOfWork, *, answerer_id: AccountId, question_id: QuestionId | None = None
) -> None:
    """Take back what was passed over today: one question, or all of them."""
    gone = delete(Skip).where(
        Skip.account_id == answerer_id, Skip.at >= _day_start(uow, answerer_id)
    )
    if question_id is not None:
        gone = gone.where(Skip.question_id == question_id)
    uow.session.execute(gone)


def _day_start(uow: UnitOfWork, answerer_id: AccountId) -> datetime:
    hours = queries_hours.in_force(uow.session, answerer_id, uow.zone).hours
    return local_day(hours, uow.clock.now())[0]
