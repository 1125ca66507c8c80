"""The whole path with the keyboard alone, and a picture of every page on the way."""

from __future__ import annotations

from pathlib import Path as File

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import NewContext
from tests.e2e.hands import Hands, Keyboard
from tests.e2e.looks import picture
from tests.e2e.path import WORDS, Path
from tests.e2e.stage import Stage

pytestmark = pytest.mark.browser

SCREENSHOTS = File(__file__).resolve().parents[2] / "screenshots" / "path"
WIDTHS = {"desktop": 1280, "phone": 360}


def test_the_whole_path_with_the_keyboard_alone(empty: Stage, new_context: NewContext) -> None:
    boards: list[Keyboard] = []
    pages: list[str] = []

    def hands() -> Keyboard:
        boards.append(Keyboard(new_context().new_page()))
        return boards[-1]

    def seen(name: str, at: Hands) -> None:
        pages.append(name)
        both_widths(at.page, f"{len(pages):02d}-{name}")

    Path(empty, WORDS["en"], hands, seen).walk()

    assert [fault for board in boards for fault in board.faults] == []
    assert sum(board.stops for board in boards) > 200
    assert len(pages) > 30


def both_widths(page: Page, name: str) -> None:
    """Keep the page as it looks on a desk and on a phone."""
    for kind, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        picture(page, SCREENSHOTS / f"{name}-{kind}.png")
    page.set_viewport_size({"width": WIDTHS["desktop"], "height": 900})
