"""Adjustments of the books: propose one, check its lines, and decide on what another proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for

from upss.adjustments import queries, service
from upss.adjustments.rules.proposals import ACCOUNTS, BadProposal, Status, Typed
from upss.kernel.errors import NotFound
from upss.kernel.ids import new_public_id
from upss.ledger.rules.posting.manual import SamePerson
from upss.ledger.service.posting import Overdrawn
from upss.organizer import forms_adjustments as forms
from upss.site import queries as site
from upss.web import paging
from upss.web.access import for_auditors, for_organizers, signed_in
from upss.web.i18n import gettext as _
from upss.web.ports import unit

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from upss.db.work import UnitOfWork

blueprint = Blueprint("adjustments", __name__, url_prefix="/organizer/adjustments")


@blueprint.get("")
@for_auditors
def adjustments() -> ResponseReturnValue:
    """Show the proposals, newest first, perhaps of one state."""
    status, before = forms.wanted_status(), paging.cursor("before")
    with unit() as uow:
        rows = queries.proposals(uow.session, status=status, before=before, limit=paging.SIZE + 1)
    return render_template(
        "organizer/adjustments.html",
        page=paging.page(rows, keys=[row.id for row in rows], after=before),
        status=status,
    )


@blueprint.get("/new")
@for_organizers
def new() -> ResponseReturnValue:
    """Ask what shall be adjusted; a question's number may stand in the address."""
    return _form_page(Typed(question=request.args.get("question", "")), [])


@blueprint.post("/new")
@for_organizers
def write() -> ResponseReturnValue:
    """Judge what was typed, show exactly what it would write, then store the proposal."""
    typed, step = forms.typed(), request.form.get("step")
    if step == "change":
        return _form_page(typed, [])
    public_id = forms.form_id()
    try:
        with unit() as uow:
            proposal = service.understand(uow, typed)
            standings = queries.standings(uow.session, proposal)
            if step == "propose":
                service.propose(uow, proposal, public_id=public_id, organizer_id=signed_in().id)
                uow.commit()
    except BadProposal as error:
        return _form_page(typed, forms.fault_messages(error.faults)), 422
    except service.Differs:
        return _differs(public_id)
    if step == "propose":
        return _proposed(public_id)
    return render_template(
        "organizer/adjustment_check.html",
        typed=typed,
        proposal=proposal,
        standings=standings,
        public_id=public_id,
    )


def _form_page(typed: Typed, errors: list[tuple[str, str]]) -> str:
    with unit() as uow:
        currency = site.terms(uow.session).currency
    return render_template(
        "organizer/adjustment_new.html",
        typed=typed,
        errors=errors,
        currency=currency,
        accounts=ACCOUNTS,
    )


def _proposed(public_id: str) -> ResponseReturnValue:
    flash(_("Proposed. Another organizer looks at it now; nothing is booked yet."), "ok")
    return redirect(url_for("adjustments.adjustment", public_id=public_id), 303)


def _differs(public_id: str) -> ResponseReturnValue:
    flash(_("Nothing was proposed: this form proposed something else before, which you see here. Begin a new one."), "error")  # fmt: skip
    return redirect(url_for("adjustments.adjustment", public_id=public_id), 303)


@blueprint.get("/<public_id>")
@for_auditors
def adjustment(public_id: str) -> ResponseReturnValue:
    """Show one proposal with its lines; `confirm` asks before it is refused."""
    with unit() as uow:
        row = _found(uow, public_id)
        proposal = queries.proposal_of(row)
        is_open = row.status == Status.PROPOSED
        standings = queries.standings(uow.session, proposal) if is_open else []
    return render_template(
        "organizer/adjustment.html",
        row=row,
        proposal=proposal,
        standings=standings,
        is_mine=row.proposed_by == signed_in().id,
        confirm=request.args.get("confirm") if is_open else None,
    )


@blueprint.post("/<public_id>")
@for_organizers
def decide(public_id: str) -> ResponseReturnValue:
    """Approve, refuse or withdraw a proposal."""
    said, kind = _decide(public_id, request.form.get("decision", ""))
    flash(said, kind)
    return redirect(url_for("adjustments.adjustment", public_id=public_id), 303)


def _decide(public_id: str, decision: str) -> tuple[str, str]:
    """Return what is said afterwards, and whether it is good news."""
    try:
        with unit() as uow:
            said = _act(uow, public_id, decision)
            uow.commit()
    except SamePerson:
        return _("Another organizer must decide on what you proposed."), "error"
    except service.NotAuthor:
        return _("Only who proposed an adjustment can withdraw it."), "error"
    except service.Decided:
        return _("Somebody decided on this adjustment before."), "info"
    except Overdrawn:
        return _("Nothing was booked: an account holds less than this takes from it. The proposal still waits."), "error"  # fmt: skip
    return said, "ok"


def _act(uow: UnitOfWork, public_id: str, decision: str) -> str:
    who = signed_in().id
    if decision == "approve":
        entry_id = service.approve(uow, public_id=public_id, organizer_id=who)
        return _("Approved and booked as entry %(number)s.", number=entry_id)
    if decision == "refuse":
        service.refuse(uow, public_id=public_id, organizer_id=who)
        return _("Refused. Nothing was booked.")
    if decision == "withdraw":
        service.withdraw(uow, public_id=public_id, organizer_id=who)
        return _("Withdrawn. Nothing was booked.")
    raise NotFound


@blueprint.get("/<public_id>/reverse")
@for_organizers
def reverse(public_id: str) -> ResponseReturnValue:
    """Show what would undo an approved adjustment, and ask why."""
    return _reverse_page(public_id, "", [])


@blueprint.post("/<public_id>/reverse")
@for_organizers
def propose_reversal(public_id: str) -> ResponseReturnValue:
    """Propose the opposite of an approved adjustment."""
    made, reason = forms.form_id(), request.form.get("reason", "")
    try:
        with unit() as uow:
            service.propose_reversal(
                uow,
                of_public_id=public_id,
                reason=reason,
                public_id=made,
                organizer_id=signed_in().id,
            )
            uow.commit()
    except BadProposal as error:
        return _reverse_page(public_id, reason, forms.fault_messages(error.faults))
    except service.NotReversible:
        return _not_reversible(public_id)
    except service.Differs:
        return _differs(made)
    return _proposed(made)


def _reverse_page(
    public_id: str, reason: str, errors: list[tuple[str, str]]
) -> ResponseReturnValue:
    with unit() as uow:
        row = _found(uow, public_id)
        if row.entry_id is None or row.reversed_by is not None:
            return _not_reversible(public_id)
        proposal = queries.proposal_of(row).opposite(entry_id=row.entry_id, reason=reason)
        standings = queries.standings(uow.session, proposal)
    made = render_template(
        "organizer/adjustment_reverse.html",
        row=row,
        proposal=proposal,
        standings=standings,
        reason=reason,
        errors=errors,
        public_id=new_public_id(),
    )
    return made, 422 if errors else 200


def _not_reversible(public_id: str) -> ResponseReturnValue:
    flash(_("There is nothing to reverse here, or a reversal was proposed already."), "info")
    return redirect(url_for("adjustments.adjustment", public_id=public_id), 303)


def _found(uow: UnitOfWork, public_id: str) -> queries.AnyRow:
    row = queries.by_public_id(uow.session, public_id)
    if row is None:
        raise NotFound
    return row
