"""People, their roles and topics, and the requests to sign in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, String
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base


class Account(Base):
    """One person. `confirmed_at` is set once they have shown that the address is theirs."""

    __tablename__ = "account"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    experience: Mapped[str] = mapped_column(String(300), server_default="")
    language: Mapped[str] = mapped_column(String(2))
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class AccountRole(Base):
    """A role beyond asking."""

    __tablename__ = "account_role"
    __table_args__ = (CheckConstraint("role IN ('answerer', 'organizer', 'auditor')", name="role"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    given_at: Mapped[datetime]


class TopicApproval(Base):
    """An answerer may claim questions of this topic."""

    __tablename__ = "topic_approval"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(ForeignKey("topic.code"), primary_key=True)
    approved_at: Mapped[datetime]


class SignInRequest(Base):
    """Somebody asked to sign in from one browser; the mail brings a link and a short code."""

    __tablename__ = "sign_in_request"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(String(254), index=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("web_session.id"), index=True)
    language: Mapped[str] = mapped_column(String(2))
    next_path: Mapped[str] = mapped_column(String(300))
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    code_hash: Mapped[str | None] = mapped_column(String(64))
    code_tries: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
