"""Money back: asked for in the ledger first, sent by a job, settled or failed by the bank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from upss.kernel.errors import DomainError, NotFound
from upss.kernel.ids import QuestionId, RefundId, new_public_id
from upss.kernel.money import Money
from upss.ledger import service as ledger
from upss.payments.events import RefundFailed, RefundSettled
from upss.payments.models import Payment, Refund
from upss.payments.service.movements import record_movement

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.kernel.ports import BalanceTransaction, RefundState


class NothingToRefund(DomainError):
    """The question has no paid payment."""

    code = "nothing_to_refund"


def refund_in_full(uow: UnitOfWork, *, question_id: QuestionId, cause: str) -> RefundId:
    """Ask for the whole held price of a question back; the job sends it.

    Raises `NothingToRefund`, or the ledger's `Overdrawn` when the price is no longer held.
    """
    payment = uow.session.scalar(
        select(Payment)
        .where(Payment.question_id == question_id, Payment.status == "paid")
        .with_for_update()
    )
    if payment is None:
        raise NothingToRefund(question_id=question_id)
    refund_id = add_refund(uow, payment=payment, cause=cause)
    refund = uow.session.get_one(Refund, refund_id)
    ledger.book_refund_requested(
        uow,
        question_id=question_id,
        amount=Money(refund.amount_minor, refund.currency),
        refund_key=refund.public_id,
    )
    return refund_id


def add_refund(uow: UnitOfWork, *, payment: Payment, cause: str) -> RefundId:
    """Store a refund of a whole payment and defer its sending; posts nothing by itself."""
    public_id = new_public_id()
    refund = Refund(
        public_id=public_id,
        payment_id=payment.id,
        question_id=payment.question_id,
        cause=cause,
        status="requested",
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        attempt=1,
        idempotency_key=f"re-{public_id}-a1",
        requested_at=uow.clock.now(),
    )
    uow.session.add(refund)
    uow.session.flush()  # the job needs the id
    uow.defer(
        "payments.send_refund", key=f"refund:{refund.id}", lock=f"refund:{refund.id}",
        refund_id=refund.id,
    )  # fmt: skip
    return RefundId(refund.id)


def mark_sent(uow: UnitOfWork, *, refund_id: RefundId) -> Refund:
    """Note that the call is about to be made, so that a later attempt looks first."""
    refund = _locked(uow, refund_id)
    if refund.first_sent_at is None:
        refund.first_sent_at = uow.clock.system_now()
    return refund


def apply_refund(uow: UnitOfWork, *, refund_id: RefundId, state: RefundState) -> str:
    """Take over what the provider says of a refund; each movement is booked once.

    A refund that succeeded may fail later: then the money came back to us and is still owed.
    """
    refund = _locked(uow, refund_id)
    refund.provider_id = state.id
    _book_movements(uow, refund, state)
    now = uow.clock.now()
    question_id = QuestionId(refund.question_id)
    if refund.status == "failed":
        return refund.status
    if state.status in {"failed", "canceled"}:
        refund.status, refund.failure_reason = "failed", state.failure_reason or state.status
        uow.emit(RefundFailed(at=now, refund_id=refund_id, question_id=question_id))
    elif refund.balance_transaction_id is not None and state.status == "succeeded":
        if refund.status != "settled":
            refund.status, refund.settled_at = "settled", now
            uow.emit(RefundSettled(at=now, refund_id=refund_id, question_id=question_id))
    elif refund.status == "requested":  # one that is settled was read on its way before
        refund.status = "sent"
    return refund.status


def _book_movements(uow: UnitOfWork, refund: Refund, state: RefundState) -> None:
    """Book what left and what came back, each once, even if known later than the status."""
    if state.balance_transaction is not None and refund.balance_transaction_id is None:
        _book(uow, refund, state.balance_transaction, failed=False)
        refund.balance_transaction_id = state.balance_transaction.id
    if state.failure_balance_transaction is not None:
        _book(uow, refund, state.failure_balance_transaction, failed=True)


def refuse_refund(uow: UnitOfWork, *, refund_id: RefundId, reason: str) -> None:
    """Note that the provider refused to send it: still owed, and organizers are told."""
    refund = _locked(uow, refund_id)
    refund.status, refund.failure_reason = "failed", reason
    uow.emit(
        RefundFailed(
            at=uow.clock.now(), refund_id=refund_id, question_id=QuestionId(refund.question_id)
        )
    )


def _book(uow: UnitOfWork, refund: Refund, movement: BalanceTransaction, *, failed: bool) -> None:
    record_movement(uow, kind="refund_failure" if failed else "refund", movement=movement)
    book = ledger.book_refund_failed if failed else ledger.book_refund_settled
    book(
        uow,
        question_id=QuestionId(refund.question_id),
        amount=Money(abs(movement.net_minor), movement.currency),
        balance_transaction_id=movement.id,
    )


def _locked(uow: UnitOfWork, refund_id: RefundId) -> Refund:
    refund = uow.session.scalar(
        select(Refund)
        .where(Refund.id == refund_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if refund is None:
        raise NotFound(refund_id=refund_id)
    return refund
