"""The contract of the stand-in: which requests and responses the installed client's version allows."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from upss.standin.annotations import Module, Reader, Schema, client_root
from upss.standin.problems import Problem, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVICES = {
    "stripe.checkout._session_service": "SessionService",
    "stripe._payment_intent_service": "PaymentIntentService",
    "stripe._charge_service": "ChargeService",
    "stripe._refund_service": "RefundService",
    "stripe._transfer_service": "TransferService",
    "stripe._balance_service": "BalanceService",
    "stripe._balance_transaction_service": "BalanceTransactionService",
    "stripe._event_service": "EventService",
    "stripe.v2.core._account_service": "AccountService",
    "stripe.v2.core._account_link_service": "AccountLinkService",
    "stripe.v2.core._event_service": "EventService",
}
_METHODS = {"create", "retrieve", "list", "expire"}
# The client keeps a class for each v2 event; the one that the service names is only their base.
_OPEN = {"stripe.v2.core._event.Event"}
_ROOT = "urn:upss:standin"


@dataclass(frozen=True, slots=True)
class Operation:
    """One address of the interface, with the schemas of what goes in and out."""

    verb: str
    path: str  # "/v1/charges/{charge}"
    request: Schema
    response: Schema


@dataclass(frozen=True)
class Contract:
    """Operations and definitions of one client version."""

    client_version: str
    api_version: str
    operations: tuple[Operation, ...]
    definitions: dict[str, Schema]

    def __post_init__(self) -> None:
        schema = {"$id": _ROOT, "$defs": self.definitions}
        object.__setattr__(self, "_validator", Draft202012Validator(schema))

    def resolve(self, schema: Schema) -> Schema:
        """Follow a `$ref` to its definition."""
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"].removeprefix("#/$defs/")]
        return schema

    def check_request(self, operation: Operation, params: dict[str, Any]) -> None:
        """Raise `Problem` (400) for parameters that this version does not take."""
        error = self._first_error(operation.request, params)
        if error is None:
            return
        words = error.message.split("'")
        name = words[1] if error.validator in {"required", "additionalProperties"} else ""
        path = [str(step) for step in (*error.absolute_path, name) if step != ""]
        param = path[0] + "".join(f"[{step}]" for step in path[1:]) if path else None
        code = {"required": "parameter_missing", "additionalProperties": "parameter_unknown"}
        raise bad_request(
            code.get(str(error.validator), "parameter_invalid"), error.message[:300], param=param
        )

    def check_response(self, operation: Operation, body: dict[str, Any]) -> None:
        """Raise `Problem` (500) when the stand-in itself breaks the contract."""
        error = self._first_error(operation.response, body)
        if error is not None:
            where = "/".join(str(step) for step in error.absolute_path)
            message = f"the stand-in answered out of contract at {where}: {error.message[:300]}"
            raise Problem(500, "api_error", "standin_contract", message)

    def _first_error(self, schema: Schema, instance: object) -> Any:
        validator: Draft202012Validator = getattr(self, "_validator")  # noqa: B009 - set above
        return best_match(validator.evolve(schema=_rooted(schema)).iter_errors(instance))

    def fill(self, schema: Schema, values: dict[str, Any]) -> dict[str, Any]:
        """Complete `values` with an empty value for every other field, so that upgrades fill in."""
        schema = self.resolve(schema)
        properties: dict[str, Schema] = schema["properties"]
        body = {
            name: self._empty(each) if name in schema["required"] else None
            for name, each in properties.items()
        }
        for name, value in values.items():
            inner = self._object_branch(properties.get(name, {}))
            body[name] = self.fill(inner, value) if isinstance(value, dict) and inner else value
        return body

    def _object_branch(self, schema: Schema) -> Schema | None:
        """Return the branch of `schema` that is a closed object, where there is one."""
        for branch in schema.get("anyOf", [schema]):
            resolved = self.resolve(branch)
            if "properties" in resolved:
                return resolved
        return None

    def _empty(self, schema: Schema) -> Any:
        schema = self.resolve(schema)
        if "anyOf" in schema:
            return self._empty(schema["anyOf"][0])
        if "enum" in schema:
            return schema["enum"][0]
        if "properties" in schema:
            return self.fill(schema, {})
        empty = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": []}
        return empty.get(schema.get("type", "object"), {})

    def definition(self, name: str) -> Schema:
        """Return a definition by the end of its name, for example `checkout._session.Session`."""
        return self.definitions[f"stripe.{name}"]


def _rooted(schema: Schema) -> Schema:
    text = json.dumps(schema)
    rooted: Schema = json.loads(text.replace('"#/$defs/', f'"{_ROOT}#/$defs/'))
    return rooted


@cache
def load_contract() -> Contract:
    """Derive the contract from the installed client, once a process (about half a second)."""
    reader = Reader(client_root())
    operations = tuple(
        operation
        for module_name, class_name in _SERVICES.items()
        for operation in _operations(reader, reader.module(module_name), class_name)
    )
    for name in _OPEN:
        reader.definitions[name]["additionalProperties"] = True
    return Contract(version("stripe"), _api_version(reader), operations, reader.definitions)


def _api_version(reader: Reader) -> str:
    node = reader.module("stripe._api_version").classes["_ApiVersion"]
    for item in node.body:
        match item:
            case ast.Assign(targets=[ast.Name(id="CURRENT")], value=ast.Constant(value=str() as v)):
                return v
    raise RuntimeError("the client does not say its API version")


def _operations(reader: Reader, module: Module, class_name: str) -> Iterator[Operation]:
    for method in module.classes[class_name].body:
        if not isinstance(method, ast.FunctionDef) or method.name not in _METHODS:
            continue
        if method.returns is None:
            raise RuntimeError(f"{class_name}.{method.name} does not say what it returns")
        verb, path = _request_call(method)
        yield Operation(
            verb=verb.upper(),
            path=path,
            request=_request_schema(reader, module, method),
            response=_response_schema(reader, module, method.returns),
        )


def _request_schema(reader: Reader, module: Module, method: ast.FunctionDef) -> Schema:
    params = next(a for a in method.args.args if a.arg == "params").annotation
    if isinstance(params, ast.Subscript):  # Optional["XParams"]
        params = params.slice
    if params is None:
        raise RuntimeError(f"{method.name} does not say what it takes")
    return reader.annotation(params, module)


def _response_schema(reader: Reader, module: Module, returns: ast.expr) -> Schema:
    return reader.annotation(returns, module)


def _request_call(method: ast.FunctionDef) -> tuple[str, str]:
    """Return verb and path template of the one request that a service method makes."""
    for node in ast.walk(method):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="_request"),
                args=[ast.Constant(value=str() as verb), address, *_],
            ):
                return verb, _path_template(address)
    raise RuntimeError(f"{method.name} makes no request")


def _path_template(address: ast.expr) -> str:
    match address:
        case ast.Constant(value=str() as path):
            return path
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as path))):
            return path
    raise RuntimeError(f"unexpected address {ast.unparse(address)}")
