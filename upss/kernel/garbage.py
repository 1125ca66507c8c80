"""How often Python looks for what can be thrown away: rarely, for what is imported stays."""

from __future__ import annotations

import gc

_OBJECTS = 50_000


def collect_rarely() -> None:
    """Let garbage be looked for after 50,000 new objects instead of 700 (or 2,000, by version).

    Called before a process imports its parts: looking through them again and again took a tenth
    of its start.
    """
    gc.set_threshold(_OBJECTS, 20, 100)
