"""Controls for the demo and for tests: a page at `/_standin`, and the same actions as JSON.

An action takes form fields or JSON; a browser is sent back to the page, others get JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request

from upss.standin import balance, cards, checkout, connect, refunds
from upss.standin.operations import age
from upss.standin.problems import Problem, bad_request
from upss.standin.texts import amount_text, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response as AnyResponse

    from upss.standin.store import Json
    from upss.standin.world import World

_KINDS = (
    "checkout.session",
    "payment_intent",
    "charge",
    "refund",
    "transfer",
    "balance_transaction",
    "v2.core.account",
    "v2.core.event",
)
# switch -> its type; `webhooks_drop` counts down, `webhooks_delay` is in seconds
_SWITCHES: dict[str, type] = {
    "webhooks_paused": bool,
    "webhooks_duplicate": bool,
    "webhooks_reorder": bool,
    "webhooks_drop": int,
    "webhooks_delay": int,
}
_SHOWN = 50


def make_controls(world: World) -> Blueprint:
    """Return the routes under `/_standin`."""
    blueprint = Blueprint("controls", __name__, url_prefix="/_standin")
    controls = Controls(world)
    blueprint.before_request(_refuse_other_sites)
    blueprint.register_error_handler(Problem, _problem)
    blueprint.add_url_rule("", "page", controls.page)
    blueprint.add_url_rule("/state", "state", controls.state)
    blueprint.add_url_rule("/objects/<kind>", "objects", controls.objects)
    actions: dict[str, Callable[..., Json]] = {
        "/fail-next": controls.fail_next,
        "/settle": controls.settle,
        "/top-up": controls.top_up,
        "/webhooks": controls.webhooks,
        "/webhooks/resend": controls.resend,
        "/refunds/<refund_id>/fail": controls.fail_refund,
        "/accounts/<account_id>": controls.account,
        "/checkout/<session_id>/pay": controls.pay,
        "/checkout/<session_id>/expire": controls.expire,
    }
    for rule, action in actions.items():
        view = _Action(world, action)
        blueprint.add_url_rule(rule, action.__name__, view, methods=["POST"])
    return blueprint


def _refuse_other_sites() -> Response | None:
    """Refuse an action that a page of another site sent."""
    origin = request.headers.get("Origin")
    if request.method == "GET" or origin is None or origin == request.host_url.rstrip("/"):
        return None
    return Response("from another site\n", 403, mimetype="text/plain")


def _problem(problem: Exception) -> tuple[Response, int]:
    if not isinstance(problem, Problem):
        raise problem
    return jsonify(problem.body()), problem.status


class _Action:
    """A control as a Flask view: one unit, then an answer that suits the caller."""

    def __init__(self, world: World, action: Callable[..., Json]) -> None:
        self._world = world
        self._action = action

    def __call__(self, **parts: str) -> AnyResponse:
        """Do it."""
        values: Json = request.get_json() if request.is_json else request.form.to_dict()
        with self._world.store.unit():
            age(self._world)
            answer = self._action(**parts, values=values)
        if request.is_json or request.accept_mimetypes.best == "application/json":
            return jsonify(answer)
        return redirect("/_standin", 303)


class Controls:
    """What the controls show and do."""

    def __init__(self, world: World) -> None:
        self._world = world

    def page(self) -> str:
        """Show the state with its buttons."""
        store = self._world.store
        with store.unit():
            age(self._world)
            deliveries = store.execute(
                "SELECT d.*, json_extract(o.body, '$.type') AS type FROM delivery d"
                " JOIN object o ON o.id = d.event_id ORDER BY d.id DESC LIMIT ?",
                _SHOWN,
            )
            return render_template(
                "controls.html",
                t=texts("en"),
                language="en",
                languages={"en": "English"},
                state=self._state(),
                found={kind: store.find(kind)[:_SHOWN] for kind in _KINDS},
                deliveries=deliveries,
                capability=connect.capability,
                amount_text=amount_text,
            )

    def state(self) -> Response:
        """Return balance, switches, counts and the result of the money check as JSON."""
        with self._world.store.unit():
            age(self._world)
            return jsonify(self._state())

    def _state(self) -> Json:
        store = self._world.store
        counts = store.execute("SELECT state, count(*) AS many FROM delivery GROUP BY state")
        return {
            "now": self._world.clock.now().isoformat(timespec="seconds"),
            "available": balance.totals(self._world, "available"),
            "pending": balance.totals(self._world, "pending"),
            "wrong": balance.conservation(self._world),
            "switches": {
                name: store.switch(name, default=kind()) for name, kind in _SWITCHES.items()
            },
            "fault": store.switch("fault", default=None),
            "deliveries": {row["state"]: row["many"] for row in counts},
        }

    def objects(self, kind: str) -> Response:
        """Return all objects of a kind, newest first."""
        if kind not in _KINDS:
            raise Problem(404, "invalid_request_error", "resource_missing", kind)
        with self._world.store.unit():
            return jsonify(self._world.store.find(kind))

    def fail_next(self, values: Json) -> Json:
        """Let the next calls fail, before or after their effect.

        `when`: before or after; `times`: how many; `match`: how the line `POST /v1/refunds`
        begins; `style`: error (a 500) or silence (the line is cut).
        """
        fault = {
            "when": _one_of(values, "when", ("before", "after")),
            "times": _whole(values, "times", 1),
            "match": str(values.get("match", "POST ")),
            "style": _one_of(values, "style", ("error", "silence")),
        }
        self._world.store.set_switch("fault", fault if fault["times"] else None)
        return fault

    def settle(self, values: Json) -> Json:
        """Make all pending money available."""
        del values
        balance.settle_all(self._world)
        return self._state()

    def top_up(self, values: Json) -> Json:
        """Add `amount` minor units of the organizer's own money to the available balance."""
        balance.top_up(self._world, _whole(values, "amount", 10_000), "eur")
        return self._state()

    def webhooks(self, values: Json) -> Json:
        """Set switches: paused, duplicate, reorder, drop (a count), delay (seconds)."""
        for name, kind in _SWITCHES.items():
            short = name.removeprefix("webhooks_")
            if short in values:
                value = _truth(values[short]) if kind is bool else _whole(values, short, 0)
                self._world.store.set_switch(name, value)
        self._world.on_event()
        return self._state()

    def resend(self, values: Json) -> Json:
        """Deliver an event (`event_id`), or all of them, once more."""
        wanted = values.get("event_id")
        sent = 0
        for event in reversed(self._world.store.find("v2.core.event")):
            if wanted in {None, "", event["id"], event.get("snapshot_event")}:
                self._world.deliver(event["id"])
                sent += 1
        return {"sent": sent}

    def fail_refund(self, refund_id: str, values: Json) -> Json:
        """Let a refund come back from the bank."""
        del values
        refund = self._world.need("refund", refund_id)
        refunds.fail_refund(self._world, refund)
        return refund

    def account(self, account_id: str, values: Json) -> Json:
        """Decide on an account: `status` active, pending, restricted or unsupported."""
        account = self._world.need("v2.core.account", account_id)
        return connect.set_capability(self._world, account, str(values.get("status")))

    def pay(self, session_id: str, values: Json) -> Json:
        """Pay a session without a browser; `card` is a test card's number."""
        session = self._world.need("checkout.session", session_id)
        card = cards.CARDS.get(cards.digits(str(values.get("card", "4242424242424242"))))
        if card is None:
            raise bad_request("card_unknown", "not a test card", param="card")
        email = session["customer_email"] or "payer@example.org"
        checkout.start_payment(self._world, session, card, email)
        return session

    def expire(self, session_id: str, values: Json) -> Json:
        """Let a session expire now."""
        del values
        return checkout.expire_session(
            self._world, self._world.need("checkout.session", session_id)
        )


def _one_of(values: Json, name: str, allowed: tuple[str, ...]) -> str:
    value = values.get(name, allowed[0])
    if value not in allowed:
        raise bad_request("parameter_invalid", f"one of {', '.join(allowed)}", param=name)
    return str(value)


def _whole(values: Json, name: str, default: int) -> int:
    text = str(values.get(name, default)).strip() or "0"
    if not text.isdecimal() or len(text) > 6:
        raise bad_request("parameter_invalid_integer", "a whole number", param=name)
    return int(text)


def _truth(value: Any) -> bool:
    return value is True or str(value).lower() in {"true", "on", "1", "yes"}
