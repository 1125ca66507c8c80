"""Starts and stops everything that a demo is: database, stand-in, mail, pages, worker."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from upss.db import engine, migrate
from upss.demo import place as places
from upss.demo.place import DemoError, Place
from upss.kernel.errors import UpssError

_PATIENCE_SECONDS = 40.0
_STOP_SECONDS = 25.0
_LOG_LINES = 40


class ProcessDied(DemoError):
    """A process of the demo ended by itself; the fact `name` says which."""

    code = "process_died"
    words = (
        "Its process “{name}” ended by itself; its last words are in {log}."
        " Nothing is lost: start the demo again."
    )


class AlreadyRunning(DemoError):
    """A demo uses this folder already: stop it, or choose another with --instance."""

    code = "demo_already_running"
    words = (
        "Another demo uses {folder}: stop that one with Ctrl-C, or choose a folder with --instance."
    )


class HalfFilled(DemoError):
    """An earlier start was stopped while it filled the marketplace: delete the folder."""

    code = "demo_half_filled"
    words = (
        "An earlier start was stopped while it filled {folder}: delete that folder, start again."
    )


class Stopped(Exception):
    """Somebody pressed Ctrl-C, or asked the demo to end."""


class Processes:
    """The child processes of one demo, in the order in which they started."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, port: int, *, listens: bool = True) -> None:
        """Start one process and wait until its port answers; raises `ProcessDied`."""
        with (self._place.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "upss.demo.child", name, str(port)],
                env=self._place.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the parent alone, which stops the rest
            )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while listens and not _answers(port):
            self.check_alive()
            if time.monotonic() > deadline:
                raise ProcessDied(name=name, log=str(self._place.folder / f"{name}.log"))
            time.sleep(0.05)

    def start_rest(self) -> None:
        """Start pages and worker; stand-in and mail run already."""
        self.start("web", self._place.web_port)
        self.start("worker", 0, listens=False)

    def check_alive(self) -> None:
        """Raise `ProcessDied` if any process has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessDied(name=name, log=str(self._place.folder / f"{name}.log"))

    def kill(self, name: str) -> None:
        """Kill one process hard (SIGKILL), children included: for the check of crashes."""
        process = self._running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            _signal_group(process, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Stop all, the newest first; what does not end in time is killed."""
        for process in reversed(self._running.values()):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in reversed(self._running.values()):
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    _signal_group(process, signal.SIGKILL)
                process.wait()
        self._running.clear()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    os.killpg(process.pid, number)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def foundation(place: Place) -> Iterator[Processes]:
    """Bring up database, stand-in and mail; stop everything on the way out."""
    settings = place.settings
    if settings.database_url is None:
        engine.init(settings)
    migrate.upgrade(engine.owner_url(settings))
    processes = Processes(place)
    try:
        processes.start("mail", place.smtp_port)
        processes.start("standin", place.standin_port)
        yield processes
    finally:
        processes.stop()
        engine.leave(settings)


def run(*, port: int, instance: Path | None) -> int:
    """Run the demo until Ctrl-C; returns the exit code."""
    _stop_on_signals()
    folder = (instance or Path("instance") / "demo").absolute()
    try:
        with _alone(folder):
            _run(places.prepare(folder, web_port=port))
    except Stopped:
        with contextlib.suppress(OSError):  # a closed terminal hears nothing
            click.echo("\nStopped.")
        return 0
    except DemoError as error:
        click.echo(f"The demo stopped. {error.advice}", err=True)
        return 1
    except UpssError as error:
        click.echo(f"The demo stopped: {error}", err=True)
        return 1


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two demos on one folder would move each other's clock."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(folder=str(folder)) from None
        yield


def _run(place: Place) -> NoReturn:
    from upss.demo import seed  # noqa: PLC0415

    with foundation(place) as processes:
        if seed.is_needed(place.settings):
            click.echo("Filling the marketplace (a few weeks in some seconds) ...")
            with click.progressbar(length=seed.LENGTH, label="Weeks") as bar:
                seed.fill(place.settings, progress=bar.update)
        elif seed.is_half_done(place.settings):
            raise HalfFilled(folder=str(place.folder))
        processes.start_rest()
        click.echo(seed.welcome(place))
        while True:
            processes.check_alive()
            time.sleep(0.5)


def check() -> int:
    """Walk the whole path on a fresh database and free ports; 0 if every step went well."""
    from upss.demo import check as walk  # noqa: PLC0415

    _stop_on_signals()
    with tempfile.TemporaryDirectory(prefix="upss-check-") as folder:
        place = _somewhere(Path(folder))
        try:
            with foundation(place) as processes:
                processes.start_rest()
                failed = walk.walk(place)
                if failed:
                    _show_logs(place)
                return failed
        except Stopped:
            return 1
        except UpssError as error:
            click.echo(f"FAILED {error}", err=True)
            return 1


def _somewhere(folder: Path) -> Place:
    """Prepare a place with ports that another check or a demo, begun this moment, hardly takes."""
    port = 20_000 + 30 * secrets.randbelow(300)
    return places.prepare(folder, web_port=port, standin_port=port + 10, smtp_port=port + 20)


def _show_logs(place: Place) -> None:
    """Print the end of what each process said: the folder is gone after the check."""
    for log in sorted(place.folder.glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        if lines:
            click.echo(f"--- {log.name}", err=True)
            click.echo("\n".join(lines), err=True)


def _stop_on_signals() -> None:
    heard = [signal.SIGINT, signal.SIGTERM]
    # Also when its terminal is closed: what runs on would keep the folder of the next demo.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # but not under `nohup`
        heard.append(signal.SIGHUP)

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in heard:  # a second one must not break off the cleaning up, which ends in time
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    for number in heard:
        signal.signal(number, stop)
