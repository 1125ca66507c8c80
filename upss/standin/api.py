"""The interface over HTTP: keys, contract, idempotency, faults on demand, answers."""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from upss.kernel.ids import new_public_id
from upss.standin.expand import expand
from upss.standin.forms import coerce, decode_fields
from upss.standin.operations import HANDLERS, Call, age
from upss.standin.problems import Problem

if TYPE_CHECKING:
    from upss.standin.contract import Operation
    from upss.standin.store import Json
    from upss.standin.world import World

_LIVE = ("sk_live_", "rk_live_")
_V2 = "/v2/"


def refuse_live_key(key: str) -> None:
    """Raise `ValueError` for a key that could move real money."""
    if key.startswith(_LIVE):
        raise ValueError("the stand-in never takes live keys (sk_live_…, rk_live_…)")


def make_api(world: World, secret_key: str) -> Blueprint:
    """Return the routes of the interface, one for each operation that is built."""
    blueprint = Blueprint("api", __name__)
    contract = {(each.verb, each.path): each for each in world.contract.operations}
    for address in HANDLERS:
        verb, path = address
        endpoint = Endpoint(world, secret_key, contract[address])
        rule = path.replace("{", "<").replace("}", ">")
        name = f"{verb}{path}".replace("/", "_").replace(".", "_")
        blueprint.add_url_rule(rule, name, endpoint, methods=[verb])
    for prefix in ("/v1/<path:rest>", "/v2/<path:rest>"):
        blueprint.add_url_rule(
            prefix, f"unknown{prefix[1:3]}", _unknown, methods=["GET", "POST", "DELETE"]
        )
    return blueprint


def _unknown(rest: str) -> Response:
    del rest  # the message shows the whole path
    message = f"The stand-in has no {request.method} {request.path}."
    return _answer(404, Problem(404, "invalid_request_error", "standin_not_built", message).body())


class Endpoint:
    """One operation as a Flask view."""

    def __init__(self, world: World, secret_key: str, operation: Operation) -> None:
        self._world = world
        self._secret_key = secret_key
        self._operation = operation

    def __call__(self, **parts: str) -> Response:
        """Answer one request."""
        try:
            self._check_caller()
            fault = self._take_fault()
            if fault and fault["when"] == "before":
                return _fail(fault)
            answer = self._answer_checked(next(iter(parts.values()), ""))
        except Problem as problem:
            return _answer(problem.status, problem.body())
        return _fail(fault) if fault else answer

    def _check_caller(self) -> None:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        kind = "invalid_request_error"
        if key.startswith(_LIVE):
            message = "This is a stand-in without real money: it refuses live keys."
            raise Problem(401, kind, "live_key_refused", message)
        if not secrets.compare_digest(key.encode(), self._secret_key.encode()):
            raise Problem(401, kind, "api_key_unknown", "Invalid API Key provided.")
        asked = request.headers.get("Stripe-Version", self._world.contract.api_version)
        if asked != self._world.contract.api_version:
            message = f"The contract is that of {self._world.contract.api_version}, not {asked}."
            raise Problem(400, kind, "api_version_unknown", message)

    def _take_fault(self) -> Json | None:
        """Use up one of the faults that were ordered for calls like this one."""
        store = self._world.store
        with store.unit():
            fault: Json | None = store.switch("fault", None)
            line = f"{request.method} {request.path}"
            if not fault or not line.startswith(fault["match"]):
                return None
            fault["times"] -= 1
            store.set_switch("fault", fault if fault["times"] > 0 else None)
            return fault

    def _answer_checked(self, object_id: str) -> Response:
        params = self._params()
        self._world.contract.check_request(self._operation, params)
        key = request.headers.get("Idempotency-Key")
        with self._world.store.unit():
            age(self._world)
            if request.method == "GET" or not key:
                return _answer(200, self._run(params, object_id))
            return self._run_once(params, object_id, key)

    def _params(self) -> Json:
        if request.method == "POST" and request.path.startswith(_V2):
            body = request.get_json(silent=True) if request.get_data() else {}
            if not isinstance(body, dict):
                raise Problem(400, "invalid_request_error", "parameter_invalid", "not JSON")
            return body
        fields = request.args if request.method == "GET" else request.form
        decoded = decode_fields(fields.items(multi=True))
        params: Json = coerce(decoded, self._operation.request, self._world.contract)
        return params

    def _run(self, params: Json, object_id: str) -> Json:
        base_url = request.host_url.rstrip("/")
        call = Call(self._world, params, object_id, request.path, base_url)
        handler = HANDLERS[self._operation.verb, self._operation.path]
        body: Json = json.loads(json.dumps(handler(call)))
        body = expand(body, params.get("expand", []), self._world.store)
        self._world.contract.check_response(self._operation, body)
        return body

    def _run_once(self, params: Json, object_id: str, key: str) -> Response:
        """Answer a repeated key as before; a v1 refusal is kept too, a v2 one is tried anew."""
        store = self._world.store
        digest = _digest(params)
        rows = store.execute("SELECT * FROM used_key WHERE key = ?", key)
        if rows:
            if rows[0]["request"] != digest:
                message = f"The key '{key}' was used with other parameters or another address."
                raise Problem(400, "idempotency_error", None, message)
            headers = {"Idempotent-Replayed": "true", "Stripe-Should-Retry": "false"}
            return _answer(rows[0]["status"], json.loads(rows[0]["body"]), headers)
        try:
            with store.unit():
                status, body = 200, self._run(params, object_id)
        except Problem as problem:
            status, body = problem.status, problem.body()
        if status == 200 or not request.path.startswith(_V2):
            store.execute(
                "INSERT INTO used_key (key, request, status, body, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                key,
                digest,
                status,
                json.dumps(body),
                self._world.now(),
            )
        return _answer(status, body)


def _digest(params: Json) -> str:
    text = json.dumps([request.method, request.path, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _fail(fault: Json) -> Response:
    """Lose an answer: with a 500, or by closing the line without a word."""
    if fault["style"] == "silence":
        line: Any = request.environ.get("werkzeug.socket")
        if line is not None:
            line.shutdown(socket.SHUT_RDWR)
    problem = Problem(500, "api_error", "standin_fault", "A fault that was asked for.")
    return _answer(500, problem.body(), {"Stripe-Should-Retry": "false"})


def _answer(status: int, body: Json, headers: dict[str, str] | None = None) -> Response:
    response = Response(json.dumps(body), status, mimetype="application/json")
    response.headers["Request-Id"] = f"req_standin_{new_public_id()}"
    if 400 <= status < 500:
        response.headers["Stripe-Should-Retry"] = "false"
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
