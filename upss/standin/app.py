"""The stand-in as a Flask application, for this machine alone."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Flask, Response, redirect, request
from jinja2 import StrictUndefined

from upss.standin.api import make_api, refuse_live_key
from upss.standin.contract import load_contract
from upss.standin.controls import make_controls
from upss.standin.courier import Courier
from upss.standin.pages import make_pages
from upss.standin.store import Store
from upss.standin.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from werkzeug.wrappers import Response as AnyResponse

    from upss.kernel.ports import Clock

_LOCAL_NAMES = {"localhost", "127.0.0.1", "[::1]"}
# Stripe's sandbox tries three times over a few hours; here the waits are short enough to watch.
RETRY_SECONDS = (1.0, 5.0, 20.0, 60.0, 120.0)
_EXTENSION = "upss.standin"


def create_app(  # noqa: PLR0913 - a composition root names all that it composes
    clock: Clock,
    *,
    webhook_url: str | None,
    webhook_secret: str,
    secret_key: str = "sk_test_standin",  # noqa: S107 - a stand-in has no secrets
    state_file: Path | None = None,
    available_after: timedelta = timedelta(days=2),
    refund_fails_after: timedelta = timedelta(minutes=1),
    retry_seconds: Sequence[float] = RETRY_SECONDS,
) -> Flask:
    """Build the stand-in; `courier(app).start()` begins the webhooks.

    Without `state_file` the state lives in memory. Raises `ValueError` for a live key.
    """
    refuse_live_key(secret_key)
    world = World(
        clock=clock,
        store=Store(state_file),
        contract=load_contract(),
        available_after=available_after,
        refund_fails_after=refund_fails_after,
        wants_webhooks=webhook_url is not None,
    )
    app = Flask(__name__, static_url_path="/_standin/static")
    app.jinja_env.undefined = StrictUndefined
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    app.extensions[_EXTENSION] = (
        world,
        Courier(world, webhook_url, webhook_secret, retry_seconds),
    )
    app.before_request(_refuse_strangers)
    app.after_request(_say_no_real_money)
    app.add_url_rule("/", "home", _home)
    app.register_blueprint(make_api(world, secret_key))
    app.register_blueprint(make_pages(world))
    app.register_blueprint(make_controls(world))
    return app


def courier(app: Flask) -> Courier:
    """Return the thread that delivers the application's webhooks."""
    found: Courier = app.extensions[_EXTENSION][1]
    return found


def world_of(app: Flask) -> World:
    """Return the application's world, to close its store at the end."""
    found: World = app.extensions[_EXTENSION][0]
    return found


def _home() -> AnyResponse:
    return redirect("/_standin", 303)


def _refuse_strangers() -> Response | None:
    """Answer this machine alone, under a local name: no other host, no rebound DNS name."""
    caller = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104 - not a bind
    name = request.host if request.host.endswith("]") else request.host.rpartition(":")[0]
    if caller.is_loopback and (name or request.host) in _LOCAL_NAMES:
        return None
    return Response("The stand-in answers this machine alone.\n", 403, mimetype="text/plain")


def _say_no_real_money(response: Response) -> Response:
    response.headers["X-Stand-In"] = "no real money"
    response.headers["Cache-Control"] = "no-store"
    return response
