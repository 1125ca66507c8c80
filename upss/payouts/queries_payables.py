"""Reading what is payable: to whom, whether it may leave, and whether a block holds it.

Money is read from the ledger; a fixed number of statements whatever the size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, cast, func, select

from upss.accounts.models import Account
from upss.forum.models import Question
from upss.forum.rules.lifecycle import Status
from upss.ledger.models import account, balance, pending, posting
from upss.ledger.rules import chart
from upss.payouts.models import PayoutItem, PayoutLine, Recipient
from upss.payouts.rules.schedule import HOLD, Payable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    AnyRow = Row[*tuple[Any, ...]]

ACTIVE, NONE = "active", "none"  # states of an account at the provider
# Everything else (a complaint, a dispute) stops the payout of this question.
_FREE = (Status.ACCEPTED, Status.FINAL)
# More people than this are counted on the page but not listed.
_LISTED = 100


def _owner_of(code: ColumnElement[str]) -> ColumnElement[int]:
    return cast(func.substring(code, "[0-9]+$"), BigInteger)


def frozen() -> ColumnElement[bool]:
    """Return the condition that a question's money is stopped: by a complaint or a dispute."""
    return Question.status.not_in(_FREE)


def open_payables() -> Select[*tuple[Any, ...]]:
    """Select every open payable with its question and the answerer's account at the provider."""
    return (
        select(
            _owner_of(account.c.code).label("answerer_id"),
            balance.c.question_id,
            (-balance.c.balance).label("minor"),
            account.c.currency,
            Question.accepted_at,
            frozen().label("frozen"),
            func.coalesce(Recipient.transfers, NONE).label("transfers"),
        )
        .select_from(account)
        .join(balance, balance.c.account_id == account.c.id)
        .join(Question, Question.id == balance.c.question_id)
        .outerjoin(Recipient, Recipient.account_id == _owner_of(account.c.code))
        .where(
            account.c.code.startswith(chart.PAYABLE_PREFIX, autoescape=True),
            balance.c.balance < 0,
        )
    )


def is_ready(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a question's money may leave: accepted, the hold over, not stopped."""
    return and_(~frozen(), Question.accepted_at <= now - HOLD)


def ready(now: datetime) -> Select[*tuple[Any, ...]]:
    """Select the open payables that may leave."""
    return open_payables().where(is_ready(now))


def payables(session: Session) -> list[Payable]:
    """Return every open payable whose answerer can receive transfers, and that is anchored.

    Where an entry on it waits for a block, nothing of that payable leaves.
    """
    waits = (
        select(posting.c.entry_id)
        .join(pending, pending.c.entry_id == posting.c.entry_id)
        .where(posting.c.account_id == account.c.id, posting.c.question_id == balance.c.question_id)
    )
    return [
        Payable(
            answerer_id=row.answerer_id,
            question_id=row.question_id,
            minor=row.minor,
            currency=row.currency,
            accepted_at=row.accepted_at,
            frozen=row.frozen,
        )
        for row in session.execute(
            open_payables().where(Recipient.transfers == ACTIVE, ~waits.exists())
        )
    ]


def ready_people(session: Session, now: datetime) -> Sequence[AnyRow]:
    """Return who has money ready: name, transfers, minor, currency, and both sums of people.

    Those who cannot receive transfers yet come first. `people` and `total` are of all people
    with the same `can_receive`; at most 100 of each are listed.
    """
    money = ready(now).subquery()
    can_receive = (money.c.transfers == ACTIVE).label("can_receive")
    person = (
        select(
            money.c.answerer_id,
            money.c.currency,
            money.c.transfers,
            can_receive,
            cast(func.sum(money.c.minor), BigInteger).label("minor"),
        )
        .group_by(money.c.answerer_id, money.c.currency, money.c.transfers)
        .subquery()
    )
    of_all = (
        select(
            Account.name,
            person,
            func.row_number()
            .over(partition_by=person.c.can_receive, order_by=(Account.name, Account.id))
            .label("place"),
            func.count().over(partition_by=person.c.can_receive).label("people"),
            cast(
                func.sum(person.c.minor).over(partition_by=person.c.can_receive), BigInteger
            ).label("total"),
        )
        .join(Account, Account.id == person.c.answerer_id)
        .subquery()
    )
    # not one limit for both: many who wait must not hide that others can be paid
    statement = (
        select(of_all)
        .where(of_all.c.place <= _LISTED)
        .order_by(of_all.c.can_receive, of_all.c.place)
    )
    return session.execute(statement).all()


def stopped_in_run(session: Session, run_id: int, now: datetime) -> list[int]:
    """Return the questions of a run whose money may not leave; all of them wait until the end.

    No question of the run can change its state before this transaction is over.
    """
    statement = (
        select(Question.id, is_ready(now).label("is_ready"))
        .join(PayoutLine, PayoutLine.question_id == Question.id)
        .join(PayoutItem, PayoutItem.id == PayoutLine.item_id)
        .where(PayoutItem.run_id == run_id)
        .order_by(Question.id)
        .with_for_update(read=True, of=Question)
    )
    return [row.id for row in session.execute(statement) if not row.is_ready]


def not_anchored(session: Session, item_id: int, answerer_id: int) -> list[int]:
    """Return the questions of an item just reserved that took money which no block holds.

    What is left payable must hold at least all that came in and waits for a block. To be asked
    after the reservation, which keeps the balances from changing until the transaction is over.
    """
    waits = (
        select(-func.sum(posting.c.amount))
        .join(pending, pending.c.entry_id == posting.c.entry_id)
        .where(
            posting.c.account_id == balance.c.account_id,
            posting.c.question_id == balance.c.question_id,
            posting.c.amount < 0,
        )
        .scalar_subquery()
    )
    statement = (
        select(balance.c.question_id)
        .join(account, account.c.id == balance.c.account_id)
        .join(PayoutLine, PayoutLine.question_id == balance.c.question_id)
        .where(
            PayoutLine.item_id == item_id,
            account.c.code == chart.payable(answerer_id),
            -balance.c.balance < waits,
        )
        .order_by(balance.c.question_id)
    )
    return list(session.execute(statement).scalars())
