"""The page of the self-checks: how each one stands, what differs, and the button to run them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, url_for

from upss.doctor import service
from upss.doctor.labels import title_of
from upss.doctor.queries import findings
from upss.kernel.roles import Role
from upss.web import paging
from upss.web.access import for_auditors, for_organizers, signed_in
from upss.web.i18n import gettext as _
from upss.web.ports import unit

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("doctor", __name__, url_prefix="/organizer/self-checks")


@blueprint.get("")
@for_auditors
def self_checks() -> ResponseReturnValue:
    """Show every check with its last result, what differs now, and the runs so far."""
    finding, before = paging.cursor("finding"), paging.cursor("before")
    with unit() as uow:
        standing = findings.overview(uow.session)
        open_rows = findings.open_findings(uow.session, after=finding, limit=paging.SIZE + 1)
        runs = findings.runs(uow.session, before=before, limit=paging.SIZE + 1)
    return render_template(
        "doctor/self_checks.html",
        standing=standing,
        title_of=title_of,
        may_run=signed_in().has(Role.ORGANIZER),
        found=paging.page(open_rows, keys=[row.id for row in open_rows], after=finding),
        runs=paging.page(runs, keys=[row.id for row in runs], after=before),
    )


@blueprint.post("")
@for_organizers
def run_now() -> ResponseReturnValue:
    """Have all checks run by the worker."""
    with unit() as uow:
        is_new = service.ask_for_run(uow, asked_by=signed_in().id)
        uow.commit()
    if is_new:
        flash(_("The checks begin now. Look again in a moment."), "ok")
    else:
        flash(_("The checks were asked for already and begin in a moment."), "info")
    return redirect(url_for("doctor.self_checks"), 303)
