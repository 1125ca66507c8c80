"""Following a question: its page and receipt, payment, withdrawal, acceptance, the list."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, render_template, request, url_for

from upss.forum import queries_ask
from upss.forum.rules.lifecycle import MoveRefused, Status
from upss.forum.rules.release import opens_at
from upss.forum.rules.timers import GRACE
from upss.forum.service import accepting, asking
from upss.forum.views_ask import ID, owner, to_payment_page
from upss.forum.views_no_promise import blueprint
from upss.kernel.errors import DomainError, GatewayError, NotFound
from upss.kernel.ids import AccountId, PaymentId, QuestionId
from upss.ledger.rules.split import split
from upss.payments import queries as payments
from upss.payments import tasks as payment_tasks
from upss.web import paging
from upss.web.access import for_everyone, person
from upss.web.i18n import gettext
from upss.web.ports import clock, settings, unit

if TYPE_CHECKING:
    from upss.forum.models import Question

__all__ = ["blueprint"]


@blueprint.get(f"/payments/{ID}/back")
@for_everyone
def back(public_id: str) -> Any:
    """Where the payment page sends the asker: ask the provider, believe nothing else."""
    with unit() as uow:
        found = queries_ask.question_of_payment(uow.session, public_id)
    if found is None:
        abort(404)
    try:
        payment_tasks.check_payment(PaymentId(found[0]))
    except (GatewayError, DomainError):
        flash(gettext("We are still checking your payment. You need not do anything."), "info")
    return redirect(url_for("forum.question", public_id=found[1]), 303)


@blueprint.get(f"/questions/{ID}")
@for_everyone
def question(public_id: str) -> Any:
    """Show one question in whatever state it is."""
    return _thread_page(public_id, "forum/question.html")


def _thread_page(public_id: str, template: str) -> Any:
    """Render a page of one question; whoever opens a mailed link elsewhere signs in first.

    A visitor who is not signed in learns nothing from that: every unknown address does the same.
    """
    try:
        with unit() as uow:
            thread = queries_ask.thread(uow.session, public_id, owner())
            lines = payments.receipt(uow.session, QuestionId(thread.question.id))
    except NotFound:
        if person() is None:
            return redirect(url_for("accounts.sign_in", next=request.path), 303)
        raise
    return render_template(
        template,
        thread=thread,
        q=thread.question,
        lines=lines,
        parts=_parts(thread),
        now=clock().now(),
        opens_at=_opens_at(thread),
        grace=GRACE,
    )


def _opens_at(thread: queries_ask.Thread) -> datetime | None:
    """Return from when a waiting question may be taken, None if that is now."""
    q, now = thread.question, clock().now()
    if q.status != Status.QUEUED or q.is_express or q.released_at is None or q.urgent_at is None:
        return None
    at = opens_at(
        released_at=q.released_at,
        urgent_from=q.urgent_at,
        now=now,
        mode=thread.dials.policy.mode,
        peaks=thread.dials.peak_map(settings().timezone),
    )
    return at if at > now else None


def _parts(thread: queries_ask.Thread) -> Any:
    """Return the split of what the answer is paid from, or None before there is an offer."""
    q = thread.question
    if q.shared_minor is None or q.commission_bp is None or q.fund_bp is None:
        return None
    return split(q.shared_minor, commission_bp=q.commission_bp, fund_bp=q.fund_bp)


@blueprint.get(f"/questions/{ID}/receipt")
@for_everyone
def receipt(public_id: str) -> Any:
    """Show a receipt that prints well: paid, shared, the processor's fee, refunds."""
    return _thread_page(public_id, "forum/receipt.html")


@blueprint.post(f"/questions/{ID}/pay")
@for_everyone
def pay(public_id: str) -> Any:
    """Go on to the payment page of a question that awaits payment."""
    with unit() as uow:
        thread = queries_ask.thread(uow.session, public_id, owner())
    if thread.question.status != Status.AWAITING_PAYMENT or thread.payment_id is None:
        return redirect(url_for("forum.question", public_id=public_id), 303)
    return to_payment_page(public_id, PaymentId(thread.payment_id))


@blueprint.post(f"/questions/{ID}/edit")
@for_everyone
def edit(public_id: str) -> Any:
    """Close the payment page, then take the question back to the draft."""
    with unit() as uow:
        thread = queries_ask.thread(uow.session, public_id, owner())
    if thread.payment_id is not None:
        payment_tasks.close_checkout(PaymentId(thread.payment_id))
    try:
        with unit() as uow:
            asking.edit_again(uow, question_id=QuestionId(thread.question.id))
            uow.commit()
    except MoveRefused:
        pass  # a draft again since its offer ended, or paid: the next page knows
    return redirect(url_for("forum.write", public_id=public_id), 303)


@blueprint.route(f"/questions/{ID}/withdraw", methods=["GET", "POST"])
@for_everyone
def withdraw(public_id: str) -> Any:
    """Confirm, then withdraw a question that nobody has claimed: the money goes back."""
    with unit() as uow:
        found = queries_ask.owned(uow.session, public_id, owner())
    if request.method == "GET":
        return _confirm("forum/withdraw.html", found, Status.QUEUED)
    return _changed(
        lambda uow: asking.withdraw(uow, question_id=QuestionId(found.id)),
        public_id,
        gettext("Your question is withdrawn. All your money goes back to your card."),
    )


@blueprint.route(f"/questions/{ID}/accept", methods=["GET", "POST"])
@for_everyone
def accept(public_id: str) -> Any:
    """Confirm, then accept the answer: the price is shared."""
    with unit() as uow:
        found = queries_ask.owned(uow.session, public_id, owner())
    if request.method == "GET":
        return _confirm("forum/accept.html", found, Status.ANSWERED)
    return _changed(
        lambda uow: accepting.accept(
            uow, question_id=QuestionId(found.id), actor_id=_account_of(found)
        ),
        public_id,
        gettext("Thank you. The person who answered will be paid."),
    )


def _confirm(template: str, question: Question, possible: Status) -> Any:
    """Ask once more; where it is not possible (any more), the question's page says how it stands."""
    if question.status != possible:
        return redirect(url_for("forum.question", public_id=question.public_id), 303)
    return render_template(template, q=question)


def _account_of(question: Question) -> AccountId | None:
    return None if question.asker_id is None else AccountId(question.asker_id)


def _changed(work: Any, public_id: str, done: str) -> Any:
    """Run one unit; a move that came too late is told on the question's own page."""
    try:
        with unit() as uow:
            work(uow)
            uow.commit()
        flash(done, "ok")
    except MoveRefused:
        flash(gettext("That is not possible any more. This is how it stands now."), "warn")
    return redirect(url_for("forum.question", public_id=public_id), 303)


@blueprint.get("/my-questions")
@for_everyone
def mine() -> str:
    """List the visitor's questions."""
    after = paging.cursor()
    with unit() as uow:
        rows = queries_ask.mine(uow.session, owner(), after=after, limit=paging.SIZE + 1)
    page = paging.page(rows, keys=[row.id for row in rows], after=after)
    return render_template("forum/mine.html", page=page, now=clock().now())


@blueprint.route(f"/ask/{ID}/discard", methods=["GET", "POST"])
@for_everyone
def discard(public_id: str) -> Any:
    """Confirm, then give a draft up."""
    with unit() as uow:
        draft = queries_ask.owned(uow.session, public_id, owner())
    if draft.status != Status.DRAFT:
        return redirect(url_for("forum.question", public_id=public_id), 303)
    if request.method == "GET":
        return render_template("forum/discard.html", draft=draft)
    if payment_tasks.settle_newest(QuestionId(draft.id)):
        return redirect(url_for("forum.question", public_id=public_id), 303)
    try:
        with unit() as uow:
            asking.discard(uow, question_id=QuestionId(draft.id))
            uow.commit()
    except MoveRefused:  # paid or thrown away meanwhile: its own page says how it stands
        return redirect(url_for("forum.question", public_id=public_id), 303)
    flash(gettext("The draft is gone."), "ok")
    return redirect(url_for("pages.home"), 303)
