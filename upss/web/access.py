"""Who may open which page: every view says it, and an unmarked view is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Flask, redirect, request, url_for
from flask import session as flask_session
from flask_login import LoginManager, UserMixin

from upss.kernel.errors import Forbidden
from upss.kernel.roles import READS_THE_BOOKS, Role
from upss.web.ports import view_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from upss.kernel.ids import AccountId

View = TypeVar("View", bound=Callable[..., Any])
EVERYONE = "everyone"
SIGNED_IN = "signed_in"
_MARK = "upss_access"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Person(UserMixin):  # type: ignore[misc]
    """The signed-in visitor, read with the session in one statement."""

    id: AccountId
    public_id: str
    name: str
    email: str
    language: str
    roles: frozenset[str]

    def has(self, role: Role) -> bool:
        """Tell whether this person has `role`; everybody may ask."""
        return role is Role.ASKER or role in self.roles


def for_everyone(view: View) -> View:
    """Mark a page that needs no sign-in."""
    return _mark(view, EVERYONE)


def for_signed_in(view: View) -> View:
    """Mark a page for any account."""
    return _mark(view, SIGNED_IN)


def for_answerers(view: View) -> View:
    """Mark a page for answerers."""
    return _mark(view, Role.ANSWERER)


def for_organizers(view: View) -> View:
    """Mark a page for organizers."""
    return _mark(view, Role.ORGANIZER)


def for_auditors(view: View) -> View:
    """Mark a page that reads the books, for organizers and auditors; it must change nothing."""
    return _mark(view, Role.AUDITOR)


def access_of(view: Callable[..., Any]) -> str | None:
    """Return the mark of a view, or None where it was forgotten."""
    return cast("str | None", getattr(view, _MARK, None))


def person() -> Person | None:
    """Return who is signed in, or None."""
    return cast("Person | None", getattr(flask_session, "person", None))


def signed_in() -> Person:
    """Return who is signed in; for pages that are marked so."""
    found = person()
    if found is None:
        raise Forbidden
    return found


def init_access(app: Flask) -> None:
    """Check the mark before each request; Flask-Login only lends its `current_user`."""
    manager = LoginManager()
    manager.session_protection = None
    # Its words for templates would look at its own cookie, which nobody here sets but anybody may send.
    manager.init_app(app, add_context_processor=False)
    manager.request_loader(lambda _request: person())
    app.before_request(_check)


def _mark(view: View, access: str) -> View:
    setattr(view, _MARK, access)
    return view


def _check() -> Response | None:
    if request.endpoint in (None, "static"):
        return None
    access = access_of(view_of(str(request.endpoint)))
    if access == EVERYONE:
        return None
    visitor = person()
    if access is None:
        raise Forbidden
    if visitor is None:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return redirect(url_for("accounts.sign_in", next=wanted), 303)
    if not _opens(visitor, access):
        raise Forbidden
    return None


def _opens(visitor: Person, access: str) -> bool:
    if access == Role.AUDITOR:
        return not READS_THE_BOOKS.isdisjoint(visitor.roles)
    return access == SIGNED_IN or access in visitor.roles


def language_of_visitor() -> str | None:
    """Return the language that the signed-in account has chosen."""
    visitor = person()
    return None if visitor is None else visitor.language
