"""What the frame of every page shows: navigation, the visitor, help and the banner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask, request, url_for

from upss.kernel.roles import READS_THE_BOOKS, Role
from upss.web import sessions
from upss.web.access import Person, person
from upss.web.i18n import N_, gettext

if TYPE_CHECKING:
    from upss.config import Settings


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go to."""

    href: str
    label: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class SiteHelp:
    """Where help is, on every page in the same words and place."""

    phone: str
    phone_href: str
    mail: str
    hours: str | None


def _reads_the_books(visitor: Person | None) -> bool:
    return visitor is not None and not READS_THE_BOOKS.isdisjoint(visitor.roles)


@dataclass(frozen=True, slots=True)
class _Place:
    """An entry of the navigation; pages under the paths in `within` belong to it too."""

    endpoint: str
    label: str
    is_shown: Callable[[Person | None], bool]
    within: tuple[str, ...] = ()


def _answers(visitor: Person | None) -> bool:
    return _has(visitor, Role.ANSWERER)


# In its order. The start page is the logo's link; one's own limits are reached from one's hours.
_NAVIGATION = (
    _Place("forum.ask", N_("Ask a question"), lambda _visitor: True),
    _Place(
        "forum.mine",
        N_("My questions"),
        lambda visitor: visitor is not None or _has_session(),
        ("/questions",),
    ),
    _Place("answering.queue", N_("My queue"), _answers, ("/answering",)),
    _Place("hours.overview", N_("My hours"), _answers, ("/limits",)),
    _Place("payouts.earnings", N_("My earnings"), _answers),
    _Place("organizer.home", N_("Organizer"), _reads_the_books),
)

_FOOTER = (
    ("pages.how_money_works", N_("How we share the money")),
    ("pages.rights", N_("Your rights and refunds")),
    ("books.index", N_("Check our books")),
    ("pages.accessibility", N_("Accessibility")),
)


def _hours(settings: Settings) -> str | None:
    """Return when somebody answers the telephone, in words, if the organizer has said so."""
    begin, _, end = settings.help_hours.partition("-")
    return gettext("every day from %(begin)s to %(end)s", begin=begin, end=end) if end else None


def _has_session() -> bool:
    """Tell whether this browser has a session: what it asked without an account belongs to it."""
    return sessions.current().row_id is not None


def _has(visitor: Person | None, role: Role) -> bool:
    return visitor is not None and visitor.has(role)


def init_frame(app: Flask, settings: Settings) -> None:
    """Give every template its frame."""
    app.extensions["upss_demo_links"] = []

    def frame() -> dict[str, Any]:
        visitor = person()
        return {
            "nav_items": _navigation(visitor),
            "current_person": visitor,
            "home_url": url_for("pages.home"),
            "sign_in_url": url_for("accounts.sign_in"),
            "sign_out_url": url_for("accounts.sign_out"),
            "settings_url": url_for("accounts.settings"),
            "site_help": SiteHelp(
                settings.help_phone,
                "tel:" + "".join(c for c in settings.help_phone if c.isdigit() or c == "+"),
                settings.help_mail,
                _hours(settings),
            ),
            "organizer_name": settings.organizer_name,
            "organizer_details": settings.organizer_details,
            "footer_links": [Link(url_for(to), gettext(label)) for to, label in _FOOTER],
            "is_stand_in": settings.is_stand_in,
            "demo_links": [make() for make in app.extensions["upss_demo_links"]],
        }

    app.context_processor(frame)


def _navigation(visitor: Person | None) -> list[Link]:
    here = request.path
    return [
        Link(
            href,
            gettext(place.label),
            is_current=any(_is_within(here, path) for path in (href, *place.within)),
        )
        for place in _NAVIGATION
        if place.is_shown(visitor)
        for href in (url_for(place.endpoint),)
    ]


def _is_within(here: str, path: str) -> bool:
    return here == path or here.startswith(path + "/")
