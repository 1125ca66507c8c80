"""requirements.lock: `python -m tools.lock write [--upgrade] | check`.

Every dependency of the product, the demo and the work on it, with the digests of its files, for
every system that UPSS runs on. The file names no package index, so that it can be installed
from any. `check` needs no network: it exits 1 when pyproject.toml asks for what is not locked.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
# An address, or an option that would hold one.
_FORBIDDEN = re.compile(r"://|^--(?!hash)\S*", re.MULTILINE)


def write(*, upgrade: bool) -> int:
    """Resolve again, keeping the locked versions unless `upgrade`; returns uv's exit code."""
    command = [
        str(Path(sys.executable).with_name("uv")),
        *("pip", "compile", "pyproject.toml", "--output-file", LOCK.name, "--quiet"),
        *("--extra", "embedded", "--extra", "demo", "--group", "dev"),
        *("--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--no-emit-index-url", "--no-header", "--no-annotate"),
    ]
    if upgrade:
        command.append("--upgrade")
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def problems(lock: str, project: dict[str, object]) -> list[str]:
    """Name each requirement that the lock does not meet, and each address in it."""
    pinned = {canonicalize_name(name): version for name, version in _PINNED.findall(lock)}
    found = [f"the lock holds {line}" for line in _FORBIDDEN.findall(lock)]
    for requirement in _requirements(project):
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None:
            found.append(f"{requirement} is not locked")
        elif not requirement.specifier.contains(version, prereleases=True):
            found.append(f"{requirement} is locked at {version}")
    return found


def _requirements(project: dict[str, object]) -> list[Requirement]:
    table = _table(project, "project")
    wanted = [table["dependencies"], _table(project, "build-system")["requires"]]
    wanted += _table(table, "optional-dependencies").values()
    wanted += _table(project, "dependency-groups").values()
    return [Requirement(line) for lines in wanted if isinstance(lines, list) for line in lines]


def _table(of: dict[str, object], name: str) -> dict[str, object]:
    found = of[name]
    assert isinstance(found, dict)
    return found


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    match arguments:
        case ["write"]:
            return write(upgrade=False)
        case ["write", "--upgrade"]:
            return write(upgrade=True)
        case ["check"]:
            project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
            found = problems(LOCK.read_text("utf-8"), project)
            print("\n".join(found) or "requirements.lock holds all that pyproject.toml asks for")
            return 1 if found else 0
    print("usage: python -m tools.lock write [--upgrade] | check", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
