"""Each import contract holds, and each notices its violation when one is planted."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, modules

# contract -> (module, the import it must never have)
PLANTED = {
    "chain": (
        ("kernel/ids.py", "upss.forum.events"),
        ("ledger/queries.py", "upss.payouts.models"),
        ("web/limits.py", "upss.accounts.models"),
        ("payments/service/inbox.py", "upss.forum.service.moves"),
        ("standin/store.py", "upss.config"),
    ),
    "slice": (
        ("forum/models.py", "upss.forum.service.moves"),
        ("forum/events.py", "upss.forum.models"),
        ("forum/rules/texts.py", "upss.forum.events"),
        ("forum/views_ask.py", "upss.forum.views_answer"),
        ("accounts/service.py", "upss.accounts.forms"),
        ("organizer/queries/desk.py", "upss.organizer.service"),
        ("payments/tasks.py", "upss.payments.webhook"),
    ),
    "purity": (
        ("forum/rules/timers.py", "flask"),
        ("ledger/rules/split.py", "sqlalchemy"),
        ("payouts/events.py", "upss.db.work"),
        ("kernel/money.py", "babel"),
    ),
    "no_http": (
        ("forum/service/accepting.py", "flask"),
        ("payouts/queries.py", "upss.web.ports"),
        ("flow.py", "werkzeug"),
        ("accounts/models.py", "wtforms"),
        ("organizer/export.py", "upss.web.i18n"),
    ),
    "stripe": (("payouts/tasks.py", "stripe"), ("standin/world.py", "stripe")),
    "gateway": (
        ("payments/webhook.py", "upss.payments.stripe_gateway"),
        ("notices/tasks.py", "upss.notices.smtp"),
    ),
    "standin": (("web/frame.py", "upss.standin.world"), ("wiring.py", "upss.standin.app")),
}
NAMES = {
    contract["id"]: contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
}


def lint(folder: Path) -> tuple[int, str]:
    """Check the contracts of the tree in `folder`; returns exit code and report."""
    script = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "300", "PATH": "/usr/bin:/bin"},
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "upss", tmp_path / "upss", ignore=_not_code)
    return tmp_path


def _not_code(folder: str, names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if name == "__pycache__" or ((Path(folder) / name).is_file() and not name.endswith(".py"))
    ]


def test_every_contract_holds(copy):
    code, report = lint(copy)
    assert code == 0, report
    assert f"{len(NAMES)} kept, 0 broken" in report


def test_every_contract_notices_its_violations(copy):
    for planted in PLANTED.values():
        for module, wrong in planted:
            with (copy / "upss" / module).open("a", encoding="utf-8") as file:
                file.write(f"\nimport {wrong}\n")
    code, report = lint(copy)
    assert code == 1
    details = report.split("Broken contracts", 1)[1]
    for contract, planted in PLANTED.items():
        after = details.split(NAMES[contract] + "\n", 1)[1]
        section = re.split(r"\n-{20,}\n", after, maxsplit=1)[0]
        for module, wrong in planted:
            importer = "upss." + module.removesuffix(".py").replace("/", ".")
            # a protected contract names the import, others draw the chain of imports
            assert re.search(rf"{re.escape(importer)} -> {re.escape(wrong)}\b", section), (
                f"{contract} did not notice {importer} -> {wrong}\n{section}"
            )


def test_planted_violations_cover_every_contract():
    assert set(PLANTED) == set(NAMES)


@pytest.mark.parametrize("place", ["upss/extras.py", "upss/forum/extras.py"])
def test_new_modules_must_find_their_place_in_the_order(copy, place):
    (copy / place).write_text('"""A module that no contract knows."""\n', "utf-8")
    code, report = lint(copy)
    assert code == 1
    assert "extras" in report


def test_rules_import_the_standard_library_the_kernel_and_rules_below():
    wrong = []
    for path, tree in modules().items():
        if "rules" not in Path(path).parts and Path(path).name != "events.py":
            continue
        if path.startswith("standin"):
            continue
        for name in _imported(tree):
            parts = name.split(".")
            allowed = (
                parts[0] in sys.stdlib_module_names
                if parts[0] != "upss"
                else parts[1] == "kernel" or "rules" in parts or path == "kernel/events.py"
            )
            if not allowed or parts[0] in {"os", "pathlib", "socket", "subprocess", "sqlite3"}:
                wrong.append(f"{path} imports {name}")
    assert not wrong


def _imported(tree: ast.Module) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names
