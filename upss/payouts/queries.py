"""Reading payouts: what is payable, a person's earnings, the runs and their items.

Money is read from the ledger; plain rows, a fixed number of statements whatever the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.orm import aliased

from upss.accounts.models import Account
from upss.forum.models import Question
from upss.forum.rules.lifecycle import Status
from upss.ledger.models import account, balance, entry, pending, posting
from upss.ledger.rules import chart
from upss.payouts.models import PayoutItem, PayoutLine, PayoutRun, Recipient
from upss.payouts.rules.schedule import HOLD, Payable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    AnyRow = Row[*tuple[Any, ...]]

# Everything else (a complaint, a dispute) stops the payout of this question.
_FREE = (Status.ACCEPTED, Status.FINAL)
_ACTIVE = "active"
_NONE = "none"
# More people than this are counted on the page but not listed.
_LISTED = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Earnings:
    """One answerer's money in minor units, and whether it can reach them."""

    ready_minor: int
    on_hold_minor: int
    in_payout_minor: int
    paid_out_minor: int
    transfers: str  # state of the account at the provider; "none" before onboarding

    @property
    def to_come_minor(self) -> int:
        """Everything earned that has not left yet."""
        return self.ready_minor + self.on_hold_minor + self.in_payout_minor


def _owner_of(code: ColumnElement[str]) -> ColumnElement[int]:
    return cast(func.substring(code, "[0-9]+$"), BigInteger)


def _frozen() -> ColumnElement[bool]:
    return Question.status.not_in(_FREE)


def _payables() -> Select[*tuple[Any, ...]]:
    """Select every open payable with its question and the answerer's account at the provider."""
    return (
        select(
            _owner_of(account.c.code).label("answerer_id"),
            balance.c.question_id,
            (-balance.c.balance).label("minor"),
            account.c.currency,
            Question.accepted_at,
            _frozen().label("frozen"),
            func.coalesce(Recipient.transfers, _NONE).label("transfers"),
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
            _payables().where(Recipient.transfers == _ACTIVE, ~waits.exists())
        )
    ]


def ready_people(session: Session, now: datetime) -> Sequence[AnyRow]:
    """Return who has money ready: name, transfers, minor, currency, and both sums of people.

    Those who cannot receive transfers yet come first. `people` and `total` are of all people
    with the same `can_receive`; at most 100 people are listed.
    """
    ready = _payables().where(~_frozen(), Question.accepted_at <= now - HOLD).subquery()
    can_receive = (ready.c.transfers == _ACTIVE).label("can_receive")
    person = (
        select(
            ready.c.answerer_id,
            ready.c.currency,
            ready.c.transfers,
            can_receive,
            cast(func.sum(ready.c.minor), BigInteger).label("minor"),
        )
        .group_by(ready.c.answerer_id, ready.c.currency, ready.c.transfers)
        .subquery()
    )
    statement = (
        select(
            Account.name,
            person,
            func.count().over(partition_by=person.c.can_receive).label("people"),
            cast(
                func.sum(person.c.minor).over(partition_by=person.c.can_receive), BigInteger
            ).label("total"),
        )
        .join(Account, Account.id == person.c.answerer_id)
        .order_by(person.c.can_receive, Account.name, Account.id)
        .limit(_LISTED)
    )
    return session.execute(statement).all()


def earnings(session: Session, answerer_id: int, now: datetime) -> Earnings:
    """Return an answerer's sums, read from the ledger in one statement."""
    mine = _payables().where(account.c.code == chart.payable(answerer_id)).subquery()
    is_ready = and_(~mine.c.frozen, mine.c.accepted_at <= now - HOLD)
    reserved = (
        select(-func.sum(balance.c.balance))
        .join(account, account.c.id == balance.c.account_id)
        .where(account.c.code == chart.in_payout(answerer_id))
    )
    sent = (
        select(func.sum(posting.c.amount))
        .join(account, account.c.id == posting.c.account_id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(account.c.code == chart.in_payout(answerer_id), entry.c.kind == "transfer_created")
    )
    receiving = select(Recipient.transfers).where(Recipient.account_id == answerer_id)
    row = session.execute(
        select(
            func.coalesce(func.sum(mine.c.minor).filter(is_ready), 0).label("ready"),
            func.coalesce(func.sum(mine.c.minor).filter(~is_ready), 0).label("on_hold"),
            func.coalesce(reserved.scalar_subquery(), 0).label("in_payout"),
            func.coalesce(sent.scalar_subquery(), 0).label("paid_out"),
            func.coalesce(receiving.scalar_subquery(), _NONE).label("transfers"),
        )
    ).one()
    return Earnings(
        ready_minor=int(row.ready),
        on_hold_minor=int(row.on_hold),
        in_payout_minor=int(row.in_payout),
        paid_out_minor=int(row.paid_out),
        transfers=row.transfers,
    )


def earned_questions(
    session: Session, answerer_id: int, *, now: datetime, before: int | None, limit: int
) -> Sequence[AnyRow]:
    """Return the accepted questions of an answerer, newest first, from entry `before` down.

    Fields: entry_id, question_id, public_id, title, language, minor, currency, accepted_at and
    state: "stopped", "on_hold", "ready", "in_payout" or "paid".
    """
    open_balance, reserved_balance = aliased(balance), aliased(balance)
    reserved_account = aliased(account)
    state = case(
        (and_(open_balance.c.balance < 0, _frozen()), "stopped"),
        (and_(open_balance.c.balance < 0, Question.accepted_at > now - HOLD), "on_hold"),
        (open_balance.c.balance < 0, "ready"),
        (reserved_balance.c.balance < 0, "in_payout"),
        else_="paid",
    )
    same_question = posting.c.question_id
    statement = (
        select(
            entry.c.id.label("entry_id"),
            posting.c.question_id,
            Question.public_id,
            Question.title,
            Question.language,
            (-posting.c.amount).label("minor"),
            posting.c.currency,
            Question.accepted_at,
            state.label("state"),
        )
        .select_from(account)
        .join(posting, posting.c.account_id == account.c.id)
        .join(entry, and_(entry.c.id == posting.c.entry_id, entry.c.kind == "answer_accepted"))
        .join(Question, Question.id == posting.c.question_id)
        .outerjoin(
            open_balance,
            and_(
                open_balance.c.account_id == account.c.id,
                open_balance.c.question_id == same_question,
            ),
        )
        .outerjoin(reserved_account, reserved_account.c.code == chart.in_payout(answerer_id))
        .outerjoin(
            reserved_balance,
            and_(
                reserved_balance.c.account_id == reserved_account.c.id,
                reserved_balance.c.question_id == same_question,
            ),
        )
        .where(account.c.code == chart.payable(answerer_id))
        .order_by(posting.c.entry_id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(posting.c.entry_id < before)
    return session.execute(statement).all()


def recipient_of(session: Session, account_id: int) -> AnyRow | None:
    """Return provider_id and transfers of an answerer's account, or None before onboarding."""
    statement = select(Recipient.provider_id, Recipient.transfers)
    return session.execute(statement.where(Recipient.account_id == account_id)).one_or_none()


def destinations(session: Session, account_ids: Sequence[int]) -> dict[int, str]:
    """Return the account at the provider of each of these answerers who has one."""
    statement = select(Recipient.account_id, Recipient.provider_id).where(
        Recipient.account_id.in_(account_ids), Recipient.provider_id.is_not(None)
    )
    return {row.account_id: str(row.provider_id) for row in session.execute(statement)}


def recipient_by_provider_id(session: Session, provider_id: str) -> int | None:
    """Return whose account at the provider this is."""
    statement = select(Recipient.account_id).where(Recipient.provider_id == provider_id)
    return session.execute(statement).scalar_one_or_none()


def lines_of(session: Session, item_id: int) -> tuple[tuple[int, int], ...]:
    """Return the (question id, minor units) of an item."""
    statement = select(PayoutLine.question_id, PayoutLine.amount_minor)
    ordered = statement.where(PayoutLine.item_id == item_id).order_by(PayoutLine.question_id)
    return tuple((question_id, minor) for question_id, minor in session.execute(ordered))


def _runs() -> Select[*tuple[Any, ...]]:
    preparer, approver = aliased(Account), aliased(Account)
    counted = (
        select(
            func.count().label("people"),
            func.count().filter(PayoutItem.status == "sent").label("sent"),
            func.count().filter(PayoutItem.status == "refused").label("refused"),
            func.sum(PayoutItem.amount_minor)
            .filter(PayoutItem.status == "sent")
            .label("sent_minor"),
        )
        .where(PayoutItem.run_id == PayoutRun.id)
        .lateral()
    )
    return (
        select(
            PayoutRun.id,
            PayoutRun.public_id,
            PayoutRun.status,
            PayoutRun.currency,
            PayoutRun.total_minor,
            PayoutRun.prepared_at,
            PayoutRun.prepared_by,
            PayoutRun.approved_at,
            PayoutRun.finished_at,
            preparer.name.label("preparer"),
            approver.name.label("approver"),
            counted.c.people,
            counted.c.sent,
            counted.c.refused,
            cast(func.coalesce(counted.c.sent_minor, 0), BigInteger).label("sent_minor"),
        )
        .join(preparer, preparer.id == PayoutRun.prepared_by)
        .outerjoin(approver, approver.id == PayoutRun.approved_by)
        .join(counted, literal(value=True))
    )


def runs(session: Session, *, before: int | None, limit: int) -> Sequence[AnyRow]:
    """Return the newest runs with how far they are, or those older than run `before`."""
    statement = _runs().order_by(PayoutRun.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(PayoutRun.id < before)
    return session.execute(statement).all()


def run_by_public_id(session: Session, public_id: str, *, now: datetime) -> AnyRow | None:
    """Return one run with how far it is, and how many people wait for an account (and how much)."""
    ready = _payables().where(~_frozen(), Question.accepted_at <= now - HOLD).subquery()
    without = ready.c.transfers != _ACTIVE
    people = select(func.count(ready.c.answerer_id.distinct())).where(without)
    minor = select(cast(func.coalesce(func.sum(ready.c.minor), 0), BigInteger)).where(without)
    statement = _runs().add_columns(
        people.scalar_subquery().label("waiting_people"),
        minor.scalar_subquery().label("waiting_minor"),
    )
    return session.execute(statement.where(PayoutRun.public_id == public_id)).one_or_none()


def open_run(session: Session) -> str | None:
    """Return the public id of the run that waits for approval."""
    statement = select(PayoutRun.public_id).where(PayoutRun.status == "prepared")
    return session.execute(statement).scalar_one_or_none()


def run_id_of(session: Session, public_id: str) -> int | None:
    """Return the id of the run with this public id."""
    statement = select(PayoutRun.id).where(PayoutRun.public_id == public_id)
    return session.execute(statement).scalar_one_or_none()


def public_id_of_run(session: Session, run_id: int) -> str:
    """Return what stands in a run's address."""
    return session.execute(select(PayoutRun.public_id).where(PayoutRun.id == run_id)).scalar_one()


def items_of(session: Session, run_id: int, *, after: int | None, limit: int) -> Sequence[AnyRow]:
    """Return the items of a run with the person's name and the number of questions."""
    questions = select(func.count()).where(PayoutLine.item_id == PayoutItem.id).scalar_subquery()
    statement = (
        select(
            PayoutItem.id,
            PayoutItem.public_id,
            PayoutItem.status,
            PayoutItem.amount_minor,
            PayoutItem.currency,
            PayoutItem.destination,
            PayoutItem.provider_id,
            PayoutItem.failure_reason,
            PayoutItem.sent_at,
            Account.name,
            questions.label("questions"),
        )
        .join(Account, Account.id == PayoutItem.answerer_id)
        .where(PayoutItem.run_id == run_id)
        .order_by(PayoutItem.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(PayoutItem.id > after)
    return session.execute(statement).all()


# A failed job is a dead letter: it waits for a person and is not started again by itself.
_FORGOTTEN = text("""
    SELECT i.id FROM payout_item i
     WHERE i.status = 'reserved' AND NOT EXISTS (
           SELECT 1 FROM procrastinate_jobs j
            WHERE j.task_name = :task AND j.status IN ('todo', 'doing', 'failed')
              AND j.args ->> 'item_id' = CAST(i.id AS text))
     ORDER BY i.id LIMIT 500""")


def forgotten_items(session: Session, task: str) -> list[int]:
    """Return reserved items that no job is going to send."""
    return [int(item_id) for item_id in session.execute(_FORGOTTEN, {"task": task}).scalars()]
