"""What the organizer sets, kept as versions: a question keeps the one it was offered under."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, String
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base
from upss.db.types import MinorUnits


class SiteVersion(Base):
    """One version of the split rule; the newest by id is in force."""

    __tablename__ = "site_version"
    __table_args__ = (
        CheckConstraint("commission_bp BETWEEN 0 AND 2500", name="commission_ceiling"),
        CheckConstraint("fund_bp BETWEEN 0 AND commission_bp", name="fund_within_commission"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    commission_bp: Mapped[int]
    fund_bp: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime]


class Topic(Base):
    """A subject that questions may be asked in; its name is in the catalogues."""

    __tablename__ = "topic"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    position: Mapped[int]
    is_open: Mapped[bool]


class Price(Base):
    """What a size of answer costs in a topic, under one version."""

    __tablename__ = "price"
    __table_args__ = (
        CheckConstraint("size IN ('small', 'medium', 'large')", name="size"),
        CheckConstraint("price_minor > 0", name="positive"),
    )

    version_id: Mapped[int] = mapped_column(ForeignKey("site_version.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(ForeignKey("topic.code"), primary_key=True)
    size: Mapped[str] = mapped_column(String(10), primary_key=True)
    price_minor: Mapped[int] = mapped_column(MinorUnits)


class ClockOffset(Base):
    """How far the demo's clock runs ahead of the machine; read in demo mode alone."""

    __tablename__ = "clock_offset"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seconds: Mapped[int] = mapped_column(BigInteger)
