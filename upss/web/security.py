"""The headers that every answer carries, and what a request may be at most."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest, NotFound

if TYPE_CHECKING:
    from upss.config import Settings

csrf = CSRFProtect()

_MAX_BODY = 1024 * 1024

_PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"


def content_security_policy(settings: Settings) -> str:
    """Return the policy; `form-action` names the payment page, to which a form redirects."""
    targets = ["'self'", settings.stripe_checkout_origin, *_connect(settings)]
    rules = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action " + " ".join(targets),
        "base-uri 'none'",
        "object-src 'none'",
        "frame-src 'none'",
        "frame-ancestors 'none'",
    ]
    if settings.is_secure:
        rules.append("upgrade-insecure-requests")
    return "; ".join(rules)


def _connect(settings: Settings) -> list[str]:
    """Where the onboarding form's redirect leads."""
    return [] if settings.is_stand_in else ["https://connect.stripe.com"]


def init_security(app: Flask, settings: Settings) -> None:
    """Set limits, cookie flags, CSRF and headers."""
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=_MAX_BODY,
        MAX_FORM_MEMORY_SIZE=_MAX_BODY,
        SESSION_COOKIE_SECURE=settings.is_secure,
        TRUSTED_HOSTS=[urlsplit(settings.base_url).hostname, "localhost", "127.0.0.1"],
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session: no hidden timer
        WTF_CSRF_SSL_STRICT=settings.is_secure,
    )
    app.before_request(_refuse_nul)
    app.before_request(_refuse_what_no_page_sends)
    csrf.init_app(app)
    policy = content_security_policy(settings)

    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        # same-origin, not no-referrer: the CSRF check on https needs the Referer
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = _PERMISSIONS
        if settings.is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if request.endpoint != "static":
            headers.setdefault("Cache-Control", "no-store")
        return response

    app.after_request(add_headers)


def _refuse_nul() -> None:
    """Refuse an address with a NUL: no text in PostgreSQL holds one, so it never means anything."""
    if "\0" in request.path:
        raise NotFound
    if any("\0" in part for pair in request.args.items(multi=True) for part in pair):
        raise BadRequest


def _refuse_what_no_page_sends() -> None:
    """Refuse a form with a nameless part, files or JSON, and a Referer that is no address.

    The libraries that look for the form's token, and read its fields, stumble over them.
    """
    if request.method == "GET" or request.endpoint in {None, "payments.webhook"}:
        return
    if request.is_json or request.files or None in request.form:
        raise BadRequest
    try:
        _ = urlsplit(request.referrer or "").port
    except ValueError:
        raise BadRequest from None
