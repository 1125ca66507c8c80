"""Asking: write, check, pay, and follow what happens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for

from upss.accounts.rules.sign_in import network_of
from upss.accounts.service import BadEmail, normal_email
from upss.forum import forms_ask, queries_ask, queries_previous
from upss.forum.forms_answer import too_much_error
from upss.forum.rules.lifecycle import MoveRefused, Status
from upss.forum.rules.ownership import Owner
from upss.forum.rules.pricing import MINUTES, Size
from upss.forum.rules.texts import BODY_MAX, TITLE_MAX, DraftTooLong, clean
from upss.forum.service import asking
from upss.forum.service.promises import NoExpress, NoPromise
from upss.kernel.errors import DomainError, GatewayError
from upss.kernel.ids import PaymentId, QuestionId, new_public_id
from upss.ledger.rules.split import split
from upss.payments import tasks as payment_tasks
from upss.site import queries as site
from upss.web import limits, sessions
from upss.web.access import for_everyone, person
from upss.web.i18n import catalogue, gettext
from upss.web.ports import clock, unit

if TYPE_CHECKING:
    from upss.forum.models import Question

blueprint = Blueprint("forum", __name__)
_FOR_ADDRESS = 10  # questions taken to payment in a day without signing in, by anybody
_NEW_DRAFTS = 30  # from one network in an hour: plenty for a library, little for a flood
ID = "<public_id>"


def owner() -> Owner:
    """Return who is looking: the account, this browser's session, or both."""
    visitor = person()
    return Owner(
        asker_id=None if visitor is None else visitor.id, session_id=sessions.current().row_id
    )


@blueprint.get("/ask")
@for_everyone
def ask() -> Any:
    """Go on with the newest draft, or begin a new one with `?new=1`."""
    with unit() as uow:
        draft = None if "new" in request.args else queries_ask.newest_draft(uow.session, owner())
    return redirect(url_for("forum.write", public_id=draft or new_public_id()), 303)


@blueprint.route(f"/ask/{ID}", methods=["GET", "POST"])
@for_everyone
def write(public_id: str) -> Any:
    """Write the question; whatever is sent is kept before it is judged."""
    if request.method == "POST":
        return _save_and_go_on(_known_form(public_id))
    with unit() as uow:
        draft = queries_ask.find(uow.session, _known_form(public_id), owner())
        is_checked = draft is not None and queries_ask.is_being_checked(uow.session, draft)
        terms = site.terms(uow.session)
    if draft is not None and (draft.status != Status.DRAFT or is_checked):
        return redirect(url_for("forum.question", public_id=public_id), 303)
    return _write_page(public_id, _fields(draft), terms, [], is_saved=draft is not None)


def _known_form(public_id: str) -> str:
    """Return the id if it looks like one of ours; the row may not exist yet."""
    if len(public_id) != 16 or not public_id.isalnum():
        abort(404)
    return public_id


def _save_and_go_on(public_id: str) -> Any:
    text = forms_ask.draft_text()
    if request.form.get("do") != "save" and _is_paid_after_all(public_id, text):
        return redirect(url_for("forum.question", public_id=public_id), 303)
    with unit() as uow:
        terms = site.terms(uow.session)
    try:
        with unit() as uow:
            question_id = _save(uow, public_id, text)
            uow.commit()
    except DraftTooLong as error:
        wrong = [("body" if len(text.body) > len(text.title) else "title", too_much_error())]
        return _write_page(public_id, vars_of(text), terms, wrong, is_saved=False), error.status
    if request.form.get("do") == "save":
        flash(gettext("Your question is saved. You can finish it later on this device."), "ok")
        return redirect(url_for("forum.write", public_id=public_id), 303)
    try:
        with unit() as uow:
            draft = queries_ask.owned(uow.session, public_id, owner())
            was_quicker = draft.is_express
            asking.make_offer(uow, question_id=question_id)
            is_lost = was_quicker and not draft.is_express
            uow.commit()
    except asking.DraftIncomplete as incomplete:
        faults = incomplete.facts["faults"]
        lengths = {"title": len(clean(text.title)), "body": len(clean(text.body))}
        assert isinstance(faults, dict)
        errors = forms_ask.fault_messages(faults, lengths)
        return _write_page(public_id, vars_of(text), terms, errors), 422
    except NoPromise:
        return redirect(url_for("forum.no_promise", public_id=public_id), 303)
    if is_lost:
        _tell_not_quicker()
    return redirect(url_for("forum.check", public_id=public_id), 303)


def _is_paid_after_all(public_id: str, text: asking.DraftText) -> bool:
    """Tell whether the ended offer of a draft was paid, unknown to us.

    What is paid for is the text of then: with another one this raises `OfferStale`, whose page
    shows what was typed.
    """
    with unit() as uow:
        draft = queries_ask.find(uow.session, public_id, owner())
    if draft is None or not payment_tasks.settle_newest(QuestionId(draft.id)):
        return False
    if _fields(draft) != vars_of(text):
        raise asking.OfferStale(public_id=public_id)
    return True


def _save(uow: Any, public_id: str, text: asking.DraftText) -> QuestionId:
    if queries_ask.find(uow.session, public_id, owner()) is None:
        network = network_of(request.remote_addr or "0.0.0.0")  # noqa: S104 - a key of a count
        limits.hit(f"draft:{network}", most=_NEW_DRAFTS, window=timedelta(hours=1))
    mine = Owner(asker_id=owner().asker_id, session_id=sessions.row_id())
    return asking.save_draft(uow, public_id=public_id, owner=mine, text=text)


def vars_of(text: asking.DraftText) -> dict[str, str]:
    """Return the fields of the form as they were typed."""
    return {
        "title": text.title,
        "body": text.body,
        "topic": text.topic or "",
        "size": text.size or "",
        "language": text.language,
        "wants_previous": "yes" if text.wants_previous else "",
    }


def _fields(draft: Question | None) -> dict[str, str]:
    if draft is None:
        return dict.fromkeys(("title", "body", "topic", "size", "language", "wants_previous"), "")
    return {
        "title": draft.title,
        "body": draft.body,
        "topic": draft.topic or "",
        "size": draft.size or "",
        "language": draft.language,
        "wants_previous": "yes" if draft.wants_previous else "",
    }


def _write_page(
    public_id: str,
    fields: dict[str, str],
    terms: site.Terms,
    errors: list[tuple[str, str]],
    *,
    is_saved: bool = True,
) -> str:
    return render_template(
        "forum/ask.html",
        public_id=public_id,
        fields=fields,
        terms=terms,
        is_saved=is_saved,
        answered_before=_answered_before(),
        sizes=[(size, MINUTES[size], _prices(terms, size)) for size in Size],
        errors=errors,
        title_max=TITLE_MAX,
        body_max=BODY_MAX,
    )


def _answered_before() -> list[str]:
    """Return the topics in which the visitor may wish that whoever answered before sees it first."""
    visitor = person()
    if visitor is None:
        return []
    with unit() as uow:
        return queries_previous.topics(uow.session, visitor.id)


def _prices(terms: site.Terms, size: Size) -> list[int]:
    """Return what an answer of this size costs, from the cheapest topic on."""
    return sorted({terms.prices[topic, size] for topic in terms.topics})


@blueprint.post(f"/ask/{ID}/autosave")
@for_everyone
def autosave(public_id: str) -> Any:
    """Keep what is typed so far; answers with the time in words."""
    try:
        with unit() as uow:
            _save(uow, _known_form(public_id), forms_ask.draft_text())
            uow.commit()
    except DraftTooLong as error:
        return {"error": error.code, "message": too_much_error()}, error.status
    return jsonify(saved_at_text=render_template("forum/_saved_at.txt", at=clock().now()).strip())


@blueprint.route(f"/ask/{ID}/check", methods=["GET", "POST"])
@for_everyone
def check(public_id: str) -> Any:
    """Show everything before paying; the offer shown is the offer that is paid."""
    if request.method == "POST":
        return _choose_speed(public_id) if "quicker" in request.form else _submit(public_id)
    with unit() as uow:
        draft = queries_ask.owned(uow.session, public_id, owner())
    if draft.status != Status.DRAFT:
        return redirect(url_for("forum.question", public_id=public_id), 303)
    if draft.offered_at is None or not asking.is_payable(draft, now=clock().now()):
        return _renew(draft)
    return _check_page(draft, [], draft.email)


def _choose_speed(public_id: str) -> Any:
    """Make the offer anew: with a quicker promise and its surcharge, or without them again.

    An address that was typed meanwhile stays.
    """
    with unit() as uow:
        draft = queries_ask.owned(uow.session, public_id, owner())
    if draft.status != Status.DRAFT or payment_tasks.settle_newest(QuestionId(draft.id)):
        return redirect(url_for("forum.question", public_id=public_id), 303)
    typed = "" if person() else request.form.get("email", "").strip()
    return _offer_anew(draft, is_express=request.form["quicker"] == "yes", email=typed)


def _offer_anew(draft: Question, *, is_express: bool, email: str = "") -> Any:
    """Make a fresh offer and show it; where a quicker answer is not possible any more, say so."""
    try:
        with unit() as uow:
            asking.make_offer(uow, question_id=QuestionId(draft.id), is_express=is_express)
            uow.commit()
    except asking.DraftIncomplete:
        return redirect(url_for("forum.write", public_id=draft.public_id), 303)
    except NoPromise:
        return redirect(url_for("forum.no_promise", public_id=draft.public_id), 303)
    except asking.OfferStale:  # paid or thrown away meanwhile: its own page says how it stands
        return redirect(url_for("forum.question", public_id=draft.public_id), 303)
    except NoExpress:
        _tell_not_quicker()
        return _offer_anew(draft, is_express=False, email=email)
    page = _check_again(draft, email, is_agreed=False) if email else None
    return page or redirect(url_for("forum.check", public_id=draft.public_id), 303)


def _tell_not_quicker() -> None:
    flash(gettext("A quicker answer is not possible any more. This is how it is now."), "warn")


def _renew(draft: Question) -> Any:
    """Make a fresh offer in place of one that ended, unless the old one was paid meanwhile."""
    before, offered_at = (draft.price_minor, draft.commission_bp), draft.offered_at
    if payment_tasks.settle_newest(QuestionId(draft.id)):
        return redirect(url_for("forum.question", public_id=draft.public_id), 303)
    shown = _offer_anew(draft, is_express=draft.is_express)
    with unit() as uow:
        draft = queries_ask.owned(uow.session, draft.public_id, owner())
    if before[0] is not None and draft.offered_at != offered_at:
        is_same = before == (draft.price_minor, draft.commission_bp)
        flash(
            gettext(
                "The offer had ended. This is a new one: the price is the same, and the promise"
                " counts from now."
            )
            if is_same
            else gettext("The offer had ended. This is a new one: please look at the price."),
            "info",
        )
    return shown


def _check_page(
    draft: Question, errors: list[tuple[str, str]], email: str, *, is_agreed: bool = False
) -> str:
    assert draft.price_minor is not None
    assert draft.commission_bp is not None
    assert draft.fund_bp is not None
    parts = split(draft.price_minor, commission_bp=draft.commission_bp, fund_bp=draft.fund_bp)
    with unit() as uow:
        other = asking.other_offer(uow, draft)
    return render_template(
        "forum/check.html",
        draft=draft,
        other=other,
        is_kept=draft.wants_previous and draft.topic in _answered_before(),
        parts=parts,
        minutes=MINUTES[Size(str(draft.size))],
        errors=errors,
        email=email,
        is_agreed=is_agreed,
        offer=asking.offer_mark(draft),
    )


def _submit(public_id: str) -> Any:
    with unit() as uow:
        draft = queries_ask.owned(uow.session, public_id, owner())
    visitor = person()
    typed = visitor.email if visitor else request.form.get("email", "").strip()
    errors, is_agreed = [], "agree" in request.form
    try:
        email = normal_email(typed)
    except BadEmail:
        email = typed
        errors.append(("email", gettext("Write your email address, such as name@example.org")))
    if not is_agreed:
        errors.append(("agree", gettext("Confirm that you agree to pay")))
    if draft.status != Status.DRAFT:
        return redirect(url_for("forum.question", public_id=public_id), 303)
    if not asking.is_payable(draft, now=clock().now()):
        elsewhere = _renew(draft)
        return _check_again(draft, typed, is_agreed=is_agreed) or elsewhere
    if errors:
        return _check_page(draft, errors, typed, is_agreed=is_agreed), 422
    _spare(email)
    try:
        with unit() as uow:
            payment_id = asking.submit(
                uow,
                question_id=QuestionId(draft.id),
                owner=owner(),
                email=email,
                language=catalogue().code,
                seen=request.form.get("offer", ""),
            )
            uow.commit()
    except asking.OfferStale:
        flash(gettext("Something changed since you opened this page. Please look again."), "warn")
        elsewhere = redirect(url_for("forum.check", public_id=public_id), 303)
        return _check_again(draft, typed, is_agreed=False) or elsewhere
    except MoveRefused:  # a second press: the first one has taken the question on
        return redirect(url_for("forum.question", public_id=public_id), 303)
    return to_payment_page(public_id, payment_id)


def _spare(email: str) -> None:
    """Limit what is not paid and reminded of, at an address that may be anybody's."""
    if person() is not None:
        return
    limits.hit(f"asked:{sessions.hashed(email)}", most=_FOR_ADDRESS, window=timedelta(days=1))


def _check_again(before: Question, email: str, *, is_agreed: bool) -> str | None:
    """Show a fresh offer with what was typed for the one before; None if there is none to show.

    Who agreed to a price and a promise has not agreed to others.
    """
    with unit() as uow:
        draft = queries_ask.owned(uow.session, before.public_id, owner())
    if draft.status != Status.DRAFT or not asking.is_payable(draft, now=clock().now()):
        return None
    is_same = (draft.price_minor, draft.promise_at) == (before.price_minor, before.promise_at)
    return _check_page(draft, [], email, is_agreed=is_agreed and is_same)


def _back_to_check(public_id: str, payment_id: PaymentId) -> Any:
    """Take the question back to its check page: a fresh offer is made and shown there."""
    with unit() as uow:
        found = queries_ask.owned(uow.session, public_id, owner())
    payment_tasks.close_checkout(payment_id)
    try:
        with unit() as uow:
            asking.edit_again(uow, question_id=QuestionId(found.id))
            uow.commit()
    except DomainError:  # paid or changed meanwhile: its own page says how it stands
        return redirect(url_for("forum.question", public_id=public_id), 303)
    return redirect(url_for("forum.check", public_id=public_id), 303)


def to_payment_page(public_id: str, payment_id: PaymentId) -> Any:
    """Redirect to the hosted page; where it cannot be reached, say so and keep everything."""
    try:
        address = payment_tasks.start_checkout(payment_id)
    except payment_tasks.OfferTooOld:
        return _back_to_check(public_id, payment_id)
    except GatewayError as error:
        flash(
            gettext("The payment page could not be opened. Nothing was charged. Please try again."),
            "error",
        )
        del error
        address = url_for("forum.question", public_id=public_id)
    return redirect(address, 303)
