"""Reading payouts: who is paid where, and the runs.

Plain rows, a fixed number of statements whatever the size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Row, Select, cast, func, literal, select
from sqlalchemy.orm import aliased

from upss.accounts.models import Account
from upss.payouts import queries_payables as payables
from upss.payouts.models import PayoutItem, PayoutRun, Recipient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    AnyRow = Row[*tuple[Any, ...]]


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
    ready = payables.ready(now).subquery()
    without = ready.c.transfers != payables.ACTIVE
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
