"""`upss demo --check`: walks the path on its own processes, and names the step that fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.stage import ROOT

_LIMIT_SECONDS = 240


@contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the command from an empty folder, as somebody who has installed the package."""
    process = subprocess.Popen(
        [sys.executable, "-m", "upss", "demo", "--check"],
        cwd=folder, env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    with process:
        yield process
        if process.poll() is None:
            process.terminate()


def test_the_check_walks_the_whole_path(tmp_path: Path) -> None:
    with running(tmp_path) as check:
        said, _nothing = check.communicate(timeout=_LIMIT_SECONDS)

    assert check.returncode == 0, said
    assert [line.split()[:2] for line in said.splitlines()] == [
        [f"{n}/9", "ok"] for n in range(1, 10)
    ]
    assert list(tmp_path.glob("upss-check-*")) == [], "the check leaves its folder behind"


@pytest.mark.no_cover
def test_the_check_names_the_step_that_fails(tmp_path: Path) -> None:
    """With the stand-in killed, nobody can be paid: the second step fails."""
    with running(tmp_path) as check:
        assert check.stdout is not None
        os.kill(standin_of(check), signal.SIGKILL)
        said, _nothing = check.communicate(timeout=_LIMIT_SECONDS)

    assert check.returncode == 1, said
    assert "1/9 ok invite" in said
    assert "2/9 FAILED onboard" in said
    assert "3/9" not in said


def standin_of(check: subprocess.Popen[str]) -> int:
    """Return the process of the stand-in, once pages and worker run too."""
    while check.poll() is None:
        named = children(check.pid)
        if {"standin", "web", "worker"} <= named.keys():
            return named["standin"]
        time.sleep(0.2)
    pytest.fail("the check ended before its processes ran")


def children(parent: int) -> dict[str, int]:
    """Return the demo processes that `parent` has started, by name."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        if "upss.demo.child" in words and int(stat.rpartition(")")[2].split()[1]) == parent:
            found[words[words.index("upss.demo.child") + 1]] = int(folder.name)
    return found
