"""What talks to the payment provider: a unit, the call with no transaction open, a unit."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import update

from upss.kernel.errors import DomainError, GatewayRefused
from upss.kernel.ids import PaymentId, QuestionId, RefundId
from upss.kernel.money import Money
from upss.kernel.ports import CheckoutOrder, RefundOrder
from upss.payments import queries
from upss.payments.events import ProviderNotified
from upss.payments.models import Payment, ProviderEvent, Refund
from upss.payments.rules.lifecycle import SESSION_LEAST, SETTLED, PaymentMismatch, PaymentStatus
from upss.payments.service import charging, refunding
from upss.web.ports import gateway, settings, unit

if TYPE_CHECKING:
    from upss.kernel.ports import BalanceTransaction, CheckoutState, RefundState

_log = logging.getLogger(__name__)

# The provider's answer about an object that it does not hold (any more): nothing can follow of it.
_UNKNOWN = 404
_POLL_AGE = timedelta(minutes=2)
_POLL_BATCH = 100


class OfferTooOld(DomainError):
    """Too little is left of the offer to open a payment page: make a fresh one."""

    code = "offer_too_old"


class UnknownRefund(DomainError):
    """Somebody gave money of ours back at the provider's own pages: a person decides."""

    code = "unknown_refund"


def start_checkout(payment_id: PaymentId) -> str:
    """Return the address of the hosted payment page of this payment, opening it if need be.

    Raises `OfferTooOld`, or the gateway's errors: the same call may then be repeated, because
    the key and everything that is sent come from the stored row.
    """
    with unit() as uow:
        payment = queries.payment(uow.session, payment_id)
        is_too_old = payment.expires_at - uow.clock.now() < SESSION_LEAST
        uow.commit()
    if payment.checkout_url and payment.status == PaymentStatus.OPEN:
        return payment.checkout_url
    if is_too_old or payment.status != PaymentStatus.NEW or payment.closed_at is not None:
        raise OfferTooOld(payment_id=payment_id)
    state = gateway().create_checkout(_order(payment), idempotency_key=payment.idempotency_key)
    _apply(payment_id, state)
    assert state.url is not None
    return state.url


def _order(payment: Payment) -> CheckoutOrder:
    base = settings().base_url
    return CheckoutOrder(
        upss_id=payment.public_id,
        amount=Money(payment.amount_minor, payment.currency),
        title=f"UPSS {payment.question_id}",
        success_url=f"{base}/payments/{payment.public_id}/back",
        cancel_url=f"{base}/payments/{payment.public_id}/back",
        expires_at=payment.expires_at,
        locale=payment.language,
        email=payment.email or None,
        transfer_group=f"question-{payment.question_id}",
    )


def check_payment(payment_id: PaymentId) -> PaymentStatus:
    """Re-read the payment page and take over what it says; the truth, not the redirect."""
    with unit() as uow:
        payment = queries.payment(uow.session, payment_id)
        uow.commit()
    if payment.session_id is None:
        return PaymentStatus(payment.status)
    return _apply(payment_id, gateway().read_checkout(payment.session_id))


def settle_newest(question_id: QuestionId) -> bool:
    """Ask the provider about an open payment; True when the question is paid after all."""
    with unit() as uow:
        payment = queries.newest_payment(uow.session, question_id)
    if payment is None or payment.session_id is None:
        return False
    try:
        status = check_payment(PaymentId(payment.id))
    except PaymentMismatch:
        status = _status(PaymentId(payment.id))
    return status in {"paid", "checking"}


def close_checkout(payment_id: PaymentId) -> PaymentStatus:
    """Close the payment page so that it can no longer be paid; tells what it had come to."""
    with unit() as uow:
        payment = queries.payment(uow.session, payment_id)
        uow.commit()
    if payment.session_id is None:
        return PaymentStatus(payment.status)
    try:
        state = gateway().expire_checkout(payment.session_id)
    except GatewayRefused:  # complete or expired already
        state = gateway().read_checkout(payment.session_id)
    try:
        return _apply(payment_id, state)
    except PaymentMismatch:  # organizers see it at the event's job and the poll's
        return _status(payment_id)


def _status(payment_id: PaymentId) -> PaymentStatus:
    with unit() as uow:
        return PaymentStatus(queries.payment(uow.session, payment_id).status)


def _apply(payment_id: PaymentId, state: CheckoutState) -> PaymentStatus:
    with unit() as uow:
        try:
            status = charging.apply_checkout(uow, payment_id=payment_id, state=state)
        except PaymentMismatch:
            charging.hold_open(uow, payment_id=payment_id, state=state)
            uow.commit()
            raise
        uow.commit()
    if status in SETTLED and state.balance_transaction is not None:
        _settle_charge(payment_id, state.balance_transaction)
    return status


def _settle_charge(payment_id: PaymentId, movement: BalanceTransaction) -> None:
    try:
        with unit() as uow:
            charging.settle_charge(uow, payment_id=payment_id, movement=movement)
            uow.commit()
    except PaymentMismatch as error:  # the poll's job fails of it too: organizers see that one
        _log.error("a charge is not what was paid: %s", error)
        raise


def send_refund(refund_id: RefundId) -> None:
    """Send a refund, or find the one that an earlier attempt sent."""
    with unit() as uow:
        refund = uow.session.get_one(Refund, refund_id)
        is_repeat = refund.first_sent_at is not None
        refund = refunding.mark_sent(uow, refund_id=refund_id)
        payment = queries.payment(uow.session, PaymentId(refund.payment_id))
        uow.commit()
    if refund.status in {"settled", "failed"} or payment.payment_intent_id is None:
        return
    state = _sent_before(refund, payment.payment_intent_id) if is_repeat else None
    if state is None:
        order = RefundOrder(
            upss_id=refund.public_id,
            attempt=refund.attempt,
            payment_intent_id=payment.payment_intent_id,
            amount=Money(refund.amount_minor, refund.currency),
        )
        try:
            state = gateway().create_refund(order, idempotency_key=refund.idempotency_key)
        except GatewayRefused as refusal:
            with unit() as uow:
                reason = str(refusal.facts.get("reason", "refused"))
                refunding.refuse_refund(
                    uow, refund_id=refund_id, attempt=refund.attempt, reason=reason
                )
                uow.commit()
            return
    _apply_refund(refund_id, state)


def _sent_before(refund: Refund, payment_intent_id: str) -> RefundState | None:
    if refund.provider_id is not None:
        return gateway().read_refund(refund.provider_id)
    return gateway().find_refund(
        payment_intent_id=payment_intent_id, upss_id=refund.public_id, attempt=refund.attempt
    )


def check_refund(refund_id: RefundId) -> None:
    """Re-read a refund that is on its way."""
    with unit() as uow:
        refund = uow.session.get_one(Refund, refund_id)
        uow.commit()
    if refund.provider_id is None:
        send_refund(refund_id)
    else:
        _apply_refund(refund_id, gateway().read_refund(refund.provider_id))


def _apply_refund(refund_id: RefundId, state: RefundState) -> None:
    with unit() as uow:
        refunding.apply_refund(uow, refund_id=refund_id, state=state)
        uow.commit()


def handle_event(event_id: str) -> None:
    """Act on a stored event: re-read what it is about; its own content proves nothing."""
    with unit() as uow:
        event = uow.session.get_one(ProviderEvent, event_id)
        uow.commit()
    if event.handled_at is not None:
        return
    if event.object_id is not None:
        try:
            _act_on(event.type, event.object_id)
        except GatewayRefused as refusal:
            if refusal.facts.get("status") != _UNKNOWN:
                raise
    with unit() as uow:
        uow.session.execute(
            update(ProviderEvent)
            .where(ProviderEvent.id == event_id)
            .values(handled_at=uow.clock.system_now())
        )
        if event.object_id is not None:
            uow.emit(
                ProviderNotified(at=uow.clock.now(), type=event.type, object_id=event.object_id)
            )
        uow.commit()


def _act_on(kind: str, object_id: str) -> None:
    if kind.startswith("checkout.session."):
        _check_session(object_id)
    elif kind.startswith(("refund.", "charge.refund.")):
        _check_refund_object(object_id)
    elif kind.startswith(("charge.", "payment_intent.")):
        _check_charge(object_id)


def _check_session(session_id: str) -> None:
    state = gateway().read_checkout(session_id)
    with unit() as uow:
        payment_id = queries.payment_id_of(uow.session, session_id, state.upss_id)
        uow.commit()
    if payment_id is not None:
        _apply(payment_id, state)


def _check_charge(object_id: str) -> None:
    with unit() as uow:
        payment_id = queries.payment_id_of(uow.session, object_id)
        uow.commit()
    if payment_id is not None:
        check_payment(payment_id)


def _check_refund_object(provider_id: str) -> None:
    state = gateway().read_refund(provider_id)
    with unit() as uow:
        refund_id = queries.refund_id_of(uow.session, provider_id, state.upss_id)
        paid = state.payment_intent_id
        is_ours = paid is not None and queries.payment_id_of(uow.session, paid) is not None
    if refund_id is not None:
        _apply_refund(refund_id, state)
    elif is_ours:
        _log.error("refund %s of a payment of ours was not made by us", provider_id)
        raise UnknownRefund(refund=provider_id, payment=paid)


def poll() -> int:
    """Ask again about everything that no event has told us of; returns how many were asked."""
    with unit() as uow:
        before = uow.clock.now() - _POLL_AGE
        payments = queries.open_payments(uow.session, older_than=before, limit=_POLL_BATCH)
        refunds = queries.open_refunds(uow.session, older_than=before, limit=_POLL_BATCH)
        for payment_id in payments:
            uow.defer(
                "payments.check_payment", key=f"check-payment:{payment_id}", payment_id=payment_id
            )
        for refund_id in refunds:
            uow.defer(
                "payments.check_refund", key=f"check-refund:{refund_id}", lock=f"refund:{refund_id}",
                refund_id=refund_id,
            )  # fmt: skip
        uow.commit()
    return len(payments) + len(refunds)
