"""What adjustments tell the packages above."""

from __future__ import annotations

from dataclasses import dataclass

from upss.kernel.events import Event
from upss.kernel.ids import AccountId


@dataclass(frozen=True, kw_only=True)
class AdjustmentProposed(Event):
    """A proposal waits for another organizer than `proposed_by`."""

    adjustment_id: int
    proposed_by: AccountId
