"""Reading one person's own limits, and the work that they count; for that person's pages alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, func, literal_column, or_, select
from sqlalchemy.orm import aliased

from upss.accounts.models import Account
from upss.forum.models import Answer, Claim, Question
from upss.forum.models_caps import (
    AnswererFlag,
    CapCounter,
    CapRuleRow,
    CapStanding,
)
from upss.forum.rules.cap_counters import Counter, Limits
from upss.forum.rules.cap_history import Work
from upss.forum.rules.cap_periods import day_of
from upss.forum.rules.cap_statement import DayMoney
from upss.forum.rules.pricing import MINUTES, Size
from upss.ledger.models import account, entry, posting
from upss.ledger.rules import chart
from upss.ledger.rules.split import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Row, ScalarSelect
    from sqlalchemy.orm import Session

    from upss.kernel.ids import AccountId

    AnyRow = Row[*tuple[Any, ...]]

# What gives back a part of what an answer had earned.
_TAKEN_BACK = ("refund_requested", "rehold", "rebate", "dispute_lost")
# What organizers, or a grateful asker, gave beside it.
_CORRECTED = ("tip_paid", "adjustment")
_SENT = ("transfer_created", "transfer_reversed", "bank_batch_submitted", "payout_returned")


@dataclass(frozen=True, slots=True)
class Standing:
    """One limit in force: its row and its counter with the present period's bookings."""

    row: CapRuleRow
    counter: Counter


@dataclass(frozen=True, slots=True)
class InForce:
    """All that holds for one person now."""

    no_paid_work: bool
    standings: tuple[Standing, ...]

    def limits(self, at: datetime) -> Limits:
        """Return the room that all of them leave at an instant."""
        rooms = ((it.row.rule, it.counter.room(it.row.day_of(at))) for it in self.standings)
        return Limits(tuple((rule, room) for rule, room in rooms if room is not None))


@dataclass(slots=True)
class _Money:
    """What the books say of one question, beside the share itself."""

    taken_back: int = 0
    payments: list[tuple[date, int]] = field(default_factory=list)
    corrections: list[tuple[date, int]] = field(default_factory=list)


def in_force(session: Session, account_id: AccountId) -> InForce:
    """Return a person's limits with their counters; one statement."""
    of_account = aliased(AnswererFlag)
    newest_flag = (
        select(func.max(of_account.id)).where(of_account.account_id == Account.id).scalar_subquery()
    )
    rows = session.execute(
        select(
            AnswererFlag.no_paid_work,
            CapRuleRow,
            CapStanding.reserved,
            CapStanding.latest,
            CapCounter.period_start,
            CapCounter.booked,
        )
        .select_from(Account)
        .outerjoin(AnswererFlag, AnswererFlag.id == newest_flag)
        .outerjoin(
            CapRuleRow, and_(CapRuleRow.account_id == Account.id, CapRuleRow.ended_at.is_(None))
        )
        .outerjoin(CapStanding, CapStanding.rule_id == CapRuleRow.id)
        .outerjoin(
            CapCounter,
            and_(
                CapCounter.rule_id == CapRuleRow.id,
                CapCounter.period_start >= CapStanding.period_start,
            ),
        )
        .where(Account.id == account_id)
        .order_by(CapRuleRow.id)
        .execution_options(populate_existing=True)
    ).all()
    flag = any(row.no_paid_work for row in rows)
    return InForce(flag, tuple(_standings(row for row in rows if row.CapRuleRow is not None)))


def _standings(rows: Iterator[AnyRow]) -> Iterator[Standing]:
    found: dict[int, tuple[AnyRow, dict[date, int]]] = {}
    for row in rows:
        _first, booked = found.setdefault(row.CapRuleRow.id, (row, {}))
        if row.period_start is not None:
            booked[row.period_start] = row.booked
    for row, booked in found.values():
        rule = row.CapRuleRow
        yield Standing(rule, Counter(rule.rule, booked, row.reserved, row.latest))


def unpaid_since(session: Session) -> dict[int, list[tuple[datetime, bool]]]:
    """Return by person from when they took no paid work, or took it again, in order; one statement."""
    found: dict[int, list[tuple[datetime, bool]]] = {}
    for row in session.scalars(select(AnswererFlag).order_by(AnswererFlag.id)):
        found.setdefault(row.account_id, []).append((row.changed_at, row.no_paid_work))
    return found


def unpaid(session: Session) -> frozenset[int]:
    """Return who takes no paid work now; one statement."""
    of_account = aliased(AnswererFlag)
    newest = (
        select(func.max(of_account.id))
        .where(of_account.account_id == AnswererFlag.account_id)
        .scalar_subquery()
    )
    return frozenset(
        session.scalars(
            select(AnswererFlag.account_id).where(
                AnswererFlag.id == newest, AnswererFlag.no_paid_work
            )
        )
    )


def limits(session: Session, account_id: AccountId, at: datetime) -> tuple[bool, Limits]:
    """Return whether this person takes no paid work at all, and the room that their limits leave."""
    found = in_force(session, account_id)
    return found.no_paid_work, found.limits(at)


def packed(account_id: AccountId) -> ScalarSelect[Any]:
    """Select a person's limits with their counters as one value, for `unpacked`."""
    booked = (
        select(func.jsonb_object_agg(CapCounter.period_start, CapCounter.booked))
        .where(
            CapCounter.rule_id == CapRuleRow.id, CapCounter.period_start >= CapStanding.period_start
        )
        .scalar_subquery()
    )
    each = func.jsonb_build_object(
        "rule", func.to_jsonb(literal_column("cap_rule")),
        "booked", booked, "reserved", CapStanding.reserved, "latest", CapStanding.latest,
    )  # fmt: skip
    return (
        select(func.jsonb_agg(each))
        .select_from(CapRuleRow)
        .join(CapStanding, CapStanding.rule_id == CapRuleRow.id)
        .where(CapRuleRow.account_id == account_id, CapRuleRow.ended_at.is_(None))
        .scalar_subquery()
    )


def unpacked(value: Sequence[Mapping[str, Any]] | None, at: datetime) -> Limits:
    """Return the room that the limits which `packed` selected leave at an instant."""
    standings = tuple(_unpacked(each) for each in value or ())
    return InForce(no_paid_work=False, standings=standings).limits(at)


def _unpacked(value: Mapping[str, Any]) -> Standing:
    times = {"created_at", "ended_at"}
    row = CapRuleRow(**{name: it for name, it in value["rule"].items() if name not in times})
    booked = {date.fromisoformat(day): it for day, it in (value["booked"] or {}).items()}
    latest = date.fromisoformat(value["latest"])
    return Standing(row, Counter(row.rule, booked, value["reserved"], latest))


def rule_of(session: Session, account_id: AccountId, public_id: str) -> CapRuleRow | None:
    """Return one limit of this person, in force or ended."""
    return session.scalar(
        select(CapRuleRow).where(
            CapRuleRow.public_id == public_id, CapRuleRow.account_id == account_id
        )
    )


def ended(session: Session, account_id: AccountId, *, limit: int) -> Sequence[CapRuleRow]:
    """Return limits that were removed and not put back or replaced, the newest first."""
    return session.scalars(
        select(CapRuleRow)
        .where(
            CapRuleRow.account_id == account_id,
            CapRuleRow.ended_at.is_not(None),
            CapRuleRow.replaced_by.is_(None),
        )
        .order_by(CapRuleRow.ended_at.desc(), CapRuleRow.id.desc())
        .limit(limit)
    ).all()


def counter_of(session: Session, rule: CapRuleRow) -> Counter:
    """Return a limit's counter with all that it has ever booked; two statements."""
    standing = session.get_one(CapStanding, rule.id, populate_existing=True)
    booked = session.execute(
        select(CapCounter.period_start, CapCounter.booked).where(CapCounter.rule_id == rule.id)
    )
    return Counter(
        rule.rule,
        {row.period_start: row.booked for row in booked},
        standing.reserved,
        standing.latest,
    )


def works(session: Session, account_id: AccountId, *, since: datetime, zone: str) -> list[Work]:
    """Return what a person has claimed since then and not given back; two statements."""
    is_open = or_(Claim.status == "active", Question.closed_at.is_(None))
    rows = session.execute(
        select(
            Claim.id,
            Question.id.label("question_id"),
            Question.shared_minor,
            Question.commission_bp,
            Question.fund_bp,
            Question.currency,
            Question.size,
            Answer.posted_at,
            Question.accepted_at,
        )
        .join(Question, Question.id == Claim.question_id)
        .outerjoin(Answer, Answer.claim_id == Claim.id)
        .where(
            Claim.answerer_id == account_id,
            Claim.status.in_(("active", "posted")),
            Claim.claimed_at >= since,
            or_(Question.accepted_at.is_not(None), is_open),
        )
        .order_by(Claim.id)
    ).all()
    tz = ZoneInfo(zone)
    money = _money_of(session, account_id, tz)
    return [_work(row, money.get(row.question_id, _Money()), tz) for row in rows]


def _work(row: AnyRow, money: _Money, tz: ZoneInfo) -> Work:
    parts = split(row.shared_minor, commission_bp=row.commission_bp, fund_bp=row.fund_bp)
    return Work(
        claim_id=row.id,
        share_minor=parts.share_minor,
        currency=row.currency,
        minutes=MINUTES[Size(row.size)],
        answered_on=None if row.posted_at is None else day_of(row.posted_at, tz),
        accepted_on=None if row.accepted_at is None else day_of(row.accepted_at, tz),
        taken_back_minor=money.taken_back,
        payments=tuple(money.payments),
        corrections=tuple(money.corrections),
    )


def _money_of(session: Session, account_id: AccountId, tz: ZoneInfo) -> dict[int, _Money]:
    """Return by question what was taken back, and payments and corrections with their days.

    Days are counted here: the database may not know a zone that somebody lives in.
    """
    owed = account.c.code == chart.payable(account_id)
    rows = session.execute(
        _lines(account_id, posting.c.question_id, entry.c.kind, entry.c.booked_at, posting.c.amount)
        .where(or_(and_(owed, entry.c.kind.in_((*_TAKEN_BACK, *_CORRECTED))), _is_sent()))
        .order_by(entry.c.booked_at, entry.c.id)
    )
    sums: dict[tuple[int, str, date], int] = {}
    for question_id, kind, at, minor in rows:
        key = (question_id, kind, day_of(at, tz))
        sums[key] = sums.get(key, 0) + int(minor)
    found: dict[int, _Money] = {}
    for (question_id, kind, on), minor in sums.items():
        money = found.setdefault(question_id, _Money())
        if kind in _TAKEN_BACK:
            money.taken_back += minor
        elif kind in _CORRECTED:
            money.corrections.append((on, -minor))
        else:
            money.payments.append((on, minor))
    return found


def money_by_day(session: Session, account_id: AccountId, zone: str) -> list[DayMoney]:
    """Return what each day of a person earned and paid, by the books; one statement."""
    accrues = and_(
        account.c.code == chart.payable(account_id),
        entry.c.kind.not_in((*_SENT, "payout_reserved", "transfer_failed")),
    )
    accrued = func.coalesce(-func.sum(case((accrues, posting.c.amount))), 0)
    paid = func.coalesce(func.sum(case((_is_sent(), posting.c.amount))), 0)
    at = entry.c.booked_at
    tz, days = ZoneInfo(zone), dict[date, tuple[int, int]]()
    for booked_at, earned, sent in session.execute(
        _lines(account_id, at, accrued, paid).group_by(at).order_by(at)
    ):
        on = day_of(booked_at, tz)
        before = days.get(on, (0, 0))
        days[on] = (before[0] + int(earned), before[1] + int(sent))
    return [DayMoney(on, *money) for on, money in days.items()]


def _lines(account_id: AccountId, *columns: Any) -> Any:
    return (
        select(*columns)
        .select_from(posting)
        .join(account, account.c.id == posting.c.account_id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(account.c.code.in_((chart.payable(account_id), chart.in_payout(account_id))))
    )


def _is_sent() -> ColumnElement[bool]:
    return entry.c.kind.in_(_SENT)
