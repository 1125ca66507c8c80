"""Hours, a peak, claims, a limit and a missed promise: by keyboard alone, without JavaScript, at two widths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.conftest import NewContext
from tests.e2e.hands import Hands, Keyboard
from tests.e2e.looks import measured_faults, picture
from tests.e2e.path import WORDS
from tests.e2e.quiet_hours import QuietPath
from tests.e2e.stage import Stage
from tests.e2e.test_keyboard import WIDTHS
from upss.forum.rules.policy import Mode

pytestmark = pytest.mark.browser

SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots" / "quiet-hours"
IS_NIGHTLY = bool(os.environ.get("UPSS_NIGHTLY"))
LANGUAGES = list(WORDS) if IS_NIGHTLY else ["ca"]  # a walk takes a minute


@pytest.mark.parametrize("language", LANGUAGES)
def test_quiet_hours_by_keyboard_without_javascript(
    empty: Stage, new_context: NewContext, language: str
) -> None:
    boards: list[Keyboard] = []
    faults: list[str] = []
    pages: list[str] = []

    def hands() -> Keyboard:
        context = new_context(java_script_enabled=False, locale=language)
        boards.append(Keyboard(context.new_page()))
        return boards[-1]

    def seen(name: str, at: Hands) -> None:
        pages.append(name)
        if at.page.get_attribute("html", "lang") != language:
            faults.append(f"{name} is not in {language}")
        for kind, width in WIDTHS.items():
            at.page.set_viewport_size({"width": width, "height": 900})
            faults.extend(f"{name} {kind}: {fault}" for fault in measured_faults(at.page))
            if IS_NIGHTLY:
                picture(at.page, SCREENSHOTS / language / f"{len(pages):02d}-{name}-{kind}.png")
        at.page.set_viewport_size({"width": WIDTHS["desktop"], "height": 900})

    try:
        QuietPath(empty, WORDS[language], hands, seen).walk()
    finally:
        empty.turn(mode=Mode.OPEN)  # other walks share this demo

    assert faults == []
    assert [fault for board in boards for fault in board.faults] == []
    assert len(pages) > 20
