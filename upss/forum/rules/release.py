"""When a waiting question may be taken: in the next quieter hour, or once it is urgent."""

from __future__ import annotations

from datetime import datetime

from upss.forum.rules.policy import Mode
from upss.forum.rules.queue import Peaks


def opens_at(
    *, released_at: datetime, urgent_from: datetime, now: datetime, mode: Mode, peaks: Peaks
) -> datetime:
    """Return the first instant from `now` on at which a question that nobody holds may be taken.

    It is `now` itself where nothing makes it wait: the same as `queue.waits` says.
    """
    if mode is Mode.OPEN:
        return now
    quiet = peaks.next_nonpeak(max(now, released_at))
    return quiet if mode is Mode.STRICT else min(quiet, max(now, urgent_from))
