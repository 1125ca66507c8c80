"""Every answer carries the same headers: pages, files, refusals and errors."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask, Response
from werkzeug.test import TestResponse

from tests.architecture.routes import ROUTES
from tests.architecture.test_routes import path_of, send, visitor
from upss.app import create_app
from upss.config import Mode
from upss.db.base import db
from upss.db.queue import ProcrastinateQueue
from upss.kernel.roles import Role
from upss.web import ports
from upss.web.access import for_everyone

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self' {targets}; base-uri 'none'; "
    "object-src 'none'; frame-src 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY.format(targets="http://127.0.0.1:1"),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
MAY = {
    "Allow",
    "Cache-Control",
    "Content-Disposition",
    "Content-Length",
    "Content-Type",
    "Location",
    "Set-Cookie",
    "Vary",
}
FILE = {"Accept-Ranges", "Date", "ETag", "Last-Modified"}


def check(answer: TestResponse, where: str) -> None:
    headers = dict(answer.headers)
    assert {name: headers.pop(name, None) for name in ALWAYS} == ALWAYS, where
    if answer.status_code != 304 and answer.request.path.startswith("/static/"):
        for name in FILE:
            headers.pop(name, None)
    else:
        assert headers.get("Cache-Control") == "no-store", where
    assert set(headers) <= MAY, where
    kind = headers["Content-Type"]
    assert "charset=utf-8" in kind or kind == "application/json", where


def test_every_route_carries_exactly_these_headers(app):
    clients = [visitor(app, role)[:2] for role in (None, Role.ANSWERER, Role.ORGANIZER)]
    clients.append((app.test_client(), ""))
    for route in ROUTES:
        if route.startswith("POST /sign-out"):
            continue
        for client, token in clients:
            with send(client, route, token) as answer:
                check(answer, route)


@pytest.mark.parametrize(
    ("status", "method", "path", "kept"),
    [
        (404, "GET", "/nowhere", {}),
        (405, "PUT", "/rights", {}),
        (400, "POST", "/sign-in", {"data": {"email": "x"}}),
        (413, "POST", "/stripe/webhook", {"data": b"x" * (1024 * 1024 + 1)}),
        (400, "GET", "/", {"headers": {"Host": "elsewhere.example.org"}}),
        (404, "GET", "/static/nothing.css", {}),
    ],
)
def test_errors_carry_them_too(app, status, method, path, kept):
    with app.test_client().open(path, method=method, **kept) as answer:
        assert answer.status_code == status
        headers = dict(answer.headers)
        assert {name: headers.get(name) for name in ALWAYS} == ALWAYS


def test_our_own_mistakes_carry_them_too_and_say_nothing_of_the_inside(own_app, caplog):
    def broken() -> Response:
        raise LookupError("a secret of the inside")

    own_app.add_url_rule("/broken", "broken", for_everyone(broken))
    answer = own_app.test_client().get("/broken")
    assert answer.status_code == 500
    check(answer, "/broken")
    page = answer.get_data(as_text=True)
    assert "secret" not in page
    assert "Traceback" not in page
    assert "a secret of the inside" in caplog.text


def test_an_https_site_asks_for_https_and_marks_its_cookies(app, settings):
    secure = replace(
        settings,
        mode=Mode.PRODUCTION,
        base_url="https://upss.example.org",
        stripe_api_base="https://api.stripe.com",
        stripe_checkout_origin="https://checkout.stripe.com",
    )
    given = ports.Ports(
        clock=ports.clock(),
        gateway=ports.gateway(),
        mailer=ports.mailer(),
        queue=ProcrastinateQueue(),
    )
    made = create_app(secure, given)
    answer = made.test_client().get("/sign-in", base_url="https://upss.example.org")
    with made.app_context():
        db.engine.dispose()
    assert answer.status_code == 200
    headers = answer.headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    targets = "https://checkout.stripe.com https://connect.stripe.com"
    expected = POLICY.format(targets=targets) + "; upgrade-insecure-requests"
    assert headers["Content-Security-Policy"] == expected
    for cookie in headers.getlist("Set-Cookie"):
        assert "Secure" in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


def test_files_with_their_digest_are_kept_for_a_year(app, client):
    page = client.get("/").get_data(as_text=True)
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    with client.get(address) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    with client.get("/static/upss.css") as answer:
        assert "immutable" not in answer.headers["Cache-Control"]


def test_the_answer_never_depends_on_who_framed_the_request(app: Flask):
    """No route reflects a foreign Host or scheme in an address."""
    answer = app.test_client().get("/settings", headers={"X-Forwarded-Host": "elsewhere.example"})
    assert "elsewhere" not in str(answer.headers)
    assert path_of("GET /ask/<public_id>", public_id="x") == "/ask/x"
