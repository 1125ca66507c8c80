"""The tree as the architecture tests read it: files, syntax trees and calls."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "upss"
TEMPLATES = ROOT / "templates"


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the product, by its path inside the package, without migrations."""
    return {
        str(file.relative_to(PACKAGE)): ast.parse(file.read_text("utf-8"))
        for file in sorted(PACKAGE.rglob("*.py"))
        if "versions" not in file.parts
    }


@cache
def _by_kind(tree: ast.AST) -> dict[type[ast.AST], list[ast.AST]]:
    found: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
    for node in ast.walk(tree):
        found[type(node)].append(node)
    return found


def nodes(tree: ast.AST, *kinds: type[Node]) -> Iterator[Node]:
    """Every node of these kinds; a tree is walked once for all who ask."""
    for kind in kinds:
        yield from _by_kind(tree).get(kind, ())


def calls(tree: ast.AST, method: str) -> Iterator[ast.Call]:
    """Every call of an attribute named `method`."""
    for node in nodes(tree, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == method:
            yield node


def calls_by_name(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Every call of a plain name among `names`."""
    for node in nodes(tree, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    return nodes(tree, ast.FunctionDef, ast.AsyncFunctionDef)


def ours(folder: str, suffix: str) -> list[Path]:
    """Every file of `folder` with this suffix, none from a cache."""
    found = (ROOT / folder).rglob(f"*{suffix}")
    return sorted(file for file in found if "__pycache__" not in file.parts)
