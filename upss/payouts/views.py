"""An answerer's own pages: what was earned, when it comes, and how it reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, url_for

from upss.kernel.errors import GatewayError
from upss.payouts import queries, queries_earnings, tasks
from upss.payouts.rules.schedule import HOLD, leaves_at
from upss.web import paging
from upss.web.access import for_answerers, signed_in
from upss.web.i18n import gettext as _
from upss.web.ports import settings, unit

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("payouts", __name__)


@blueprint.get("/earnings")
@for_answerers
def earnings() -> ResponseReturnValue:
    """Show what is to come, what is on hold, what was paid, and every accepted question."""
    me, before = signed_in(), paging.cursor("before")
    with unit() as uow:
        now = uow.clock.now()
        sums = queries_earnings.earnings(uow.session, me.id, now)
        rows = queries_earnings.earned_questions(
            uow.session, me.id, now=now, before=before, limit=paging.SIZE + 1
        )
    page = paging.page(rows, keys=[row.entry_id for row in rows], after=before)
    return render_template(
        "payouts/earnings.html",
        sums=sums,
        page=page,
        currency=rows[0].currency if rows else "EUR",
        hold_days=HOLD.days,
        leaves_at=leaves_at,
    )


@blueprint.get("/how-you-are-paid")
@for_answerers
def how_paid() -> ResponseReturnValue:
    """Say whether the person's account can receive money, and what to do."""
    with unit() as uow:
        recipient = queries.recipient_of(uow.session, signed_in().id)
    transfers = "none" if recipient is None else recipient.transfers
    return render_template("payouts/how_paid.html", transfers=transfers, hold_days=HOLD.days)


@blueprint.post("/how-you-are-paid")
@for_answerers
def start() -> ResponseReturnValue:
    """Send the person to the provider's own page, which asks for name and bank account."""
    base = settings().base_url
    try:
        address = tasks.start_onboarding(
            signed_in().id,
            return_url=base + url_for("payouts.back"),
            refresh_url=base + url_for("payouts.how_paid"),
        )
    except GatewayError:
        flash(_("The payment service does not answer. Please try again in a few minutes."), "warn")
        return redirect(url_for("payouts.how_paid"), 303)
    return redirect(address, 303)


@blueprint.get("/how-you-are-paid/back")
@for_answerers
def back() -> ResponseReturnValue:
    """Read again what the provider says; coming back proves nothing in itself."""
    try:
        tasks.refresh_recipient(signed_in().id)
    except GatewayError:
        flash(_("We could not ask the payment service yet. We will ask again."), "info")
    return redirect(url_for("payouts.how_paid"), 303)
