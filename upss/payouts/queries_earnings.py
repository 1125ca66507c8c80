"""Reading earnings: one answerer's sums, and where the money of each accepted question is.

Every figure is the ledger's; a fixed number of statements whatever the size.
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
)

from upss.forum.models import Question
from upss.ledger.models import account, entry, posting
from upss.ledger.rules import chart
from upss.payouts import queries_payables as payables
from upss.payouts.models import Recipient
from upss.payouts.rules.statement import ACCEPTED, PAID_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    AnyRow = Row[*tuple[Any, ...]]


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


def _minor(amount: ColumnElement[int], which: ColumnElement[bool]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(amount).filter(which), 0), BigInteger)


def _parts(answerer_id: int) -> Select[*tuple[Any, ...]]:
    """Select what of a person's money is open, reserved and paid, less what came back of it."""
    payable, in_payout = chart.payable(answerer_id), chart.in_payout(answerer_id)
    code, amount = account.c.code, posting.c.amount
    return (
        select(
            _minor(-amount, code == payable).label("open_minor"),
            _minor(-amount, code == in_payout).label("in_payout_minor"),
            _minor(amount, entry.c.kind.in_(PAID_KINDS)).label("paid_minor"),
        )
        .select_from(account)
        .join(posting, posting.c.account_id == account.c.id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(code.in_((payable, in_payout)))
    )


def earnings(session: Session, answerer_id: int, now: datetime) -> Earnings:
    """Return an answerer's sums, read from the ledger in one statement."""
    mine = payables.open_payables().where(account.c.code == chart.payable(answerer_id))
    is_ready = payables.is_ready(now)
    counted = mine.add_columns(is_ready.label("is_ready")).subquery()
    sums = _parts(answerer_id).subquery()
    receiving = select(Recipient.transfers).where(Recipient.account_id == answerer_id)
    row = session.execute(
        select(
            select(_minor(counted.c.minor, counted.c.is_ready)).scalar_subquery().label("ready"),
            sums.c.open_minor,
            sums.c.in_payout_minor,
            sums.c.paid_minor,
            func.coalesce(receiving.scalar_subquery(), payables.NONE).label("transfers"),
        )
    ).one()
    return Earnings(
        ready_minor=row.ready,
        on_hold_minor=row.open_minor - row.ready,
        in_payout_minor=row.in_payout_minor,
        paid_out_minor=row.paid_minor,
        transfers=row.transfers,
    )


def earned_questions(
    session: Session, answerer_id: int, *, now: datetime, before: int | None, limit: int
) -> Sequence[AnyRow]:
    """Return the accepted questions of an answerer, newest first, from entry `before` down.

    Fields: entry_id (of the newest acceptance), question_id, public_id, title, language,
    currency, accepted_at; where the money of the question is: open_minor, in_payout_minor and
    paid_minor; and what the open part waits for: "stopped", "on_hold" or "ready".
    """
    newest = func.max(posting.c.entry_id)
    accepted = (
        select(newest.label("entry_id"), posting.c.question_id, posting.c.currency)
        .select_from(account)
        .join(posting, posting.c.account_id == account.c.id)
        .join(entry, and_(entry.c.id == posting.c.entry_id, entry.c.kind == ACCEPTED))
        .where(account.c.code == chart.payable(answerer_id))
        .group_by(posting.c.question_id, posting.c.currency)
        .order_by(newest.desc())
        .limit(limit)
    )
    if before is not None:
        accepted = accepted.having(newest < before)
    page = accepted.subquery()
    parts = _parts(answerer_id).where(posting.c.question_id == page.c.question_id).lateral()
    waits_for = case(
        (payables.frozen(), "stopped"), (~payables.is_ready(now), "on_hold"), else_="ready"
    )
    statement = (
        select(
            page.c.entry_id,
            page.c.question_id,
            Question.public_id,
            Question.title,
            Question.language,
            page.c.currency,
            Question.accepted_at,
            parts.c.open_minor,
            parts.c.in_payout_minor,
            parts.c.paid_minor,
            waits_for.label("waits_for"),
        )
        .select_from(page)
        .join(Question, Question.id == page.c.question_id)
        .join(parts, literal(value=True))
        .order_by(page.c.entry_id.desc())
    )
    return session.execute(statement).all()
