"""What a payment page's state means for a payment: pure, idempotent, never backwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from upss.kernel.errors import DomainError
from upss.kernel.money import Money
from upss.kernel.ports import BalanceTransaction, CheckoutState

# Stripe wants a Checkout Session to live for 30 minutes at least; one spare for the call itself.
SESSION_LEAST = timedelta(minutes=31)


class PaymentStatus(StrEnum):
    """A payment moves only down this list; the last two are settled for good."""

    NEW = "new"  # our row exists, the call to the provider may or may not have happened
    OPEN = "open"  # the hosted page waits for the asker
    EXPIRED = "expired"  # closed unpaid
    CHECKING = "checking"  # complete, but the money is not confirmed
    PAID = "paid"  # confirmed in time: held for the question
    RETURNED = "returned"  # confirmed, but late, second or for a closed offer: goes back


SETTLED = frozenset({PaymentStatus.PAID, PaymentStatus.RETURNED})


class PaymentMismatch(DomainError):
    """The provider's amount, currency or reference is not what our row says."""

    code = "payment_mismatch"


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentFacts:
    """What our row says, and whether the question already has a settled payment."""

    public_id: str
    status: str
    amount_minor: int
    currency: str
    honour_until: datetime
    is_closed: bool
    question_is_paid: bool


def next_status(facts: PaymentFacts, state: CheckoutState, *, now: datetime) -> PaymentStatus:
    """Return the status that `state`, seen at `now`, leads to.

    A confirmed payment is honoured until `honour_until` unless its offer was closed or the
    question is paid already; otherwise it is returned. Raises `PaymentMismatch`.
    """
    check_match(facts, state)
    current = PaymentStatus(facts.status)
    if current in SETTLED:
        return current
    if state.payment_status == "paid":
        honoured = now <= facts.honour_until and not facts.is_closed and not facts.question_is_paid
        return PaymentStatus.PAID if honoured else PaymentStatus.RETURNED
    if state.status == "complete":
        return PaymentStatus.CHECKING
    if state.status == "expired":
        return PaymentStatus.EXPIRED
    # Seen open before, told late: what has ended or is being checked does not open again.
    return PaymentStatus.OPEN if current is PaymentStatus.NEW else current


def check_match(facts: PaymentFacts, state: CheckoutState) -> None:
    """Raise `PaymentMismatch` unless reference, amount and currency are those of our row."""
    ours = (facts.public_id, facts.amount_minor, facts.currency)
    theirs = (state.upss_id, state.amount_minor, state.currency)
    if ours != theirs:
        raise PaymentMismatch(ours=ours, theirs=theirs)


def is_of_another_amount(facts: PaymentFacts, state: CheckoutState) -> bool:
    """Tell whether this payment of ours was made, but of another amount or currency than ours."""
    ours = (facts.amount_minor, facts.currency)
    return (
        facts.status not in SETTLED
        and state.upss_id == facts.public_id
        and (state.status == "complete" or state.payment_status == "paid")
        and (state.amount_minor, state.currency) != ours
    )


def check_movement(expected: Money, movement: BalanceTransaction) -> None:
    """Raise `PaymentMismatch` unless the movement is of this gross amount, in or out.

    A balance kept in another currency than the price would book what nobody has agreed to.
    """
    ours = (expected.minor, expected.currency)
    theirs = (abs(movement.amount_minor), movement.currency)
    if ours != theirs:
        raise PaymentMismatch(ours=ours, theirs=theirs, movement=movement.id)
