"""When an answerer rests: quiet hours and how much in a day, a pause from now on, days away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template, request

from upss.forum import forms_away as forms
from upss.forum import forms_hours, labels
from upss.forum.rules.declared import Declared, DeclaredRefused
from upss.forum.rules.hours import HoursRefused
from upss.forum.service import hours as service
from upss.forum.views_hours import Standing, blueprint, do, me, saved, standing
from upss.web.access import for_answerers
from upss.web.i18n import gettext, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

__all__ = ["blueprint"]

# What a day's work may be, in minutes, and how many answers.
_MINUTES = (15, 30, 45, 60, 90, 120, 180, 240, 300, 360, 420, 480)
_ANSWERS = range(1, 11)


@blueprint.route("/day", methods=["GET", "POST"])
@for_answerers
def day() -> ResponseReturnValue:
    """Set quiet hours, rest days and how much to work in a day."""
    if request.method == "GET":
        return _day_page(_day_of(standing().declared))
    typed, errors = forms_hours.typed_day()
    if errors:
        return _day_page(typed, errors), 422
    try:
        stored = do(
            lambda uow: service.set_day(
                uow,
                me(),
                quiet=typed.quiet,
                rest_days=typed.rest_days,
                daily_minutes=typed.daily_minutes,
                daily_answers=typed.daily_answers,
            )
        )
    except HoursRefused as error:
        return _day_page(typed, [("rest", forms_hours.hours_error(error))]), error.status
    return saved("day", stored)


@blueprint.get("/away")
@for_answerers
def away() -> ResponseReturnValue:
    """Show the days away, and take a pause or more such days."""
    return _away_page(standing())


@blueprint.post("/pause")
@for_answerers
def pause() -> ResponseReturnValue:
    """Be away from now until a day."""
    now = standing()
    typed, until, errors = forms.typed_pause(now.zone, now.now)
    if until is None:
        return _away_page(now, {"back_on": typed}, errors), 422
    return saved("pause", do(lambda uow: service.pause(uow, me(), until=until)))


@blueprint.post("/back")
@for_answerers
def back() -> ResponseReturnValue:
    """Be there again."""
    return saved("back", do(lambda uow: service.come_back(uow, me())))


@blueprint.post("/absence")
@for_answerers
def absence() -> ResponseReturnValue:
    """Be away from one day to another."""
    now = standing()
    typed, days, errors = forms.typed_absence(now.zone, now.now)
    if days is None:
        return _away_page(now, typed, errors), 422
    try:
        stored = do(lambda uow: service.add_absence(uow, me(), absence=days))
    except DeclaredRefused as error:
        message = gettext("There are too many days away. Remove some first.")
        return _away_page(now, typed, [("first", message)]), error.status
    return saved("absence", stored)


@blueprint.post("/here")
@for_answerers
def here() -> ResponseReturnValue:
    """Be there after all; the next page offers to undo it."""
    typed, absences = request.form.get("start", ""), standing().declared.hours.absences
    start = next((each.start for each in absences if each.start.isoformat() == typed), None)
    if start is None:
        return saved("here", None)
    return saved("here", do(lambda uow: service.remove_absence(uow, me(), start=start)))


def _away_page(
    now: Standing, typed: Mapping[str, str] | None = None, errors: forms.Errors | None = None
) -> str:
    return render_template(
        "hours/away.html",
        standing=now,
        hours=now.declared.hours,
        typed=typed or {},
        labels=labels,
        errors=errors or [],
    )


def _day_of(declared: Declared) -> forms_hours.Day:
    hours = declared.hours
    is_never_quiet = hours.quiet_start_min == hours.quiet_end_min
    return forms_hours.Day(
        quiet_start="" if is_never_quiet else labels.clock_label(hours.quiet_start_min),
        quiet_end="" if is_never_quiet else labels.clock_label(hours.quiet_end_min),
        is_never_quiet=is_never_quiet,
        rest_days=hours.rest_days,
        minutes=str(hours.daily_minutes),
        answers=str(hours.daily_answers or ""),
    )


def _day_page(typed: forms_hours.Day, errors: forms.Errors | None = None) -> str:
    return render_template(
        "hours/day.html",
        typed=typed,
        minute_options=[
            (each, labels.stretch(each)) for each in labels.with_own(typed.minutes, _MINUTES)
        ],
        answer_options=[
            ("", gettext("As many as I like")),
            *(
                (each, ngettext("%(num)s answer", "%(num)s answers", each))
                for each in labels.with_own(typed.answers, _ANSWERS)
            ),
        ],
        day_options=[(dow, labels.day_name(dow).capitalize(), None, None) for dow in range(7)],
        errors=errors or [],
    )
