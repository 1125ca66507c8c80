"""Sending mails: read and write the words, talk to the server, note that it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from upss.accounts import service as accounts
from upss.kernel.ports import Mail
from upss.notices import queries, service
from upss.notices.rules.messages import MESSAGES, PAGES, SECOND_PAGES, WITH_PUBLIC_ID
from upss.web.i18n import reading
from upss.web.ports import external_url, mailer, settings, template, unit

if TYPE_CHECKING:
    from upss.notices.queries import Waiting


def send(notice_id: int) -> None:
    """Send a notice unless it was sent; raises `MailNotSent` when it may be tried again."""
    with unit() as uow:
        notice = queries.unsent(uow.session, notice_id, uow.clock.now())
        if notice is None:
            return
        told = queries.figures(uow.session, notice)
    page = PAGES[notice.template]
    named = {"public_id": told["public_id"]} if page in WITH_PUBLIC_ID else {}
    _deliver(notice, told, url=external_url(page, **named), message=f"notice-{notice.id}")


def send_sign_in(request_id: int) -> None:
    """Make and send the link and code of a request; nothing once it was sent, used or is old."""
    (message,) = MESSAGES["send_sign_in"]
    with unit() as uow:
        notice = queries.unsent_fact(uow.session, message.fact_of({"request_id": request_id}))
        secrets = accounts.make_secrets(uow, request_id=request_id) if notice else None
        if notice is None or secrets is None:
            return
        uow.commit()
    told: dict[str, object] = {
        "code": f"{secrets.code[:4]} {secrets.code[4:]}",
        "expires_at": secrets.expires_at,
    }
    url = external_url(message.page, token=secrets.token)
    # Another try brings another link, so it must not look like a copy of the mail before it.
    _deliver(notice, told, url=url, message=f"notice-{notice.id}-{secrets.tag}")


def _deliver(notice: Waiting, told: dict[str, object], *, url: str, message: str) -> None:
    """Render and send with no transaction open, then note it in a unit of its own."""
    mailer().send(_letter(notice, told, url=url, message=message))
    with unit() as uow:
        service.mark_sent(uow, notice_id=notice.id)
        uow.commit()


def _letter(notice: Waiting, told: dict[str, object], *, url: str, message: str) -> Mail:
    """Write a mail in its reader's language: the words of its template in the common frame."""
    here = settings()
    with reading(notice.language) as spoken:
        words = template(f"email/{notice.template}.txt").make_module(told)
        second = SECOND_PAGES.get(notice.template)
        frame = {
            "words": words,
            "code": told.get("code"),
            "url": url,
            "second_url": external_url(second) if second else None,
            "locale": spoken.code,
            "organizer_name": here.organizer_name,
            "help_phone": here.help_phone,
            "help_mail": here.help_mail,
        }
        return Mail(
            to=notice.email,
            subject=words.subject,  # type: ignore[attr-defined] # set by the template
            text=template("email/layout.txt").render(frame),
            html=template("email/layout.html").render(frame),
            message_id=f"<{message}@{urlsplit(here.base_url).hostname}>",
            language=spoken.code,
        )
