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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from upss.cli import main
from upss.demo import place

_PORT = 18700
_SERVER_SECONDS = 30


def test_the_demo_finds_ports_and_ctrl_c_ends_all_of_it(tmp_path: Path) -> None:
    """And so does the end of its terminal, of a demo that was filled before."""
    instance = tmp_path / "demo"
    for ending in (signal.SIGINT, signal.SIGHUP):
        port = starts_and_ends(instance, ending)
        assert gone(instance), f"still there: {living(instance)}"
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def starts_and_ends(instance: Path, ending: signal.Signals) -> int:
    """Start the demo beside a taken port, look at it and end it; return its port."""
    with socket.create_server(("127.0.0.1", _PORT)):
        demo = subprocess.Popen(
            [sys.executable, "-m", "upss", "demo", "--instance", str(instance), "--port", str(_PORT)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=as_in_a_terminal,  # noqa: PLW1509 - it takes no lock
        )  # fmt: skip
        with ended_at_last(demo):
            said = until_ready(demo)
            address = re.search(r"pages +(http://127\.0\.0\.1:(\d+)/)", said)
            assert address is not None, said
            assert int(address[2]) > _PORT
            with urllib.request.urlopen(address[1], timeout=20) as home:
                assert home.status == 200
            assert len(living(instance)) >= 5

            demo.send_signal(ending)
            rest, _nothing = demo.communicate(timeout=60)
    assert demo.returncode == 0, rest
    assert "Stopped." in rest
    return int(address[2])


def as_in_a_terminal() -> None:
    """Hear the end of the terminal: under `nohup`, say, these tests would pass it on unheard."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def ended_at_last(demo: subprocess.Popen[str]) -> Iterator[None]:
    """Wait for the end of the demo; where something is wrong, end it."""
    with demo:
        try:
            yield
        finally:
            demo.terminate()


def test_ports_in_use_are_passed_over(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = taken.getsockname()[1]
        chosen = place.prepare(tmp_path, web_port=wanted, standin_port=wanted, smtp_port=wanted)

    ports = {chosen.web_port, chosen.standin_port, chosen.smtp_port}
    assert len(ports) == 3
    assert wanted not in ports


def test_no_port_is_left(tmp_path: Path) -> None:
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 65_535))
            taken.listen()
        except OSError:
            pass  # somebody else's: taken all the same
        with pytest.raises(place.NoFreePort) as refused:
            place.prepare(tmp_path, web_port=65_535)
    assert refused.value.advice == (
        "The ports 65535 to 65535 cannot be used. For the pages, choose others with --port."
    )


@pytest.mark.parametrize("port", ["0", "70000", "x"])
def test_what_is_no_port_is_said(port: str) -> None:
    said = CliRunner().invoke(main, ["demo", "--port", port])
    assert said.exit_code == 2
    assert "--port" in said.output


def until_ready(demo: subprocess.Popen[str]) -> str:
    """Return what the demo says until it is ready."""
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
