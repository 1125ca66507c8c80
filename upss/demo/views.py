"""Pages that exist in the demo alone: whom to be, the clock, the mail."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from markupsafe import Markup, escape
from sqlalchemy import select, update

from upss.accounts.models import Account
from upss.accounts.queries import roles
from upss.config import Mode
from upss.demo import mail_catcher
from upss.forum.tasks import reach_out, run_timers
from upss.kernel.ids import AccountId
from upss.kernel.roles import READS_THE_BOOKS, Role
from upss.payments.tasks import poll
from upss.site.models import ClockOffset
from upss.web import sessions
from upss.web.access import for_everyone
from upss.web.frame import Link
from upss.web.i18n import N_, gettext
from upss.web.ports import clock, settings, unit

blueprint = Blueprint("demo", __name__, url_prefix="/demo")

STEPS = {
    "hour": (timedelta(hours=1), N_("One hour")),
    "day": (timedelta(days=1), N_("One day")),
    "days": (timedelta(days=3), N_("Three days")),
    "week": (timedelta(days=7, hours=1), N_("One week")),
}
_MAILS = 20
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")


def init_demo(app: Flask) -> Flask:
    """Add the demo's pages to an application in demo mode, and to nothing else."""
    with app.app_context():
        if settings().mode is not Mode.DEMO:
            raise RuntimeError("the demo's pages are for UPSS_MODE=demo only")
    app.register_blueprint(blueprint)
    app.extensions["upss_demo_links"] += [
        lambda: Link(url_for("demo.people"), gettext("Be somebody else")),
        lambda: Link(url_for("demo.clock_page"), gettext("Move the clock")),
        lambda: Link(url_for("demo.mails"), gettext("Read the mail")),
    ]
    return app


@blueprint.get("/")
@for_everyone
def people() -> str:
    """List whom one can be."""
    with unit() as uow:
        rows = uow.session.execute(
            select(Account.id, Account.public_id, Account.name, Account.email).order_by(Account.id)
        ).all()
        known = [(row, roles(uow.session, AccountId(row.id))) for row in rows]
    groups = [
        (gettext("Organizers"), [row for row, held in known if Role.ORGANIZER in held]),
        (gettext("Auditors"), [row for row, held in known if Role.AUDITOR in held]),
        (gettext("People who answer"), [row for row, held in known if Role.ANSWERER in held]),
        (gettext("People who ask"), [row for row, held in known if not held]),
    ]
    return render_template("demo/people.html", groups=groups)


@blueprint.get("/be/<public_id>")
@for_everyone
def be(public_id: str) -> Any:
    """Sign in as one of the invented people: a printed link, in the demo alone."""
    with unit() as uow:
        account = uow.session.scalar(select(Account).where(Account.public_id == public_id))
        if account is None:
            abort(404)
        held = roles(uow.session, AccountId(account.id))
    sessions.sign_in(AccountId(account.id), reads_the_books=not READS_THE_BOOKS.isdisjoint(held))
    target = "pages.home"
    if not READS_THE_BOOKS.isdisjoint(held):
        target = "organizer.home"
    elif Role.ANSWERER in held:
        target = "answering.queue"
    return redirect(url_for(target), 303)


@blueprint.route("/clock", methods=["GET", "POST"])
@for_everyone
def clock_page() -> Any:
    """Show the demo's time and move it forward; everything that falls due then happens."""
    if request.method == "POST":
        step = STEPS.get(request.form.get("step", ""))
        if step is None:
            abort(400)
        move_clock(step[0])
        flash(gettext("The clock has moved. What was due has happened."), "ok")
        return redirect(url_for("demo.clock_page"), 303)
    steps = [(key, gettext(label)) for key, (_step, label) in STEPS.items()]
    return render_template("demo/clock.html", now=clock().now(), steps=steps)


def move_clock(step: timedelta) -> None:
    """Move application time forward for every process of the demo, then run what is due."""
    with unit() as uow:
        uow.session.execute(
            update(ClockOffset).values(seconds=ClockOffset.seconds + int(step.total_seconds()))
        )
        uow.commit()
    run_timers()
    reach_out()
    poll()


@blueprint.get("/mail")
@for_everyone
def mails() -> str:
    """List the caught mails, newest first."""
    before = request.args.get("before")
    found = mail_catcher.newest(settings().instance / "mail", before=before, limit=_MAILS + 1)
    older = found[_MAILS - 1].key if len(found) > _MAILS else None
    return render_template(
        "demo/mails.html", mails=found[:_MAILS], older=older, is_first=before is None
    )


@blueprint.get("/mail/<key>")
@for_everyone
def mail(key: str) -> str:
    """Show one mail as text, its addresses as links."""
    return render_template("demo/mail.html", mail=_mail(key), body=_linked(_mail(key).text))


@blueprint.get("/mail/<key>/html")
@for_everyone
def mail_html(key: str) -> Response:
    """Show the HTML part as a mail program would: styles of its own, no scripts."""
    answer = Response(_mail(key).html, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return answer


def _mail(key: str) -> mail_catcher.CaughtMail:
    found = mail_catcher.read(settings().instance / "mail", key)
    if found is None:
        abort(404)
    return found


def _linked(text: str) -> Markup:
    parts = []
    at = 0
    for match in _ADDRESS.finditer(text):
        parts.append(escape(text[at : match.start()]))
        parts.append(Markup('<a href="{0}">{0}</a>').format(match.group()))
        at = match.end()
    parts.append(escape(text[at:]))
    return Markup("").join(parts)
