"""What a quicker answer costs more, and how it goes back by itself when it was not quick enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from upss.forum.models import Claim, Question
from upss.forum.rules.express import is_missed
from upss.forum.rules.lifecycle import Status
from upss.forum.service import caps
from upss.forum.service.moves import each
from upss.kernel.ids import QuestionId
from upss.ledger.rules.split import split
from upss.payments.service import refunding

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork

BATCH = 100


def return_due(uow: UnitOfWork) -> int:
    """Give back the surcharge of each question whose quicker promise is missed, of 100 at most.

    Returns how many. The rest of the price stays held: the asker chooses, as with any promise.
    """
    due = uow.session.scalars(
        select(Question)
        .where(
            Question.status.in_((Status.QUEUED, Status.CLAIMED)),
            Question.is_express,
            Question.express_returned_at.is_(None),
            Question.promise_at < uow.clock.now(),
        )
        .order_by(Question.promise_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    return each(uow, due, lambda question: return_if_missed(uow, question))


def return_if_missed(uow: UnitOfWork, question: Question) -> None:
    """Give back the surcharge of a locked question that has no answer yet and is too late for it.

    Once: what went back is noted with the question, in the unit that asks for the money. Whoever is
    writing earns from what is left, and their own limits count that.
    """
    if question.express_minor is None or question.express_returned_at is not None:
        return
    assert question.promise_at is not None
    now = uow.clock.now()
    if not is_missed(by=question.promise_at, at=now):
        return
    question.express_returned_at = now
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
