"""An answerer declares hours, pauses, absences, languages and topics; each change is a version.

Nothing here touches a question: promises that were given stand, and a claim stays with whoever
holds it. One change of a person waits for the other, and for a claim of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from upss.accounts import queries as people
from upss.accounts.models import Account, AccountRole
from upss.forum import queries_caps
from upss.forum import queries_hours as queries
from upss.forum.events import HoursChanged, TopicLeftAlone
from upss.forum.models_hours import HoursVersion
from upss.forum.queries_hours import Version
from upss.forum.rules.declared import Declared, assumed, check_declared, tidied
from upss.forum.rules.windows import Interval, Window, joined_up, zone
from upss.kernel.errors import DomainError
from upss.kernel.ids import AccountId
from upss.kernel.roles import Role

if TYPE_CHECKING:
    from upss.accounts.events import LanguageChanged
    from upss.db.work import UnitOfWork
    from upss.forum.queries_offpeak import Place

# Two who leave the same topic at once must see each other go.
_ONE_LEAVES_AT_A_TIME = text("SELECT pg_advisory_xact_lock(1752134771)")

Edit = Callable[[Declared], Declared]
Stored = int | None  # the id of the version that a change has stored, None: nothing was new


class StillHeld(DomainError):
    """A topic or language cannot be dropped while one holds a question of it.

    The facts `topics` and `languages` name them.
    """

    code = "still_held"


class NothingToUndo(DomainError):
    """There is no change to take back, or another one was made since the page was shown."""

    code = "nothing_to_undo"


@dataclass(frozen=True, slots=True)
class Whose:
    """The answerer, and the zone that is assumed until they declare their own."""

    account_id: AccountId
    site_zone: str


def set_week(
    uow: UnitOfWork, whose: Whose, *, windows: tuple[Window, ...], zone_name: str
) -> Stored:
    """Declare the weekly windows, merged where they overlap; raises `HoursRefused`."""
    return _change(uow, whose, lambda old: _with_hours(old, windows=windows, zone=zone_name))


def set_day(
    uow: UnitOfWork,
    whose: Whose,
    *,
    quiet: tuple[int, int],
    rest_days: frozenset[int],
    daily_minutes: int,
    daily_answers: int | None,
) -> Stored:
    """Declare quiet hours (minutes of the day), rest days and a day's work.

    Raises `HoursRefused`.
    """
    return _change(
        uow,
        whose,
        lambda old: _with_hours(
            old,
            quiet_start_min=quiet[0],
            quiet_end_min=quiet[1],
            rest_days=rest_days,
            daily_minutes=daily_minutes,
            daily_answers=daily_answers,
        ),
    )


def pause(uow: UnitOfWork, whose: Whose, *, until: datetime) -> Stored:
    """Be away from now until that instant; raises `HoursRefused` if it is over."""
    return _change(uow, whose, lambda old: _with_hours(old, paused_until=until))


def come_back(uow: UnitOfWork, whose: Whose) -> Stored:
    """End a pause, and an absence that has begun, at once; nothing if there is none."""
    now = uow.clock.now()

    def edit(old: Declared) -> Declared:
        ahead = tuple(absence for absence in old.hours.absences if absence.start > now)
        return _with_hours(old, paused_until=None, absences=ahead)

    return _change(uow, whose, edit)


def add_absence(uow: UnitOfWork, whose: Whose, *, absence: Interval) -> Stored:
    """Be away for that time; joined with absences that it touches.

    Raises `HoursRefused`, or `DeclaredRefused` for too many.
    """
    return _change(
        uow,
        whose,
        lambda old: _with_hours(old, absences=joined_up((*old.hours.absences, absence))),
    )


def remove_absence(uow: UnitOfWork, whose: Whose, *, start: datetime) -> Stored:
    """Be there after all in the absence that starts then; nothing if it is gone already."""

    def edit(old: Declared) -> Declared:
        left = tuple(absence for absence in old.hours.absences if absence.start != start)
        return _with_hours(old, absences=left)

    return _change(uow, whose, edit)


def set_work(
    uow: UnitOfWork, whose: Whose, *, languages: frozenset[str], topics_off: frozenset[str]
) -> Stored:
    """Declare languages, and the approved topics that are off for now.

    Raises `StillHeld` for one that a held question needs, or `DeclaredRefused`.
    """
    return _change(uow, whose, lambda old: replace(old, languages=languages, topics_off=topics_off))


def undo(uow: UnitOfWork, whose: Whose, *, version_id: int) -> Stored:
    """Declare again what counted before that version; raises `NothingToUndo`, or as the change."""

    def edit(_old: Declared) -> Declared:
        last = _newest(uow, whose)
        if last.is_assumed or last.id != version_id:
            raise NothingToUndo(version_id=version_id)
        earlier = queries.before(uow.session, last, whose.site_zone).declared
        return tidied(earlier, uow.clock.now())

    return _change(uow, whose, edit)


def take_no_work(uow: UnitOfWork, whose: Whose, *, change_id: int) -> None:
    """Tell organizers where somebody who takes no paid work from now on was the last one there.

    They are told as of a pause. `change_id` tells this change from others.
    """
    declared = _newest(uow, whose).declared
    approved = people.topics(uow.session, whose.account_id)
    # below zero: never the number of a version of somebody's hours
    _tell_if_left_alone(uow, whose, (declared, None), approved, -change_id)


def keep_language(uow: UnitOfWork, event: LanguageChanged) -> None:
    """Declare what was assumed of an answerer who turns the pages into another language.

    They answer in the same language as before, and promises that count on them still fit.
    """
    whose = Whose(event.account_id, uow.zone)
    _lock(uow, whose)
    is_answerer = select(AccountRole).where(
        AccountRole.account_id == whose.account_id, AccountRole.role == Role.ANSWERER
    )
    last = _newest(uow, whose)
    if last.is_assumed and uow.session.scalar(is_answerer) is not None:
        _store(uow, whose, assumed(event.old, whose.site_zone), at=last.created_at)


def _lock(uow: UnitOfWork, whose: Whose) -> None:
    # A key lock leaves foreign keys alone; a claim takes the same one.
    uow.session.execute(
        select(Account.id).where(Account.id == whose.account_id).with_for_update(key_share=True)
    )


def _with_hours(old: Declared, **changes: object) -> Declared:
    return replace(old, hours=replace(old.hours, **changes))  # type: ignore[arg-type]


def _newest(uow: UnitOfWork, whose: Whose) -> Version:
    found = queries.newest(uow.session, [whose.account_id], whose.site_zone)
    return found[whose.account_id]


def _change(uow: UnitOfWork, whose: Whose, edit: Edit) -> Stored:
    """Store what `edit` makes of the version in force, if that is anything new."""
    _lock(uow, whose)
    last, now = _newest(uow, whose), uow.clock.now()
    old = tidied(last.declared, now)
    wanted = edit(old)
    approved = people.topics(uow.session, whose.account_id)
    check_declared(wanted, approved=approved, now=now)
    new = tidied(wanted, now)
    if new == old and not last.is_assumed:
        return None
    _check_held(uow, whose, old, new)
    # a clock set back changes nothing of the order in which versions came into force
    stored = _store(uow, whose, new, at=max(now, last.created_at))
    uow.emit(HoursChanged(at=now, account_id=whose.account_id, version_id=stored.id))
    if whose.account_id not in queries_caps.unpaid(uow.session):
        _tell_if_left_alone(uow, whose, (old, new), approved, stored.id)
    return stored.id


def _check_held(uow: UnitOfWork, whose: Whose, old: Declared, new: Declared) -> None:
    """Raise `StillHeld` if a held question would be of a topic or language just dropped."""
    topics = new.topics_off - old.topics_off
    languages = old.languages - new.languages
    if topics or languages:
        held = queries.held(uow.session, whose.account_id)
        topics &= {topic for topic, _language in held}
        languages &= {language for _topic, language in held}
        if topics or languages:
            raise StillHeld(topics=sorted(topics), languages=sorted(languages))


def _store(uow: UnitOfWork, whose: Whose, new: Declared, *, at: datetime) -> HoursVersion:
    hours = new.hours
    stored = HoursVersion(
        account_id=whose.account_id,
        created_at=at,
        zone=hours.zone,
        windows=[[w.dow, w.start_min, w.length_min] for w in hours.windows],
        quiet_start_min=hours.quiet_start_min,
        quiet_end_min=hours.quiet_end_min,
        absences=[[a.start.isoformat(), a.end.isoformat()] for a in hours.absences],
        paused_until=hours.paused_until,
        rest_days=sorted(hours.rest_days),
        daily_minutes=hours.daily_minutes,
        daily_answers=hours.daily_answers,
        languages=sorted(new.languages),
        topics_off=sorted(new.topics_off),
    )
    uow.session.add(stored)
    uow.session.flush()
    return stored


def _tell_if_left_alone(
    uow: UnitOfWork,
    whose: Whose,
    change: tuple[Declared, Declared | None],
    approved: frozenset[str],
    version_id: int,
) -> None:
    """Emit where this change takes the last one who was there, now or when an absence begins."""
    left = dict(_left(change, approved, uow.clock.now()))
    if not left:
        return
    uow.session.execute(_ONE_LEAVES_AT_A_TIME)
    topics = queries.approved_for(uow.session, {topic for topic, _language in left})
    others = {person for of_topic in topics.values() for person in of_topic} - {whose.account_id}
    others -= queries_caps.unpaid(uow.session)
    versions = queries.newest(uow.session, others, whose.site_zone)
    for (topic, language), at in sorted(left.items()):
        rest = topics[topic] & others
        if not any(versions[each].declared.is_there_for(topic, language, at) for each in rest):
            uow.emit(
                TopicLeftAlone(
                    at=uow.clock.now(),
                    topic=topic,
                    language=language,
                    begins_on=at.astimezone(zone(whose.site_zone)).date(),
                    version_id=version_id,
                )
            )


def _left(
    change: tuple[Declared, Declared | None], approved: frozenset[str], now: datetime
) -> Iterator[tuple[Place, datetime]]:
    """Yield each topic and language that the person leaves, with when; the earliest one last."""
    old, new = change
    absences = () if new is None else new.hours.absences
    begins = [absence.start for absence in absences if absence.start > now]
    for at in (*sorted(begins, reverse=True), now):
        for topic in approved - old.topics_off:
            for language in old.languages:
                was = old.is_there_for(topic, language, at)
                if was and not (new and new.is_there_for(topic, language, at)):
                    yield (topic, language), at
