"""On paper: the receipt and the audit table, all of them, without what only a screen needs."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import NewContext
from tests.e2e.gallery import ANSWERER, ORGANIZER, asked, earned
from tests.e2e.stage import Stage

pytestmark = pytest.mark.browser

_ONLY_ON_SCREEN = (
    ".site-nav",
    ".languages",
    ".account",
    ".demo-strip",
    "footer nav",
    "main .button",
)


def test_a_receipt_prints(filled: Stage, new_context: NewContext) -> None:
    email, path = asked("accepted", "/questions/{}/receipt")(filled)
    page = printed(filled, new_context, email, path)

    assert pages_of(page) == 1
    for words in ("Receipt for question", "You paid", "The person who answers receives"):
        assert words in page.locator("main").inner_text()


def test_a_statement_of_a_month_is_one_sheet(filled: Stage, new_context: NewContext) -> None:
    email, path = earned(ANSWERER, "/earnings/statements/{}-{}")(filled)
    page = printed(filled, new_context, email, path)

    assert pages_of(page) == 1
    for words in ("Statement for", "You earned", "How it adds up", "Keep this sheet"):
        assert words in page.locator("main").inner_text()
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], "the statement is wider than the paper"


def test_the_audit_table_prints(filled: Stage, new_context: NewContext) -> None:
    page = printed(filled, new_context, ORGANIZER, "/organizer/payouts?month=all")

    assert 1 <= pages_of(page) <= 4
    table = page.locator("main table.stack").first
    assert table.evaluate("table => getComputedStyle(table).display") == "table"
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], "the table is wider than the paper"


def printed(stage: Stage, new_context: NewContext, email: str, path: str) -> Page:
    """Return the page as paper sees it: A4, less its margins, at 96 dots an inch."""
    page = new_context(viewport={"width": 673, "height": 1000}).new_page()
    page.goto(stage.door(email))
    mark = "&" if "?" in path else "?"
    page.goto(f"{stage.place.base_url}{path}{mark}lang=en")
    page.emulate_media(media="print")
    for selector in _ONLY_ON_SCREEN:
        shown = [one for one in page.locator(selector).all() if one.is_visible()]
        assert shown == [], f"{selector} is printed"
    return page


def pages_of(page: Page) -> int:
    """Return how many sheets the page takes."""
    paper = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(paper) > 5_000
    return len(re.findall(rb"/Type\s*/Page\b", paper))
