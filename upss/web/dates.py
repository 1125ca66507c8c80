"""Days as people type them into forms."""

from __future__ import annotations

from datetime import date, timedelta

from upss.web.i18n import gettext

FURTHEST = timedelta(days=2 * 366)


def typed_day(text: str) -> date | None:
    """Return the day that date fields of browsers spell as 2026-11-22; None if it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def too_far(day: date, today: date) -> str | None:
    """Say that a day is more than two years from today, if it is."""
    if day <= today + FURTHEST:
        return None
    return gettext("That is more than two years from now. Write an earlier day.")
