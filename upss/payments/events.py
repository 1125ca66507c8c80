"""What payments tell the packages above."""

from __future__ import annotations

from dataclasses import dataclass

from upss.kernel.events import Event
from upss.kernel.ids import PaymentId, QuestionId, RefundId


@dataclass(frozen=True, kw_only=True)
class PaymentSettled(Event):
    """A payment for a question was confirmed in time; its entry is in the ledger."""

    payment_id: PaymentId
    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class PaymentReturned(Event):
    """A payment came too late, twice, or for a closed offer: it goes back to the card."""

    payment_id: PaymentId
    question_id: QuestionId
    refund_id: RefundId


@dataclass(frozen=True, kw_only=True)
class PaymentExpired(Event):
    """The hosted page closed unpaid."""

    payment_id: PaymentId
    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class RefundSettled(Event):
    """The provider has given the money back."""

    refund_id: RefundId
    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class RefundFailed(Event):
    """The bank sent the money back to us: it is still owed, and an organizer must act."""

    refund_id: RefundId
    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class ProviderNotified(Event):
    """The provider's event is about something that payments do not own."""

    type: str
    object_id: str
