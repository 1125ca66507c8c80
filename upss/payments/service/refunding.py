"""Money back: asked for in the ledger first, sent by a job, settled or failed by the bank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from upss.kernel.errors import DomainError, NotFound
from upss.kernel.ids import QuestionId, RefundId, new_public_id
from upss.kernel.money import Money
from upss.ledger.rules.posting import refunds
from upss.ledger.service.posting import post
from upss.payments.events import RefundFailed, RefundSettled
from upss.payments.models import Payment, Refund
from upss.payments.rules.lifecycle import check_movement
from upss.payments.service.movements import record_movement

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.kernel.ports import BalanceTransaction, RefundState

_OPEN = ("requested", "sent")


class NothingToRefund(DomainError):
    """The question has no paid payment, or nothing of it is left."""

    code = "nothing_to_refund"


class RefundNotFailed(DomainError):
    """Only what failed, and is back with us, can be sent again."""

    code = "refund_not_failed"


def refund_in_full(uow: UnitOfWork, *, question_id: QuestionId, cause: str) -> RefundId:
    """Ask for all that is still held of a question's price back; the job sends it.

    Raises `NothingToRefund`, or the ledger's `Overdrawn` when the price is no longer held.
    """
    payment = _paid(uow, question_id)
    before = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.payment_id == payment.id
    )
    left_minor = payment.amount_minor - int(uow.session.execute(before).scalar_one())
    if left_minor <= 0:
        raise NothingToRefund(question_id=question_id)
    return _refund_held(uow, payment, cause, left_minor)


def refund_part(
    uow: UnitOfWork, *, question_id: QuestionId, amount_minor: int, cause: str
) -> RefundId:
    """Ask for a part of a question's held price back; the rest stays held.

    Raises as `refund_in_full` does.
    """
    return _refund_held(uow, _paid(uow, question_id), cause, amount_minor)


def _paid(uow: UnitOfWork, question_id: QuestionId) -> Payment:
    """Return the paid payment of a question, locked: two refunds of it never overlap."""
    payment = uow.session.scalar(
        select(Payment)
        .where(Payment.question_id == question_id, Payment.status == "paid")
        .with_for_update()
    )
    if payment is None:
        raise NothingToRefund(question_id=question_id)
    return payment


def _refund_held(uow: UnitOfWork, payment: Payment, cause: str, amount_minor: int) -> RefundId:
    refund_id = add_refund(uow, payment=payment, cause=cause, amount_minor=amount_minor)
    refund = uow.session.get_one(Refund, refund_id)
    draft = refunds.refund_requested(
        question_id=payment.question_id,
        amount=Money(refund.amount_minor, refund.currency),
        refund_key=refund.public_id,
    )
    post(uow, draft)
    return refund_id


def add_refund(uow: UnitOfWork, *, payment: Payment, cause: str, amount_minor: int) -> RefundId:
    """Store a refund of a payment and defer its sending; posts nothing by itself."""
    public_id = new_public_id()
    refund = Refund(
        public_id=public_id,
        payment_id=payment.id,
        question_id=payment.question_id,
        cause=cause,
        status="requested",
        amount_minor=amount_minor,
        currency=payment.currency,
        attempt=1,
        idempotency_key=_key(public_id, 1),
        requested_at=uow.clock.now(),
    )
    uow.session.add(refund)
    uow.session.flush()  # the job needs the id
    _defer(uow, refund)
    return RefundId(refund.id)


def send_again(uow: UnitOfWork, *, refund_id: RefundId) -> None:
    """Send a failed refund once more, as an attempt of its own; the money is owed all the time.

    Raises `RefundNotFailed` unless it failed and the money is back with us, or never left.
    """
    refund = _locked(uow, refund_id)
    if refund.status != "failed" or refund.balance_transaction_id is not None:
        raise RefundNotFailed(refund_id=refund_id, status=refund.status)
    refund.attempt += 1
    refund.idempotency_key = _key(refund.public_id, refund.attempt)
    refund.status = "requested"
    refund.provider_id = refund.failure_reason = None
    refund.settled_at = None
    _defer(uow, refund)


def _key(public_id: str, attempt: int) -> str:
    return f"re-{public_id}-a{attempt}"


def _defer(uow: UnitOfWork, refund: Refund) -> None:
    key = f"refund:{refund.id}"
    uow.defer("payments.send_refund", key=key, lock=key, refund_id=refund.id)


def mark_sent(uow: UnitOfWork, *, refund_id: RefundId) -> Refund:
    """Note that the call is about to be made, so that a later attempt looks first."""
    refund = _locked(uow, refund_id)
    if refund.status in _OPEN and refund.first_sent_at is None:
        refund.first_sent_at = uow.clock.system_now()
    return refund


def apply_refund(uow: UnitOfWork, *, refund_id: RefundId, state: RefundState) -> str:
    """Take over what the provider says of a refund; each movement is booked once.

    A refund that succeeded may fail later: then the money came back to us and is still owed.
    Of an attempt before the present one only the movements count. Raises `PaymentMismatch`.
    """
    refund = _locked(uow, refund_id)
    is_present = state.attempt == refund.attempt
    out, back = state.balance_transaction, state.failure_balance_transaction
    if out is not None and _book(uow, refund, out, failed=False) and is_present:
        refund.balance_transaction_id = out.id
    if back is not None:
        _book(uow, refund, back, failed=True)
        if is_present:
            refund.balance_transaction_id = None
    if is_present:
        refund.provider_id = state.id
        _follow(uow, refund, state)
    return refund.status


def _follow(uow: UnitOfWork, refund: Refund, state: RefundState) -> None:
    if refund.status == "failed":
        return
    if state.status in {"failed", "canceled"}:
        _fail(uow, refund, state.failure_reason or state.status)
    elif refund.balance_transaction_id is not None and state.status == "succeeded":
        if refund.status != "settled":
            refund.status, refund.settled_at = "settled", uow.clock.now()
            uow.emit(
                RefundSettled(
                    at=refund.settled_at,
                    refund_id=RefundId(refund.id),
                    question_id=QuestionId(refund.question_id),
                )
            )
    elif refund.status == "requested":  # one that is settled was read on its way before
        refund.status = "sent"


def _fail(uow: UnitOfWork, refund: Refund, reason: str) -> None:
    refund.status, refund.failure_reason = "failed", reason
    uow.emit(
        RefundFailed(
            at=uow.clock.now(),
            refund_id=RefundId(refund.id),
            question_id=QuestionId(refund.question_id),
        )
    )


def refuse_refund(uow: UnitOfWork, *, refund_id: RefundId, attempt: int, reason: str) -> None:
    """Note that the provider refused to send it: still owed, and organizers are told.

    What was settled, or sent anew, since the call was made stays as it is.
    """
    refund = _locked(uow, refund_id)
    if refund.status in _OPEN and refund.attempt == attempt:
        _fail(uow, refund, reason)


def _book(uow: UnitOfWork, refund: Refund, movement: BalanceTransaction, *, failed: bool) -> bool:
    """Book what left or what came back, also if known later than the status; False if it was."""
    amount = Money(refund.amount_minor, refund.currency)
    check_movement(amount, movement)
    kind = "refund_failure" if failed else "refund"
    if not record_movement(uow, kind=kind, movement=movement):
        return False
    moved = refunds.refund_failed if failed else refunds.refund_settled
    draft = moved(
        question_id=QuestionId(refund.question_id),
        amount=amount,
        fee_minor=movement.fee_minor,
        balance_transaction_id=movement.id,
    )
    post(uow, draft)
    return True


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
