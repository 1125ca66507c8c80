"""What tests look up of money: rows of payments and refunds, entries and balances."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import select

from upss.ledger import queries as ledger
from upss.ledger.models import entry
from upss.payments.models import Payment, Refund
from upss.web.ports import unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upss.kernel.ids import PaymentId, QuestionId


def payment_row(payment_id: PaymentId) -> Payment:
    """Read a payment as it is now."""
    with unit() as uow:
        return uow.session.get_one(Payment, payment_id)


def refund_rows(question_id: QuestionId) -> list[Refund]:
    """Read the refunds of a question, oldest first."""
    with unit() as uow:
        of_question = select(Refund).where(Refund.question_id == question_id)
        return list(uow.session.scalars(of_question.order_by(Refund.id)))


def entries() -> list[str]:
    """Return the kinds of all entries, oldest first."""
    with unit() as uow:
        return list(uow.session.scalars(select(entry.c.kind).order_by(entry.c.id)))


def count(kinds: Iterable[str]) -> dict[str, int]:
    """Return how often each kind occurs."""
    return dict(Counter(kinds))


def balances() -> dict[str, int]:
    """Return the balance of each account in minor units, debit above zero."""
    with unit() as uow:
        return {row.code: row.balance for row in ledger.trial_balance(uow.session)}
