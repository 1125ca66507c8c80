"""Rows of the web layer itself: server-side sessions and rate limits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base


class WebSession(Base):
    """One browser's session; the cookie holds a token of which only the hash is kept."""

    __tablename__ = "web_session"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


class RateCount(Base):
    """How often `key` was used in the window that began at `window_start`."""

    __tablename__ = "rate_count"
    __table_args__ = (Index("ix_rate_count_window_start", "window_start"),)

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    uses: Mapped[int]
