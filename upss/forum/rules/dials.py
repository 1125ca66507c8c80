"""All that the organizer sets for the off-peak engine, as one version of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from upss.forum.rules.activity import ActivityProfile, PeakMap, classify, pinned
from upss.forum.rules.policy import Policy
from upss.forum.rules.windows import zone


class PeakSource(StrEnum):
    """Where the peaks come from."""

    FIXED = "fixed"  # the organizer's own, always
    LEARNED = "learned"  # from the arrivals, once enough were seen
    PINNED = "learned_pins"  # likewise, but a cell that the organizer pinned stays


@dataclass(frozen=True, kw_only=True, slots=True)
class Dials:
    """One version: `prior_per_hour` are the answers that an hour of declared time is guessed to bring.

    Cells are hours of the week (0 is Monday 00:00 where the site is at home); `peaks` are those in
    force. A quicker answer costs `express_percent` of the price more.
    """

    version_id: int
    policy: Policy
    prior_per_hour: float
    peak_source: PeakSource
    fixed_cells: frozenset[int]
    pins: Mapping[int, bool]
    closed: frozenset[date]
    peaks: frozenset[int]
    express_percent: int = 50

    def peak_map(self, site_zone: str) -> PeakMap:
        """Return the peaks in force on the real hours of the site's zone."""
        return _peak_map(self.peaks, self.closed, site_zone)

    def peaks_from(self, profile: ActivityProfile) -> frozenset[int]:
        """Return the peaks that these dials and the arrivals give, after those in force."""
        pins = self.pins if self.peak_source is PeakSource.PINNED else {}
        if self.peak_source is PeakSource.FIXED:
            return pinned(self.fixed_cells, pins)
        return classify(profile, self.peaks, pins, self.fixed_cells)


@lru_cache(maxsize=64)
def _peak_map(cells: frozenset[int], closed: frozenset[date], site_zone: str) -> PeakMap:
    return PeakMap(cells, zone(site_zone), closed)
