"""What the self-checks tell the packages above."""

from __future__ import annotations

from dataclasses import dataclass

from upss.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class SelfCheckAlarmed(Event):
    """A run found errors that no run before it had found."""

    run_id: int
