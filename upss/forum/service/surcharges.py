"""What a quicker answer costs more, and how it goes back by itself when it was not quick enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from upss.forum.models import Claim, Question
from upss.forum.rules.express import is_missed
from upss.forum.rules.lifecycle import Status
from upss.forum.service import caps
from upss.forum.service.moves import each, lock_due
from upss.kernel.ids import QuestionId
from upss.ledger.rules.split import split
from upss.payments.service import refunding

if TYPE_CHECKING:
    from datetime import datetime

    from upss.db.work import UnitOfWork


def return_due(uow: UnitOfWork) -> int:
    """Give back the surcharge of each question whose quicker promise is missed, of 100 at most.

    Returns how many. The rest of the price stays held: the asker chooses, as with any promise.
    """
    now = uow.clock.now()
    due = lock_due(
        uow,
        Question.status.in_((Status.QUEUED, Status.CLAIMED)),
        Question.is_express,
        Question.express_returned_at.is_(None),
        Question.promise_at < now,
        first=Question.promise_at,
    )
    return each(uow, due, lambda question: return_if_missed(uow, question, at=now))


def return_if_missed(uow: UnitOfWork, question: Question, *, at: datetime) -> None:
    """Give back the surcharge of a locked question that at this moment is too late without an answer.

    Once: what went back is noted with the question, in the unit that asks for the money. Whoever is
    writing earns from what is left, and their own limits count that.
    """
    if question.express_minor is None or question.express_returned_at is not None:
        return
    assert question.promise_at is not None
    if not is_missed(by=question.promise_at, at=at):
        return
    question.express_returned_at = at
    refunding.refund_part(
        uow,
        question_id=QuestionId(question.id),
        amount_minor=question.express_minor,
        cause="express_missed",
    )
    held = uow.session.scalar(
        select(Claim).where(Claim.question_id == question.id, Claim.status == "active")
    )
    if held is not None:
        assert question.shared_minor is not None
        assert question.commission_bp is not None
        assert question.fund_bp is not None
        left = split(
            question.shared_minor, commission_bp=question.commission_bp, fund_bp=question.fund_bp
        )
        caps.earns_less(uow, held, share_minor=left.share_minor, currency=question.currency or "")
