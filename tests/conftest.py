"""Real parts for every test: a migrated PostgreSQL database per worker, real SMTP, a fixed clock."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import psycopg
import pytest
from aiosmtpd.controller import Controller
from flask import Flask, g
from flask.testing import FlaskClient

from tests.beginning import TRACES_IMPORTS, unseen, untraced
from tests.databases import TEMPLATE, Reused, let_somebody_rest, send_home
from tests.factories import Catcher, Database, free_port, settings_for
from upss.app import create_app
from upss.config import Settings
from upss.db import embedded, migrate, roles
from upss.db.base import db
from upss.db.queue import ProcrastinateQueue
from upss.db.work import UnitOfWork
from upss.kernel.clock import FixedClock
from upss.notices.smtp import SmtpMailer
from upss.payments.stripe_gateway import StripeGateway
from upss.standin import Running
from upss.standin import create_app as make_standin
from upss.web import ports
from upss.web.ports import Ports

# `make nightly` asks for ci; a failure there prints what reproduces it.
hypothesis.settings.register_profile("dev", max_examples=50, deadline=None)
hypothesis.settings.register_profile(
    "ci", max_examples=500, deadline=None, derandomize=True, print_blob=True
)
hypothesis.settings.load_profile("dev")

# Tests that live of many trials, or of processes, run without the tracer of coverage, which takes
# as long again: the others go through the same lines. tools/untraced.py finds the single ones.
UNTRACED = (
    "tests/architecture/",
    "tests/bench/",
    "tests/e2e/test_demo_process.py",
    "tests/simulation/test_replay.py",
    "tests/trust/test_cap_races.py",
    "tests/trust/test_checkers.py",
    "tests/trust/test_claim",
    "tests/trust/test_crashes.py",
    "tests/trust/test_doctor.py",
    "tests/trust/test_money_",
    "tests/trust/test_posting_races.py",
)
SINGLE_UNTRACED = frozenset(Path(__file__).with_name("untraced.txt").read_text("utf-8").split())
TRACED_PROCESSES = "COVERAGE_PROCESS_CONFIG"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is not traced."""
    for item in items:
        is_single = item.nodeid.partition("[")[0] in SINGLE_UNTRACED
        is_ours = (
            is_single or item.nodeid.startswith(UNTRACED) or item.get_closest_marker("browser")
        )
        if is_ours and item.get_closest_marker("no_cover") is None:  # which says the same
            item.add_marker(pytest.mark.untraced)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Import all tests."""
    with nullcontext() if TRACES_IMPORTS else untraced():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep the tracer out of the processes that such a test starts, or what is made for it."""
    kept = is_untraced(item) and os.environ.pop(TRACED_PROCESSES, None)
    try:
        return (yield)
    finally:
        if kept:
            os.environ[TRACED_PROCESSES] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Keep the tracer out of such a test; what is made for it may serve others, and is traced."""
    with untraced() if is_untraced(item) else nullcontext():
        return (yield)


def is_untraced(item: pytest.Item) -> bool:
    """Tell whether a test is marked so."""
    return item.get_closest_marker("untraced") is not None


NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.EmbeddedServer]:
    """One embedded server for all workers of a run, with a migrated template database."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    running = embedded.start(shared / "postgres", durable=False)
    admin = running.conninfo("postgres", "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4711)")
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE])
        if known.fetchone() is None:
            roles.init_database(admin, "upss_making")
            migrate.upgrade(running.url("upss_owner", "upss_making"))
            let_somebody_rest(running.conninfo("upss_owner", "upss_making"))
            connection.execute(f"ALTER DATABASE upss_making RENAME TO {TEMPLATE}")
    yield running
    running.close()


@pytest.fixture(scope="session")
def _reused(server: embedded.EmbeddedServer) -> Iterator[Reused]:
    kept = Reused(server, "t_" + os.environ.get("PYTEST_XDIST_WORKER", "main"))
    yield kept
    kept.close()


@pytest.fixture
def database(_reused: Reused) -> Database:
    """A database as it is after the migrations, with real commits; always of the same name."""
    return _reused.fresh()


@pytest.fixture
def nobody_rests(database: Database) -> None:
    """A new site: nobody answers yet, and the dials are those of the start."""
    send_home(database.owner_conninfo)


@pytest.fixture(scope="session")
def _clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def clock(_clock: FixedClock) -> FixedClock:
    """Wednesday 18 November 2026, noon in Madrid, until a test moves it."""
    _clock.instant = NOON
    return _clock


@pytest.fixture(scope="session")
def _post_office() -> Iterator[Catcher]:
    catcher = Catcher()
    catcher.port = free_port()
    controller = Controller(catcher, hostname="127.0.0.1", port=catcher.port)
    with untraced():
        controller.start()
    yield catcher
    controller.stop()


@pytest.fixture
def post_office(_post_office: Catcher) -> Catcher:
    """A real SMTP server on loopback that keeps what it gets during this test."""
    _post_office.messages.clear()
    return _post_office


@pytest.fixture(scope="session")
def _instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("instance")


@pytest.fixture
def settings(database: Database, post_office: Catcher, _instance: Path) -> Settings:
    """Demo-like settings on this test's database and post office; the same for each test."""
    return settings_for(database, smtp_port=post_office.port, instance=_instance)


class _ShownClock:
    """The stand-in's clock: shows whatever the clock of the present test shows."""

    shown: FixedClock = FixedClock(NOON)

    def now(self) -> datetime:
        return self.shown.now()

    def system_now(self) -> datetime:
        return self.shown.system_now()


@pytest.fixture(scope="session")
def _standin() -> Iterator[tuple[Running, _ShownClock]]:
    follow = _ShownClock()
    made = make_standin(
        follow, webhook_url=None, webhook_secret="whsec_standin", available_after=timedelta(0)
    )
    made.wsgi_app = unseen(made.wsgi_app)  # type: ignore[method-assign]
    with Running(made) as running:
        yield running, follow


@pytest.fixture(scope="session")
def _gateway(_standin: tuple[Running, _ShownClock]) -> StripeGateway:
    running, _follow = _standin
    made = StripeGateway(
        api_key="sk_test_standin", webhook_secret="whsec_standin", api_base=running.url
    )
    made._base = running.url  # type: ignore[attr-defined] # for the stand-in's controls
    return made


@pytest.fixture
def gateway(
    _gateway: StripeGateway, _standin: tuple[Running, _ShownClock], clock: FixedClock
) -> StripeGateway:
    """The real client against the local stand-in, which shows this test's time."""
    _running, follow = _standin
    follow.shown = clock
    return _gateway


class _Browser(FlaskClient):
    """Begins each request with an empty `g`: here the context of `app` outlives the requests."""

    def open(self, *args, **kwargs):
        for name in list(g):
            g.pop(name)
        return super().open(*args, **kwargs)


def _make_app(settings: Settings, clock: FixedClock, gateway: StripeGateway) -> Flask:
    given = Ports(
        clock=clock, gateway=gateway, mailer=SmtpMailer(settings, clock), queue=ProcrastinateQueue()
    )
    made = create_app(settings, given)
    made.test_client_class = _Browser
    return made


@contextmanager
def _in_use(app: Flask) -> Iterator[Flask]:
    """Lend an application to one test; what belongs to UPSS in it is the same again afterwards."""
    installed = app.extensions["upss"]
    with app.app_context():
        try:
            yield app
        finally:
            app.extensions["upss"] = installed
            db.session.remove()


@pytest.fixture(scope="session")
def _apps() -> dict[Settings, Flask]:
    return {}


@pytest.fixture
def app(
    settings: Settings,
    clock: FixedClock,
    gateway: StripeGateway,
    _apps: dict[Settings, Flask],
    _reused: Reused,
) -> Iterator[Flask]:
    """The whole application with real database and mail, at the fixed clock.

    It is made once for all tests of a worker, so that its templates are compiled once, and its
    connections are kept.
    """
    if settings not in _apps:
        _apps[settings] = _make_app(settings, clock, gateway)
    with _in_use(_apps[settings]) as lent:
        _reused.keep(db.engine)
        yield lent


@pytest.fixture
def own_app(settings: Settings, clock: FixedClock, gateway: StripeGateway) -> Iterator[Flask]:
    """Another such application for a test that changes it."""
    with _in_use(_make_app(settings, clock, gateway)) as made:
        yield made
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript; forms need their CSRF token, as in life."""
    return app.test_client()


@pytest.fixture
def uow(app: Flask) -> Iterator[UnitOfWork]:
    """One unit of work with the real handlers."""
    with ports.unit() as work:
        yield work
