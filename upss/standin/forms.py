"""Decode nested form fields (`a[b][0]=1`) and read their texts as the contract's types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from upss.standin.problems import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upss.standin.annotations import Schema
    from upss.standin.contract import Contract

_STEP = re.compile(r"\[([^\]]*)\]")
_MAX_DEPTH = 12


def decode_fields(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Build the nested value that a client flattened into form fields."""
    tree: dict[str, Any] = {}
    for name, value in fields:
        steps = [name.partition("[")[0], *_STEP.findall(name)]
        if len(steps) > _MAX_DEPTH:
            raise bad_request("parameter_invalid", f"too deep: {name[:80]}")
        _place(tree, steps, value)
    decoded: dict[str, Any] = {name: _lists(value) for name, value in tree.items()}
    return decoded


def _place(tree: dict[str, Any], steps: list[str], value: str) -> None:
    for step in steps[:-1]:
        tree = tree.setdefault(step, {})
        if not isinstance(tree, dict):
            raise bad_request("parameter_invalid", f"both a value and a group: {step[:80]}")
    last = steps[-1] or str(len(tree))  # `a[]=x` adds to the list
    tree[last] = value


def _lists(value: Any) -> Any:
    """Turn groups whose names are 0, 1, 2 … into lists."""
    if not isinstance(value, dict):
        return value
    if value and set(value) == {str(index) for index in range(len(value))}:
        return [_lists(value[str(index)]) for index in range(len(value))]
    return {name: _lists(each) for name, each in value.items()}


def coerce(value: Any, schema: Schema, contract: Contract) -> Any:
    """Read texts as integers and booleans where the contract wants them; leave misfits alone."""
    schema = contract.resolve(schema)
    if "anyOf" in schema:
        return _coerce_any(value, schema["anyOf"], contract)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        other = schema.get("additionalProperties") or {}
        return {
            name: coerce(each, properties.get(name, other), contract)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [coerce(each, schema.get("items", {}), contract) for each in value]
    return _coerce_text(value, schema)


def _coerce_any(value: Any, branches: list[Schema], contract: Contract) -> Any:
    """Take the first branch that changes the value: `created=5` may be an object or an integer."""
    for branch in branches:
        coerced = coerce(value, branch, contract)
        if coerced != value or type(coerced) is not type(value):
            return coerced
    return value


def _coerce_text(value: Any, schema: Schema) -> Any:
    if not isinstance(value, str):
        return value
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    if kind == "number" and re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", value):
        return float(value)
    if kind == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value
