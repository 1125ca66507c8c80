"""Money in: payment rows, what the provider says of them, and the fee."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, select, update

from upss.kernel.errors import NotFound
from upss.kernel.ids import PaymentId, QuestionId, new_public_id
from upss.kernel.money import Money
from upss.ledger.rules.posting import questions
from upss.ledger.service.posting import post
from upss.payments.events import PaymentExpired, PaymentReturned, PaymentSettled
from upss.payments.models import Payment
from upss.payments.rules.lifecycle import (
    SETTLED,
    PaymentFacts,
    PaymentStatus,
    check_movement,
    is_of_another_amount,
    next_status,
)
from upss.payments.service.movements import record_movement
from upss.payments.service.refunding import add_refund

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from upss.db.work import UnitOfWork
    from upss.kernel.ports import BalanceTransaction, CheckoutState


def open_payment(
    uow: UnitOfWork,
    *,
    question_id: QuestionId,
    amount: Money,
    expires_at: datetime,
    honour_until: datetime,
    email: str,
    language: str,
) -> PaymentId:
    """Store a payment for an offer before anything is asked of the provider."""
    public_id = new_public_id()
    payment = Payment(
        public_id=public_id,
        question_id=question_id,
        status=PaymentStatus.NEW,
        amount_minor=amount.minor,
        currency=amount.currency,
        email=email,
        language=language,
        expires_at=expires_at,
        honour_until=honour_until,
        idempotency_key=f"cs-{public_id}-a1",
        created_at=uow.clock.now(),
    )
    uow.session.add(payment)
    uow.session.flush()  # the id goes into the job and the address
    return PaymentId(payment.id)


def close_offer(uow: UnitOfWork, *, question_id: QuestionId) -> None:
    """Close every offer of a question: whatever is paid on them from now on is returned."""
    uow.session.execute(
        update(Payment)
        .where(Payment.question_id == question_id, Payment.closed_at.is_(None))
        .values(closed_at=uow.clock.now())
    )


def lock_payments(uow: UnitOfWork, *, question_id: QuestionId) -> Sequence[str]:
    """Lock a question's payments, as one does before the question; return the states of its offer's."""
    found = uow.session.execute(
        select(Payment.status, Payment.closed_at)
        .where(Payment.question_id == question_id)
        .order_by(Payment.id)
        .with_for_update()
    ).all()
    return [status for status, closed_at in found if closed_at is None]


def apply_checkout(
    uow: UnitOfWork, *, payment_id: PaymentId, state: CheckoutState
) -> PaymentStatus:
    """Take over what the provider says of a payment, as often as it is said.

    Called by the webhook's job, the return page and the poll alike, at the same time too: the
    row lock orders them and only what is further on has an effect. Raises `PaymentMismatch`.
    """
    payment = _locked(uow, payment_id)
    now = uow.clock.now()
    before = PaymentStatus(payment.status)
    after = next_status(_facts(uow, payment), state, now=now)
    payment.session_id = state.id
    payment.checkout_url = state.url or payment.checkout_url
    payment.payment_intent_id = state.payment_intent_id or payment.payment_intent_id
    payment.charge_id = state.charge_id or payment.charge_id
    payment.receipt_url = state.receipt_url or payment.receipt_url
    if after is not before:
        payment.status = after
        _moved(uow, payment, after)
    return after


def hold_open(uow: UnitOfWork, *, payment_id: PaymentId, state: CheckoutState) -> None:
    """Leave a payment of another amount or currency to the organizers: nothing is booked.

    Its asker is told that it is being checked, and cannot pay a second time meanwhile.
    """
    payment = _locked(uow, payment_id)
    if is_of_another_amount(_facts(uow, payment), state):
        payment.status = PaymentStatus.CHECKING
        payment.session_id = state.id


def _facts(uow: UnitOfWork, payment: Payment) -> PaymentFacts:
    paid = exists().where(
        Payment.question_id == payment.question_id,
        Payment.status == PaymentStatus.PAID,
        Payment.id != payment.id,
    )
    return PaymentFacts(
        public_id=payment.public_id,
        status=payment.status,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        honour_until=payment.honour_until,
        is_closed=payment.closed_at is not None,
        question_is_paid=bool(uow.session.scalar(select(paid))),
    )


def _moved(uow: UnitOfWork, payment: Payment, status: PaymentStatus) -> None:
    """Post and tell what a new status means."""
    now = uow.clock.now()
    question_id = QuestionId(payment.question_id)
    payment_id = PaymentId(payment.id)
    amount = Money(payment.amount_minor, payment.currency)
    assert payment.session_id is not None
    session_id = payment.session_id
    if status is PaymentStatus.PAID:
        payment.settled_at = now
        draft = questions.question_paid(
            question_id=question_id, amount=amount, session_id=session_id
        )
        post(uow, draft)
        uow.emit(PaymentSettled(at=now, payment_id=payment_id, question_id=question_id))
    elif status is PaymentStatus.RETURNED:
        payment.settled_at = now
        draft = questions.payment_returned(
            question_id=question_id, amount=amount, session_id=session_id
        )
        post(uow, draft)
        refund_id = add_refund(
            uow, payment=payment, cause="returned", amount_minor=payment.amount_minor
        )
        uow.emit(
            PaymentReturned(
                at=now, payment_id=payment_id, question_id=question_id, refund_id=refund_id
            )
        )
    elif status is PaymentStatus.EXPIRED:
        uow.emit(PaymentExpired(at=now, payment_id=payment_id, question_id=question_id))


def settle_charge(uow: UnitOfWork, *, payment_id: PaymentId, movement: BalanceTransaction) -> None:
    """Book the provider's fee once, when it is known; before the payment is settled, do nothing.

    A unit of its own: whatever is wrong with the movement, the question is paid. Raises
    `PaymentMismatch` for a movement of another amount or currency than the payment's.
    """
    payment = _locked(uow, payment_id)
    if payment.status not in SETTLED or payment.balance_transaction_id is not None:
        return
    gross = Money(payment.amount_minor, payment.currency)
    check_movement(gross, movement)
    record_movement(uow, kind="charge", movement=movement)
    payment.balance_transaction_id = movement.id
    draft = questions.charge_settled(
        question_id=QuestionId(payment.question_id),
        gross=gross,
        fee_minor=movement.fee_minor,
        balance_transaction_id=movement.id,
    )
    post(uow, draft)


def _locked(uow: UnitOfWork, payment_id: PaymentId) -> Payment:
    payment = uow.session.scalar(
        select(Payment)
        .where(Payment.id == payment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if payment is None:
        raise NotFound(payment_id=payment_id)
    return payment
