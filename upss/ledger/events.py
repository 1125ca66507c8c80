"""What the ledger tells the packages above."""

from __future__ import annotations

from dataclasses import dataclass

from upss.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class BooksAnchored(Event):
    """A new week has begun and there is a chain: its newest hash is told to who keeps it.

    `week` is the year and the number of the week in ISO 8601, as 202647.
    """

    week: int
