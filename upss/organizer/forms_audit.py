"""What an auditor picks in an address: a day, a stretch of days, a kind, a question, a person.

Unlike a page's place in a list, a filter that cannot be read is said: figures of another filter
than the one that was meant would be taken for the truth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date

from upss.ledger.rules.posting import kinds
from upss.web.i18n import gettext as _
from upss.web.ports import clock

FIELDS = ("since", "until", "kind", "question", "actor")
_LARGEST = 2**63 - 1
_NUMBER = re.compile(r"#?([0-9]{1,19})", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

Errors = list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryFilter:
    """Which entries: from value date `since` through `until`; None leaves a part open.

    `typed` is what stands in the fields, `errors` says what in it cannot be read.
    """

    typed: Mapping[str, str]
    errors: Errors
    since: date | None = None
    until: date | None = None
    kind: str | None = None
    question: int | None = None
    actor: str | None = None

    @property
    def address(self) -> dict[str, str]:
        """The same filter as the query of an address."""
        return {name: value for name, value in self.typed.items() if value}


def entry_filter(args: Mapping[str, str]) -> EntryFilter:
    """Read the filter of a list of entries."""
    typed = {name: args.get(name, "").strip() for name in FIELDS}
    errors: Errors = []
    since, until = (_day(name, typed[name], errors) for name in ("since", "until"))
    if since and until and since > until:
        errors.append(("until", _("This day is before the first one")))
    question = number_of(typed["question"])
    if typed["question"] and question is None:
        errors.append(("question", _("Write the question's number, for example 1030")))
    if typed["kind"] and typed["kind"] not in kinds.KEY_PREFIXES:
        errors.append(("kind", _("The ledger knows no entries of this kind")))
    if not typed["actor"].isprintable():
        errors.append(("actor", _("Write a person's number, for example 21, or the word system")))
    return EntryFilter(
        typed=typed,
        errors=errors,
        since=since,
        until=until,
        kind=typed["kind"] or None,
        question=question,
        actor=typed["actor"] or None,
    )


def today() -> date:
    """Return the day in UTC, of which value dates are: a site in the west is still a day behind."""
    return clock().now().astimezone(UTC).date()


def day_of(args: Mapping[str, str]) -> tuple[date | None, str, Errors]:
    """Read the day of a balance, today by default: the day, what was typed, what is wrong."""
    typed = args.get("on", "").strip()
    errors: Errors = []
    day = _day("on", typed, errors) if typed else today()
    return day, typed or today().isoformat(), errors


def number_of(text: str) -> int | None:
    """Return the number that the ledger may know, or None: "1030" and "#1030" are 1030."""
    found = _NUMBER.fullmatch(text)
    return int(found[1]) if found and int(found[1]) <= _LARGEST else None


def _day(name: str, typed: str, errors: Errors) -> date | None:
    if not typed:
        return None
    try:
        if _DAY.fullmatch(typed):
            return date.fromisoformat(typed)
    except ValueError:
        pass
    errors.append((name, _("Write a day as year, month and day, for example 2026-11-30")))
    return None
