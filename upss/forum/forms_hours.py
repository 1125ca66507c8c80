"""What an answerer types about hours, and the words for what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from flask import request

from upss.forum.rules.hours import (
    DAILY_MINUTES_LEAST,
    DAILY_MINUTES_MOST,
    PRESETS,
    HoursRefused,
    is_zone,
)
from upss.forum.rules.windows import DAY, DAYS_BY_NAME, MOST_WINDOWS, SPANS, Window, merged
from upss.web.i18n import LANGUAGES, gettext, ngettext

Errors = list[tuple[str, str]]

_CLOCK = re.compile(r"(\d{1,2})(?:[:.,h ](\d{2})?)?")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the week as it was typed: day or days, and two times."""

    day: str
    start: str = ""
    end: str = ""

    @property
    def is_blank(self) -> bool:
        """Tell whether no time was typed."""
        return not (self.start or self.end)


@dataclass(frozen=True, slots=True)
class Week:
    """The form of the week: what was typed, what it means, and what is wrong with it."""

    rows: Sequence[Row]
    zone: str
    windows: tuple[Window, ...]
    errors: Errors

    @property
    def is_joined(self) -> bool:
        """Tell whether rows overlap or touch, and become one."""
        return merged(self.windows) != tuple(sorted(self.windows))


def typed_rows() -> list[Row]:
    """Return the rows of the form, in their order."""
    days, starts, ends = (request.form.getlist(name) for name in ("day", "from", "to"))
    typed = zip(days, starts, ends, strict=False)
    return [Row(day, start.strip(), end.strip()) for day, start, end in typed][: MOST_WINDOWS + 1]


def typed_week() -> Week:
    """Read the week; windows are merged where they are stored."""
    rows = typed_rows()
    errors: Errors = []
    windows: list[Window] = []
    for number, row in enumerate(rows, 1):
        if not row.is_blank:
            windows += _windows(row, number, errors)
    if not windows and not errors:
        errors.append(("from-1", _no_hours()))
    zone_name = request.form.get("zone", "")
    if not is_zone(zone_name):
        errors.append(("zone", gettext("Choose a time zone from the list")))
    return Week(rows, zone_name, tuple(windows), errors)


def _windows(row: Row, number: int, errors: Errors) -> list[Window]:
    days = DAYS_BY_NAME.get(row.day)
    if days is None:
        errors.append((f"day-{number}", gettext("Choose a day in line %(line)s", line=number)))
        return []
    start, end = _minute(row.start), _minute(row.end)
    for name, minute in (("from", start), ("to", end)):
        if minute is None:
            errors.append((f"{name}-{number}", _no_time(name, number)))
    if start is None or end is None:
        return []
    # The same time twice is a whole day; an earlier end is on the next day.
    length = (end - start) % DAY or DAY
    return [Window(dow, start % DAY, length) for dow in days]


def _minute(typed: str) -> int | None:
    """Return the minute of the day of "9", "9:30", "9.30" or "9h30"; "24:00" is the day's end."""
    found = _CLOCK.fullmatch(typed)
    if found is None:
        return None
    minute = int(found[1]) * 60 + int(found[2] or 0)
    return minute if minute <= DAY and int(found[2] or 0) < 60 else None


def _no_time(name: str, number: int) -> str:
    if name == "from":
        return gettext("Write when line %(line)s begins, such as 9:00", line=number)
    return gettext("Write when line %(line)s ends, such as 13:00", line=number)


def _no_hours() -> str:
    return gettext("Write at least one line with hours. To stop for a while, take a pause instead.")


def rows_of(windows: Iterable[Window], spell: Callable[[int], str]) -> list[Row]:
    """Return the shortest rows that mean these windows; `spell` writes a minute of the day."""
    same: dict[tuple[int, int], set[int]] = {}
    for window in windows:
        same.setdefault((window.start_min, window.length_min), set()).add(window.dow)
    found: list[tuple[tuple[int, int], Row]] = []
    for (start, length), days in same.items():
        left, end = set(days), (start + length) % DAY
        for name, span in SPANS.items():
            if left.issuperset(span):
                found.append(((span[0], start), Row(name, spell(start), spell(end))))
                left -= set(span)
        found += [((dow, start), Row(str(dow), spell(start), spell(end))) for dow in left]
    return [row for _key, row in sorted(found, key=lambda item: item[0])]


def typed_presets() -> tuple[list[str], tuple[Window, ...], Errors]:
    """Read the simple choices: their names, their windows together, errors."""
    names = [name for name in request.form.getlist("preset") if name in PRESETS]
    windows = tuple(window for name in names for window in PRESETS[name])
    wrong = gettext("Choose at least one line, such as Mornings")
    return names, windows, [] if names else [("preset", wrong)]


@dataclass(frozen=True, slots=True)
class Day:
    """The form of quiet hours, rest days and a day's work; the values hold where no error is."""

    quiet_start: str
    quiet_end: str
    is_never_quiet: bool
    rest_days: frozenset[int]
    minutes: str
    answers: str

    @property
    def quiet(self) -> tuple[int, int]:
        """The quiet hours in minutes of the day; the same minute twice is none."""
        if self.is_never_quiet:
            return 0, 0
        start, end = _minute(self.quiet_start), _minute(self.quiet_end)
        return (start or 0) % DAY, (end or 0) % DAY

    @property
    def daily_minutes(self) -> int:
        """The minutes of work in a day."""
        return int(self.minutes)

    @property
    def daily_answers(self) -> int | None:
        """The answers in a day, None for any number."""
        return int(self.answers) if self.answers else None


def typed_day() -> tuple[Day, Errors]:
    """Read quiet hours, rest days and a day's work."""
    typed = request.form
    day = Day(
        quiet_start=typed.get("quiet_start", "").strip(),
        quiet_end=typed.get("quiet_end", "").strip(),
        is_never_quiet="never_quiet" in typed,
        rest_days=frozenset(int(dow) for dow in typed.getlist("rest") if dow in set("0123456")),
        minutes=typed.get("minutes", ""),
        answers=typed.get("answers", ""),
    )
    errors: Errors = []
    if not day.is_never_quiet:
        for name, text in (("quiet_start", day.quiet_start), ("quiet_end", day.quiet_end)):
            if _minute(text) is None:
                errors.append((name, gettext("Write a time, such as 22:00")))
    if not _is_number(day.minutes, DAILY_MINUTES_LEAST, DAILY_MINUTES_MOST):
        errors.append(("minutes", gettext("Choose how long you want to answer in a day")))
    if day.answers and not _is_number(day.answers, 1, 1000):
        errors.append(("answers", gettext("Choose how many answers you want to write in a day")))
    return day, errors


def _is_number(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5 and least <= int(text) <= most


def hours_error(error: HoursRefused) -> str:
    """Say why these hours cannot be: too many stretches, or rest days that leave none of them."""
    if "too_many" in error.facts["faults"]:  # type: ignore[operator]
        return gettext(
            "These are more than %(most)s stretches of time in a week. Take some lines out.",
            most=MOST_WINDOWS,
        )
    return gettext("These rest days leave none of your hours. Take one of them off.")


def typed_work(approved: Collection[str]) -> tuple[frozenset[str], frozenset[str], Errors]:
    """Read languages and topics: the languages, the topics that are off, errors."""
    languages = frozenset(request.form.getlist("languages")) & LANGUAGES.keys()
    topics_on = frozenset(request.form.getlist("topics")) & frozenset(approved)
    errors: Errors = []
    if not languages:
        errors.append(("languages", gettext("Choose at least one language")))
    if approved and not topics_on:
        errors.append(
            (
                "topics",
                gettext("Choose at least one topic. To stop for a while, take a pause instead."),
            )
        )
    return frozenset(languages), frozenset(approved) - topics_on, errors


def held_errors(topics: Sequence[str], languages: Sequence[str]) -> Errors:
    """Say that questions of these topics (names) and languages (names) must be finished first."""
    errors: Errors = []
    for field, names in (("topics", topics), ("languages", languages)):
        if names:
            text = ngettext(
                "You hold a question in “%(names)s”. Answer it or give it back first.",
                "You hold questions in “%(names)s”. Answer them or give them back first.",
                len(names),
                names=", ".join(names),
            )
            errors.append((field, text))
    return errors
