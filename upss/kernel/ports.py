"""The outside world as protocols: clock, payment gateway, mailer and job queue.

One adapter each; `wiring.py` chooses. No implementation may be called while a database
transaction is open, except `JobQueue.defer`, which writes inside the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from upss.kernel.money import Money


class Clock(Protocol):
    """Where time comes from; both methods return aware UTC datetimes."""

    def now(self) -> datetime:
        """Application time; only the demo moves it."""
        ...

    def system_now(self) -> datetime:
        """Return the machine's time: sessions, tokens, limits, signatures, webhook back-off."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceTransaction:
    """One movement of the provider's balance; amounts in minor units, signed.

    `net == amount - fee`. A charge has amount > 0, a refund or transfer amount < 0.
    """

    id: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckoutOrder:
    """What a hosted payment page shall charge, once, by card."""

    upss_id: str  # public id of our payment row; travels as metadata and reference
    amount: Money
    title: str  # "Question 1030": never the text of a question
    success_url: str  # may hold {CHECKOUT_SESSION_ID}
    cancel_url: str
    expires_at: datetime
    locale: str
    email: str | None
    transfer_group: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckoutState:
    """A Checkout Session as it is now, with its charge where there is one."""

    id: str
    url: str | None
    status: Literal["open", "complete", "expired"]
    payment_status: Literal["paid", "unpaid", "no_payment_required"]
    amount_minor: int
    currency: str
    expires_at: datetime
    upss_id: str | None
    payment_intent_id: str | None
    charge_id: str | None
    receipt_url: str | None
    balance_transaction: BalanceTransaction | None  # may be absent just after success


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundOrder:
    """Money to give back to the original card."""

    upss_id: str  # public id of our refund row
    attempt: int  # from 1; an organizer may send a failed one again
    payment_intent_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundState:
    """A refund as it is now; a succeeded one may still fail later."""

    id: str
    status: Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
    amount_minor: int
    currency: str
    payment_intent_id: str | None
    upss_id: str | None
    attempt: int
    failure_reason: str | None
    balance_transaction: BalanceTransaction | None
    failure_balance_transaction: BalanceTransaction | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferOrder:
    """Money to move from the organizer's balance to an answerer's account."""

    upss_id: str  # public id of our payout item
    amount: Money
    destination: str
    transfer_group: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferState:
    """A transfer that exists at the provider."""

    id: str
    amount_minor: int
    currency: str
    destination: str
    upss_id: str | None
    balance_transaction: BalanceTransaction | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientState:
    """Whether a connected account may receive transfers."""

    id: str
    transfers: Literal["active", "pending", "restricted", "unsupported"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventNotice:
    """A verified webhook delivery: a hint that `object_id` changed, never a fact in itself."""

    id: str
    type: str  # without the "v1." prefix of thin events
    object_id: str | None
    livemode: bool


class PaymentGateway(Protocol):
    """Stripe, or whatever speaks its language.

    Every method that sends raises `GatewayUnavailable` when the outcome is unknown and
    `GatewayRefused` (fact `reason`) on a definite no. `idempotency_key` is stored by the
    caller before the call.
    """

    is_stand_in: bool  # the base address is not Stripe's: pages show "no real money"

    def create_checkout(self, order: CheckoutOrder, *, idempotency_key: str) -> CheckoutState:
        """Open a hosted payment page."""
        ...

    def read_checkout(self, session_id: str) -> CheckoutState:
        """Read a session with its payment, charge and balance transaction."""
        ...

    def expire_checkout(self, session_id: str) -> CheckoutState:
        """Close an open session, so that it can no longer be paid."""
        ...

    def create_refund(self, order: RefundOrder, *, idempotency_key: str) -> RefundState:
        """Give money back."""
        ...

    def read_refund(self, refund_id: str) -> RefundState:
        """Read a refund as it is now."""
        ...

    def find_refund(
        self, *, payment_intent_id: str, upss_id: str, attempt: int
    ) -> RefundState | None:
        """Look for what this very attempt has sent, before it is sent again."""
        ...

    def create_transfer(self, order: TransferOrder, *, idempotency_key: str) -> TransferState:
        """Move money to an answerer's account."""
        ...

    def find_transfer(self, *, transfer_group: str, upss_id: str) -> TransferState | None:
        """Look for our transfer before any new attempt."""
        ...

    def create_recipient(
        self, *, upss_id: str, email: str, country: str, idempotency_key: str
    ) -> RecipientState:
        """Open a connected account that can receive transfers (Accounts v2)."""
        ...

    def read_recipient(self, account_id: str) -> RecipientState:
        """Read whether a connected account may receive transfers."""
        ...

    def onboarding_link(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """Return a single-use address of the provider's onboarding page."""
        ...

    def parse_event(self, payload: bytes, signature: str) -> EventNotice:
        """Verify a webhook body; raises `BadSignature`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One message to one recipient."""

    to: str
    subject: str
    text: str
    html: str
    message_id: str  # stable over retries, so that a doubled delivery is recognised
    language: str


class Mailer(Protocol):
    """Sends one mail; raises `MailNotSent` when it may be tried again."""

    def send(self, mail: Mail) -> None:
        """Hand the mail to the server."""
        ...


class JobQueue(Protocol):
    """Background work, deferred inside the caller's transaction."""

    def defer(
        self,
        session: Session,
        name: str,
        *,
        key: str | None,
        lock: str | None,
        ids: Mapping[str, int | str],
    ) -> None:
        """Add a job; with `key`, a job of that key that still waits is enough."""
        ...
