"""What jobs and pages read of payments and refunds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, text

from upss.kernel.errors import NotFound
from upss.kernel.ids import PaymentId, QuestionId, RefundId
from upss.payments.models import BalanceTransactionRow, Payment, Refund

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    AnyRow = Row[*tuple[Any, ...]]


def payment(session: Session, payment_id: PaymentId) -> Payment:
    """Return a payment; raises `NotFound`."""
    found = session.get(Payment, payment_id)
    if found is None:
        raise NotFound(payment_id=payment_id)
    return found


def newest_payment(session: Session, question_id: QuestionId) -> Payment | None:
    """Return the newest payment of a question that is not closed, or None."""
    return session.scalar(
        select(Payment)
        .where(Payment.question_id == question_id, Payment.closed_at.is_(None))
        .order_by(Payment.id.desc())
        .limit(1)
    )


def payment_id_of(session: Session, object_id: str, upss_id: str | None = None) -> PaymentId | None:
    """Find the payment that a session, payment intent, charge or reference belongs to."""
    found = session.scalar(
        select(Payment.id).where(
            or_(
                Payment.session_id == object_id,
                Payment.payment_intent_id == object_id,
                Payment.charge_id == object_id,
                Payment.public_id == upss_id,
            )
        )
    )
    return None if found is None else PaymentId(found)


def refund_id_of(session: Session, provider_id: str, upss_id: str | None = None) -> RefundId | None:
    """Find our refund by the provider's id or by our own reference."""
    found = session.scalar(
        select(Refund.id).where(or_(Refund.provider_id == provider_id, Refund.public_id == upss_id))
    )
    return None if found is None else RefundId(found)


# A failed job is a dead letter: it waits for a person. Asked again every five minutes, a hundred
# rows whose answer never changes would leave no turn to any other.
_PAYMENT_IN_HOPE = text("""NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.status = 'failed' AND j.task_name = 'payments.check_payment'
      AND j.args ->> 'payment_id' = CAST(payment.id AS text))""")
_REFUND_IN_HOPE = text("""NOT EXISTS (SELECT FROM procrastinate_jobs j
    WHERE j.status = 'failed' AND j.task_name = 'payments.check_refund'
      AND j.args ->> 'refund_id' = CAST(refund.id AS text))""")


def open_payments(session: Session, *, older_than: datetime, limit: int) -> Sequence[PaymentId]:
    """Return payments whose outcome or fee is not known yet and may still become known."""
    unknown = or_(
        Payment.status.in_(("open", "checking")),
        Payment.status.in_(("paid", "returned")) & Payment.balance_transaction_id.is_(None),
    )
    rows = session.scalars(
        select(Payment.id)
        .where(unknown, Payment.session_id.is_not(None), Payment.created_at < older_than)
        .where(_PAYMENT_IN_HOPE)
        .order_by(Payment.id)
        .limit(limit)
    )
    return [PaymentId(row) for row in rows]


def open_refunds(session: Session, *, older_than: datetime, limit: int) -> Sequence[RefundId]:
    """Return refunds that are asked for, on their way, or failed and not back with us yet."""
    is_out = Refund.status.in_(("requested", "sent"))
    to_come_back = (Refund.status == "failed") & Refund.balance_transaction_id.is_not(None)
    rows = session.scalars(
        select(Refund.id)
        .where(or_(is_out, to_come_back), Refund.requested_at < older_than)
        .where(_REFUND_IN_HOPE)
        .order_by(Refund.id)
        .limit(limit)
    )
    return [RefundId(row) for row in rows]


@dataclass(frozen=True, slots=True)
class RefundLine:
    """One refund of a payment, for the receipt."""

    status: str
    minor: int
    requested_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One payment of a question with its fee and refunds, oldest first, for the receipt."""

    status: str
    amount_minor: int
    currency: str
    settled_at: datetime | None
    receipt_url: str | None
    reference: str | None
    fee_minor: int | None
    refunds: tuple[RefundLine, ...]


def receipt(session: Session, question_id: QuestionId) -> list[ReceiptLine]:
    """Return the settled payments of a question, oldest first; one statement."""
    rows = session.execute(
        select(Payment, BalanceTransactionRow.fee_minor, Refund)
        .outerjoin(
            BalanceTransactionRow, BalanceTransactionRow.id == Payment.balance_transaction_id
        )
        .outerjoin(Refund, Refund.payment_id == Payment.id)
        .where(Payment.question_id == question_id, Payment.status.in_(("paid", "returned")))
        .order_by(Payment.id, Refund.id)
        .execution_options(populate_existing=True)
    ).all()
    return [_line(list(of_payment)) for _id, of_payment in groupby(rows, lambda row: row[0].id)]


def _line(rows: Sequence[AnyRow]) -> ReceiptLine:
    """Return one payment from its rows, one for each of its refunds."""
    payment, fee_minor, _first = rows[0]
    refunds = tuple(
        RefundLine(each.status, each.amount_minor, each.requested_at, each.settled_at)
        for _payment, _fee, each in rows
        if each is not None
    )
    return ReceiptLine(
        payment.status,
        payment.amount_minor,
        payment.currency,
        payment.settled_at,
        payment.receipt_url,
        payment.charge_id,
        fee_minor,
        refunds,
    )
