"""Replace ids by the objects they stand for, where the caller asked for it (`expand`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upss.standin.problems import bad_request

if TYPE_CHECKING:
    from upss.standin.store import Json, Store

_DEEPEST = 4


def expand(body: Json, paths: list[str], store: Store) -> Json:
    """Return `body` with every path of `paths` expanded; raises `Problem` for a wrong path."""
    for path in paths:
        steps = path.split(".")
        if len(steps) - (steps[0] == "data") > _DEEPEST:
            raise bad_request("parameter_invalid", "at most four levels", param="expand")
        _walk(body, steps, path, store)
    return body


def _walk(node: Any, steps: list[str], path: str, store: Store) -> None:
    if isinstance(node, list):
        for each in node:
            _walk(each, steps, path, store)
        return
    if not steps or node is None:
        return
    if not isinstance(node, dict) or steps[0] not in node:
        message = f"This property cannot be expanded ({path})."
        raise bad_request("parameter_invalid", message, param="expand")
    value = node[steps[0]]
    if isinstance(value, str):
        found = store.get(value)
        if found is None:
            message = f"This property cannot be expanded ({path})."
            raise bad_request("parameter_invalid", message, param="expand")
        node[steps[0]] = value = found
    _walk(value, steps[1:], path, store)
