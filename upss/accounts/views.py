"""Pages for signing in and out, and a person's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for

from upss.accounts import queries, service
from upss.accounts.forms import CodeForm, SettingsForm, SignInForm, errors_of
from upss.accounts.rules import sign_in as rules
from upss.kernel.errors import DomainError, TooManyRequests
from upss.kernel.roles import READS_THE_BOOKS
from upss.web import limits, sessions
from upss.web.access import for_everyone, for_signed_in, person, signed_in
from upss.web.i18n import LANGUAGES, catalogue, gettext
from upss.web.ports import clock, unit

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("accounts", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"], endpoint="sign_in")
@for_everyone
def ask_sign_in() -> ResponseReturnValue:
    """Ask for an address; the answer is the same whether it is known or not."""
    form = SignInForm(next=request.args.get("next"))
    next_path = rules.local_path(form.next.data)
    if request.method == "GET":
        return redirect(next_path, 303) if person() else _sign_in_page(form)
    if not form.validate():
        return _sign_in_page(form), 422
    try:
        _count(form.address)
    except TooManyRequests as error:
        return _sign_in_page(form, wait_until=error.facts["until"]), error.status
    _ask(form.address, next_path)
    return redirect(url_for("accounts.sign_in_sent"), 303)


@blueprint.get("/sign-in/sent")
@for_everyone
def sign_in_sent() -> ResponseReturnValue:
    """Say that a mail is on its way, and take its code."""
    return _sent_page(CodeForm(formdata=None))


@blueprint.post("/sign-in/code")
@for_everyone
def sign_in_code() -> ResponseReturnValue:
    """Sign in with the code; every wrong one counts."""
    form = CodeForm()
    if not form.validate():
        return _sent_page(form, status=422)
    try:
        done = _try_code(form.code.data)
    except service.CodeWrong as error:
        return _sent_page(form, status=error.status, tries_left=error.facts["tries_left"])
    except service.LinkExpired as error:
        return _problem_page(error)
    return _enter(done)


@blueprint.get("/sign-in/link/<token>")
@for_everyone
def link(token: str) -> ResponseReturnValue:
    """Show the button that uses the link: mail scanners open pages, they press no buttons."""
    try:
        with unit() as uow:
            service.check_link(uow, token=token, session_id=sessions.current().row_id)
    except DomainError as error:
        return _problem_page(error)
    return render_template("accounts/link.html", token=token)


@blueprint.post("/sign-in/link/<token>")
@for_everyone
def use_link(token: str) -> ResponseReturnValue:
    """Use the link and sign in."""
    try:
        with unit() as uow:
            done = service.use_link(uow, token=token, session_id=sessions.current().row_id)
            uow.commit()
    except DomainError as error:
        return _problem_page(error)
    return _enter(done)


@blueprint.post("/sign-out")
@for_everyone
def sign_out() -> ResponseReturnValue:
    """End this session; for everyone, since it may have ended by itself."""
    sessions.sign_out()
    return redirect("/", 303)


@blueprint.post("/sign-out-everywhere")
@for_signed_in
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session of this person, and what they left in others without signing in."""
    account_id = signed_in().id
    with unit() as uow:
        service.sign_out_everywhere(uow, account_id=account_id)
        uow.commit()
    sessions.sign_out_everywhere(account_id)
    return redirect(url_for("accounts.sign_in"), 303)


@blueprint.route("/settings", methods=["GET", "POST"])
@for_signed_in
def settings() -> ResponseReturnValue:
    """Change name and language."""
    visitor = signed_in()
    form = SettingsForm(name=visitor.name, language=visitor.language)
    if request.method == "GET" or not form.validate():
        page = render_template(
            "accounts/settings.html", form=form, errors=errors_of(form), languages_known=LANGUAGES
        )
        return page, 422 if form.errors else 200
    with unit() as uow:
        service.rename(uow, account_id=visitor.id, name=form.name.data.strip())
        service.set_language(uow, account_id=visitor.id, language=form.language.data)
        uow.commit()
    flash(gettext("Your settings are saved."), "ok")
    # the address carries the language, so that this browser follows the new setting
    return redirect(url_for("accounts.settings", lang=form.language.data), 303)


def _count(address: str) -> None:
    """Count a request for a mail; raises `TooManyRequests`."""
    network = rules.network_of(request.remote_addr or "0.0.0.0")  # noqa: S104 - no socket: a count's key
    for group, key in (
        (rules.PER_NETWORK, network),
        (rules.PER_ADDRESS_IN_NETWORK, f"{sessions.hashed(address)}:{network}"),
        (rules.PER_ADDRESS, sessions.hashed(address)),
        (rules.FOR_ALL, ""),
    ):
        for limit in group:
            limits.hit(f"{limit.name}:{key}", most=limit.most, window=limit.window)


def _ask(address: str, next_path: str) -> None:
    browser = sessions.row_id()
    with unit() as uow:
        service.ask_sign_in(
            uow,
            email=address,
            session_id=browser,
            language=catalogue().code,
            next_path=next_path,
        )
        uow.commit()


def _try_code(code: str) -> service.SignedIn:
    browser = sessions.row_id()
    with unit() as uow:
        try:
            done = service.use_code(uow, code=code, session_id=browser)
        except service.CodeWrong:
            uow.commit()  # the try stays counted
            raise
        uow.commit()
        return done


def _sign_in_page(form: SignInForm, wait_until: object = None) -> str:
    return render_template(
        "accounts/sign_in.html",
        form=form,
        errors=errors_of(form),
        wait_until=wait_until,
        now=clock().system_now(),
    )


def _sent_page(
    form: CodeForm, *, status: int = 200, tries_left: object = None
) -> ResponseReturnValue:
    browser = sessions.current().row_id
    with unit() as uow:
        address = queries.asked_address(uow.session, browser) if browser else None
    if address is None:
        return redirect(url_for("accounts.sign_in"), 303)
    page = render_template(
        "accounts/sign_in_sent.html",
        form=form,
        errors=errors_of(form),
        address=address,
        tries_left=tries_left,
    )
    return page, status


def _problem_page(error: DomainError) -> ResponseReturnValue:
    return render_template("accounts/link_problem.html", problem=error.code), error.status


def _enter(done: service.SignedIn) -> ResponseReturnValue:
    """Bind the browser's session to the account and go where the person wanted to go."""
    with unit() as uow:
        roles = queries.roles(uow.session, done.account_id)
    sessions.sign_in(done.account_id, reads_the_books=not READS_THE_BOOKS.isdisjoint(roles))
    return redirect(done.next_path, 303)
