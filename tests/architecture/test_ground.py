"""The Makefile, the lock, the hooks and the browser finder do what CONTRIBUTING.md says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tools import browser, hledger, lock

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def targets() -> dict[str, str]:
    """Target -> what it needs first."""
    return dict(re.findall(r"^([a-z][a-z-]*):([^=#\n]*)", MAKEFILE, re.MULTILINE))


def recipe(target: str) -> str:
    """What make runs for a target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found, target
    return found[1]


def test_the_lock_meets_every_requirement_and_names_no_address():
    assert lock.problems(LOCK, PROJECT) == []


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda text: text.replace("\nflask==", "\nother==", 1), "flask>=3.1 is not locked"),
        (lambda text: re.sub(r"\nstripe==\S+", "\nstripe==17.0.0", text), "is locked at 17.0.0"),
        (lambda text: "--index-" + "url https://example.org/\n" + text, "the lock holds"),
        (lambda text: text + "--find-links /srv/wheels\n", "the lock holds"),
    ],
)
def test_a_wrong_lock_is_noticed(change, noticed):
    assert any(noticed in line for line in lock.problems(change(LOCK), PROJECT))


def test_every_locked_package_has_a_digest():
    packages = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert len(packages) > 60
    assert [entry for entry in packages if "--hash=sha256:" not in entry] == []


def test_no_file_names_an_index_or_a_path_of_one_machine():
    registry = re.compile(
        r"pypi\.org|pythonhosted|npmjs\.(?:org|com)|registry\.npmjs|--(?:extra-)?index-url|find-links"
    )
    place = re.compile(r"/(?:root|home|work|Users)/\w")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    wrong = []
    for name in listed:
        file = ROOT / name
        if file.suffix in {".woff2", ".png", ".mo"} or file == Path(__file__) or not file.is_file():
            continue
        text = file.read_text("utf-8")
        if place.search(text) or (registry.search(text) and name != "tools/lock.py"):
            wrong.append(name)
    assert wrong == []


def test_every_target_sees_to_the_environment_first():
    known = targets()
    through = {"setup", *(name for name, needs in known.items() if "setup" in needs)}
    for name in set(known) - through - {"help", "clean"}:
        assert known[name].split(), name
        assert set(known[name].split()) <= through, name
    assert {"setup", "demo", "test", "nightly", "lint", "types", "contracts", "help"} <= set(known)


def test_help_names_every_target_that_contributors_are_told_of():
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    told = re.findall(
        r"^\| `make ([a-z]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(told) > 7
    assert [name for name in told if f"make {name} " not in shown] == []


def test_test_is_all_of_it_in_order():
    first, then = recipe("test").splitlines()
    assert {"lint", "types", "contracts", "check-lock", "check-catalogue"} <= set(first.split())
    assert then.split()[-2:] == ["tests", "coverage"]
    assert "--fail-under=95" in MAKEFILE
    assert MAKEFILE.count("--fail-under=100") == 2


def test_hooks_run_the_same_recipes():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    entries = re.findall(r"entry: make ([a-z-]+)$", hooks, re.MULTILINE)
    assert len(entries) == hooks.count("- id:") >= 3
    assert set(entries) <= set(recipe("test").split())


def test_ci_calls_make_test():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text("utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert text.rstrip().endswith("exec make test")
    assert "set -euo pipefail" in text


def _find_browser(**environment: str) -> subprocess.CompletedProcess[str]:
    return _find("tools.browser", **environment)


def _find(module: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_browser_is_found_by_variable_or_path(tmp_path):
    chromium = tmp_path / "chromium-browser"
    chromium.write_text("#!/bin/sh\n", "utf-8")
    chromium.chmod(0o755)
    assert _find_browser(PATH=str(tmp_path)).stdout == f"{chromium}\n"
    found = _find_browser(PATH="/nowhere", UPSS_CHROMIUM=str(chromium))
    assert (found.returncode, found.stdout) == (0, f"{chromium}\n")


def test_a_missing_browser_names_the_command(tmp_path):
    missing = _find_browser(PATH=str(tmp_path))
    assert missing.returncode == 1
    assert missing.stdout == ""
    assert "apt-get install -y --no-install-recommends chromium" in missing.stderr
    wrong = _find_browser(PATH=str(tmp_path), UPSS_CHROMIUM="/nowhere/chromium")
    assert wrong.returncode == 1
    assert "/nowhere/chromium" in wrong.stderr


def test_hledger_is_found_by_variable_or_path_or_named(tmp_path):
    missing = _find("tools.hledger", PATH=str(tmp_path))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "apt-get install -y --no-install-recommends hledger" in missing.stderr
    program = tmp_path / "hledger"
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    assert _find("tools.hledger", PATH=str(tmp_path)).stdout == f"{program}\n"
    assert "$(WITH_HLEDGER) && $(WITH_BROWSER)" in recipe("tests")


def test_an_installation_that_fails_is_said(tmp_path, monkeypatch, capfd):
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\nexit 100\n", "utf-8")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UPSS_HLEDGER", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert hledger.main() == 1
    said = capfd.readouterr().err
    assert "apt-get update failed" in said
    assert "apt-get install -y --no-install-recommends hledger" in said


def test_root_on_debian_gets_it_installed(tmp_path, monkeypatch, capfd):
    """A stand-in for apt-get puts the program where the real one would."""
    apt = tmp_path / "apt-get"
    apt.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n'
        f'[ "$1" = install ] && printf "#!/bin/sh\\n" > {tmp_path}/chromium-headless-shell '
        f"&& {shutil.which('chmod')} 755 {tmp_path}/chromium-headless-shell\nexit 0\n",
        "utf-8",
    )
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UPSS_CHROMIUM", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert browser.main() == 0
    assert capfd.readouterr().out == f"{tmp_path}/chromium-headless-shell\n"
    assert (tmp_path / "asked").read_text("utf-8") == (
        "update\ninstall -y --no-install-recommends chromium-headless-shell fonts-liberation libatomic1\n"
    )


def test_where_it_cannot_be_installed_another_browser_will_do(tmp_path, monkeypatch, capfd):
    for name, does in (("apt-get", "exit 100"), ("google-chrome", "exit 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UPSS_CHROMIUM", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert browser.main() == 0
    assert capfd.readouterr().out == f"{tmp_path}/google-chrome\n"
