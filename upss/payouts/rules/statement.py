"""A person's statement: its period, what counts as earned or paid, and sums that always add up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Final, Protocol

from upss.kernel.errors import NotFound

_PERIOD = re.compile(r"(20\d\d)(?:-(0[1-9]|1[0-2]))?", re.ASCII)
MONTH, QUARTER, YEAR = 1, 3, 12


class Group(StrEnum):
    """Where an entry stands on the statement; all but `PAID` are earned, some with a minus."""

    SHARE = "share"
    TIPS = "tips"
    TAKEN_BACK = "taken_back"
    CORRECTIONS = "corrections"
    OTHER = "other"
    PAID = "paid"


_GROUPS: Final[Mapping[str, Group]] = {
    "answer_accepted": Group.SHARE,
    "tip_paid": Group.TIPS,
    "rehold": Group.TAKEN_BACK,
    "refund_requested": Group.TAKEN_BACK,
    "rebate": Group.TAKEN_BACK,
    "dispute_lost": Group.TAKEN_BACK,
    "transfer_created": Group.PAID,
    "transfer_reversed": Group.PAID,
    "bank_batch_submitted": Group.PAID,
    "payout_returned": Group.PAID,
    "adjustment": Group.CORRECTIONS,
    "write_off": Group.CORRECTIONS,
}
PAID_KINDS = tuple(kind for kind, group in _GROUPS.items() if group is Group.PAID)

# These change the price and the commission of a question; all but the first take something back.
ACCEPTED, UNDONE, TIP = "answer_accepted", "rehold", "tip_paid"
SPLIT_KINDS = (ACCEPTED, UNDONE, "refund_requested", "dispute_lost")
PRICED_KINDS = (*SPLIT_KINDS, TIP)


def group_of(kind: str) -> Group:
    """Return where a kind of entry stands; one that nobody thought of is shown as `OTHER`."""
    return _GROUPS.get(kind, Group.OTHER)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months from `begins` on, in days of the books (UTC): a month, a quarter or a year."""

    begins: date
    months: int

    @property
    def is_year(self) -> bool:
        """Whether it is a whole year."""
        return self.months == YEAR

    @property
    def name(self) -> str:
        """How an address writes a year or a month: "2026" or "2026-11"."""
        return f"{self.begins:%Y}" if self.is_year else f"{self.begins:%Y-%m}"

    @property
    def ends(self) -> date:
        """The first day after it."""
        years, month = divmod(self.begins.month - 1 + self.months, YEAR)
        return date(self.begins.year + years, month + 1, 1)

    @property
    def key(self) -> int:
        """A number that orders months in time, and each year after its months."""
        return self.begins.year * 100 + (YEAR + 1 if self.is_year else self.begins.month)


def period_of(text: str, *, today: date) -> Period:
    """Read "2026" or "2026-11"; raises `NotFound` for nonsense and for what has not begun."""
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise NotFound(period=text)
    period = Period(date(int(match[1]), int(match[2] or 1), 1), MONTH if match[2] else YEAR)
    if period.begins > today:
        raise NotFound(period=text)
    return period


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthSum:
    """What one kind of entry did to a person's money in one month, in minor units.

    `payable`, `in_payout` and `receivable` are changes: the first two of what is owed to the
    person, the last of what the person owes. `price` and `commission` are of the questions,
    whoever bore what went back of them.
    """

    month: date  # its first day
    kind: str
    payable: int = 0
    in_payout: int = 0
    receivable: int = 0
    price: int = 0
    commission: int = 0
    count: int = 0

    @property
    def owed(self) -> int:
        """By how much more is owed to the person; 0 where money only moved between accounts."""
        return self.payable + self.in_payout - self.receivable


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One period in minor units. Remaining at the start + earned - paid = remaining at the end."""

    opening: int
    share: int
    tips: int
    taken_back: int  # below zero
    corrections: int
    other: int
    paid: int  # less what came back
    payable: int  # at the end, like the next two
    in_payout: int
    receivable: int
    # For information: what the askers paid and did not get back, and the commission kept of it.
    price: int
    commission: int
    answers: int

    @property
    def earned(self) -> int:
        """Everything that changed what the person may have, without the payments."""
        return self.share + self.tips + self.taken_back + self.corrections + self.other

    @property
    def closing(self) -> int:
        """What remains at the end, from the balances and not from the movements."""
        return self.payable + self.in_payout - self.receivable

    @property
    def adds_up(self) -> bool:
        """Whether the identity holds; False would be a fault in the books."""
        return self.opening + self.earned - self.paid == self.closing


def statement(period: Period, sums: Sequence[MonthSum]) -> Statement:
    """Add up a period from all months up to its end; later months are left out."""
    until = [one for one in sums if one.month < period.ends]
    during = [one for one in until if one.month >= period.begins]
    owed = dict.fromkeys(Group, 0)
    for one in during:
        owed[group_of(one.kind)] += one.owed
    return Statement(
        opening=sum(one.owed for one in until if one.month < period.begins),
        share=owed[Group.SHARE],
        tips=owed[Group.TIPS],
        taken_back=owed[Group.TAKEN_BACK],
        corrections=owed[Group.CORRECTIONS],
        other=owed[Group.OTHER],
        paid=-owed[Group.PAID],
        payable=sum(one.payable for one in until),
        in_payout=sum(one.in_payout for one in until),
        receivable=sum(one.receivable for one in until),
        price=sum(one.price for one in during),
        commission=sum(one.commission for one in during),
        answers=_answers(during),
    )


def _answers(sums: Iterable[MonthSum]) -> int:
    """Count the accepted answers, less those that were given to somebody else afterwards."""
    signs = {ACCEPTED: 1, UNDONE: -1}
    return sum(signs.get(one.kind, 0) * one.count for one in sums)


class _Line(Protocol):
    """What `payments` reads of a line."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def value_date(self) -> date: ...
    @property
    def reference(self) -> str: ...
    @property
    def owed(self) -> int: ...
    @property
    def in_payout(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of all its questions: `minor` left, or `refused` was to leave and stayed."""

    day: date
    kind: str
    reference: str
    minor: int
    refused: int


def is_payment(line: _Line) -> bool:
    """Whether a line belongs among the payments: money left, came back, or did not go."""
    return group_of(line.kind) is Group.PAID or (line.owed == 0 and line.in_payout != 0)


def payments(lines: Iterable[_Line]) -> list[Payment]:
    """Gather the lines of each payment; the lines of one entry follow each other."""
    found = []
    for _, group in groupby(filter(is_payment, lines), key=lambda line: line.id):
        rows = list(group)
        minor = -sum(row.owed for row in rows)
        refused = 0 if minor else -sum(row.in_payout for row in rows)
        head = rows[0]
        found.append(Payment(head.value_date, head.kind, head.reference, minor, refused))
    return found


def this_year(today: date) -> Period:
    """Return the year of a day."""
    return Period(date(today.year, 1, 1), YEAR)


def overview(sums: Sequence[MonthSum]) -> list[tuple[Period, Statement]]:
    """Return a statement for each month in which something happened and each year of them.

    Newest first, each year before its months.
    """
    months = {Period(one.month, MONTH) for one in sums}
    years = {this_year(month.begins) for month in months}
    periods = sorted(months | years, key=lambda period: period.key, reverse=True)
    return [(period, statement(period, sums)) for period in periods]


def months_of(year: Period, sums: Sequence[MonthSum]) -> list[tuple[Period, Statement]]:
    """Return the statements of those months of a year in which something happened, in order."""
    first = sorted({one.month for one in sums if year.begins <= one.month < year.ends})
    return [(Period(month, MONTH), statement(Period(month, MONTH), sums)) for month in first]


def quarters(year: Period, sums: Sequence[MonthSum]) -> list[Statement]:
    """Return a statement for each of a year's four quarters, empty for those still to come."""
    firsts = (year.begins.replace(month=month) for month in (1, 4, 7, 10))
    return [statement(Period(first, QUARTER), sums) for first in firsts]
