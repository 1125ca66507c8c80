"""Turn the type annotations of the installed `stripe` package into JSON Schema, without importing it.

The client's own source is the most exact description of the interface that is at hand: its
TypedDicts name every parameter, its resource classes every field, its services every address.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

_PLAIN: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "float": {"type": "number"},
    "Decimal": {"type": "string"},
    "Any": {},
    "None": {"type": "null"},
}
# Resources that the stand-in keeps, and so may be asked to expand; any other is only ever an id.
EXPANDABLE = {"BalanceTransaction", "Charge", "PaymentIntent", "Refund", "Transfer"}


def client_root() -> Path:
    """Return the folder of the installed client; finding it does not run it."""
    spec = find_spec("stripe")
    if spec is None or spec.origin is None:
        raise RuntimeError("the stripe package is not installed")
    return Path(spec.origin).parent


@dataclass(frozen=True)
class Module:
    """One parsed source file of the client, under its dotted name."""

    name: str
    tree: ast.Module

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Every class by qualified name, inner ones as `Outer.Inner`."""
        found: dict[str, ast.ClassDef] = {}
        _collect_classes(self.tree.body, "", found)
        return found

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """Where an imported name comes from: local name -> (module, name)."""
        return {
            alias.asname or alias.name: (node.module, alias.name)
            for outer in self.tree.body
            for node in (outer.body if isinstance(outer, ast.If) else [outer])  # TYPE_CHECKING
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }


def _collect_classes(body: list[ast.stmt], prefix: str, found: dict[str, ast.ClassDef]) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            found[prefix + node.name] = node
            _collect_classes(node.body, f"{prefix}{node.name}.", found)


class Reader:
    """Reads classes on demand and keeps their schemas in `definitions`."""

    def __init__(self, root: Path) -> None:
        self.definitions: dict[str, Schema] = {}
        self._root = root
        self._modules: dict[str, Module] = {}

    def module(self, name: str) -> Module:
        """Parse `stripe.some.module`, once."""
        if name not in self._modules:
            path = self._root.joinpath(*name.split(".")[1:])
            path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            tree = ast.parse(path.read_text(encoding="utf-8"))
            self._modules[name] = Module(name, tree)
        return self._modules[name]

    def reference(self, module: Module, qualified: str) -> Schema:
        """Return a `$ref` to a class, after reading it if it is new."""
        key = f"{module.name}.{qualified}"
        if key not in self.definitions:
            self.definitions[key] = {}  # holds the place: classes refer to each other
            self.definitions[key] = self._class_schema(module, qualified)
        return {"$ref": f"#/$defs/{key}"}

    def annotation(self, node: ast.expr, module: Module, scope: str = "") -> Schema:
        """Return the schema of one annotation, seen from `scope` inside `module`."""
        match node:
            case ast.Constant(value=str() as text):
                return self.annotation(ast.parse(text, mode="eval").body, module, scope)
            case ast.Constant(value=None):
                return {"type": "null"}
            case ast.BinOp(op=ast.BitOr()):
                return self._union(_flatten(node), module, scope)
            case ast.Name(id=name) if name in _PLAIN:
                return dict(_PLAIN[name])
            case ast.Name(id=name):
                return self._named(name, module, scope)
            case ast.Subscript(value=ast.Name(id=outer), slice=inner):
                return self._generic(outer, inner, module, scope)
        raise NotImplementedError(f"annotation {ast.unparse(node)} in {module.name}")

    def _generic(self, outer: str, inner: ast.expr, module: Module, scope: str) -> Schema:
        items = _items(inner)
        match outer:
            case "Literal":
                return {"enum": [ast.literal_eval(item) for item in items]}
            case "Union":
                return self._union(items, module, scope)
            case "ExpandableField":
                return self._expandable(inner, module, scope)
        return _wrapped(outer, self.annotation(items[-1], module, scope))

    def _union(self, parts: list[ast.expr], module: Module, scope: str) -> Schema:
        schemas = [self.annotation(part, module, scope) for part in parts]
        # The client opens its enums with `| str` for values of later versions; a stand-in for
        # this version keeps them closed, so that a misspelt value is noticed.
        if any("enum" in each for each in schemas):
            schemas = [each for each in schemas if each != {"type": "string"}]
        return _any_of(schemas)

    def _expandable(self, inner: ast.expr, module: Module, scope: str) -> Schema:
        name = ast.literal_eval(inner) if isinstance(inner, ast.Constant) else ast.unparse(inner)
        if name not in EXPANDABLE:
            return {"type": "string"}
        return _any_of([{"type": "string"}, self._named(name, module, scope)])

    def _named(self, name: str, module: Module, scope: str) -> Schema:
        while True:
            qualified = f"{scope}.{name}" if scope else name
            if qualified in module.classes:
                return self.reference(module, qualified)
            if not scope:
                break
            scope = scope.rpartition(".")[0]
        if name not in module.imports:
            raise NotImplementedError(f"name {name} in {module.name}")
        source, original = module.imports[name]
        if original in {"StripeObject", "UntypedStripeObject"}:
            return {"type": "object"}
        return self._named(original, self.module(source), "")

    def _class_schema(self, module: Module, qualified: str) -> Schema:
        node = module.classes[qualified]
        bases = {ast.unparse(base) for base in node.bases}
        is_params = bool(bases & {"TypedDict", "RequestOptions"})
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for item in node.body:
            if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
                continue
            outer = _outer(item.annotation)
            if outer == "ClassVar":
                continue
            properties[item.target.id] = self.annotation(item.annotation, module, qualified)
            if outer != ("NotRequired" if is_params else "Optional"):
                required.append(item.target.id)
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }


def _outer(node: ast.expr) -> str:
    """Return `Outer` of the annotation `Outer[inner]`, written as it is or in quotes."""
    match node:
        case ast.Constant(value=str() as text):
            return text.partition("[")[0].strip()
        case ast.Subscript(value=ast.Name(id=outer)):
            return outer
    return ""


def _items(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def _flatten(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_flatten(node.left), *_flatten(node.right)]
    return [node]


def _wrapped(outer: str, inner: Schema) -> Schema:
    """Return the schema of `Outer[inner]` for the containers that the client uses."""
    array = {"type": "array", "items": inner}
    wrapped = {
        "Optional": _any_of([inner, {"type": "null"}]),
        "NotRequired": inner,
        "Dict": {"type": "object", "additionalProperties": inner},
        "UntypedStripeObject": {"type": "object", "additionalProperties": inner},
        "List": array,
        "ListObject": _page_of(array),
    }
    if outer not in wrapped:
        raise NotImplementedError(f"generic {outer}")
    return wrapped[outer]


def _any_of(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _page_of(items: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {
            "object": {"enum": ["list"]},
            "data": items,
            "has_more": {"type": "boolean"},
            "url": {"type": "string"},
        },
        "required": ["object", "data", "has_more", "url"],
        "additionalProperties": False,
    }
