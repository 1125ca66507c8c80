"""The limits that an answerer sets for their own earnings or hours; private to that person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from upss.forum.rules.cap_periods import Period, Span, span_of
from upss.kernel.errors import DomainError
from upss.kernel.money import MAX_MINOR

WARN_AT = (90, 70)  # per cent of what may be used, the worst first
MOST_DAYS = 731
MOST_SAFETY = 90
MOST_NOTE = 200


class Metric(StrEnum):
    """What a rule counts."""

    MONEY = "money"
    MINUTES = "minutes"


class Basis(StrEnum):
    """When money counts."""

    ACCRUAL = "accrual"  # when the answer is accepted
    PAYMENT = "payment"  # when the money is transferred


class Amount(StrEnum):
    """Which money counts."""

    GROSS = "gross"
    NET = "net"  # less the share of expenses that the person states


class Action(StrEnum):
    """What a rule does when it is reached."""

    WARN = "warn"
    BLOCK = "block"


class Stage(StrEnum):
    """What happens to a piece of work that a rule may count."""

    ANSWERED = "answered"
    ACCEPTED = "accepted"
    PAID = "paid"


class CapRefused(DomainError):
    """The fact `reasons` names every field that makes no sense."""

    code = "cap_refused"
    status: ClassVar[int] = 422


@dataclass(frozen=True, kw_only=True, slots=True)
class CapRule:
    """One limit: minor units of `currency`, or minutes, in each period.

    Valid from `valid_from` to `valid_to`, both included; what happens outside does not count.
    """

    metric: Metric
    period: Period
    limit: int
    basis: Basis = Basis.ACCRUAL
    amount: Amount = Amount.GROSS
    currency: str | None = None
    safety_pct: int = 10
    action: Action = Action.BLOCK
    days: int = 0
    anchor: tuple[int, int] = (1, 1)
    expenses_pct: int = 0
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""

    @property
    def ceiling(self) -> int:
        """What may be used: the limit less its safety, rounded down."""
        return self.limit * (100 - self.safety_pct) // 100

    @property
    def counted_when(self) -> Stage:
        """The stage at which a piece of work moves from reserved to booked.

        Time is worked when the answer is written, whenever that is accepted or paid.
        """
        if self.metric is Metric.MINUTES:
            return Stage.ANSWERED
        return Stage.ACCEPTED if self.basis is Basis.ACCRUAL else Stage.PAID

    def is_valid(self, on: date) -> bool:
        """Tell whether the rule holds on this day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )

    def amount_of(self, share_minor: int, currency: str, minutes: int) -> int | None:
        """Return what an answer counts for in this rule, rounded up; None: another currency."""
        if self.metric is Metric.MINUTES:
            return minutes
        if currency != self.currency:
            return None
        return share_minor - share_minor * self.expenses_pct // 100


def check_rule(rule: CapRule, *, currency: str) -> None:
    """Raise `CapRefused` with every fault; `currency` is the site's."""
    faults = (*_faults_of_amount(rule, currency), *_faults_of_time(rule))
    if faults:
        raise CapRefused(reasons=faults)


def _faults_of_amount(rule: CapRule, currency: str) -> Iterator[str]:
    is_money, is_net = rule.metric is Metric.MONEY, rule.amount is Amount.NET
    if type(rule.limit) is not int or not 0 < rule.limit <= MAX_MINOR:
        yield "limit"
    if rule.currency != (currency if is_money else None):
        yield "currency"
    if not is_money and (is_net or rule.basis is Basis.PAYMENT):
        yield "basis"
    if not 0 <= rule.expenses_pct < 100 or (rule.expenses_pct > 0 and not is_net):
        yield "expenses"
    if not 0 <= rule.safety_pct <= MOST_SAFETY:
        yield "safety"
    if len(rule.note) > MOST_NOTE:
        yield "note"


def _faults_of_time(rule: CapRule) -> Iterator[str]:
    if rule.period is Period.ROLLING and not 1 <= rule.days <= MOST_DAYS:
        yield "days"
    if rule.period is Period.TAX_YEAR and not _is_day(rule.anchor):
        yield "anchor"
    if rule.valid_from and rule.valid_to and rule.valid_to < rule.valid_from:
        yield "dates"


def _is_day(anchor: tuple[int, int]) -> bool:
    try:
        date(2000, *anchor)  # a year that has every day
    except ValueError:
        return False
    return True


def period_of(rule: CapRule, on: date) -> Span:
    """Return the period of a rule that holds this local day."""
    return span_of(rule.period, on, days=rule.days, anchor=rule.anchor)


def bucket_of(rule: CapRule, on: date) -> date:
    """Return under which day a booking is kept: the start of its period, or itself if rolling."""
    return on if rule.period is Period.ROLLING else period_of(rule, on).start


def room(rule: CapRule, booked: int, reserved: int) -> int:
    """Return how much still fits, never less than nothing."""
    return max(0, rule.ceiling - booked - reserved)


def warning(rule: CapRule, booked: int, reserved: int) -> int:
    """Return 90 or 70 when so many per cent of what may be used are, else 0."""
    used = 100 * (booked + reserved)
    return next((level for level in WARN_AT if used >= level * rule.ceiling), 0)
