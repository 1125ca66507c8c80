"""What is typed reaches the server by itself, and outlives a session that ends meanwhile."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.e2e.conftest import NewContext
from tests.e2e.stage import Stage

pytestmark = pytest.mark.browser

_HELD = """
SELECT a.email, q.public_id, q.id FROM claim c JOIN question q ON q.id = c.question_id
JOIN account a ON a.id = c.answerer_id WHERE q.status = 'claimed' ORDER BY q.id DESC LIMIT 1
"""
_SAVED = re.compile(r"Saved at \d\d:\d\d")
_DRAFT = "SELECT body, title, topic, size, language FROM question WHERE public_id = :p"


def test_a_question_is_saved_when_a_field_is_left(filled: Stage, new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto(filled.place.base_url + "/ask?new=1&lang=en")
    page.fill("#body", "The hinge of my garden gate is stuck.")
    leave_field(page)

    expect(page.locator("[data-autosave-status]")).to_have_text(_SAVED)
    public_id = page.url.rsplit("/", 1)[1].split("?")[0]
    body = "The hinge of my garden gate is stuck."
    assert filled.rows(_DRAFT, p=public_id) == [(body, "", None, None, "en")]

    page.fill("#title", "How do I free a hinge?")
    leave_field(page, "#title")
    for choice in ("input[name=topic][value=garden]", "input[name=size][value=large]"):
        with page.expect_response("**/autosave"):
            page.check(choice)
    with page.expect_response("**/autosave"):
        page.select_option("#language", "ca")
    assert filled.rows(_DRAFT, p=public_id) == [
        (body, "How do I free a hinge?", "garden", "large", "ca")
    ]

    page.reload()
    assert page.input_value("#body") == body


def test_a_button_stays_under_the_finger(filled: Stage, new_context: NewContext) -> None:
    """Pressing it leaves the field, which saves; what the page says of that must not move it."""
    page, button, before = pressed_after_writing(filled, new_context)
    page.wait_for_timeout(300)
    assert button.bounding_box() == before
    assert page.inner_text("[data-autosave-status]") == ""
    with page.expect_navigation():
        page.mouse.up()


def test_who_lets_go_beside_the_button_is_told(filled: Stage, new_context: NewContext) -> None:
    page, _button, _box = pressed_after_writing(filled, new_context)
    page.mouse.move(5, 5)
    page.mouse.up()
    expect(page.locator("[data-autosave-status].trouble")).not_to_be_empty()


def pressed_after_writing(
    filled: Stage, new_context: NewContext
) -> tuple[Page, Locator, FloatRect | None]:
    """Hold a button down on a narrow page, when what was typed could not be saved."""
    page = new_context(viewport={"width": 320, "height": 800}).new_page()
    page.goto(filled.place.base_url + "/ask?new=1&lang=ca")
    page.fill("#body", "This was typed while the session ended.")
    page.evaluate("document.querySelector('main [name=csrf_token]').value = 'stale'")
    button = page.locator("button[value='continue']")
    button.hover()
    box = button.bounding_box()
    with page.expect_response("**/autosave"):
        page.mouse.down()
    return page, button, box


def test_an_answer_is_saved_while_it_is_written(filled: Stage, new_context: NewContext) -> None:
    page, question = at_work(filled, new_context)
    page.fill("#body", "Autosaved: oil the hinge first.")
    leave_field(page)

    expect(page.locator("[data-autosave-status]")).to_have_text(_SAVED)
    saved = filled.value("SELECT body FROM answer_draft WHERE question_id = :q", q=question)
    assert saved == "Autosaved: oil the hinge first."


def test_a_session_that_ends_while_writing_loses_nothing(
    filled: Stage, new_context: NewContext
) -> None:
    page, _question = at_work(filled, new_context)
    page.fill("#body", "Saved before the session ended.")
    leave_field(page)
    page.context.clear_cookies(name="upss_session")

    page.fill("#body", "Typed after the session had ended, and not saved by itself.")
    page.locator("#body").blur()
    expect(page.locator("[data-autosave-status]")).to_have_text("Not saved yet, trying again")
    page.click("button[value='save']")
    shown = page.locator("main textarea").input_value()
    assert shown == "Typed after the session had ended, and not saved by itself."

    back, _same = at_work(filled, new_context)
    assert back.input_value("#body") == "Saved before the session ended."


def test_the_end_of_a_claim_is_said_twenty_minutes_before_and_a_save_moves_it(
    filled: Stage, new_context: NewContext
) -> None:
    email, public_id, _number = filled.rows(_HELD)[0]
    page = new_context().new_page()
    page.goto(filled.door(email))
    page.clock.install()
    page.goto(f"{filled.place.base_url}/answering/{public_id}?lang=en")
    page.click("button[value='extend']")
    notice = page.locator("[data-warn-in]")
    expect(notice).to_be_hidden()

    page.clock.fast_forward("01:39:00")
    expect(notice).to_be_hidden()
    page.clock.fast_forward("00:01:30")
    expect(notice).to_be_visible()
    expect(notice).to_contain_text(re.compile(r"Kept for you until .*\d\d:\d\d"))
    expect(page.locator("#status")).to_contain_text("Do you need more time?")

    page.fill("#body", "More words, which move the end of the claim.")
    leave_field(page)
    expect(notice).to_be_hidden()


def leave_field(page: Page, field: str = "#body") -> None:
    """Leave the field, and wait until the server has answered the save."""
    with page.expect_response("**/autosave"):
        page.locator(field).blur()


def at_work(stage: Stage, new_context: NewContext) -> tuple[Page, int]:
    """Return the writing page of a claimed question, in English, and the question's number."""
    email, public_id, number = stage.rows(_HELD)[0]
    page = new_context().new_page()
    page.goto(stage.door(email))
    page.goto(f"{stage.place.base_url}/answering/{public_id}?lang=en")
    return page, number
