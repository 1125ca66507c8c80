"""What pages and other packages read about people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from upss.accounts.models import Account, AccountRole, SignInRequest, TopicApproval
from upss.kernel.ids import AccountId
from upss.kernel.roles import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Contact:
    """Where and in which language somebody is written to."""

    account_id: AccountId
    email: str
    language: str
    name: str


def roles(session: Session, account_id: AccountId) -> frozenset[Role]:
    """Return the roles of an account beyond asking."""
    rows = session.scalars(select(AccountRole.role).where(AccountRole.account_id == account_id))
    return frozenset(Role(role) for role in rows)


def topics(session: Session, account_id: AccountId) -> frozenset[str]:
    """Return the topics that an answerer may claim questions of."""
    approved = select(TopicApproval.topic).where(TopicApproval.account_id == account_id)
    return frozenset(session.scalars(approved))


def names(session: Session, account_ids: Iterable[int]) -> dict[int, str]:
    """Return the name of each account."""
    wanted = select(Account.id, Account.name).where(Account.id.in_(set(account_ids)))
    return {row.id: row.name for row in session.execute(wanted)}


def contact(session: Session, account_id: AccountId) -> Contact:
    """Return how to reach one person."""
    row = session.execute(_CONTACTS.where(Account.id == account_id)).one()
    return Contact(AccountId(row.id), row.email, row.language, row.name)


def organizers(session: Session) -> list[Contact]:
    """Return how to reach every organizer."""
    rows = session.execute(
        _CONTACTS.join(AccountRole, AccountRole.account_id == Account.id)
        .where(AccountRole.role == Role.ORGANIZER)
        .order_by(Account.id)
    )
    return [Contact(AccountId(row.id), row.email, row.language, row.name) for row in rows]


def asked_address(session: Session, session_id: int) -> str | None:
    """Return the address that this browser last asked a sign-in mail for."""
    return session.scalar(
        select(SignInRequest.email)
        .where(SignInRequest.session_id == session_id, SignInRequest.used_at.is_(None))
        .order_by(SignInRequest.id.desc())
        .limit(1)
    )


_CONTACTS = select(Account.id, Account.email, Account.language, Account.name)
