"""Template filters: money, dates and people's own words, as the reader's language writes them.

Every answer is cached by its arguments and language: lists repeat days and amounts, and Babel
needs 15-20 µs for each.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_percent
from flask import g, has_app_context
from jinja2 import pass_context
from markupsafe import Markup, escape

from upss.kernel.money import EXPONENTS
from upss.web.i18n import LANGUAGES, N_, Catalogue, catalogue
from upss.web.zones import zone_label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from jinja2.runtime import Context

# Date patterns are texts to translate: languages put different words between day and month.
# Letters: EEEE weekday, d day, MMMM month, MMM month shortened, y year, HH or H hour, mm minute.
_DAY = N_("EEEE d MMMM")
_LONG_DAY = N_("EEEE d MMMM y")
_SHORT_DAY = N_("d MMM y")
_TIME = N_("HH:mm")

_LIST_ITEM = re.compile(r"^\s*(?:(?P<number>\d{1,3})[.)]|[-•*])\s+(?P<words>.+)$")


@lru_cache(maxsize=4096)
def format_money(minor: int, currency: str, code: str) -> str:
    """Write an amount of minor units: 1200 EUR is "€12.00" in English, "12,00 €" in Spanish."""
    amount = Decimal(minor).scaleb(-EXPONENTS[currency])
    return format_currency(amount, currency, locale=code)


@lru_cache(maxsize=256)
def format_rate(basis_points: int, code: str) -> str:
    """Write a rate: 1250 basis points are "12.5%" in English, "12,5 %" in Spanish."""
    share = Decimal(basis_points).scaleb(-4)
    return str(format_percent(share, locale=code, decimal_quantization=False))


@lru_cache(maxsize=2048)
def _format_day(day: date, pattern: str, code: str) -> str:
    return format_date(day, pattern, locale=code)


@lru_cache(maxsize=2048)
def _format_time(hour: int, minute: int, pattern: str, code: str) -> str:
    return format_time(time(hour, minute), pattern, locale=code)


def format_moment(when: datetime, now: datetime, words: Catalogue) -> str:
    """Write "Tomorrow, Sunday 22 November at 18:05"; both datetimes in the reader's time zone.

    It stands alone (a value beside its label), so it begins with a capital letter. The year is
    written when it is not this one.
    """
    named = _day_and_time(when, now, words)
    # The hour is counted because Spanish and Catalan say "a la 1:05" but "a las 2:05".
    distance = when.date() - now.date()
    if distance == timedelta(0):
        text = words.ngettext(
            "Today, %(day)s at %(time)s", "Today, %(day)s at %(time)s", when.hour, **named
        )
    elif distance == timedelta(days=1):
        text = words.ngettext(
            "Tomorrow, %(day)s at %(time)s", "Tomorrow, %(day)s at %(time)s", when.hour, **named
        )
    elif distance == timedelta(days=-1):
        text = words.ngettext(
            "Yesterday, %(day)s at %(time)s", "Yesterday, %(day)s at %(time)s", when.hour, **named
        )
    else:
        text = format_date_time(when, now, words)
    return text[:1].upper() + text[1:]


def format_date_time(when: datetime, now: datetime, words: Catalogue) -> str:
    """Write "Sunday 22 November at 18:05" as it stands inside a sentence."""
    named = _day_and_time(when, now, words)
    return words.ngettext("%(day)s at %(time)s", "%(day)s at %(time)s", when.hour, **named)


def _day_and_time(when: datetime, now: datetime, words: Catalogue) -> dict[str, str]:
    pattern = _DAY if when.year == now.year else _LONG_DAY
    return {
        "day": _format_day(when.date(), words.gettext(pattern), words.code),
        "time": _format_time(when.hour, when.minute, words.gettext(_TIME), words.code),
    }


def paragraphs(text: str) -> Markup:
    """Turn a person's words into escaped paragraphs and lists ("1. ..." or "- ..." lines)."""
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return Markup("").join(piece for block in blocks for piece in _block(block))


def _block(block: str) -> Iterator[Markup]:
    lines = [line for line in block.split("\n") if line.strip()]
    for kind, group in groupby(lines, key=_kind_of_line):
        run = list(group)
        if kind == "p":
            yield Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in run))
            continue
        found = [match for line in run if (match := _LIST_ITEM.match(line))]
        items = Markup("").join(Markup("<li>{}</li>").format(match["words"]) for match in found)
        start = int(found[0]["number"] or 1)
        opening = f'ol start="{start}"' if kind == "ol" and start != 1 else kind
        yield Markup(f"<{opening}>{{}}</{kind}>").format(items)  # noqa: S704 - two fixed words


def _kind_of_line(line: str) -> str:
    match = _LIST_ITEM.match(line)
    if match is None:
        return "p"
    return "ol" if match["number"] else "ul"


def is_date(text: str) -> bool:
    """Tell whether the text is a day as date fields of browsers spell it: 2026-11-22."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def initials(name: str) -> str:
    """Return the first letters of the first two words: "Josep M." gives "JM"."""
    return "".join(word[0] for word in name.split()[:2]).upper()


def language_name(code: str) -> str:
    """Return a language's name in that language; an unknown code stays as it is."""
    return LANGUAGES.get(code, code)


def tell_times_in(zone_name: str) -> None:
    """Write the times of this page by the clock of that zone: where its reader lives."""
    g.upss_zone = ZoneInfo(zone_name)


class _Filters:
    """The filters that need the reader's language, the time zone and the clock."""

    def __init__(self, now: Callable[[], datetime], timezone: str) -> None:
        self._now = now
        self._site_zone = ZoneInfo(timezone)

    @property
    def _zone(self) -> ZoneInfo:
        of_reader: ZoneInfo | None = g.get("upss_zone") if has_app_context() else None
        return of_reader or self._site_zone

    def clock_place(self) -> str:
        """Say by the clock of which place times are written: "Spain: Madrid"."""
        return zone_label(self._zone.key)

    def _local(self, when: date | datetime) -> date:
        return when.astimezone(self._zone).date() if isinstance(when, datetime) else when

    def _dated(self, when: date | datetime, pattern: str) -> str:
        words = catalogue()
        return _format_day(self._local(when), words.gettext(pattern), words.code)

    # The context keeps Jinja from folding `0|money("EUR")` into the first reader's language.
    @pass_context
    def money(self, _context: Context, minor: int, currency: str) -> str:
        """Write an amount of minor units."""
        return format_money(minor, currency, catalogue().code)

    @pass_context
    def rate(self, _context: Context, basis_points: int) -> str:
        """Write a rate of basis points as a percentage."""
        return format_rate(basis_points, catalogue().code)

    def day(self, when: date | datetime) -> str:
        """Write "Sunday 22 November", with the year when it is not this one."""
        is_this_year = self._local(when).year == self._local(self._now()).year
        return self._dated(when, _DAY if is_this_year else _LONG_DAY)

    def long_day(self, when: date | datetime) -> str:
        """Write "Sunday 22 November 2026"."""
        return self._dated(when, _LONG_DAY)

    def short_day(self, when: date | datetime) -> str:
        """Write "22 Nov 2026", for tables."""
        return self._dated(when, _SHORT_DAY)

    def clock_time(self, when: datetime) -> str:
        """Write "18:05"."""
        words, local = catalogue(), when.astimezone(self._zone)
        return _format_time(local.hour, local.minute, words.gettext(_TIME), words.code)

    def moment(self, when: datetime, now: datetime | None = None) -> str:
        """Write "Tomorrow, Sunday 22 November at 18:05", seen from `now` (the clock's)."""
        seen_from = (now or self._now()).astimezone(self._zone)
        return format_moment(when.astimezone(self._zone), seen_from, catalogue())

    def date_time(self, when: datetime) -> str:
        """Write "Sunday 22 November at 18:05", for the middle of a sentence."""
        seen_from = self._now().astimezone(self._zone)
        return format_date_time(when.astimezone(self._zone), seen_from, catalogue())

    def hour(self, when: datetime) -> str:
        """Write "18:05" if that is today, else "Sunday 22 November at 18:05"."""
        is_today = self._local(when) == self._local(self._now())
        return self.clock_time(when) if is_today else self.date_time(when)


def init_filters(app: Flask, *, now: Callable[[], datetime], timezone: str) -> None:
    """Install the filters; `now` returns the clock's aware time."""
    spoken = _Filters(now, timezone)
    app.jinja_env.filters.update(
        money=spoken.money,
        rate=spoken.rate,
        day=spoken.day,
        long_day=spoken.long_day,
        short_day=spoken.short_day,
        clock_time=spoken.clock_time,
        moment=spoken.moment,
        date_time=spoken.date_time,
        hour=spoken.hour,
        paragraphs=paragraphs,
        initials=initials,
        is_date=is_date,
        language_name=language_name,
        zone_label=zone_label,
    )
    app.jinja_env.globals["clock_place"] = spoken.clock_place
