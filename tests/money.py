"""What tests look up of money: rows of payments and refunds, entries, balances and figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Select, select

from upss.ledger import queries as ledger
from upss.ledger.models import account, balance, entry, posting
from upss.ledger.rules import chart
from upss.payments.models import Payment, Refund
from upss.web.ports import unit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.orm import Session

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


@dataclass(frozen=True, slots=True)
class PayableLine:
    """What one answerer has earned with one question and is in no payout."""

    answerer_id: int
    question_id: int
    minor: int


@dataclass(frozen=True, slots=True)
class QuestionMoney:
    """The figures of `money_by_question`; all zero where nothing was booked."""

    paid: int = 0
    paid_again: int = 0
    held: int = 0
    share: int = 0
    organizer: int = 0
    fund: int = 0
    fee: int = 0
    refund_pending: int = 0
    refunded: int = 0
    payable: int = 0
    in_payout: int = 0
    paid_out: int = 0
    extra: int = 0
    lost: int = 0
    borne: int = 0


def figures_of(session: Session, question_ids: Collection[int]) -> dict[int, QuestionMoney]:
    """Return the figures of each question asked for."""
    statement = ledger.money_by_question().where(posting.c.question_id.in_(question_ids))
    found = {
        row.pop("question_id"): QuestionMoney(**{name: int(minor) for name, minor in row.items()})
        for row in (dict(row._mapping) for row in session.execute(statement))
    }
    return {question_id: found.get(question_id, QuestionMoney()) for question_id in question_ids}


def held_minor(session: Session, question_id: int) -> int:
    """Return what the guard of the ledger knows to be held for a question."""
    statement = _owed().where(account.c.code == chart.HELD, balance.c.question_id == question_id)
    return sum(row.minor for row in session.execute(statement))


def payable_lines(session: Session, *, answerer_id: int | None = None) -> list[PayableLine]:
    """Return what is payable per answerer and question, of one answerer or of all."""
    if answerer_id is None:
        whose = account.c.code.startswith(chart.PAYABLE_PREFIX, autoescape=True)
    else:
        whose = account.c.code == chart.payable(answerer_id)
    lines = [
        PayableLine(chart.answerer_of(row.code), row.question_id, row.minor)
        for row in session.execute(_owed().where(whose, balance.c.balance != 0))
    ]
    return sorted(lines, key=lambda line: (line.answerer_id, line.question_id))


def _owed() -> Select:
    return select(account.c.code, balance.c.question_id, (-balance.c.balance).label("minor")).join(
        account, account.c.id == balance.c.account_id
    )
