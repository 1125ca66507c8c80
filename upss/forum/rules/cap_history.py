"""What a limit would have counted had it been there before: a new one begins with the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from upss.forum.rules.cap_counters import Counter
from upss.forum.rules.caps import CapRule, Stage, bucket_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One claim of the past or of now, with what came of it; days are the person's own.

    `taken_back_minor` is what refunds took from the share, `payments` what was sent of it when,
    `corrections` what an organizer added to it or took away.
    """

    claim_id: int
    share_minor: int
    currency: str
    minutes: int
    answered_on: date | None = None
    accepted_on: date | None = None
    taken_back_minor: int = 0
    payments: tuple[tuple[date, int], ...] = ()
    corrections: tuple[tuple[date, int], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """What a claim holds of a limit, and what it has been counted for, on which days."""

    claim_id: int
    held: int = 0
    bookings: tuple[tuple[date, int], ...] = ()

    @property
    def counted(self) -> int:
        """All that was counted, less what was refunded."""
        return sum(amount for _day, amount in self.bookings)

    @property
    def counted_on(self) -> date | None:
        """The day from which a refund is taken."""
        return self.bookings[0][0] if self.bookings else None


def piece_of(rule: CapRule, work: Work) -> Piece | None:
    """Return what a limit counts of this work; None if it cannot be compared."""
    amount = rule.amount_of(work.share_minor, work.currency, work.minutes)
    left = rule.amount_of(
        max(0, work.share_minor - work.taken_back_minor), work.currency, work.minutes
    )
    if amount is None or left is None:
        return None

    bookings = _bookings(rule, work, amount, left)
    return Piece(claim_id=work.claim_id, held=0 if bookings else left, bookings=bookings)


def _bookings(rule: CapRule, work: Work, amount: int, left: int) -> tuple[tuple[date, int], ...]:
    """Return what a limit has counted of this work, and on which days."""

    def counted(moved: tuple[tuple[date, int], ...]) -> Iterator[tuple[date, int]]:
        return ((day, rule.amount_of(minor, work.currency, 0) or 0) for day, minor in moved)

    match rule.counted_when:
        case Stage.ANSWERED:
            return ((work.answered_on, amount),) if work.answered_on else ()
        case Stage.ACCEPTED:
            corrected = tuple(counted(work.corrections))
            return ((work.accepted_on, left), *corrected) if work.accepted_on else ()
        case _:  # Stage.PAID
            return tuple(counted(work.payments))


def begun(rule: CapRule, works: Iterable[Work], today: date) -> tuple[Counter, tuple[Piece, ...]]:
    """Return the counter that a limit begins with today, and what it holds of each claim."""
    found = (piece_of(rule, work) for work in works)
    pieces = tuple(piece for piece in found if piece is not None)
    booked: dict[date, int] = {}
    for piece in pieces:
        for day, amount in piece.bookings:
            bucket = bucket_of(rule, day)
            booked[bucket] = booked.get(bucket, 0) + amount
    return Counter(rule, booked, sum(piece.held for piece in pieces), today), pieces
