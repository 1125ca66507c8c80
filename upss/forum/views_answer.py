"""An answerer's pages: the queue, reading first, writing with a draft on the server, sending."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for

from upss.forum import forms_answer as forms
from upss.forum import queries_answer as queries
from upss.forum import queries_desk
from upss.forum.queries_search import MOST_TOLD
from upss.forum.rules.lease import can_last
from upss.forum.rules.policy import Mode, Policy
from upss.forum.rules.queue import ClaimRefused, Reason
from upss.forum.rules.skips import SkipsUsedUp
from upss.forum.rules.texts import ANSWER_MAX, DraftTooLong, answer_fault, clean
from upss.forum.rules.timers import REVIEW
from upss.forum.service import answering, claiming, refusals, skipping
from upss.kernel.errors import NotFound
from upss.kernel.ids import QuestionId, new_public_id
from upss.site.labels import topic_name
from upss.web.access import for_answerers, signed_in
from upss.web.filters import tell_times_in
from upss.web.i18n import gettext
from upss.web.ports import clock, settings, unit

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from upss.db.work import UnitOfWork

blueprint = Blueprint("answering", __name__)

_Longer = Callable[..., datetime]
_LONGER: dict[str | None, _Longer] = {"extend": claiming.extend, "keep": claiming.keep}


@blueprint.get("/queue")
@for_answerers
def queue() -> ResponseReturnValue:
    """Show what the answerer has promised, and the one question that comes next for them."""
    now = clock().now()
    with unit() as uow:
        desk = _desk(uow)
        peaks = desk.dials.peak_map(uow.zone)
        found = queries_desk.queue(uow.session, desk=desk, now=now, is_peak=peaks.is_peak(now))
    return render_template(
        "forum/queue.html",
        desk=desk,
        found=found,
        most_told=MOST_TOLD,
        quiet_from=peaks.next_nonpeak(now),
        is_strict=desk.dials.policy.mode is Mode.STRICT,
        name=signed_in().name,
        topic_name=topic_name,
        reasons=forms.skip_reasons(),
        given_back=request.args.get("given_back"),
        skipped=request.args.get("skipped"),
        **_refused(),
        can_last=_can_last,
    )


@blueprint.get("/queue/<public_id>")
@for_answerers
def read(public_id: str) -> ResponseReturnValue:
    """Show a question before it is claimed, or the answer after it was sent."""
    work = _work(public_id)
    if work.claim_status == "active":
        return redirect(url_for("answering.write", public_id=public_id), 303)
    if work.is_open or work.answer is not None:
        return _read_page(work)
    if work.claim_status is not None:
        return redirect(url_for("answering.write", public_id=public_id), 303)
    if work.is_own or not work.is_approved:
        raise NotFound(public_id=public_id)
    return _to_queue(ClaimRefused(reason=Reason.TAKEN))


def _read_page(work: queries.Work) -> str:
    with unit() as uow:
        desk = _desk(uow)
    return render_template(
        "forum/read.html",
        work=work,
        desk=desk,
        topic_name=topic_name,
        reasons=forms.skip_reasons(),
        review=REVIEW,
        opens_at=work.opens_at if work.opens_at > clock().now() else None,
    )


@blueprint.post("/queue/<public_id>/skip")
@for_answerers
def skip(public_id: str) -> ResponseReturnValue:
    """Offer another question in place of this one, for today."""
    work = _work(public_id)
    if not work.is_open:  # somebody has it, or it was withdrawn: another one comes anyway
        return redirect(url_for("answering.queue"), 303)
    try:
        with unit() as uow:
            skipping.skip(uow, **_ids(work), reason=forms.typed_skip_reason())
            uow.commit()
    except SkipsUsedUp:
        return redirect(url_for("answering.queue"), 303)  # the page says so
    return redirect(url_for("answering.queue", skipped=public_id), 303)


@blueprint.post("/queue/again")
@for_answerers
def show_again() -> ResponseReturnValue:
    """Offer again what was passed over today: the question that the form names, or all."""
    public_id = request.form.get("question")
    work = _work(public_id) if public_id else None
    with unit() as uow:
        question_id = None if work is None else QuestionId(work.id)
        skipping.show_again(uow, answerer_id=signed_in().id, question_id=question_id)
        uow.commit()
    if public_id:
        return redirect(url_for("answering.read", public_id=public_id), 303)
    return redirect(url_for("answering.queue"), 303)


@blueprint.post("/queue/<public_id>/claim")
@for_answerers
def claim(public_id: str) -> ResponseReturnValue:
    """Claim a question and begin to write."""
    work = _work(public_id)
    try:
        with unit() as uow:
            claiming.claim(uow, **_ids(work))
            uow.commit()
    except ClaimRefused as error:
        _note(work, error)
        return _to_queue(error)
    return redirect(url_for("answering.write", public_id=public_id, taken=1), 303)


@blueprint.route("/answering/<public_id>", methods=["GET", "POST"])
@for_answerers
def write(public_id: str) -> ResponseReturnValue:
    """Write the answer: the question on top, the draft below, saved on the server."""
    work = _work(public_id)
    if request.method == "POST":
        return _save(work)
    if work.claim_status is None or work.answer is not None:
        return redirect(url_for("answering.read", public_id=public_id), 303)
    return _write_page(work, work.draft)


@blueprint.post("/answering/<public_id>/autosave")
@for_answerers
def autosave(public_id: str) -> ResponseReturnValue:
    """Keep what was typed so far; answers with the words for the page's status line."""
    work = _work(public_id)
    try:
        with unit() as uow:
            saved = _save_draft(uow, work)
            uow.commit()
    except DraftTooLong as error:
        return {"error": error.code, "message": forms.too_much_error()}, error.status
    if saved.is_aside:
        return {"saved_at_text": forms.aside_words(), "ends_text": "", "warn_in": None}
    return {
        "saved_at_text": _kept(work, saved.ends_at, saved.saved_at),
        "ends_text": _kept(work, saved.ends_at),
        "warn_in": _warn_in(saved.ends_at),
    }


@blueprint.get("/answering/<public_id>/check")
@for_answerers
def check(public_id: str) -> ResponseReturnValue:
    """Show the answer as it will look, before it is sent for good."""
    work = _work(public_id)
    if not work.can_write or work.answer is not None or answer_fault(work.draft) is not None:
        return redirect(url_for("answering.write", public_id=public_id), 303)
    return render_template("forum/send_check.html", work=work)


@blueprint.post("/answering/<public_id>/send")
@for_answerers
def send(public_id: str) -> ResponseReturnValue:
    """Send exactly the text that was shown on the check page."""
    work = _work(public_id)
    sent = redirect(url_for("answering.read", public_id=public_id, sent=1), 303)
    if work.answer is not None:
        return sent
    if request.form.get("revision") != str(work.revision):
        flash(gettext("The text has changed since. Please look at it once more."), "warn")
        return redirect(url_for("answering.check", public_id=public_id), 303)
    try:
        with unit() as uow:
            answering.send_answer(uow, **_ids(work), body=work.draft)
            uow.commit()
    except answering.AnswerRefused as error:
        message = forms.body_error(str(error.facts["reason"]), work.draft)
        return _write_page(work, work.draft, message), error.status
    except claiming.ClaimEnded:
        flash(gettext("The answer could not be sent. What you wrote is kept."), "error")
        return redirect(url_for("answering.write", public_id=public_id), 303)
    except ClaimRefused as error:
        _note(work, error)
        reason = forms.refusal_reason(error)
        return redirect(url_for("answering.write", public_id=public_id, refused=reason), 303)
    return sent


@blueprint.post("/answering/<public_id>/hand-back")
@for_answerers
def hand_back(public_id: str) -> ResponseReturnValue:
    """Give the question back; the queue then offers to take it again."""
    return _hand_back(_work(public_id))


@blueprint.post("/answering/<public_id>/keep")
@for_answerers
def keep(public_id: str) -> ResponseReturnValue:
    """Keep the question longer, from the queue; the writing page saves first."""
    return _extend(_work(public_id), claiming.extend, url_for("answering.queue"))


def _save(work: queries.Work) -> ResponseReturnValue:
    """Save first, whatever button was pressed; then do what it says."""
    body = forms.typed_body()
    try:
        with unit() as uow:
            saved = _save_draft(uow, work)
            uow.commit()
    except DraftTooLong as error:
        return _write_page(work, body, forms.too_much_error()), error.status
    button = request.form.get("do")
    if saved.is_aside:
        flash(forms.aside_words(), "warn")
        return redirect(url_for("answering.write", public_id=work.public_id), 303)
    if button == "hand_back":
        return _hand_back(work)
    if button in _LONGER:
        return _extend(work, _LONGER[button], url_for("answering.write", public_id=work.public_id))
    fault = answer_fault(clean(body)) if button == "check" else None
    if fault is not None:
        return _write_page(_work(work.public_id), body, forms.body_error(fault, body)), 422
    page = "answering.check" if button == "check" else "answering.write"
    return redirect(url_for(page, public_id=work.public_id), 303)


def _save_draft(uow: UnitOfWork, work: queries.Work) -> answering.Saved:
    return answering.save_draft(
        uow,
        **_ids(work),
        body=forms.typed_body(),
        claim_id=forms.typed_claim(),
        page=forms.typed_page(),
    )


def _hand_back(work: queries.Work) -> ResponseReturnValue:
    try:
        with unit() as uow:
            answering.hand_back(uow, **_ids(work), claim_id=forms.typed_claim())
            uow.commit()
    except claiming.ClaimEnded:
        return redirect(url_for("answering.write", public_id=work.public_id), 303)
    return redirect(url_for("answering.queue", given_back=work.public_id), 303)


def _extend(work: queries.Work, longer: _Longer, back: str) -> ResponseReturnValue:
    """Keep the question longer and say until when; a claim that ended says so on its page."""
    try:
        with unit() as uow:
            ends_at = longer(uow, **_ids(work), claim_id=forms.typed_claim())
            uow.commit()
    except claiming.ClaimEnded:
        return redirect(url_for("answering.write", public_id=work.public_id), 303)
    flash(_kept(work, ends_at), "ok")
    return redirect(back, 303)


def _kept(work: queries.Work, ends_at: datetime | None, saved_at: datetime | None = None) -> str:
    """Say in a line of text until when a question is kept, and when its draft was saved."""
    return render_template(
        "forum/_kept.txt",
        saved_at=saved_at,
        ends_at=ends_at,
        promise_at=work.promise_at,
        can_last=_can_last,
    ).strip()


def _can_last(ends_at: datetime, promise_at: datetime) -> bool:
    """Tell whether a press or a saved change still moves the end of a claim."""
    return can_last(ends_at, clock().now(), Policy(), promise_at)


def _warn_in(ends_at: datetime | None) -> int | None:
    """Return in how many seconds the page says that a claim is about to end; 0: now."""
    if ends_at is None:
        return None
    warn_at = ends_at - Policy().lease_warning
    return max(0, int((warn_at - clock().now()).total_seconds()))


def _work(public_id: str) -> queries.Work:
    """Return the question as the visitor may see it; raises `NotFound`."""
    with unit() as uow:
        found = queries.work(
            uow.session,
            public_id=public_id,
            answerer_id=signed_in().id,
            now=uow.clock.now(),
            site_zone=uow.zone,
        )
    if found is None:
        raise NotFound(public_id=public_id)
    tell_times_in(found.zone)
    return found


def _ids(work: queries.Work) -> dict[str, Any]:
    return {"question_id": QuestionId(work.id), "answerer_id": signed_in().id}


def _write_page(work: queries.Work, body: str, error: str | None = None) -> str:
    return render_template(
        "forum/answering.html",
        work=work,
        page=new_public_id(),
        body=body,
        error=error,
        errors=[("body", error)] if error else [],
        warn_in=_warn_in(work.ends_at) if work.claim_status == "active" else None,
        **_refused(),
        can_last=_can_last,
        answer_max=ANSWER_MAX,
        topic_name=topic_name,
    )


def _to_queue(error: ClaimRefused) -> ResponseReturnValue:
    """Go to the queue, which says why a question cannot be claimed."""
    return redirect(url_for("answering.queue", refused=forms.refusal_reason(error)), 303)


def _refused() -> dict[str, Any]:
    """Return what a page needs to say why a claim was just refused."""
    return {
        "refused": request.args.get("refused"),
        "refusal_words": forms.refusal,
        "refusal_link": forms.refusal_link,
    }


def _note(work: queries.Work, error: ClaimRefused) -> None:
    """Count a refusal for the organizers; the claim's own unit of work is gone with it."""
    with unit() as uow:
        refusals.note(uow, question_id=QuestionId(work.id), error=error)
        uow.commit()


def _desk(uow: UnitOfWork) -> queries_desk.Desk:
    """Return the visitor's desk; the page tells its times by their own clock."""
    desk = queries_desk.desk(
        uow.session,
        answerer_id=signed_in().id,
        now=uow.clock.now(),
        month_start=_month_start(),
        site_zone=uow.zone,
    )
    tell_times_in(desk.declared.hours.zone)
    return desk


def _month_start() -> datetime:
    """Return the first instant of this month where the site is at home."""
    local = clock().now().astimezone(ZoneInfo(settings().timezone))
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
