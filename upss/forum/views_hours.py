"""An answerer's hours: what counts now, simple choices, the week in detail, pauses, topics, undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for

from upss.accounts import queries as people
from upss.forum import forms_hours as forms
from upss.forum import labels
from upss.forum import queries_hours as queries
from upss.forum.rules.declared import Declared, DeclaredRefused
from upss.forum.rules.hours import HoursRefused
from upss.forum.service import hours as service
from upss.forum.service import inviting
from upss.site.labels import topic_name
from upss.web.access import for_answerers, signed_in
from upss.web.i18n import LANGUAGES, N_, gettext, ngettext
from upss.web.ports import clock, settings, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from flask.typing import ResponseReturnValue

    from upss.db.work import UnitOfWork

blueprint = Blueprint("hours", __name__, url_prefix="/hours")

# What a day's work may be, in minutes, and how many answers.
_MINUTES = (15, 30, 45, 60, 90, 120, 180, 240, 300, 360, 420, 480)
_ANSWERS = range(1, 11)
_ROWS_MOST = 40

_SAVED: Mapping[str, str] = {
    "week": N_("Your week is saved"),
    "day": N_("Your quiet hours and your day are saved"),
    "pause": N_("Your pause has begun"),
    "back": N_("Welcome back"),
    "absence": N_("Your days away are saved"),
    "here": N_("Those days away are removed"),
    "work": N_("Your languages and topics are saved"),
    "undone": N_("Your last change is undone"),
}


@dataclass(frozen=True, slots=True)
class _Standing:
    """What counts for the visitor now, and what they may choose among."""

    version: queries.Version
    topics: list[str]
    now: datetime

    @property
    def declared(self) -> Declared:
        return self.version.declared

    @property
    def zone(self) -> str:
        return self.declared.hours.zone


@blueprint.get("", endpoint="overview")
@for_answerers
def overview() -> ResponseReturnValue:
    """Show what counts now, in words and drawn, and the ways to change it."""
    return _overview_page(_standing())


@blueprint.post("/preset")
@for_answerers
def preset() -> ResponseReturnValue:
    """Take simple choices as the week."""
    windows = forms.typed_presets()
    standing = _standing()
    try:
        _do(lambda uow: service.set_week(uow, _me(), windows=windows, zone_name=standing.zone))
    except HoursRefused as error:
        message = forms.preset_error(is_chosen=bool(windows))
        return _overview_page(standing, errors=[("preset", message)]), error.status
    return _saved("week")


@blueprint.route("/week", methods=["GET", "POST"])
@for_answerers
def week() -> ResponseReturnValue:
    """Write the week line by line; lines are added and removed without saving."""
    if request.method == "GET":
        standing = _standing()
        rows = forms.rows_of(standing.declared.hours.windows, labels.clock_label)
        return _week_page(rows, standing.zone)
    button = request.form.get("do", "save")
    if button != "save":
        return _week_page(_other_rows(button), request.form.get("zone", ""))
    typed = forms.typed_week()
    if typed.errors:
        return _week_page(typed.rows, typed.zone, typed.errors), 422
    try:
        _do(lambda uow: service.set_week(uow, _me(), windows=typed.windows, zone_name=typed.zone))
    except HoursRefused as error:
        return _week_page(typed.rows, typed.zone, [("from-1", forms.rest_error())]), error.status
    if typed.is_joined:
        flash(gettext("Some of your hours overlapped or touched. We joined them."), "info")
    return _saved("week")


def _other_rows(button: str) -> list[forms.Row]:
    """Return the typed rows after one was added or removed."""
    rows = forms.typed_rows()
    if button == "add":
        return [*rows, forms.Row("0")] if len(rows) < _ROWS_MOST else rows
    return [row for number, row in enumerate(rows, 1) if button != f"remove-{number}"]


@blueprint.route("/day", methods=["GET", "POST"])
@for_answerers
def day() -> ResponseReturnValue:
    """Set quiet hours, rest days and how much to work in a day."""
    if request.method == "GET":
        return _day_page(_day_of(_standing().declared))
    typed, errors = forms.typed_day()
    if errors:
        return _day_page(typed, errors), 422
    try:
        _do(
            lambda uow: service.set_day(
                uow,
                _me(),
                quiet=typed.quiet,
                rest_days=typed.rest_days,
                daily_minutes=typed.daily_minutes,
                daily_answers=typed.daily_answers,
            )
        )
    except HoursRefused as error:
        return _day_page(typed, [("rest", forms.rest_error())]), error.status
    return _saved("day")


@blueprint.get("/away")
@for_answerers
def away() -> ResponseReturnValue:
    """Show the days away, and take a pause or more such days."""
    return _away_page(_standing())


@blueprint.post("/pause")
@for_answerers
def pause() -> ResponseReturnValue:
    """Be away from now until a day."""
    standing = _standing()
    typed, until, errors = forms.typed_pause(standing.zone, standing.now)
    if until is None:
        return _away_page(standing, {"back_on": typed}, errors), 422
    _do(lambda uow: service.pause(uow, _me(), until=until))
    return _saved("pause")


@blueprint.post("/back")
@for_answerers
def back() -> ResponseReturnValue:
    """Be there again."""
    _do(lambda uow: service.come_back(uow, _me()))
    return _saved("back")


@blueprint.post("/absence")
@for_answerers
def absence() -> ResponseReturnValue:
    """Be away from one day to another."""
    standing = _standing()
    typed, days, errors = forms.typed_absence(standing.zone, standing.now)
    if days is None:
        return _away_page(standing, typed, errors), 422
    try:
        _do(lambda uow: service.add_absence(uow, _me(), absence=days))
    except DeclaredRefused as error:
        message = gettext("There are too many days away. Remove some first.")
        return _away_page(standing, typed, [("first", message)]), error.status
    return _saved("absence")


@blueprint.post("/here")
@for_answerers
def here() -> ResponseReturnValue:
    """Be there after all; the next page offers to undo it."""
    typed, absences = request.form.get("start", ""), _standing().declared.hours.absences
    start = next((each.start for each in absences if each.start.isoformat() == typed), None)
    if start is not None:
        _do(lambda uow: service.remove_absence(uow, _me(), start=start))
    return _saved("here")


@blueprint.route("/work", methods=["GET", "POST"])
@for_answerers
def work() -> ResponseReturnValue:
    """Choose languages, and switch topics on and off."""
    standing = _standing()
    if request.method == "GET":
        return _work_page(standing, standing.declared.languages, standing.declared.topics_off)
    languages, topics_off, errors = forms.typed_work(standing.topics)
    if not errors:
        errors = _set_work(languages, topics_off)
    if errors:
        return _work_page(standing, languages, topics_off, errors), 422
    return _saved("work")


def _set_work(languages: frozenset[str], topics_off: frozenset[str]) -> forms.Errors:
    try:
        _do(lambda uow: service.set_work(uow, _me(), languages=languages, topics_off=topics_off))
    except service.StillHeld as error:
        return _held_errors(error)
    return []


@blueprint.post("/invitations")
@for_answerers
def invitations() -> ResponseReturnValue:
    """Get invitations by mail, or none."""
    is_wanted = request.form.get("wanted") == "yes"
    _do(lambda uow: inviting.choose(uow, account_id=_me().account_id, is_wanted=is_wanted))
    flash(
        gettext("You get invitations again.")
        if is_wanted
        else gettext("You get no invitations any more."),
        "ok",
    )
    return redirect(url_for("hours.overview"), 303)


@blueprint.post("/undo")
@for_answerers
def undo() -> ResponseReturnValue:
    """Take the last change back, the one that the page has shown."""
    version = request.form.get("version", "")
    version_id = int(version) if version.isascii() and version.isdecimal() else 0
    try:
        _do(lambda uow: service.undo(uow, _me(), version_id=version_id))
    except service.NothingToUndo:
        flash(gettext("There was another change since. Please look at how it is now."), "warn")
        return redirect(url_for("hours.overview"), 303)
    except service.StillHeld as error:
        for _field, message in _held_errors(error):
            flash(message, "warn")
        return redirect(url_for("hours.overview"), 303)
    return _saved("undone")


def _held_errors(error: service.StillHeld) -> forms.Errors:
    topics = [topic_name(topic) for topic in error.facts["topics"]]  # type: ignore[attr-defined]
    languages = [LANGUAGES[code] for code in error.facts["languages"]]  # type: ignore[attr-defined]
    return forms.held_errors(topics, languages)


def _me() -> service.Whose:
    return service.Whose(signed_in().id, settings().timezone)


def _do(act: Callable[[UnitOfWork], None]) -> None:
    with unit() as uow:
        act(uow)
        uow.commit()


def _saved(what: str) -> ResponseReturnValue:
    return redirect(url_for("hours.overview", saved=what), 303)


def _standing() -> _Standing:
    me = _me()
    with unit() as uow:
        version = queries.newest(uow.session, [me.account_id], me.site_zone)[me.account_id]
        topics = people.topics(uow.session, me.account_id)
    return _Standing(version, sorted(topics, key=topic_name), clock().now())


def _overview_page(standing: _Standing, errors: forms.Errors | None = None) -> str:
    hours = standing.declared.hours
    saved, off = request.args.get("saved", ""), standing.declared.topics_off
    return render_template(
        "hours/overview.html",
        standing=standing,
        hours=hours,
        saved=gettext(_SAVED[saved]) if saved in _SAVED else None,
        away_until=_away_until(standing),
        days=labels.week_drawn(hours.windows, hours.rest_days),
        total=labels.week_minutes(hours.windows, hours.rest_days),
        presets=labels.presets(),
        chosen=labels.chosen_presets(hours.windows),
        labels=labels,
        topics_on=[topic_name(each) for each in standing.topics if each not in off],
        topics_off=[topic_name(each) for each in standing.topics if each in off],
        errors=errors or [],
    )


def _away_until(standing: _Standing) -> datetime | None:
    """Return when the visitor is back, None if they are not away now."""
    hours, now = standing.declared.hours, standing.now
    begun = [each.end for each in hours.absences if each.start <= now < each.end]
    if hours.paused_until is not None and hours.paused_until > now:
        begun.append(hours.paused_until)
    return max(begun, default=None)


def _week_page(rows: Sequence[forms.Row], zone: str, errors: forms.Errors | None = None) -> str:
    return render_template(
        "hours/week.html",
        rows=rows or [forms.Row("weekdays")],
        zone=zone,
        rows_most=_ROWS_MOST,
        zones=labels.zones(),
        day_name=labels.day_name,
        errors=errors or [],
    )


def _day_of(declared: Declared) -> forms.Day:
    hours = declared.hours
    is_never_quiet = hours.quiet_start_min == hours.quiet_end_min
    return forms.Day(
        quiet_start="" if is_never_quiet else labels.clock_label(hours.quiet_start_min),
        quiet_end="" if is_never_quiet else labels.clock_label(hours.quiet_end_min),
        is_never_quiet=is_never_quiet,
        rest_days=hours.rest_days,
        minutes=str(hours.daily_minutes),
        answers=str(hours.daily_answers or ""),
    )


def _day_page(typed: forms.Day, errors: forms.Errors | None = None) -> str:
    return render_template(
        "hours/day.html",
        typed=typed,
        minute_options=[(each, labels.stretch(each)) for each in _with(typed.minutes, _MINUTES)],
        answer_options=[
            ("", gettext("As many as I like")),
            *(
                (each, ngettext("%(num)s answer", "%(num)s answers", each))
                for each in _with(typed.answers, _ANSWERS)
            ),
        ],
        day_options=[(dow, labels.day_name(dow).capitalize(), None, None) for dow in range(7)],
        errors=errors or [],
    )


def _with(value: str, usual: tuple[int, ...] | range) -> list[int]:
    """Return the usual choices, with the one in force should it be another."""
    own = {int(value)} if value.isascii() and value.isdecimal() and len(value) < 5 else set()
    return sorted({*usual, *own} - {0})


def _away_page(
    standing: _Standing,
    typed: Mapping[str, str] | None = None,
    errors: forms.Errors | None = None,
) -> str:
    return render_template(
        "hours/away.html",
        standing=standing,
        hours=standing.declared.hours,
        away_until=_away_until(standing),
        typed=typed or {},
        labels=labels,
        errors=errors or [],
    )


def _work_page(
    standing: _Standing,
    languages: frozenset[str],
    topics_off: frozenset[str],
    errors: forms.Errors | None = None,
) -> str:
    return render_template(
        "hours/work.html",
        languages_on=languages,
        language_options=[(code, name, None, code) for code, name in LANGUAGES.items()],
        topics_on=frozenset(standing.topics) - topics_off,
        topic_options=[(topic, topic_name(topic), None, None) for topic in standing.topics],
        errors=errors or [],
    )
