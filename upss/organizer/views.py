"""The organizer's pages: what waits, each question's money, payout runs and failed jobs.

An auditor reads them too; what changes something is for organizers alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)

from upss.kernel.errors import NotFound
from upss.kernel.ids import PayoutRunId, RefundId
from upss.organizer import forms, service
from upss.organizer.export import csv_lines
from upss.organizer.queries import audit, desk, entries, offers
from upss.payments.service import refunding
from upss.payouts import queries as payout_queries
from upss.payouts import queries_items, queries_payables
from upss.payouts import service as payout_service
from upss.payouts import tasks as payout_tasks
from upss.web import paging
from upss.web.access import for_auditors, for_organizers, signed_in
from upss.web.downloads import download
from upss.web.i18n import gettext as _
from upss.web.ports import clock, settings, unit

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from upss.db.work import UnitOfWork

blueprint = Blueprint("organizer", __name__, url_prefix="/organizer")


@blueprint.get("")
@for_auditors
def home() -> ResponseReturnValue:
    """Show what waits for a person today."""
    with unit() as uow:
        waiting = desk.waiting(uow.session, now=uow.clock.now())
    mine = waiting.run_prepared_by == signed_in().id
    return render_template("organizer/home.html", waiting=waiting, run_is_mine=mine)


def _wanted() -> forms.MoneyFilter:
    return forms.money_filter(request.args, now=clock().now(), zone=settings().timezone)


@blueprint.get("/payouts")
@for_auditors
def payouts() -> ResponseReturnValue:
    """Show every paid question of a month: figures, totals, where the money is."""
    wanted, before, zone = _wanted(), paging.cursor("before"), settings().timezone
    with unit() as uow:
        now = uow.clock.now()
        rows = audit.paid_questions(
            uow.session, wanted, now=now, before=before, limit=paging.SIZE + 1
        )
        sums = audit.overview(uow.session, wanted, now=now, zone=zone)
    months = forms.months_since(sums.begins_at, now=now, zone=zone, also=wanted.month)
    return render_template(
        "organizer/payouts.html",
        wanted=wanted,
        sums=sums,
        page=paging.page(rows, keys=[row.entry_id for row in rows], after=before),
        currency=rows[0].currency if rows else "EUR",
        months=[(forms.month_value(month), forms.month_name(month)) for month in months],
        month_name=forms.month_name,
    )


@blueprint.get("/payouts.csv")
@for_auditors
def payouts_csv() -> ResponseReturnValue:
    """Send the rows of the same filter as a file; the page says what it cannot understand."""
    wanted = _wanted()
    if not wanted.is_understood:
        month, state = request.args.get("month"), request.args.get("state")
        return redirect(url_for("organizer.payouts", month=month, state=state), 303)
    name = f"payouts-{forms.month_value(wanted.month)}.csv"
    with unit() as uow:
        rows = audit.every_paid_question(uow.session, wanted, now=uow.clock.now())
        return download(csv_lines(rows), name, "text/csv")


@blueprint.get("/payouts/runs")
@for_auditors
def runs() -> ResponseReturnValue:
    """Show the payout runs, and what a new one would pay to whom."""
    before = paging.cursor("before")
    with unit() as uow:
        rows = payout_queries.runs(uow.session, before=before, limit=paging.SIZE + 1)
        people = queries_payables.ready_people(uow.session, uow.clock.now())
    return render_template(
        "organizer/runs.html",
        page=paging.page(rows, keys=[row.id for row in rows], after=before),
        open_run=next((row for row in rows if row.status == "prepared"), None),
        ready=[person for person in people if person.can_receive],
        waiting=[person for person in people if not person.can_receive],
    )


@blueprint.post("/payouts/runs")
@for_organizers
def prepare_run() -> ResponseReturnValue:
    """Write down what is ready; nothing is sent before another organizer approves."""
    try:
        run_id = payout_tasks.prepare_run(signed_in().id)
        with unit() as uow:
            public_id = payout_queries.public_id_of_run(uow.session, run_id)
    except payout_service.NothingToPay:
        flash(_("Nothing is ready to be paid out now."), "info")
        return redirect(url_for("organizer.runs"), 303)
    except payout_service.RunOpen as error:
        flash(_("This payout was prepared already and waits for approval."), "info")
        public_id = str(error.facts["run"])
    return redirect(url_for("organizer.run", public_id=public_id), 303)


@blueprint.get("/payouts/runs/<public_id>")
@for_auditors
def run(public_id: str) -> ResponseReturnValue:
    """Show one run with its items and how far it is; `confirm` asks before a step."""
    after = paging.cursor()
    with unit() as uow:
        found = payout_queries.run_by_public_id(uow.session, public_id, now=uow.clock.now())
        if found is None:
            raise NotFound
        rows = queries_items.items_of(uow.session, found.id, after=after, limit=paging.SIZE + 1)
    return render_template(
        "organizer/run.html",
        run=found,
        page=paging.page(rows, keys=[row.id for row in rows], after=after),
        is_mine=found.prepared_by == signed_in().id,
        confirm=request.args.get("confirm") if found.status == "prepared" else None,
    )


@blueprint.post("/payouts/runs/<public_id>")
@for_organizers
def decide_run(public_id: str) -> ResponseReturnValue:
    """Approve or cancel a prepared run."""
    here = redirect(url_for("organizer.run", public_id=public_id), 303)
    try:
        with unit() as uow:
            said = _decide(uow, public_id, request.form.get("decision", ""))
            uow.commit()
    except payout_service.SamePerson:
        flash(_("Another organizer must approve what you prepared."), "error")
        return here
    except payout_service.RunClosed:
        flash(_("Somebody decided on this payout before."), "info")
        return here
    except payout_service.RunOutdated:
        flash(_("Some of this money is not free any more. Cancel this payout and prepare another."), "error")  # fmt: skip
        return here
    flash(said, "ok")
    return here


def _decide(uow: UnitOfWork, public_id: str, decision: str) -> str:
    found = payout_queries.run_id_of(uow.session, public_id)
    if found is None or decision not in {"approve", "cancel"}:
        raise NotFound
    run_id = PayoutRunId(found)
    if decision == "cancel":
        payout_service.cancel_run(uow, run_id=run_id)
        return _("The payout is cancelled. No money was moved.")
    payout_service.approve_run(uow, run_id=run_id, organizer_id=signed_in().id)
    return _("Approved. The money is being sent now.")


@blueprint.get("/payouts/items/<public_id>")
@for_auditors
def item(public_id: str) -> ResponseReturnValue:
    """Show what one person gets in one payout, and from which questions."""
    after = paging.cursor()
    with unit() as uow:
        found = queries_items.item_by_public_id(uow.session, public_id)
        if found is None:
            raise NotFound
        rows = queries_items.questions_of(uow.session, found.id, after=after, limit=paging.SIZE + 1)
    return render_template(
        "organizer/item.html",
        item=found,
        page=paging.page(rows, keys=[row.question_id for row in rows], after=after),
    )


@blueprint.get("/questions")
@for_auditors
def find() -> ResponseReturnValue:
    """Ask for a question's number and go to its money."""
    number = request.args.get("number", "").strip().lstrip("#")
    if not number:
        return render_template("organizer/find.html", number="", errors=[])
    with unit() as uow:
        found = audit.question_by_key(uow.session, number)
    if found is None:
        missing = [("number", _("There is no question with this number"))]
        return render_template("organizer/find.html", number=number, errors=missing), 404
    return redirect(url_for("organizer.trail", key=found.id), 303)


@blueprint.get("/questions/<key>")
@for_auditors
def trail(key: str) -> ResponseReturnValue:
    """Show one question's money from the charge to the transfer, entry by entry."""
    with unit() as uow:
        question = audit.question_by_key(uow.session, key)
        if question is None:
            raise NotFound
        booked = entries.trail(uow.session, question.id)
        items = queries_items.of_question(uow.session, question.id)
        untaken = offers.untaken(uow.session, question.id)
    return render_template(
        "organizer/trail.html", question=question, entries=booked, items=items, untaken=untaken
    )


@blueprint.get("/jobs")
@for_auditors
def jobs() -> ResponseReturnValue:
    """Show jobs that gave up, refunds that failed and mails that were not sent."""
    before = paging.cursor("before")
    with unit() as uow:
        rows = desk.failed_jobs(uow.session, before=before, limit=paging.SIZE + 1)
        undone = desk.undone(uow.session, now=uow.clock.now())
    return render_template(
        "organizer/jobs.html",
        page=paging.page(rows, keys=[row.id for row in rows], after=before),
        refunds=[row for row in undone if row.what == "refund"],
        mails=[row for row in undone if row.what == "mail"],
    )


@blueprint.post("/jobs/<int:job_id>")
@for_organizers
def retry_job(job_id: int) -> ResponseReturnValue:
    """Try a job again that gave up."""
    with unit() as uow:
        service.retry_job(uow, job_id=job_id)
        uow.commit()
    flash(_("The job is tried again now."), "ok")
    return redirect(url_for("organizer.jobs"), 303)


@blueprint.post("/refunds/<int:refund_id>")
@for_organizers
def send_refund_again(refund_id: int) -> ResponseReturnValue:
    """Send a refund once more that the bank sent back or the provider refused."""
    here = redirect(url_for("organizer.jobs"), 303)
    try:
        with unit() as uow:
            refunding.send_again(uow, refund_id=RefundId(refund_id))
            uow.commit()
    except refunding.RefundNotFailed:
        flash(_("Not sent: this refund is on its way already, or the money is not back yet."), "info")  # fmt: skip
        return here
    flash(_("The refund is sent again now."), "ok")
    return here
