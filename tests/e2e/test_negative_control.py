"""The checks bite: a page made badly on purpose fails each of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.e2e.hands import RING
from tests.e2e.looks import axe_faults, frame_faults, measured_faults

pytestmark = pytest.mark.browser

BAD_PAGE = """<!doctype html><html><head><title>Bad</title>
<style>a:focus { outline: 1px solid black } .pale { color: #999 } .dim { color: #666 } .wide { width: 2000px }</style>
</head><body>
<p class="pale" style="font-size: 12px">Too pale and too small</p>
<p class="dim">Enough for AA, too pale for AAA</p>
<img src="data:,"><input type="text">
<p><button style="width: 20px; height: 20px; padding: 0">x</button></p>
<p>A <a href="#here">link in a sentence</a> may be low.</p><p><a href="#alone">Alone</a></p>
<div class="wide">wide</div><div class="prose">Una pregunta</div><p lang="en">¿Qué tal?</p>
</body></html>"""


def test_a_bad_page_fails_every_check(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 800})
    page.set_content(BAD_PAGE)

    rules = {fault.split(":")[0] for fault in axe_faults(page)}
    assert {
        "color-contrast-enhanced", "image-alt", "label", "html-has-lang",
        "landmark-one-main", "page-has-heading-one",
    } <= rules  # fmt: skip

    measured = "\n".join(measured_faults(page, {"¿Qué tal?": "es"}))
    for words in (
        'target button "x" is 20 x 20 px', 'target a "Alone"', 'text "Too pale and too small" is 12',
        "scrolls sideways", "has 0 h1", "has no language", '"¿Qué tal?" is es, marked en',
    ):  # fmt: skip
        assert words in measured
    assert 'target a "link' not in measured

    framed = "\n".join(frame_faults(page, "ca", is_product=True))
    for words in ("html says lang=None", "title 'Bad'", "help offers []"):
        assert words in framed

    page.keyboard.press("Tab")  # the field has the browser's own ring
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert any("ring is solid 1px" in fault for fault in page.evaluate(RING))
    page.close()
