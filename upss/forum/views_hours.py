"""An answerer's hours: what counts now, simple choices, the week in detail, topics, undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for

from upss.accounts import queries as people
from upss.forum import forms_hours as forms
from upss.forum import labels, queries_slots
from upss.forum import queries_hours as queries
from upss.forum.rules.declared import Declared
from upss.forum.rules.hours import HoursRefused, away_until
from upss.forum.service import hours as service
from upss.forum.service import inviting
from upss.site.labels import topic_name
from upss.web.access import for_answerers, signed_in
from upss.web.filters import tell_times_in
from upss.web.i18n import LANGUAGES, N_, gettext
from upss.web.ports import clock, settings, unit
from upss.web.zones import zones

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from flask.typing import ResponseReturnValue

    from upss.db.work import UnitOfWork

blueprint = Blueprint("hours", __name__, url_prefix="/hours")

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
_NOTHING = "nothing"  # was new in what was saved


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts for the visitor now, and what they may choose among."""

    version: queries.Version
    topics: list[str]
    now: datetime

    @property
    def declared(self) -> Declared:
        """What they have declared."""
        return self.version.declared

    @property
    def zone(self) -> str:
        """Where they live."""
        return self.declared.hours.zone

    @property
    def away_until(self) -> datetime | None:
        """When they are back, None if they are not away."""
        return away_until(self.declared.hours, self.now)


@blueprint.get("", endpoint="overview")
@for_answerers
def overview() -> ResponseReturnValue:
    """Show what counts now, in words and drawn, and the ways to change it."""
    return _overview_page(standing())


@blueprint.post("/preset")
@for_answerers
def preset() -> ResponseReturnValue:
    """Take simple choices as the week."""
    now, (names, windows, errors) = standing(), forms.typed_presets()
    if errors:
        return _overview_page(now, names, errors), 422
    try:
        stored = do(lambda uow: service.set_week(uow, me(), windows=windows, zone_name=now.zone))
    except HoursRefused as error:
        return _overview_page(now, names, [("preset", forms.hours_error(error))]), error.status
    return saved("week", stored)


@blueprint.route("/week", methods=["GET", "POST"])
@for_answerers
def week() -> ResponseReturnValue:
    """Write the week line by line; lines are added and removed without saving."""
    if request.method == "GET":
        hours = standing().declared.hours
        return _week_page(forms.rows_of(hours.windows, labels.clock_label), hours.zone)
    button = request.form.get("do", "save")
    if button != "save":
        return _week_page(_other_rows(button), request.form.get("zone", ""))
    typed = forms.typed_week()
    if typed.errors:
        return _week_page(typed.rows, typed.zone, typed.errors), 422
    try:
        stored = do(
            lambda uow: service.set_week(uow, me(), windows=typed.windows, zone_name=typed.zone)
        )
    except HoursRefused as error:
        errors = [("from-1", forms.hours_error(error))]
        return _week_page(typed.rows, typed.zone, errors), error.status
    if typed.is_joined:
        flash(gettext("Some of your hours overlapped or touched. We joined them."), "info")
    return saved("week", stored)


def _other_rows(button: str) -> list[forms.Row]:
    """Return the typed rows after one was added or removed."""
    rows = forms.typed_rows()
    if button == "add":
        return [*rows, forms.Row("0")] if len(rows) < _ROWS_MOST else rows
    return [row for number, row in enumerate(rows, 1) if button != f"remove-{number}"]


@blueprint.route("/work", methods=["GET", "POST"])
@for_answerers
def work() -> ResponseReturnValue:
    """Choose languages, and switch topics on and off."""
    now = standing()
    if request.method == "GET":
        return _work_page(now, now.declared.languages, now.declared.topics_off)
    languages, topics_off, errors = forms.typed_work(now.topics)
    if errors:
        return _work_page(now, languages, topics_off, errors), 422
    try:
        stored = do(
            lambda uow: service.set_work(uow, me(), languages=languages, topics_off=topics_off)
        )
    except service.StillHeld as error:
        return _work_page(now, languages, topics_off, _held_errors(error)), 422
    return saved("work", stored)


@blueprint.post("/invitations")
@for_answerers
def invitations() -> ResponseReturnValue:
    """Get invitations by mail, or none."""
    is_wanted = request.form.get("wanted") == "yes"
    with unit() as uow:
        inviting.choose(uow, account_id=me().account_id, is_wanted=is_wanted)
        uow.commit()
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
    shown = _number(request.form.get("version", ""))
    try:
        stored = do(lambda uow: service.undo(uow, me(), version_id=shown))
    except service.NothingToUndo:
        flash(gettext("There was another change since. Please look at how it is now."), "warn")
        return redirect(url_for("hours.overview"), 303)
    except service.StillHeld as error:
        for _field, message in _held_errors(error):
            flash(message, "warn")
        return redirect(url_for("hours.overview"), 303)
    return saved("undone", stored)


def _held_errors(error: service.StillHeld) -> forms.Errors:
    topics = [topic_name(topic) for topic in error.facts["topics"]]  # type: ignore[attr-defined]
    languages = [LANGUAGES[code] for code in error.facts["languages"]]  # type: ignore[attr-defined]
    return forms.held_errors(topics, languages)


def _number(text: str) -> int:
    """Return the id of a version that an address or a form carries, 0 if it carries none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def me() -> service.Whose:
    """Return the visitor as the service knows them."""
    return service.Whose(signed_in().id, settings().timezone)


def do(act: Callable[[UnitOfWork], service.Stored]) -> service.Stored:
    """Change something in one unit of work; return what the service does."""
    with unit() as uow:
        stored = act(uow)
        uow.commit()
    return stored


def saved(what: str, stored: service.Stored) -> ResponseReturnValue:
    """Lead to the overview, which says what was saved and offers to undo that very version."""
    what = _NOTHING if stored is None else what
    return redirect(url_for("hours.overview", saved=what, version=stored), 303)


def standing() -> Standing:
    """Return what counts for the visitor now; the page tells its times by their own clock."""
    who = me()
    with unit() as uow:
        version = queries.newest(uow.session, [who.account_id], who.site_zone)[who.account_id]
        topics = people.topics(uow.session, who.account_id)
    tell_times_in(version.declared.hours.zone)
    return Standing(version, sorted(topics, key=topic_name), clock().now())


def _overview_page(
    now: Standing, chosen: Sequence[str] | None = None, errors: forms.Errors | None = None
) -> str:
    hours, off = now.declared.hours, now.declared.topics_off
    with unit() as uow:
        quiet = queries_slots.of_own(uow.session, hours, now.now, settings().timezone)
    return render_template(
        "hours/overview.html",
        standing=now,
        hours=hours,
        saved=_just_saved(now.version.id),
        is_unchanged=request.args.get("saved") == _NOTHING,
        days=labels.week_drawn(hours.windows, hours.rest_days),
        quiet=labels.week_listed(quiet),
        total=labels.week_minutes(hours.windows, hours.rest_days),
        presets=labels.presets(),
        chosen=labels.chosen_presets(hours.windows) if chosen is None else chosen,
        labels=labels,
        topics_on=[topic_name(each) for each in now.topics if each not in off],
        topics_off=[topic_name(each) for each in now.topics if each in off],
        errors=errors or [],
    )


def _just_saved(version_id: int) -> str:
    """Say what has just been saved: only as long as it is what stands, so that undo undoes it."""
    words = _SAVED.get(request.args.get("saved", ""))
    is_standing = 0 < version_id == _number(request.args.get("version", ""))
    return gettext(words) if words and is_standing else ""


def _week_page(rows: Sequence[forms.Row], zone: str, errors: forms.Errors | None = None) -> str:
    return render_template(
        "hours/week.html",
        rows=rows or [forms.Row("weekdays")],
        zone=zone,
        rows_most=_ROWS_MOST,
        zones=zones(zone),
        days=labels.span_options(),
        errors=errors or [],
    )


def _work_page(
    now: Standing,
    languages: frozenset[str],
    topics_off: frozenset[str],
    errors: forms.Errors | None = None,
) -> str:
    return render_template(
        "hours/work.html",
        languages_on=languages,
        language_options=[(code, name, None, code) for code, name in LANGUAGES.items()],
        topics_on=frozenset(now.topics) - topics_off,
        topic_options=[(topic, topic_name(topic), None, None) for topic in now.topics],
        errors=errors or [],
    )
