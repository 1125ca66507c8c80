"""`upss demo`: comes up beside whatever holds the usual ports, and goes without a trace."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from upss.demo import place

_PORT = 18700
_SERVER_SECONDS = 30


def test_the_demo_finds_ports_and_ctrl_c_ends_all_of_it(tmp_path: Path) -> None:
    instance = tmp_path / "demo"
    with socket.create_server(("127.0.0.1", _PORT)):
        demo = subprocess.Popen(
            [sys.executable, "-m", "upss", "demo", "--instance", str(instance), "--port", str(_PORT)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        with demo:
            said = until_ready(demo)
            address = re.search(r"pages +(http://127\.0\.0\.1:(\d+)/)", said)
            assert address is not None, said
            assert int(address[2]) > _PORT
            with urllib.request.urlopen(address[1], timeout=20) as home:
                assert home.status == 200
            assert len(living(instance)) >= 5

            demo.send_signal(signal.SIGINT)
            rest, _nothing = demo.communicate(timeout=60)

    assert demo.returncode == 0, rest
    assert "Stopped." in rest
    assert gone(instance), f"still there: {living(instance)}"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(address[2]))) != 0


def test_ports_in_use_are_passed_over(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = taken.getsockname()[1]
        chosen = place.prepare(tmp_path, web_port=wanted, standin_port=wanted, smtp_port=wanted)

    assert wanted not in {chosen.web_port, chosen.standin_port, chosen.smtp_port}


def until_ready(demo: subprocess.Popen[str]) -> str:
    """Return what the demo says until it is ready; pytest's own limit ends a demo that hangs."""
    assert demo.stdout is not None
    said = ""
    for line in demo.stdout:
        said += line
        if "Stop with Ctrl-C" in line:
            return said
    raise AssertionError(f"the demo ended: {said}")


def gone(instance: Path) -> bool:
    """Wait until nothing is left: the database server waits a moment for others who use it."""
    deadline = time.monotonic() + _SERVER_SECONDS
    while living(instance):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def living(instance: Path) -> list[str]:
    """Return the processes that belong to this demo: its own, the server's and the keeper's."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            about = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if os.fsencode(str(instance)) in about and int(folder.name) != os.getpid():
            found.append(words)
    return found
