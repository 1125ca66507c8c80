"""The week as the organizer runs it: arrivals against answers, peaks, dials, topics with nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from upss.forum import labels
from upss.forum.models_offpeak import OffpeakVersion
from upss.forum.queries_offpeak import dials as dials_in_force
from upss.forum.queries_offpeak import dials_of
from upss.forum.service import dialing
from upss.organizer import forms_week as forms
from upss.organizer import labels_dials, labels_peaks, service
from upss.organizer.queries import trials
from upss.organizer.queries import week as queries
from upss.organizer.queries.coverage import coverage
from upss.organizer.queries.site import LEAST_PEOPLE, LEAST_QUESTIONS
from upss.organizer.rules import week as rules
from upss.site.labels import topic_name
from upss.web import paging
from upss.web.access import for_auditors, for_organizers, signed_in
from upss.web.i18n import LANGUAGES
from upss.web.i18n import gettext as _
from upss.web.ports import clock, settings, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask.typing import ResponseReturnValue

    from upss.organizer.queries.week import Standing

blueprint = Blueprint("week", __name__, url_prefix="/organizer/week")

_LATELY = 3  # changes on the overview
_FORMS = {
    "dials": "organizer/week_dials.html",
    "peaks": "organizer/week_peaks.html",
    "closed": "organizer/week_closed.html",
}


@blueprint.get("")
@for_auditors
def overview() -> ResponseReturnValue:
    """Show the week, the peaks, the dials and how each topic is served."""
    now, zone = clock().now(), settings().timezone
    with unit() as uow:
        standing = queries.standing(uow.session)
        traffic = queries.traffic(uow.session, now, zone)
        lately = queries.peak_changes(uow.session, before=None, limit=_LATELY)
        served = coverage(uow.session, standing.dials, tuple(LANGUAGES), now=now, site_zone=zone)
    return render_template(
        "organizer/week.html",
        standing=standing,
        traffic=traffic,
        weeks=queries.WEEKS,
        days=[
            rules.day_in_stretches(dow, traffic.asked, traffic.answered, standing.dials.peaks)
            for dow in range(7)
        ],
        peak_bars=labels_peaks.bars_of(standing.dials.peaks),
        origins=rules.origins(standing.dials, standing.profile.seen),
        lately=lately,
        served=served,
        unsold=[topic_name(topic) for topic in served.unsold],
        empty=[topic_name(topic) for topic in served.empty if topic not in served.unsold],
        nobody=[(topic_name(topic), codes) for topic, codes in served.nobody],
        topic_name=topic_name,
        labels=labels_peaks,
        dial_labels=labels_dials,
    )


@blueprint.get("/changes")
@for_auditors
def changes() -> ResponseReturnValue:
    """Show the log of the peaks."""
    before = paging.cursor("before")
    with unit() as uow:
        rows = queries.peak_changes(uow.session, before=before, limit=paging.SIZE + 1)
    return render_template(
        "organizer/week_changes.html",
        page=paging.page(rows, keys=[row.id for row in rows], after=before),
        labels=labels_peaks,
    )


@blueprint.get("/positions")
@for_auditors
def positions() -> ResponseReturnValue:
    """Show what each position of the dials would do, as the simulator found it."""
    with unit() as uow:
        found = trials.newest(uow.session, uow.clock.now())
        policy = dials_in_force(uow.session).policy
    return render_template(
        "organizer/week_positions.html",
        found=found,
        is_now=lambda row: labels_dials.is_position(row, policy),
        least=(LEAST_QUESTIONS, LEAST_PEOPLE),
        labels=labels_dials,
    )


@blueprint.post("/positions")
@for_organizers
def calculate() -> ResponseReturnValue:
    """Have the positions calculated anew by the worker."""
    with unit() as uow:
        is_new = service.ask_for_trial(uow, asked_by=signed_in().id)
        uow.commit()
    if is_new:
        flash(_("The calculation begins now. It takes some minutes."), "ok")
    else:
        flash(_("The calculation was asked for already."), "info")
    return redirect(url_for("week.positions"), 303)


@blueprint.route("/dials", methods=["GET", "POST"])
@for_organizers
def dials() -> ResponseReturnValue:
    """Turn the dials: what a peak does, urgency, margin, longest promise, source of the peaks."""
    return _turning(
        "dials",
        lambda standing: forms.typed_dials(standing.versions[0].row),
        lambda standing: forms.dials_fields(standing.versions[0].row),
    )


@blueprint.route("/peaks", methods=["GET", "POST"])
@for_organizers
def peaks() -> ResponseReturnValue:
    """Pin hours, or change the organizer's own peaks."""
    first = {"days": "weekdays", "start": "9", "end": "14", "what": rules.What.PIN_PEAK.value}
    return _turning(
        "peaks", lambda standing: forms.typed_peaks(standing.dials), lambda _standing: first
    )


@blueprint.route("/closed", methods=["GET", "POST"])
@for_organizers
def closed() -> ResponseReturnValue:
    """Say on which days the site is closed."""
    return _turning(
        "closed",
        lambda standing: forms.typed_closed(standing.dials, clock().now(), settings().timezone),
        lambda _standing: {"first": "", "last": "", "what": "add"},
    )


@blueprint.post("/undo")
@for_organizers
def undo() -> ResponseReturnValue:
    """Bring back what the dials were before the last change, the one that the page has shown."""
    with unit() as uow:
        standing = queries.standing(uow.session)
        last = standing.before
    if last is None:
        return _changed_meanwhile()
    return _turn(_columns(last.row), _("The last change of the dials is undone."))


def _turning(
    what: str,
    read: Callable[[Standing], forms.Typed],
    fields_now: Callable[[Standing], Mapping[str, str]],
) -> ResponseReturnValue:
    """Show a form, check what it sends, and turn the dials when the organizer says so."""
    with unit() as uow:
        standing = queries.standing(uow.session)
    if request.method == "GET":
        return _form_page(what, standing, fields_now(standing))
    typed, step = read(standing), request.form.get("step")
    if step == "change":
        return _form_page(what, standing, typed.fields)
    if typed.errors:
        return _form_page(what, standing, typed.fields, typed.errors), 422
    if step != "save":
        return _check_page(what, standing, typed)
    return _turn(typed.changes, _("The dials are turned. Promises that were given stand."))


def _turn(changes: Mapping[str, Any], done: str) -> ResponseReturnValue:
    """Turn the dials that the page has shown, and say so; others since then go first."""
    with unit() as uow:
        try:
            dialing.turn(
                uow,
                organizer_id=signed_in().id,
                expected=forms.number("version") or 0,
                **changes,
            )
        except dialing.DialsChanged:
            return _changed_meanwhile()
        uow.commit()
    flash(done, "ok")
    return redirect(url_for("week.overview"), 303)


def _changed_meanwhile() -> ResponseReturnValue:
    flash(_("There was another change since. Please look at how it is now."), "warn")
    return redirect(url_for("week.overview"), 303)


def _columns(row: OffpeakVersion) -> dict[str, object]:
    """Return what a version says, without when and by whom."""
    kept = {"id", "created_at", "created_by"}
    names = {column.key for column in OffpeakVersion.__table__.columns} - kept
    return {name: getattr(row, name) for name in names}


def _form_page(
    what: str,
    standing: Standing,
    fields: Mapping[str, str],
    errors: forms.Errors | None = None,
) -> str:
    return render_template(
        _FORMS[what],
        standing=standing,
        fields=fields,
        labels=labels_dials if what == "dials" else labels_peaks,
        days=labels.span_options(),
        pins={
            is_peak: [cell for cell, pinned in standing.dials.pins.items() if pinned is is_peak]
            for is_peak in (True, False)
        },
        errors=errors or [],
    )


def _check_page(what: str, standing: Standing, typed: forms.Typed) -> str:
    row = standing.versions[0].row
    after = dials_of(
        OffpeakVersion(id=row.id, **(_columns(row) | dict(typed.changes))),
        sorted(standing.dials.peaks),
    )
    peaks_after = after.peaks_from(standing.profile)
    return render_template(
        "organizer/week_check.html",
        what=what,
        fields=typed.fields,
        version=standing.dials.version_id,
        lines=labels_dials.lines(row, typed.changes),
        meaning=labels_dials.meaning(after, typed.changes, standing.profile.seen),
        moved_days=labels_peaks.moved_days(row, typed.changes),
        moved_hours=labels_peaks.moved_hours(row, typed.changes),
        is_strict="mode" in typed.changes and after.policy.mode == "strict",
        new_peaks=labels_peaks.hours_listed(peaks_after - standing.dials.peaks),
        no_longer=labels_peaks.hours_listed(standing.dials.peaks - peaks_after),
    )
