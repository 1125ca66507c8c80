"""When earned money may leave, and how it is gathered: one transfer per person and run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

# The asker may still complain in this time; no minimum amount is asked for besides.
HOLD = timedelta(days=7)
# The provider keeps an answer, a failure too, under its key and forgets it after a day: later,
# when no request of the first attempt can be on its way any more, another key is needed.
KEY_TRUSTED = timedelta(hours=20)


@dataclass(frozen=True, kw_only=True, slots=True)
class Payable:
    """What one question has earned its answerer and is in no payout, in minor units."""

    answerer_id: int
    question_id: int
    minor: int
    currency: str
    accepted_at: datetime
    frozen: bool  # a complaint or card dispute is open


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that one answerer gets in one run; `lines` are (question id, minor units)."""

    answerer_id: int
    currency: str
    lines: tuple[tuple[int, int], ...]

    @property
    def minor(self) -> int:
        """The sum of the lines, in minor units."""
        return sum(minor for _, minor in self.lines)


def leaves_at(accepted_at: datetime) -> datetime:
    """Return the first instant at which money accepted then may be paid out."""
    return accepted_at + HOLD


def is_ready(payable: Payable, now: datetime) -> bool:
    """Return whether the hold is over and nothing stops this money."""
    return not payable.frozen and leaves_at(payable.accepted_at) <= now


def gather(payables: Iterable[Payable], now: datetime) -> tuple[Gathered, ...]:
    """Return one item per answerer and currency from what is ready, in a stable order."""
    ready = sorted((p for p in payables if is_ready(p, now)), key=_order)
    return tuple(
        Gathered(answerer_id, currency, tuple((p.question_id, p.minor) for p in group))
        for (answerer_id, currency), group in groupby(ready, key=_owner)
    )


def next_key(key: str) -> str:
    """Return the key of the attempt after this one: "po-x-a1" gives "po-x-a2"."""
    stem, _, attempt = key.rpartition("-a")
    return f"{stem}-a{int(attempt) + 1}"


def _owner(payable: Payable) -> tuple[int, str]:
    return payable.answerer_id, payable.currency


def _order(payable: Payable) -> tuple[int, str, int]:
    return payable.answerer_id, payable.currency, payable.question_id
