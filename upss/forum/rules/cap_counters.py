"""How much of each limit is used: room is reserved before the work, booked when it counts.

What is reserved fits in the present period as a whole, so that it fits in whichever later period
the work will be counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from upss.forum.rules.cap_periods import Period, Span
from upss.forum.rules.caps import Action, Basis, CapRule, bucket_of, period_of, room, warning
from upss.kernel.errors import DomainError


class CapReached(DomainError):
    """A claim would pass a limit. No facts: which limit is nobody's business."""

    code = "cap_reached"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a limit stands in one period, as its owner reads it."""

    span: Span
    booked: int
    reserved: int
    room: int
    warning: int


@dataclass(frozen=True, slots=True)
class Counter:
    """What counts for one rule: `booked` by bucket, and `reserved` for work not counted yet.

    For a rule that blocks, booked and reserved together never pass its ceiling unless the rule
    started later than the work, or an answer took longer than its estimate. `latest` is the newest
    day seen: a clock set back, or a move to another zone, does not reopen a closed period.
    """

    rule: CapRule
    booked: Mapping[date, int] = field(default_factory=dict)
    reserved: int = 0
    latest: date | None = None

    def used(self, on: date) -> int:
        """Return what is booked in the period of `on`, as far as it uses room.

        A refund makes room again only for what its own period booked: reserved work may be counted
        in a later period, where that refund is no longer seen.
        """
        day = self._day(on)
        if self.rule.period is not Period.ROLLING:
            return max(0, self.booked.get(bucket_of(self.rule, day), 0))
        start, most, total = period_of(self.rule, day).start, 0, 0
        for booked_on in sorted(self.booked, reverse=True):
            if booked_on < start:
                break
            total += self.booked[booked_on]
            most = max(most, total)  # as the oldest days leave, the younger ones stay
        return most

    def room(self, on: date) -> int | None:
        """Return how much may still be claimed on this day; None: this rule blocks nothing then."""
        if self.rule.action is Action.WARN or not self.rule.is_valid(self._day(on)):
            return None
        return room(self.rule, self.used(on), self.reserved)

    def standing(self, on: date) -> Standing:
        """Return how the rule stands on this day."""
        booked, rule = self.used(on), self.rule
        return Standing(
            span=period_of(rule, self._day(on)),
            booked=booked,
            reserved=self.reserved,
            room=room(rule, booked, self.reserved),
            warning=warning(rule, booked, self.reserved),
        )

    def reserve(self, amount: int, on: date) -> Counter:
        """Return the counter after a claim. Raises `CapReached`."""
        left = self.room(on)
        if left is not None and amount > left:
            raise CapReached
        return replace(self, reserved=self.reserved + amount, latest=self._day(on))

    def release(self, amount: int) -> Counter:
        """Return the counter after a lapse, or after a refund of work not counted yet."""
        assert amount <= self.reserved
        return replace(self, reserved=self.reserved - amount)

    def counts_on(self, on: date) -> date | None:
        """Return the day on which `book` counts, to be kept for a refund; None: it does not."""
        day = self._day(on)
        return day if self.rule.is_valid(day) else None

    def book(self, amount: int, on: date, *, held: int) -> Counter:
        """Return the counter after reserved work was counted: `held` was reserved for it.

        `amount` differs from `held` for minutes, of which the true number counts.
        """
        return self._add(amount, self.counts_on(on)).release(held)

    def refund(self, amount: int, *, counted_on: date | None, on: date) -> Counter:
        """Return the counter after counted work was refunded.

        By accrual it is taken from the period that counted it, by payment from the present one.
        """
        if counted_on is None:
            return self
        by_payment = self.rule.basis is Basis.PAYMENT
        return self._add(-amount, self.counts_on(on) if by_payment else counted_on)

    def _day(self, on: date) -> date:
        return on if self.latest is None else max(on, self.latest)

    def _add(self, amount: int, day: date | None) -> Counter:
        if day is None:
            return self
        bucket = bucket_of(self.rule, day)
        booked = {**self.booked, bucket: self.booked.get(bucket, 0) + amount}
        return replace(self, booked=booked, latest=self._day(day))


@dataclass(frozen=True, slots=True)
class Limits:
    """The room that every blocking rule of one person leaves on one day."""

    rooms: tuple[tuple[CapRule, int], ...] = ()

    @classmethod
    def on(cls, counters: Iterable[Counter], day: date) -> Limits:
        """Return the room left on this local day."""
        left = ((counter.rule, counter.room(day)) for counter in counters)
        return cls(tuple((rule, room) for rule, room in left if room is not None))

    def has_room(self, share_minor: int, currency: str, minutes: int, /) -> bool:
        """Tell whether a claim fits in all of them; what cannot be compared does not fit."""
        for rule, left in self.rooms:
            asked = rule.amount_of(share_minor, currency, minutes)
            if asked is None or asked > left:
                return False
        return True
