"""The whole path without JavaScript, in each language: Save buttons, errors that keep the text."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import NewContext
from tests.e2e.hands import Hands, Pointer
from tests.e2e.path import WORDS, Path
from tests.e2e.stage import Stage

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", WORDS)
def test_the_whole_path_without_javascript(
    empty: Stage, new_context: NewContext, language: str
) -> None:
    wrong_language: list[str] = []

    def hands() -> Hands:
        return Pointer(new_context(java_script_enabled=False, locale=language).new_page())

    def seen(name: str, at: Hands) -> None:
        spoken = at.page.get_attribute("html", "lang")
        if spoken != language:
            wrong_language.append(f"{name} is in {spoken}")

    Path(empty, WORDS[language], hands, seen).walk()

    assert wrong_language == []
