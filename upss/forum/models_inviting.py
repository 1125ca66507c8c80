"""Who was told what: invitations to answer, the newest round of them, who wants none, reminders."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base


class Invitation(Base):
    """One mail to one answerer, and the waiting question that was the reason; never changed.

    In each round (a quarter of an hour) somebody is invited once at most, whoever does the round.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        UniqueConstraint("account_id", "round_at"),
        Index("ix_invitation_lately", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"))
    round_at: Mapped[datetime]
    at: Mapped[datetime]


class InvitationRound(Base):
    """The one row that a round locks: which quarter of an hour was done last."""

    __tablename__ = "invitation_round"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]


class ToldUntil(Base):
    """The one row that says until when people were told what time has brought."""

    __tablename__ = "told_until"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]


class NoInvitations(Base):
    """Somebody who wants no invitations; without a row they are sent."""

    __tablename__ = "no_invitations"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    since: Mapped[datetime]
