"""The test cards that the hosted page knows; any other number is refused, and never kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["succeeds", "declined", "asks_bank"]


@dataclass(frozen=True, slots=True)
class Card:
    """How a payment with this number goes."""

    number: str
    outcome: Outcome
    decline_code: str | None = None
    refund_fails: bool = False
    available_at_once: bool = False

    @property
    def last4(self) -> str:
        """Return what a receipt may show."""
        return self.number[-4:]

    @property
    def spaced(self) -> str:
        """Return the number in groups of four, for reading."""
        return " ".join(self.number[start : start + 4] for start in range(0, 16, 4))


CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242", "succeeds"),
        Card("4000000000000077", "succeeds", available_at_once=True),
        Card("4000002760003184", "asks_bank"),
        Card("4000000000000002", "declined", decline_code="generic_decline"),
        Card("4000000000009995", "declined", decline_code="insufficient_funds"),
        Card("4000000000005126", "succeeds", refund_fails=True),
    )
}


def digits(text: str) -> str:
    """Return the digits of what was typed."""
    return "".join(each for each in text if each in "0123456789")


def is_plausible(number: str) -> bool:
    """Return whether a number passes the check digit: it could be a real card's."""
    total = 0
    for position, each in enumerate(reversed(number)):
        value = int(each) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return 12 <= len(number) <= 19 and total % 10 == 0
