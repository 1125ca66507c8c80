"""What an event is: a frozen fact in the past tense with the time it happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened at `at` (application time, UTC)."""

    at: datetime
