"""The limits that answerers set for themselves: private, read by no page but their own."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Identity, Index, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from upss.db.base import Base
from upss.db.types import MinorUnits
from upss.forum.rules.cap_periods import Period, day_of
from upss.forum.rules.caps import Action, Amount, Basis, CapRule, Metric

if TYPE_CHECKING:
    from collections.abc import Iterable


def _one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class CapRuleRow(Base):
    """One limit as it was set. It never changes: a change ends it and makes another one.

    `most` is in minor units of `currency`, or in minutes. The days are those of `zone`.
    """

    __tablename__ = "cap_rule"
    __table_args__ = (
        _one_of("metric", Metric),
        _one_of("basis", Basis),
        _one_of("amount", Amount),
        _one_of("period", Period),
        _one_of("action", Action),
        CheckConstraint("most > 0", name="most_positive"),
        CheckConstraint("(metric = 'money') = (currency IS NOT NULL)", name="currency"),
        CheckConstraint("safety_pct BETWEEN 0 AND 90", name="safety"),
        CheckConstraint("expenses_pct BETWEEN 0 AND 99", name="expenses"),
        CheckConstraint("replaced_by IS NULL OR ended_at IS NOT NULL", name="replaced"),
        Index("ix_cap_rule_in_force", "account_id", postgresql_where=sql("ended_at IS NULL")),
        Index("ix_cap_rule_account", "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    metric: Mapped[str] = mapped_column(String(10))
    basis: Mapped[str] = mapped_column(String(10))
    amount: Mapped[str] = mapped_column(String(10))
    period: Mapped[str] = mapped_column(String(20))
    days: Mapped[int]
    anchor_month: Mapped[int]
    anchor_day: Mapped[int]
    most: Mapped[int] = mapped_column(MinorUnits)
    currency: Mapped[str | None] = mapped_column(String(3))
    expenses_pct: Mapped[int]
    safety_pct: Mapped[int]
    action: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(200))
    zone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    replaced_by: Mapped[int | None] = mapped_column(ForeignKey("cap_rule.id"))
    ceiling: Mapped[int] = mapped_column(
        BigInteger, Computed("most * (100 - safety_pct) / 100", persisted=True)
    )

    @property
    def rule(self) -> CapRule:
        """The limit as the rules know it."""
        return CapRule(
            metric=Metric(self.metric),
            period=Period(self.period),
            limit=self.most,
            basis=Basis(self.basis),
            amount=Amount(self.amount),
            currency=self.currency,
            safety_pct=self.safety_pct,
            action=Action(self.action),
            days=self.days,
            anchor=(self.anchor_month, self.anchor_day),
            expenses_pct=self.expenses_pct,
            note=self.note,
        )

    def day_of(self, at: datetime) -> date:
        """Return the day of this limit's calendar."""
        return day_of(at, ZoneInfo(self.zone))


class CapStanding(Base):
    """What is reserved under one limit. A trigger refuses to reserve beyond the room.

    `latest` is the newest day that was seen, `period_start` the start of its period: what was
    booked from then on uses room.
    """

    __tablename__ = "cap_standing"
    __table_args__ = (CheckConstraint("reserved >= 0", name="reserved"),)

    rule_id: Mapped[int] = mapped_column(ForeignKey("cap_rule.id"), primary_key=True)
    reserved: Mapped[int] = mapped_column(BigInteger)
    latest: Mapped[date]
    period_start: Mapped[date]


class CapCounter(Base):
    """What one limit has booked in the period that starts on this day (rolling: on the day)."""

    __tablename__ = "cap_counter"

    rule_id: Mapped[int] = mapped_column(ForeignKey("cap_rule.id"), primary_key=True)
    period_start: Mapped[date] = mapped_column(primary_key=True)
    booked: Mapped[int] = mapped_column(BigInteger)


class CapReservation(Base):
    """What one claim holds of a limit (`held`), or has been counted for (`counted`)."""

    __tablename__ = "cap_reservation"
    __table_args__ = (
        CheckConstraint("held >= 0", name="held"),
        CheckConstraint("counted = 0 OR counted_on IS NOT NULL", name="counted"),
    )

    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"), primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("cap_rule.id"), primary_key=True, index=True)
    held: Mapped[int] = mapped_column(BigInteger)
    counted: Mapped[int] = mapped_column(BigInteger)
    counted_on: Mapped[date | None]


class AnswererFlag(Base):
    """Whether somebody may take no paid work at all from then on; the newest by id is in force."""

    __tablename__ = "answerer_flag"
    __table_args__ = (Index("ix_answerer_flag_account", "account_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    no_paid_work: Mapped[bool]
    changed_at: Mapped[datetime]
