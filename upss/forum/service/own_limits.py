"""What a person does to their own limits: set one, change it, remove it, put it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from upss.forum import queries_caps as queries
from upss.forum.models_caps import (
    AnswererFlag,
    CapCounter,
    CapReservation,
    CapRuleRow,
    CapStanding,
)
from upss.forum.rules.cap_history import begun
from upss.forum.rules.caps import MOST_DAYS, CapRule, check_rule, period_of
from upss.forum.service import hours
from upss.forum.service.caps import lock
from upss.kernel.errors import DomainError, NotFound
from upss.kernel.ids import AccountId, new_public_id

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork

MOST_RULES = 12
# What was claimed earlier is too old for any period to count it, even if paid late.
_REMEMBERED = timedelta(days=2 * MOST_DAYS)


class TooManyLimits(DomainError):
    """More limits than anybody can keep an eye on (fact `most`)."""

    code = "too_many_limits"
    status = 422


def add(uow: UnitOfWork, *, account_id: AccountId, rule: CapRule, currency: str, zone: str) -> str:
    """Set a limit that holds from now; return its public id.

    It counts what was done before in its present period, and what is open. `currency` is the
    site's, `zone` says whose days are meant. Raises `CapRefused` or `TooManyLimits`.
    """
    check_rule(rule, currency=currency)
    lock(uow, account_id)
    held = select(func.count()).where(
        CapRuleRow.account_id == account_id, CapRuleRow.ended_at.is_(None)
    )
    if (uow.session.scalar(held) or 0) >= MOST_RULES:
        raise TooManyLimits(most=MOST_RULES)
    return _begin(uow, account_id, rule, zone).public_id


def change(
    uow: UnitOfWork, *, account_id: AccountId, public_id: str, rule: CapRule, currency: str
) -> str:
    """End a limit and set another in its place, from now; return the new public id.

    The same rule again changes nothing. Raises `CapRefused`; `NotFound` unless it is in force.
    """
    check_rule(rule, currency=currency)
    lock(uow, account_id)
    old = _in_force(uow, account_id, public_id)
    if old.rule == rule:
        return public_id
    old.ended_at = uow.clock.now()
    new = _begin(uow, account_id, rule, old.zone)
    old.replaced_by = new.id
    return new.public_id


def remove(uow: UnitOfWork, *, account_id: AccountId, public_id: str) -> None:
    """End a limit; it can be put back. Removing it twice changes nothing; raises `NotFound`."""
    lock(uow, account_id)
    row = _own(uow, account_id, public_id)
    if row.ended_at is None:
        row.ended_at = uow.clock.now()


def restore(uow: UnitOfWork, *, account_id: AccountId, public_id: str) -> str:
    """Put a removed limit back as it was, from now; return the public id of what holds.

    It counts what was done without it. Raises `NotFound` or `TooManyLimits`.
    """
    lock(uow, account_id)
    old = _own(uow, account_id, public_id)
    if old.ended_at is None or old.replaced_by is not None:
        return public_id  # nothing to put back, or done before
    new_id = add(
        uow, account_id=account_id, rule=old.rule, currency=old.currency or "", zone=old.zone
    )
    old.replaced_by = _own(uow, account_id, new_id).id
    return new_id


def set_no_paid_work(uow: UnitOfWork, *, account_id: AccountId, is_on: bool) -> None:
    """Take no paid questions at all, or take them again; what is held already stays.

    From now on promises do not count on this person. Said twice, it changes nothing.
    """
    lock(uow, account_id)
    last = uow.session.scalar(
        select(AnswererFlag)
        .where(AnswererFlag.account_id == account_id)
        .order_by(AnswererFlag.id.desc())
        .limit(1)
    )
    if is_on == (last is not None and last.no_paid_work):
        return
    now = uow.clock.now()
    # a clock set back changes nothing of the order in which changes came into force
    since = now if last is None else max(now, last.changed_at)
    flag = AnswererFlag(account_id=account_id, no_paid_work=is_on, changed_at=since)
    uow.session.add(flag)
    uow.session.flush()
    if is_on:
        hours.take_no_work(uow, hours.Whose(account_id, uow.zone), change_id=flag.id)


def _begin(uow: UnitOfWork, account_id: AccountId, rule: CapRule, zone: str) -> CapRuleRow:
    now = uow.clock.now()
    row = _row(rule)
    row.public_id, row.account_id, row.zone, row.created_at = (
        new_public_id(), account_id, zone, now,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    today = row.day_of(now)
    works = queries.works(uow.session, account_id, since=now - _REMEMBERED, zone=zone)
    counter, pieces = begun(rule, works, today)
    uow.session.add(
        CapStanding(
            rule_id=row.id,
            reserved=counter.reserved,
            latest=today,
            period_start=period_of(rule, today).start,
        )
    )
    uow.session.flush()
    booked = [
        {"rule_id": row.id, "period_start": bucket, "booked": amount}
        for bucket, amount in counter.booked.items()
    ]
    parts = [
        {
            "claim_id": piece.claim_id,
            "rule_id": row.id,
            "held": piece.held,
            "counted": piece.counted,
            "counted_on": piece.counted_on,
        }
        for piece in pieces
    ]
    for table, rows in ((CapCounter, booked), (CapReservation, parts)):
        if rows:
            uow.session.execute(insert(table), rows)
    return row


def _row(rule: CapRule) -> CapRuleRow:
    return CapRuleRow(
        metric=rule.metric,
        basis=rule.basis,
        amount=rule.amount,
        period=rule.period,
        days=rule.days,
        anchor_month=rule.anchor[0],
        anchor_day=rule.anchor[1],
        most=rule.limit,
        currency=rule.currency,
        expenses_pct=rule.expenses_pct,
        safety_pct=rule.safety_pct,
        action=rule.action,
        note=rule.note,
    )


def _own(uow: UnitOfWork, account_id: AccountId, public_id: str) -> CapRuleRow:
    found = queries.rule_of(uow.session, account_id, public_id)
    if found is None:
        raise NotFound(public_id=public_id)
    uow.session.refresh(found)  # as it is now that nobody else may change it
    return found


def _in_force(uow: UnitOfWork, account_id: AccountId, public_id: str) -> CapRuleRow:
    row = _own(uow, account_id, public_id)
    if row.ended_at is not None:
        raise NotFound(public_id=public_id)
    return row
