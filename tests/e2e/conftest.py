"""Real processes and a real browser: one filled demo to look at, one empty demo to walk through."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.e2e.stage import Stage, stage
from tools import browser as chromium

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-sync",
    # Fewer processes of a page's own: each takes a while to start, on two cores most of all.
    "--in-process-gpu",
    "--renderer-process-limit=1",
]
NEED_FILLED = tuple(f"tests/e2e/test_{name}.py" for name in ("autosave", "axe", "print"))
PATIENCE_MS = 20_000


class InTwo(LoadScopeScheduling):
    """Gives all that looks at the filled demo to one worker: to fill it takes half a minute.

    Groups of xdist would say so at the tests, but it loses them under pytest 9.2 (xdist 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        if not nodeid.startswith("tests/e2e/"):
            return super()._split_scope(nodeid)
        return "filled" if nodeid.startswith(NEED_FILLED) else "walks"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Share these tests out in two, where files are to stay together; else as xdist does."""
    return InTwo(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The sample marketplace; its clock is never moved, so that every state stays."""
    with stage(tmp_path_factory.mktemp("filled"), "everything") as made:
        yield made


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A demo with staff alone, for whole walks: here the clock moves."""
    with stage(tmp_path_factory.mktemp("empty"), "staff") as made:
        yield made


# One browser a module: while it lives, its event loop stands in the way of `asyncio.run`.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; a machine without it fails and says which command installs it."""
    path = chromium.find()
    if path is None:
        pytest.fail(
            "Chromium is missing: run `make test`, or apt-get install chromium-headless-shell, or set UPSS_CHROMIUM"
        )
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


def new_person(browser: Browser, **options: object) -> BrowserContext:
    """Open a person's own browser: nothing is known of whoever used another."""
    wanted = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options}
    context = browser.new_context(**wanted)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    return context


NewContext = Callable[..., BrowserContext]


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Make browser contexts (each a person's own browser) that end with the test."""
    made: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        made.append(new_person(browser, **options))
        return made[-1]

    yield make
    for context in made:
        context.close()
