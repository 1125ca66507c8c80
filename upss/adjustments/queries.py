"""Reading proposals with the names of their people, and what they would do to the balances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import aliased

from upss.accounts.models import Account
from upss.adjustments.models import Adjustment
from upss.adjustments.rules.proposals import Proposal, Purpose, Status
from upss.forum.models import Answer, Question
from upss.kernel.money import Money
from upss.ledger import queries as ledger
from upss.ledger.models import account, balance
from upss.ledger.rules import chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

AnyRow: TypeAlias = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Standing:
    """One account now and after the proposal, in minor units; credit is below zero.

    A guarded account is counted for the question alone. `is_wrong` says that the account would
    stand on the side where it must never be.
    """

    account: str
    before: int
    after: int
    is_guarded: bool

    @property
    def is_wrong(self) -> bool:
        """Tell whether the proposal would leave this account on its forbidden side."""
        return self.after * chart.side_of(self.account) < 0


def question_by_number(session: Session, number: int) -> AnyRow | None:
    """Return id, currency, accepted_at and the answerer_id of the answer that stands."""
    answerer = (
        select(Answer.answerer_id)
        .where(Answer.question_id == Question.id)
        .order_by(Answer.revision.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = select(
        Question.id, Question.currency, Question.accepted_at, answerer.label("answerer_id")
    )
    return session.execute(statement.where(Question.id == number)).one_or_none()


def proposals(
    session: Session, *, status: str | None, before: int | None, limit: int
) -> Sequence[AnyRow]:
    """Return the newest proposals in `status` (None: in any), or those older than `before`."""
    statement = _rows().order_by(Adjustment.id.desc()).limit(limit)
    if status is not None:
        statement = statement.where(Adjustment.status == status)
    if before is not None:
        statement = statement.where(Adjustment.id < before)
    return session.execute(statement).all()


def by_public_id(session: Session, public_id: str) -> AnyRow | None:
    """Return one proposal: its fields, and the public ids of what it reverses or is reversed by."""
    reversing, reversed_one = aliased(Adjustment), aliased(Adjustment)
    statement = (
        _rows()
        .add_columns(
            reversing.public_id.label("reversed_by"),
            reversing.status.label("reversal_status"),
            reversed_one.public_id.label("reverses"),
        )
        .outerjoin(
            reversing,
            (reversing.reverses_id == Adjustment.entry_id)
            & reversing.status.in_((Status.PROPOSED, Status.APPROVED)),
        )
        .outerjoin(reversed_one, reversed_one.entry_id == Adjustment.reverses_id)
    )
    return session.execute(statement.where(Adjustment.public_id == public_id)).one_or_none()


def proposal_of(row: AnyRow | Adjustment) -> Proposal:
    """Return what a stored row proposes."""
    return Proposal(
        purpose=Purpose(row.purpose),
        question_id=row.question_id,
        answerer_id=row.answerer_id,
        debit_account=row.debit_account,
        credit_account=row.credit_account,
        amount=Money(row.amount_minor, row.currency),
        reason=row.reason,
        reverses_id=row.reverses_id,
    )


def standings(session: Session, proposal: Proposal) -> list[Standing]:
    """Return the balance of both accounts as it is and as it would be; two statements."""
    return [
        Standing(line.account, now, now + line.amount, chart.is_guarded(line.account))
        for line in proposal.lines
        for now in (_balance(session, line.account, line.question_id),)
    ]


def _balance(session: Session, code: str, question_id: int | None) -> int:
    if not chart.is_guarded(code):
        return ledger.account_balance(session, code)
    statement = (
        select(balance.c.balance)
        .join(account, account.c.id == balance.c.account_id)
        .where(account.c.code == code, balance.c.question_id == question_id)
    )
    return session.execute(statement).scalar_one_or_none() or 0


def _rows() -> Select[*tuple[Any, ...]]:
    author, decider = aliased(Account), aliased(Account)
    return (
        select(
            *Adjustment.__table__.c,
            author.name.label("author"),
            decider.name.label("decider"),
        )
        .join(author, author.id == Adjustment.proposed_by)
        .outerjoin(decider, decider.id == Adjustment.decided_by)
    )
