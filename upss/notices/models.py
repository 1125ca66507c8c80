"""What was told to whom."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base


class Notice(Base):
    """One fact told to one address once; the text is rendered when it is sent, never stored.

    After `send_until` it is not sent any more.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("fact", "email", "template"),
        Index("ix_notice_unsent", "id", postgresql_where=text("sent_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    fact: Mapped[str] = mapped_column(String(80))
    template: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    question_id: Mapped[int | None] = mapped_column(ForeignKey("question.id"))
    created_at: Mapped[datetime]
    send_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
