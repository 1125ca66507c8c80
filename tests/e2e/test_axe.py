"""Every page, in the states that exist: no violation of WCAG A to AAA, large enough, in order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.e2e.conftest import NewContext, new_person
from tests.e2e.gallery import ANSWERER, NO_PAGES, VISITS, Visit
from tests.e2e.looks import axe_faults, frame_faults, measured_faults, picture
from tests.e2e.stage import Stage
from upss.demo.child import make_app
from upss.kernel.clock import SystemClock
from upss.standin import create_app as make_standin

SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots" / "pages"
LANGUAGES = ("en", "es", "ca")
MODES: dict[str, dict[str, object]] = {
    "desktop": {},
    "narrow": {"viewport": {"width": 320, "height": 800}},  # as 1280 px at 400 %
    "dark": {"color_scheme": "dark", "viewport": {"width": 360, "height": 800}},
    "contrast": {"contrast": "more"},
}
IN_ORDER = tuple(product(LANGUAGES, MODES))
IS_NIGHTLY = bool(os.environ.get("UPSS_NIGHTLY"))


def trials() -> Iterator[object]:
    """Each page once with languages and modes in turn; every combination at night."""
    for number, visit in enumerate(VISITS):
        turn = (LANGUAGES[number % 3], tuple(MODES)[number % 4])
        for language, mode in IN_ORDER if IS_NIGHTLY else (turn,):
            if not visit.is_english_only or language == "en" or turn == (language, mode):
                wanted = "en" if visit.is_english_only else language
                yield pytest.param(visit, wanted, mode, id=f"{visit.name}-{wanted}-{mode}")


@dataclass(frozen=True)
class Window:
    """A window of one mode for all visits, and what it says of the present one.

    A new one for each visit compiles axe anew, which takes as long as axe itself.
    """

    page: Page
    complaints: list[ConsoleMessage] = field(default_factory=list)
    broken: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Playwright marks its listeners, which a list's own `append` does not bear.
        self.page.on("console", lambda said: self.complaints.append(said))  # noqa: PLW0108
        self.page.on("pageerror", lambda error: self.broken.append(error))  # noqa: PLW0108

    def begin(self) -> Page:
        """Leave the last page, and be nobody."""
        self.page.goto("about:blank")
        self.page.context.clear_cookies()
        self.complaints.clear()
        self.broken.clear()
        return self.page


@pytest.fixture(scope="module")
def windows(browser: Browser) -> Iterator[dict[str, Window]]:
    """One window for each mode."""
    contexts = {mode: new_person(browser, **options) for mode, options in MODES.items()}
    yield {mode: Window(context.new_page()) for mode, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.mark.browser
@pytest.mark.parametrize(("visit", "language", "mode"), list(trials()))
def test_a_page_has_no_barriers(
    filled: Stage, windows: dict[str, Window], visit: Visit, language: str, mode: str
) -> None:
    filled.forget_limits()
    window = windows[mode]
    page = window.begin()
    open_page(page, filled, visit, language)

    titles = {} if visit.is_english_only else filled.titles()
    faults = axe_faults(page) + measured_faults(page, titles) + console_faults(window.complaints)
    if visit.endpoint != "demo.mail_html":
        is_product = page.url.startswith(filled.place.base_url)
        faults += frame_faults(page, language, is_product=is_product)
    if IS_NIGHTLY and language == "en":  # a picture is a sixth of the time of a visit
        picture(page, SCREENSHOTS / f"{visit.name}-{mode}-{language}.png")

    assert faults == []
    assert window.broken == []


def open_page(page: Page, stage: Stage, visit: Visit, language: str) -> None:
    """Enter as the one who looks, go there in this language, and do what comes first."""
    email, path = visit.find(stage)
    if email:  # as a request alone: the page behind the door is none of this visit
        behind = page.context.request.get(stage.door(email), max_redirects=0, max_retries=1)
        assert behind.status == 303
    mark = "&" if "?" in path else "?"
    page.goto(f"{stage.place.base_url}{path}{mark}lang={language}")
    if visit.act is not None:
        visit.act(page, stage, language)


def console_faults(complaints: list[ConsoleMessage]) -> list[str]:
    """Return what the browser complains of (the policy, lost files), but for the page's own status."""
    serious = [each for each in complaints if each.type in {"error", "warning"}]
    return [f"console: {each.text}" for each in serious if not _is_own_status(each)]


def _is_own_status(said: ConsoleMessage) -> bool:
    """A page that answers 404 or 422 is a failed resource to the console, and right all the same."""
    files = ("/static/", "/_standin/static/")
    is_file = any(part in said.location["url"] for part in files)
    return said.text.startswith("Failed to load resource") and not is_file


def routes(app: Flask) -> set[str]:
    """Return the endpoints that a browser can open."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(("/v1", "/v2"))
    }


def test_every_route_is_visited_or_is_no_page(filled: Stage) -> None:
    hosted = make_standin(
        SystemClock(), webhook_url=None, webhook_secret="none", available_after=timedelta(0)
    )
    known = routes(make_app(filled.place.settings)) | routes(hosted)
    # Pages that only follow a form have no address of their own.
    followed = {"error", "accounts.sign_in_code", "adjustments.write"}
    visited = {visit.endpoint for visit in VISITS} - followed

    assert visited | NO_PAGES.keys() == known
    assert not visited & NO_PAGES.keys()


def test_no_two_pages_share_a_title(filled: Stage, new_context: NewContext) -> None:
    """By their plain addresses, as the same visitor sees them side by side in the history."""
    page = new_context().new_page()
    page.goto(filled.door(ANSWERER))
    seen: dict[str, str] = {}
    plain = [visit for visit in VISITS if visit.act is None and visit.endpoint != "error"]
    for endpoint, visit in {visit.endpoint: visit for visit in plain}.items():
        email, path = visit.find(filled)
        if email not in {"", ANSWERER}:
            continue
        page.goto(filled.place.base_url + path)
        seen.setdefault(page.title(), endpoint)
        assert seen[page.title()] == endpoint, f"{page.title()} is the title of two pages"
    assert len(seen) > 8
