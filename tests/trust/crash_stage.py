"""The stage of the crash matrix: real processes, a stand-in, and people who simply try again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests
from aiosmtpd.controller import Controller
from psycopg.rows import dict_row

from tests.factories import AT_ONCE, Catcher, Database, free_port, person
from upss.app import create_app
from upss.config import Settings
from upss.db.base import db
from upss.demo.check import Browser, StepFailed
from upss.jobs import make_worker_app, rescue_stalled
from upss.kernel.clock import OffsetClock
from upss.kernel.roles import Role
from upss.standin import Running
from upss.standin import create_app as make_standin
from upss.standin.app import world_of
from upss.web import sessions

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
ANSWER = "First take a photograph of the damage. Then write to the shop and ask for a repair."
CARD = {
    "email": "asker@example.org",
    "number": AT_ONCE,
    "expiry": "12/40",
    "cvc": "123",
    "name": "A. Asker",
}


@dataclass
class Stage:
    """Everything that one crash matrix shares from point to point."""

    folder: Path
    database: Database
    settings: Settings
    standin: Any
    app: Any
    run: int = 0
    answerer: int = 0
    browsers: list[Browser] = field(default_factory=list)

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Read with a connection of its own, whatever the processes are doing."""
        with psycopg.connect(self.database.superuser_conninfo, row_factory=dict_row) as reader:
            return reader.execute(sql, values).fetchall()

    def order(self, kill_at: str | None) -> Path:
        """Tell the processes where the next run's points are noted and who dies."""
        with psycopg.connect(self.database.superuser_conninfo) as owner:
            owner.execute("DELETE FROM rate_count")  # all these visitors come from one address
        self.run += 1
        trace = self.folder / f"points-{self.run}"
        order = {
            "run": self.run,
            "trace": str(trace),
            "kill_at": kill_at,
            "killed": str(self.folder / f"killed-{self.run}"),
        }
        written = self.folder / "order.new"
        written.write_text(json.dumps(order), "utf-8")
        written.rename(self.folder / "order")
        return trace

    def was_killed(self) -> bool:
        """Tell whether the order of this run was carried out."""
        return (self.folder / f"killed-{self.run}").exists()

    def visitor(self, account: int | None = None, *, organizer: bool = False) -> Browser:
        """Open a browser, signed in or not."""
        browser = Browser(self.settings.base_url)
        self.browsers.append(browser)
        if account is not None:
            with self.app.test_request_context("/"):
                sessions.sign_in(account, reads_the_books=organizer)
                token = sessions.current().fresh_token
            browser._session.cookies.set(sessions.COOKIE, token, domain="127.0.0.1")
        return browser

    def until(self, done: Callable[[], object], act: Callable[[], object]) -> None:
        """Do as people do: try, wait a moment, look, try again."""
        deadline, seen = time.monotonic() + PATIENCE_SECONDS, ""
        while not done():
            assert time.monotonic() < deadline, f"it never came to an end: {seen}"
            try:
                act()
            except (StepFailed, requests.RequestException) as error:
                seen = str(error)
            for _ in range(10):
                if done():
                    return
                time.sleep(0.1)

    def quiet(self) -> None:
        """Wait until every job is done and every event delivered."""
        waiting = (
            "SELECT id, task_name, status FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            left = (
                self.rows(waiting),
                self.world.store.execute("SELECT id FROM delivery WHERE state = 'waiting'"),
            )
            if not any(left):
                return
            assert time.monotonic() < deadline, f"never quiet: {left}"
            time.sleep(0.1)

    @property
    def world(self) -> Any:
        """Return the stand-in's world."""
        return world_of(self.standin)

    def pass_days(self, days: int) -> None:
        """Move application time forward for everybody."""
        with psycopg.connect(self.database.superuser_conninfo) as owner:
            owner.execute("UPDATE clock_offset SET seconds = seconds + %s", [days * 86_400])


def environment(
    database: Database, folder: Path, smtp: int, web: int, standin: str
) -> dict[str, str]:
    """Return the variables of web and worker."""
    (folder / "order").write_text('{"run": 0, "trace": null}', "utf-8")
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("UPSS_")}
    return foreign | {
        "PYTHONPATH": str(ROOT),
        "UPSS_CRASH_ORDER": str(folder / "order"),
        "UPSS_MODE": "demo",
        "UPSS_INSTANCE": str(folder),
        "UPSS_DATABASE_URL": database.app_url,
        "UPSS_BASE_URL": f"http://127.0.0.1:{web}",
        "UPSS_SECRET_KEY": "t" * 40,
        "UPSS_STRIPE_KEY": "sk_test_standin",
        "UPSS_STRIPE_WEBHOOK_SECRET": "whsec_standin",
        "UPSS_STRIPE_API_BASE": standin,
        "UPSS_STRIPE_CHECKOUT_ORIGIN": standin,
        "UPSS_SMTP_HOST": "127.0.0.1",
        "UPSS_SMTP_PORT": str(smtp),
        "UPSS_SMTP_TLS": "none",
        "UPSS_MAIL_FROM": "UPSS <help@example.org>",
        "UPSS_ORGANIZER_NAME": "Cooperativa Exemple",
        "UPSS_HELP_PHONE": "900 000 000",
        "UPSS_HELP_MAIL": "help@example.org",
    }


@contextlib.contextmanager
def process(role: str, port: int, environ: dict[str, str], folder: Path) -> Iterator[None]:
    """Run web or worker until the end; what dies in it comes back by itself."""
    with (folder / f"{role}.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.trust.crash_child", role, str(port)],
            cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            child.wait()


@contextlib.contextmanager
def rescuer(stage: Stage) -> Iterator[None]:
    """Give dead workers' jobs back each half second; in life it is each minute."""
    ended = threading.Event()

    async def rescue() -> None:
        jobs = make_worker_app(stage.app, stage.database.app_conninfo)
        async with jobs.open_async():
            while not ended.is_set():
                await rescue_stalled(jobs)
                await asyncio.sleep(0.5)

    thread = threading.Thread(target=lambda: asyncio.run(rescue()))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def open_stage(database: Database, folder: Path) -> Iterator[Stage]:
    """Start stand-in and post office here, web and worker as processes."""
    web_port, catcher = free_port(), Catcher()
    catcher.port = free_port()
    post_office = Controller(catcher, hostname="127.0.0.1", port=catcher.port)

    def offset() -> timedelta:
        with psycopg.connect(database.superuser_conninfo) as reader:
            row = reader.execute("SELECT seconds FROM clock_offset").fetchone()
        assert row
        return timedelta(seconds=row[0])

    standin = make_standin(
        OffsetClock(offset),
        webhook_url=f"http://127.0.0.1:{web_port}/stripe/webhook",
        webhook_secret="whsec_standin",
        available_after=timedelta(0),
        retry_seconds=(0.3, 0.5, 1, 2, 4, 8),
    )
    with contextlib.ExitStack() as stack:
        post_office.start()
        stack.callback(post_office.stop)
        running = stack.enter_context(Running(standin))
        environ = environment(database, folder, catcher.port, web_port, running.url)
        settings = Settings.from_env(environ)
        app = create_app(settings)
        stack.enter_context(app.app_context())
        stack.callback(lambda: (db.session.remove(), db.engine.dispose()))
        stage = Stage(folder, database, settings, standin, app)
        stack.callback(lambda: [browser._session.close() for browser in stage.browsers])
        stack.enter_context(process("worker", 0, environ, folder))
        stack.enter_context(process("web", web_port, environ, folder))
        stack.enter_context(rescuer(stage))
        anybody = stage.visitor()
        stage.until(lambda: anybody.page, lambda: anybody.open("/"))
        yield stage


def hidden_fields(browser: Browser) -> dict[str, str]:
    """Return what the page's forms send along; the token is the browser's own business."""
    found = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', browser.page))
    found.pop("csrf_token", None)
    return found


class Life:
    """One question's life as its people live it; every step may be repeated."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.asker = stage.visitor()
        self.public_id = ""
        stage.until(lambda: self.public_id, self._begin)

    def _begin(self) -> None:
        self.asker.open("/ask?new=1")
        self.public_id = self.asker.url.rsplit("/", 1)[1].split("?")[0]

    @property
    def row(self) -> dict[str, Any]:
        """Return the question as it is now; empty before there is one."""
        found = self.stage.rows("SELECT * FROM question WHERE public_id = %s", self.public_id)
        return found[0] if found else {"status": None}

    def is_(self, *statuses: str) -> Callable[[], bool]:
        """Return whether the question has come to one of these states."""
        return lambda: self.row["status"] in statuses

    def pay(self) -> None:
        """Write, check, pay; done when the question waits in the queue."""
        self.stage.until(self.is_("queued"), self._pay)

    def _pay(self) -> None:
        number = self.public_id
        if self.row["status"] == "awaiting_payment":
            self.asker.open(f"/questions/{number}")
            self.asker.send(f"/questions/{number}/pay")
        else:
            self.asker.open(f"/ask/{number}")
            self.asker.send(
                f"/ask/{number}", do="continue", topic="home", size="medium", language="en",
                title="Can I return a fridge that arrived damaged?", body="It has a dent.",
            )  # fmt: skip
            address = f"{number}@example.org"
            fields = hidden_fields(self.asker) | {"email": address, "agree": "yes"}
            self.asker.send(f"/ask/{number}/check", **fields)
        if "/pay/" in self.asker.url:
            self.asker.send(self.asker.url, **CARD)

    def withdraw(self) -> None:
        """Take the question back; done when the refund has settled."""

        def press() -> None:
            self.asker.open(f"/questions/{self.public_id}/withdraw")
            self.asker.send(f"/questions/{self.public_id}/withdraw")

        self.stage.until(self.is_("withdrawn"), press)
        refunds = "SELECT FROM refund WHERE question_id = %s AND status = 'settled'"
        self.stage.until(lambda: self.stage.rows(refunds, self.row["id"]), lambda: None)

    def onboard(self) -> int:
        """Invite an answerer, who then opens an account at the provider."""
        account = person(role=Role.ANSWERER, topics=("home",))
        self.answerer = self.stage.visitor(account)

        def press() -> None:
            self.answerer.open("/how-you-are-paid")
            self.answerer.send("/how-you-are-paid")
            if "/how-you-are-paid" not in self.answerer.url:
                self.answerer.send(self.answerer.url, answer="finish")

        ready = "SELECT FROM recipient WHERE account_id = %s AND transfers = 'active'"
        self.stage.until(lambda: self.stage.rows(ready, account), press)
        return account

    def answer(self) -> None:
        """Claim, write, check and send; then the asker accepts."""
        number, stage = self.public_id, self.stage

        def claim() -> None:
            self.answerer.open("/queue")
            self.answerer.send(f"/queue/{number}/claim")

        def send() -> None:
            self.answerer.open(f"/answering/{number}")
            self.answerer.send(f"/answering/{number}", body=ANSWER, do="check")
            self.answerer.send(f"/answering/{number}/send", **hidden_fields(self.answerer))

        def accept() -> None:
            self.asker.open(f"/questions/{number}/accept")
            self.asker.send(f"/questions/{number}/accept")

        stage.until(self.is_("claimed", "answered"), claim)
        stage.until(self.is_("answered"), send)
        stage.until(self.is_("accepted"), accept)

    def pay_out(self, account: int, first: Browser, second: Browser) -> None:
        """A week later one organizer prepares, another approves; done when it is sent."""
        stage, runs = self.stage, "/organizer/payouts/runs"
        stage.pass_days(8)

        def press() -> None:
            newest = stage.rows("SELECT public_id, status FROM payout_run ORDER BY id DESC LIMIT 1")
            if newest and newest[0]["status"] == "prepared":
                here = f"{runs}/{newest[0]['public_id']}"
                second.open(here)
                second.send(here, decision="approve")
            elif not newest or newest[0]["status"] != "approved":
                first.open(runs)
                first.send(runs)

        sent = "SELECT FROM payout_item WHERE answerer_id = %s AND status = 'sent'"
        stage.until(lambda: stage.rows(sent, account), press)
