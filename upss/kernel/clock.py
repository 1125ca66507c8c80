"""Clocks: the machine's, the machine's moved forward, and one that stands still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def _machine_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the one place that reads the machine's clock


class SystemClock:
    """Application time is the machine's time."""

    def now(self) -> datetime:
        """Return application time in UTC."""
        return _machine_now()

    def system_now(self) -> datetime:
        """Return the machine's time, for sessions, tokens, limits and signatures."""
        return _machine_now()


@dataclass(frozen=True, slots=True)
class OffsetClock:
    """Application time runs ahead of (or behind) the machine by `read_offset()`."""

    read_offset: Callable[[], timedelta]

    def now(self) -> datetime:
        """Return application time in UTC."""
        return _machine_now() + self.read_offset()

    def system_now(self) -> datetime:
        """Return the machine's time."""
        return _machine_now()


@dataclass(slots=True)
class FixedClock:
    """Stands still until it is moved: for tests and for the demo's seed."""

    instant: datetime

    def now(self) -> datetime:
        """Return the fixed instant."""
        return self.instant

    def system_now(self) -> datetime:
        """Return the fixed instant."""
        return self.instant

    def advance(self, step: timedelta) -> None:
        """Move forward by `step`."""
        self.instant += step
