"""All that the organizer sets for the off-peak engine, as one version of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from upss.forum.rules.policy import Policy


class PeakSource(StrEnum):
    """Where the peaks come from."""

    FIXED = "fixed"  # the organizer's own, always
    LEARNED = "learned"  # from the arrivals, once enough were seen
    PINNED = "learned_pins"  # likewise, but a cell that the organizer pinned stays


@dataclass(frozen=True, kw_only=True, slots=True)
class Dials:
    """One version: `prior_per_hour` are the answers that an hour of declared time is guessed to bring.

    Cells are hours of the week (0 is Monday 00:00 where the site is at home).
    """

    version_id: int
    policy: Policy
    prior_per_hour: float
    peak_source: PeakSource
    fixed_cells: frozenset[int]
    pins: Mapping[int, bool]
    closed: frozenset[date]
