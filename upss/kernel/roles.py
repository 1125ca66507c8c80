"""The roles, and whom a page is for."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an account may do; every account may ask."""

    ASKER = "asker"
    ANSWERER = "answerer"
    ORGANIZER = "organizer"
    AUDITOR = "auditor"


# Who sees everybody's money: their sessions are short.
READS_THE_BOOKS = frozenset({Role.ORGANIZER, Role.AUDITOR})
