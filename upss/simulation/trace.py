"""What happened in a run, as it happened; metrics.py makes figures of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from upss.simulation.lines import Case


@dataclass(frozen=True, slots=True)
class Work:
    """Somebody at work on a question, whatever came of it."""

    person_id: int
    start: datetime
    end: datetime


@dataclass(slots=True)
class Trace:
    """Records of one run, in the order of time."""

    cases: list[Case] = field(default_factory=list)
    refused: list[tuple[datetime, str]] = field(default_factory=list)  # at, topic
    works: list[Work] = field(default_factory=list)
    answers: list[datetime] = field(default_factory=list)
    earned: list[tuple[datetime, int, int]] = field(default_factory=list)  # at, person, minor units
    invitations: list[tuple[datetime, int]] = field(default_factory=list)  # at, person
    quiet_invitations: int = 0
    visits: list[tuple[datetime, bool]] = field(default_factory=list)  # at, was there a question
    false_lapses: int = 0
    cut_at_refund: int = 0  # honest work that the refund came before
    same_answerer: int = 0
