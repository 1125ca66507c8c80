"""The roles, and whom a page is for."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an account may do; every account may ask."""

    ASKER = "asker"
    ANSWERER = "answerer"
    ORGANIZER = "organizer"
    AUDITOR = "auditor"
