"""The tree as the architecture tests read it: files, syntax trees and calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

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


def calls(tree: ast.AST, method: str) -> Iterator[ast.Call]:
    """Every call of an attribute named `method`."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == method
        ):
            yield node


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def ours(folder: str, suffix: str) -> list[Path]:
    """Every file of `folder` with this suffix, none from a cache."""
    found = (ROOT / folder).rglob(f"*{suffix}")
    return sorted(file for file in found if "__pycache__" not in file.parts)
