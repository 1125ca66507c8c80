"""How much the tests of the money notice: changes one thing of the code at a time and runs them.

    python -m tools.mutate [--only PART_OF_A_NAME] [--every N] [--jobs N] [--json FILE]

A mutant is one changed operator, number, condition or account, or one dropped statement. It is
killed if a test that concerns its module fails. Nothing is written: each mutant lives in a process
of its own, which imports the changed module in place of the real one.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib.machinery
import importlib.util
import io
import json
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType

import hypothesis
import pytest

GOAL = 95.0
LIMIT_SECONDS = 60  # four times as long where a database is made first
RULES = "upss/ledger/rules"
# Each module with the tests that concern it; those of the rules need no database.
TARGETS: dict[str, list[str]] = {
    f"{RULES}/{name}.py": [f"tests/rules/test_{name}.py", "tests/rules/test_ledger_errors.py"]
    for name in ("allocate", "split", "bearing", "merkle")
}
TARGETS |= {
    f"{RULES}/posting/{name}.py": [
        f"tests/rules/test_{test}.py"
        for test in ("posting_kinds", "posting_edges", "posting", "ledger_errors")
    ]
    for name in (
        "kinds", "questions", "refunds", "payouts", "disputes", "vouchers", "bank", "manual",
    )
}  # fmt: skip
TARGETS["upss/ledger/service/posting.py"] = [
    "tests/services/test_bearing.py",
    "tests/services/test_ledger.py",
]

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.BitXor: ast.BitOr, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "sum": "len", "sorted": "list"}
DROPPED = (ast.Assign, ast.AugAssign, ast.Raise, ast.Expr)


@dataclass(frozen=True)
class Mutant:
    """One change of one module and what became of it."""

    path: str
    line: int
    change: str
    source: str = ""
    killed: bool = False
    seconds: float = 0.0


def mutants(path: str) -> Iterator[Mutant]:
    """Yield every mutant of a module; asserts, annotations and docstrings stay as they are."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    for number, node in enumerate(_nodes(tree)):
        for which in range(len(_changes(node))):
            changed = copy.deepcopy(tree)
            same = _nodes(changed)[number]
            before = ast.unparse(same)
            _changes(same)[which]()
            yield Mutant(path, same.lineno, _difference(before, same), ast.unparse(changed))


def _nodes(tree: ast.Module) -> list[ast.stmt | ast.expr]:
    """Return what may be changed, in the order of the text."""
    left = set()
    for node in ast.walk(tree):
        kept = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        # Checks of our own mistakes: nothing that works differs without them.
        own_check = isinstance(node, ast.Assert) or getattr(node, "arg", None) == "strict"
        for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        kept += [node] if own_check or for_types else []
        kept += getattr(node, "decorator_list", [])
        left |= {id(part) for each in kept if each for part in ast.walk(each)}
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt | ast.expr) and id(node) not in left
    ]


def _changes(node: ast.AST) -> list[Callable[[], None]]:
    """Return functions that each change this node in one way."""
    return _other_operators(node) + _other_values(node) + _dropped_statements(node)


def _other_operators(node: ast.AST) -> list[Callable[[], None]]:
    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in SWAPS:
            return [lambda: node.ops.__setitem__(0, _swapped(op))]
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) if type(op) in SWAPS:
            return [lambda: setattr(node, "op", _swapped(op))]
        case ast.UnaryOp(op=ast.USub()):
            return [lambda: setattr(node, "op", ast.UAdd())]
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            return [lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), test))]
    return []


def _other_values(node: ast.AST) -> list[Callable[[], None]]:
    match node:
        case ast.Constant(value=bool(value)):
            return [lambda: setattr(node, "value", not value)]
        case ast.Constant(value=int(value)):
            return [lambda step=step: setattr(node, "value", value + step) for step in (1, -1)]
        case ast.Call(func=ast.Name(id=name) as func) if name in CALLS:
            return [lambda: setattr(func, "id", CALLS[name])]
        case ast.Attribute(value=ast.Name(id="chart"), attr=name) if name.isupper():
            other = "OPENING" if name == "SUSPENSE" else "SUSPENSE"
            return [lambda: setattr(node, "attr", other)]
    return []


def _dropped_statements(node: ast.AST) -> list[Callable[[], None]]:
    body = getattr(node, "body", None)
    return [
        lambda at=at: body.__setitem__(at, ast.Pass())
        for at, statement in enumerate(body if isinstance(body, list) else [])
        if isinstance(statement, DROPPED) and not _is_text(statement)
    ]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _swapped(op: ast.AST) -> ast.AST:
    return SWAPS[type(op)]()


def _difference(before: str, node: ast.AST) -> str:
    """Return the lines that differ, short enough for a report."""
    old, new = before.splitlines(), ast.unparse(ast.fix_missing_locations(node)).splitlines()
    pairs = [(a.strip(), b.strip()) for a, b in zip(old, new, strict=False) if a != b]
    return "; ".join(f"{a[:70]}  ->  {b[:70]}" for a, b in pairs[:1])


def run(mutant: Mutant) -> Mutant:
    """Run the tests of a mutant in this process, which is good for nothing else afterwards."""
    began, pure = time.monotonic(), mutant.path.startswith(RULES)
    name = mutant.path.removesuffix(".py").replace("/", ".")
    if mutant.source:
        sys.meta_path.insert(0, _Changed(name, mutant))
    signal.signal(signal.SIGALRM, signal.default_int_handler)  # ends the run as Ctrl-C would
    signal.alarm(LIMIT_SECONDS if pure else 4 * LIMIT_SECONDS)
    hypothesis.settings.register_profile(
        "mutate",
        max_examples=30,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    options = ["-x", "-q", "-n0", "-p", "no:cacheprovider", "--no-header"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # imported once, before the fork
    if pure:
        hypothesis.settings.load_profile("mutate")
        options.append("--noconftest")
    code: int = pytest.ExitCode.INTERRUPTED
    # What the limit cuts off in the middle of pytest's own work is no reason to stop the others.
    with contextlib.suppress(BaseException), contextlib.ExitStack() as hidden:
        hidden.enter_context(contextlib.redirect_stdout(io.StringIO()))
        hidden.enter_context(contextlib.redirect_stderr(io.StringIO()))
        code = pytest.main([*options, *TARGETS[mutant.path]])
    signal.alarm(0)
    kept = {"path": mutant.path, "line": mutant.line, "change": mutant.change}
    return Mutant(**kept, killed=bool(code), seconds=round(time.monotonic() - began, 1))


class _Changed(importlib.machinery.PathFinder):
    """Finds the changed module before anybody finds the real one."""

    def __init__(self, name: str, mutant: Mutant) -> None:
        self.name, self.mutant = name, mutant

    def find_spec(self, fullname: str, *_where: object) -> ModuleSpec | None:  # type: ignore[override]
        """Offer the changed module under its name, and nothing else."""
        if fullname != self.name:
            return None
        loader = _Loader(fullname, str(Path(self.mutant.path).resolve()))
        loader.source = self.mutant.source
        return importlib.util.spec_from_file_location(fullname, loader.path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads the changed text; no compiled file is read or written."""

    source = ""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the changed text in place of the file's."""
        return compile(self.source, f"{self.path} ({fullname}, changed)", "exec", dont_inherit=True)


def main() -> int:
    """Run all mutants; print those that survive and the share that was killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="modules whose path contains this")
    parser.add_argument("--every", type=int, default=1, help="take each N-th mutant")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    paths = [path for path in TARGETS if asked.only in path]
    done = _run_all(paths, asked.every, asked.jobs)
    if not done:
        return 1
    for path in paths:
        of = [each for each in done if each.path == path]
        print(f"{path}: {sum(each.killed for each in of)} of {len(of)} killed")
    killed = sum(each.killed for each in done)
    percent = 100 * killed / len(done)
    print(f"{killed} of {len(done)} killed: {percent:.1f} % (goal {GOAL} %)")
    if asked.json:
        rows = [{k: v for k, v in asdict(each).items() if k != "source"} for each in done]
        asked.json.write_text(json.dumps({"percent": percent, "mutants": rows}, indent=1))
    return 0 if percent >= GOAL else 1


def _run_all(paths: list[str], every: int, jobs: int) -> list[Mutant]:
    """Run the mutants, each in a process of its own; nothing if a test fails without any."""
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        for each in pool.imap(run, [Mutant(path, 0, "") for path in paths], 1):
            if each.killed:
                print(f"fails without any change: {TARGETS[each.path]}", file=sys.stderr)
                return []
        done = []
        changed = [mutant for path in paths for mutant in mutants(path)][::every]
        for each in pool.imap_unordered(run, changed, 1):
            done.append(each)
            if not each.killed:
                print(f"survived: {each.path}:{each.line}: {each.change}", flush=True)
    return done


if __name__ == "__main__":
    sys.exit(main())
