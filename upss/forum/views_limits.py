"""A person's own limits: how they stand, setting and changing them, their statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

from upss.forum import forms_limits as forms
from upss.forum import labels_limits as labels
from upss.forum import queries_caps as queries
from upss.forum import queries_hours
from upss.forum.rules.cap_counters import Counter
from upss.forum.rules.cap_statement import DayMoney, Line, first_day, lines
from upss.forum.rules.caps import CapRule, Metric
from upss.forum.service import own_limits as service
from upss.kernel.errors import NotFound
from upss.web import paging
from upss.web.access import for_answerers, signed_in
from upss.web.downloads import download
from upss.web.i18n import gettext
from upss.web.ports import clock, settings, unit
from upss.web.spreadsheet import MARK, amount_cell, csv_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.typing import ResponseReturnValue

    from upss.forum.models_caps import CapRuleRow

# The schema is ready for more; version 1 opens with the euro alone.
_CURRENCY = "EUR"
_ENDED_SHOWN = 10

blueprint = Blueprint("limits", __name__)


@dataclass(frozen=True, slots=True)
class _Statement:
    """One limit with all that it counted, as of a day: today, or the day on which it ended."""

    row: CapRuleRow
    counter: Counter
    today: date
    days: list[DayMoney]

    def lines(self, before: int | None = None) -> Iterator[Line]:
        """Yield the periods, the newest first; `before` is the number of the last day read.

        Addresses hold any number: there is nothing from before the first day or after today.
        """
        if before is None:
            return lines(self.counter, self.days, self.today)
        first = first_day(self.counter, self.days, self.today).toordinal()
        if before <= first:
            return iter(())
        start = date.fromordinal(min(before, self.today.toordinal() + 1))
        return lines(self.counter, self.days, self.today, before=start)


@blueprint.get("/limits")
@for_answerers
def mine() -> ResponseReturnValue:
    """Show every limit with what is used of it, and what was removed."""
    with unit() as uow:
        found = queries.in_force(uow.session, signed_in().id)
        ended = queries.ended(uow.session, signed_in().id, limit=_ENDED_SHOWN)
        now = uow.clock.now()
    return render_template(
        "limits/mine.html",
        standings=[
            (it.row, it.row.rule, it.counter.standing(it.row.day_of(now))) for it in found.standings
        ],
        ended=ended,
        no_paid_work=found.no_paid_work,
        currency=_CURRENCY,
        labels=labels,
    )


@blueprint.post("/limits/paid-work")
@for_answerers
def paid_work() -> ResponseReturnValue:
    """Take no paid questions at all, or take them again."""
    is_on = request.form.get("no_paid_work") == "yes"
    with unit() as uow:
        service.set_no_paid_work(uow, account_id=signed_in().id, is_on=is_on)
        uow.commit()
    if is_on:
        flash(gettext("You take no paid questions from now on."), "ok")
    else:
        flash(gettext("You can take paid questions again."), "ok")
    return _to_mine()


@blueprint.route("/limits/new", methods=["GET", "POST"])
@for_answerers
def new() -> ResponseReturnValue:
    """Set a new limit."""
    if request.method == "GET":
        return _form(forms.Typed(), [])
    typed = forms.typed()
    rule, errors = forms.understood(typed, _CURRENCY)
    if rule is None:
        return _form(typed, errors), 422
    with unit() as uow:
        me = signed_in().id
        zone = queries_hours.in_force(uow.session, me, settings().timezone).hours.zone
        try:
            service.add(uow, account_id=me, rule=rule, currency=_CURRENCY, zone=zone)
        except service.TooManyLimits as error:
            return _form(typed, [("", _too_many(error))]), error.status
        uow.commit()
    flash(gettext("Your limit holds from now."), "ok")
    return _to_mine()


@blueprint.route("/limits/<public_id>/change", methods=["GET", "POST"])
@for_answerers
def change(public_id: str) -> ResponseReturnValue:
    """Change a limit: it ends, and another one holds from now."""
    row = _own(public_id)
    if row.ended_at is not None:
        raise NotFound(public_id=public_id)
    if request.method == "GET":
        return _form(forms.typed_of(row.rule), [], row)
    typed = forms.typed()
    rule, errors = forms.understood(typed, _CURRENCY)
    if rule is None:
        return _form(typed, errors, row), 422
    with unit() as uow:
        service.change(
            uow, account_id=signed_in().id, public_id=public_id, rule=rule, currency=_CURRENCY
        )
        uow.commit()
    flash(gettext("Your limit is changed. What you have used so far still counts."), "ok")
    return _to_mine()


@blueprint.post("/limits/<public_id>/remove")
@for_answerers
def remove(public_id: str) -> ResponseReturnValue:
    """Remove a limit; the page then offers to put it back."""
    with unit() as uow:
        service.remove(uow, account_id=signed_in().id, public_id=public_id)
        uow.commit()
    flash(gettext("The limit is removed. You can put it back below."), "ok")
    return _to_mine()


@blueprint.post("/limits/<public_id>/restore")
@for_answerers
def restore(public_id: str) -> ResponseReturnValue:
    """Put a removed limit back."""
    with unit() as uow:
        try:
            service.restore(uow, account_id=signed_in().id, public_id=public_id)
        except service.TooManyLimits as error:
            flash(_too_many(error), "warn")
            return _to_mine()
        uow.commit()
    flash(gettext("The limit holds again. What you did without it counts too."), "ok")
    return _to_mine()


@blueprint.get("/limits/<public_id>")
@for_answerers
def statement(public_id: str) -> ResponseReturnValue:
    """Show what a limit counted in each of its periods, the newest first."""
    before = paging.cursor("before")
    found = _statement(public_id)
    rows = list(islice(found.lines(before), paging.SIZE + 1))
    return render_template(
        "limits/statement.html",
        row=found.row,
        rule=found.row.rule,
        page=paging.page(rows, keys=[line.span.start.toordinal() for line in rows], after=before),
        is_money=found.row.rule.metric is Metric.MONEY,
        currency=_CURRENCY,
        labels=labels,
    )


@blueprint.get("/limits/<public_id>.csv")
@for_answerers
def file(public_id: str) -> Response:
    """Send the same statement as a file, all periods of it."""
    found = _statement(public_id)
    rule = found.row.rule

    def pieces() -> Iterator[str]:
        yield MARK + csv_line(map(labels.column, labels.COLUMNS))
        for line in found.lines():
            yield csv_line(_cells(rule, line))

    return download(pieces(), f"limit-{public_id}.csv", "text/csv; charset=utf-8")


def _cells(rule: CapRule, line: Line) -> Iterator[str]:
    is_money = rule.metric is Metric.MONEY

    def cell(value: int) -> str:
        return amount_cell(value, _CURRENCY) if is_money else str(value)

    yield line.span.start.isoformat()
    yield date.fromordinal(line.span.end.toordinal() - 1).isoformat()
    for value in (line.accrued, line.paid):
        yield cell(value) if is_money else ""
    for value in (line.counted, line.reserved, line.remaining):
        yield cell(value)
    yield _CURRENCY if is_money else gettext("minutes")


def _statement(public_id: str) -> _Statement:
    row = _own(public_id)
    with unit() as uow:
        counter = queries.counter_of(uow.session, row)
        days = queries.money_by_day(uow.session, signed_in().id, row.zone)
    return _Statement(row, counter, row.day_of(row.ended_at or clock().now()), days)


def _own(public_id: str) -> CapRuleRow:
    with unit() as uow:
        found = queries.rule_of(uow.session, signed_in().id, public_id)
    if found is None:
        raise NotFound(public_id=public_id)
    return found


def _form(typed: forms.Typed, errors: list[tuple[str, str]], row: CapRuleRow | None = None) -> str:
    return render_template(
        "limits/form.html", typed=typed, errors=errors, row=row, currency=_CURRENCY, labels=labels
    )


def _too_many(error: service.TooManyLimits) -> str:
    return gettext(
        "You have %(most)s limits already. Remove one before you set another.",
        most=error.facts["most"],
    )


def _to_mine() -> ResponseReturnValue:
    return redirect(url_for("limits.mine"), 303)
