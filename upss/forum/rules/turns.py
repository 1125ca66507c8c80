"""When the hours, days and weeks began that a site counts by."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from upss.forum.rules.windows import first_instant

# What was counted later than this ahead of now was counted by a clock that ran ahead.
AHEAD_MAX = timedelta(hours=1)


def full_hour(now: datetime) -> datetime:
    """Return the last full hour in UTC."""
    return now.replace(minute=0, second=0, microsecond=0)


def day_start(now: datetime, tz: ZoneInfo) -> datetime:
    """Return when this day began in a zone."""
    return _midnight(now.astimezone(tz).date(), tz)


def week_start(now: datetime, tz: ZoneInfo) -> datetime:
    """Return when this week began in a zone: on Monday."""
    today = now.astimezone(tz).date()
    return _midnight(today - timedelta(days=today.weekday()), tz)


def _midnight(day: date, tz: ZoneInfo) -> datetime:
    return first_instant(datetime(day.year, day.month, day.day), tz)  # noqa: DTZ001
