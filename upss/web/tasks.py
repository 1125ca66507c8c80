"""Housekeeping of the web layer: old sessions and old counts go."""

from __future__ import annotations

from datetime import timedelta

from upss.web import limits, sessions
from upss.web.ports import clock

_KEEP_SESSIONS = timedelta(days=60)
_KEEP_COUNTS = timedelta(days=2)


def tidy() -> int:
    """Delete what nobody needs any more; return how many rows went."""
    now = clock().system_now()
    return sessions.delete_expired(now - _KEEP_SESSIONS) + limits.delete_old(now - _KEEP_COUNTS)
