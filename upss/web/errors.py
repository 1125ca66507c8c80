"""Errors become pages here, once: clear words, what to do next, and nothing typed is lost."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from psycopg.errors import DeadlockDetected, SerializationFailure
from sqlalchemy.exc import DataError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, SecurityError

from upss.db.base import db
from upss.kernel.errors import DomainError, GatewayError
from upss.web.frame import Link
from upss.web.i18n import N_, gettext

_log = logging.getLogger(__name__)

_TITLES = {
    400: N_("This page cannot read what it was sent"),
    403: N_("This page is not for your account"),
    404: N_("There is nothing at this address"),
    405: N_("This page cannot be opened like this"),
    409: N_("That is not possible now"),
    413: N_("This is too much for one page"),
    422: N_("Something in this form is not right"),
    429: N_("Too many tries in a short time"),
    500: N_("Something went wrong on our side"),
    503: N_("The payment service does not answer"),
}

_TEXTS = {
    400: N_("Please go back and try again."),
    403: N_("Sign in with another address, or go back to the start."),
    404: N_("The address may be wrong, or the page may belong to somebody else."),
    405: N_("Please go back to the start and choose from there."),
    409: N_("Somebody or something was faster. Open the page again to see how it is now."),
    413: N_("Please shorten the text and send it again. Your browser's back button still has it."),
    422: N_("Please go back and look at what you wrote."),
    429: N_("Please wait a little and try again. Nothing is lost."),
    500: N_("What is paid twice goes back to the card. Please try again in a moment."),
    503: N_("What is paid twice goes back to the card. Please try again in a few minutes."),
}

_CSRF_TEXT = N_(
    "This form was open in a session that has ended. What you wrote is below: copy it, open the"
    " page again and paste it."
)


def init_errors(app: Flask) -> None:
    """Install one handler for each kind of error."""
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DomainError, _domain)
    app.register_error_handler(GatewayError, _gateway)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(Exception, _unexpected)


def error_page(status: int, *, text: str | None = None, typed: dict[str, str] | None = None) -> Any:
    """Render the page of a status; `typed` is shown so that it can be copied."""
    known = status if status in _TITLES else 500
    page = render_template(
        "error.html",
        error_title=gettext(_TITLES[known]),
        error_text=gettext(text or _TEXTS[known]),
        error_links=[Link(url_for("pages.home"), gettext("Go to the start"))],
        typed=typed or {},
    )
    return page, status


def _csrf(error: CSRFError) -> Any:
    del error
    return error_page(400, text=_CSRF_TEXT, typed=_typed())


def _typed() -> dict[str, str]:
    """Return the texts of the form that was sent, so that they can be copied."""
    hidden = {"csrf_token", "offer"}
    return {k: v for k, v in request.form.items() if k not in hidden and _is_written(v)}


def _is_written(value: str) -> bool:
    """Tell what a person wrote from what they chose: it is long, of several words or an address."""
    return len(value) > 20 or " " in value.strip() or "@" in value


def _http(error: HTTPException) -> Any:
    if error.response is not None or (error.code or 500) < 400:
        return error
    if isinstance(error, SecurityError):  # a foreign Host: no address of ours can be built on it
        return Response("This address is not served here.\n", 400, mimetype="text/plain")
    return error_page(error.code or 500)


def _domain(error: DomainError) -> Any:
    _log.info("refused %s on %s", error.code, request.endpoint)
    return error_page(error.status, typed=_typed())


def _gateway(error: GatewayError) -> Any:
    _log.warning("gateway: %s on %s", error.code, request.endpoint)
    return error_page(503, typed=_typed())


def _database(error: SQLAlchemyError) -> Any:
    db.session.rollback()
    if isinstance(error, DataError):  # what cannot be stored or looked up, such as a NUL
        return error_page(400, typed=_typed())
    return _unexpected(error)


def _unexpected(error: Exception) -> Any:
    if _is_collision(error):
        _log.warning("two transactions in each other's way on %s", request.endpoint)
        return error_page(409, typed=_typed())
    _log.error("unexpected error on %s", request.endpoint, exc_info=error)
    return error_page(500, typed=_typed())


def _is_collision(error: Exception) -> bool:
    """Tell whether PostgreSQL undid one of two transactions that waited for each other.

    The driver's own error is looked at, because a posting speaks to the driver without SQLAlchemy.
    """
    return isinstance(getattr(error, "orig", error), (DeadlockDetected, SerializationFailure))
