"""All that an answerer declares: hours, languages, and the topics switched off for now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from upss.forum.rules.hours import Hours, check_hours, is_away
from upss.forum.rules.windows import Window, merged
from upss.kernel.errors import DomainError

# What is assumed of somebody who has not said anything yet: every day, morning and afternoon.
ASSUMED_WINDOWS = tuple(
    Window(dow, start_h * 60, 4 * 60) for dow in range(7) for start_h in (9, 16)
)
MOST_ABSENCES = 50


class DeclaredRefused(DomainError):
    """The fact `reason`: no_language, no_topic (every approved one is off), too_many_absences."""

    code = "declared_refused"
    status = 422


@dataclass(frozen=True, slots=True)
class Declared:
    """`languages` are those that somebody answers in; a topic counts unless it is in `topics_off`."""

    hours: Hours
    languages: frozenset[str]
    topics_off: frozenset[str] = frozenset()

    def serves(self, topic: str, language: str) -> bool:
        """Return whether questions of this topic and language are for them, whatever the hour."""
        return topic not in self.topics_off and language in self.languages

    def is_there_for(self, topic: str, language: str, at: datetime) -> bool:
        """Return whether they serve it and are neither paused nor absent at `at`."""
        return self.serves(topic, language) and not is_away(self.hours, at)


def assumed(language: str, zone: str) -> Declared:
    """Return what counts for somebody of this language until they declare something."""
    return Declared(Hours(ASSUMED_WINDOWS, zone), frozenset({language}))


def tidied(declared: Declared, now: datetime) -> Declared:
    """Return the same for all time from `now`: windows merged, pause and absences over left out."""
    hours = declared.hours
    is_paused = hours.paused_until is not None and hours.paused_until > now
    return replace(
        declared,
        hours=replace(
            hours,
            windows=merged(hours.windows),
            paused_until=hours.paused_until if is_paused else None,
            absences=tuple(absence for absence in hours.absences if absence.end > now),
        ),
    )


def check_declared(declared: Declared, *, approved: frozenset[str], now: datetime) -> None:
    """Raise `HoursRefused` or `DeclaredRefused`, or return."""
    check_hours(declared.hours, now=now)
    if not declared.languages:
        raise DeclaredRefused(reason="no_language")
    if approved and approved <= declared.topics_off:
        raise DeclaredRefused(reason="no_topic")
    if len(declared.hours.absences) > MOST_ABSENCES:
        raise DeclaredRefused(reason="too_many_absences", most=MOST_ABSENCES)
