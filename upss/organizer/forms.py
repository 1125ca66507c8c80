"""What an organizer picks in an address: the month and state of the money, a question's number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date

from upss.web.i18n import N_, catalogue

STATES = ("reserved", "on_hold", "to_pay", "in_payout", "paid_out", "going_back", "refunded")
ALL = "all"

# LLLL is the month's name standing alone, y the year.
_MONTH = N_("LLLL y")


@dataclass(frozen=True, slots=True)
class MoneyFilter:
    """Which payments: those from `since` up to `until`, in `state`; None leaves it open.

    `is_understood` is false where the address asked for something else: that has to be said, or
    these figures would be taken for those that were meant.
    """

    month: date | None
    state: str | None
    since: datetime | None
    until: datetime | None
    is_understood: bool = True

    @property
    def step(self) -> str:
        """The stretches that the figure shows: weeks of one month, or months."""
        return "month" if self.month is None else "week"

    @property
    def address(self) -> dict[str, str]:
        """The same filter as the query of an address."""
        return {"month": month_value(self.month), "state": self.state or ALL}


def money_filter(args: Mapping[str, str], *, now: datetime, zone: str) -> MoneyFilter:
    """Read the filter: this month and every state, unless another is asked for."""
    typed, state = args.get("month", ""), args.get("state", "")
    picked = state if state in STATES else None
    is_state = picked is not None or state in {"", ALL}
    if typed == ALL:
        return MoneyFilter(None, picked, None, None, is_state)
    asked = _month(typed)
    is_understood = is_state and (asked is not None or not typed)
    month = asked or now.astimezone(ZoneInfo(zone)).date().replace(day=1)
    since, until = _midnight(month, zone), _midnight(_next(month), zone)
    return MoneyFilter(month, picked, since, until, is_understood)


# Months whose neighbours are dates too.
_EARLIEST, _LATEST = date(2000, 1, 1), date(2999, 12, 1)


def _month(typed: str) -> date | None:
    try:
        month = date.fromisoformat(f"{typed}-01")
    except ValueError:
        return None
    return month if _EARLIEST <= month <= _LATEST else None


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def month_value(month: date | None) -> str:
    """Return how an address writes a month: "2026-11", or "all"."""
    return ALL if month is None else f"{month:%Y-%m}"


def months_since(
    begins_at: datetime | None, *, now: datetime, zone: str, also: date | None = None
) -> list[date]:
    """Return the first days of the months from the ledger's beginning to now, newest first.

    `also` is the month that is shown, wherever it lies: it has to stand among the choices.
    """
    today = now.astimezone(ZoneInfo(zone)).date().replace(day=1)
    month = begins_at.astimezone(ZoneInfo(zone)).date().replace(day=1) if begins_at else today
    found = {month, also or today}
    while month < today:
        month = _next(month)
        found.add(month)
    return sorted(found, reverse=True)


def month_name(month: date) -> str:
    """Write "November 2026" in the reader's language."""
    words = catalogue()
    return _month_name(month, words.gettext(_MONTH), words.code)


@lru_cache(maxsize=512)
def _month_name(month: date, pattern: str, code: str) -> str:
    return format_date(month, pattern, locale=code)
