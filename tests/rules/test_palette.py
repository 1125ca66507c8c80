"""The stylesheet's colours: text at least 7:1, lines and signs at least 3:1, in every scheme."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).resolve().parents[2] / "upss" / "static" / "upss.css").read_text("utf-8")
SCHEMES = {
    "light": [r":root"],
    "dark": [r":root", r"@media \(prefers-color-scheme: dark\)"],
    "more contrast": [r":root", r"@media \(prefers-contrast: more\) \{"],
    "more contrast, dark": [
        r":root",
        r"@media \(prefers-color-scheme: dark\)",
        r"@media \(prefers-contrast: more\) \{",
        r"@media \(prefers-contrast: more\) and \(prefers-color-scheme: dark\)",
    ],
    "print": [r":root", r"@media print"],
}
GROUNDS = ("paper", "surface", "sand")
TEXT = [
    *[
        (word, ground)
        for word in ("ink", "muted", "primary", "accent", "primary-dark")
        for ground in GROUNDS
    ],
    *[(f"{kind}", f"{kind}-bg") for kind in ("ok", "warn", "err")],
    ("err", "surface"),
    ("err", "paper"),
    ("on-primary", "primary"),
    ("on-primary", "primary-dark"),
    ("on-head", "head"),
    ("on-sun", "sun"),
    ("surface", "accent"),  # initials
]
LINES = [
    ("line", "paper"),
    ("line", "surface"),
    ("line", "sand"),
    ("sun", "head"),
    ("ring", "paper"),
]


def tokens(scheme: str) -> dict[str, str]:
    """Return the colours that hold in `scheme`, later blocks over earlier ones."""
    found: dict[str, str] = {}
    for opening in SCHEMES[scheme]:
        block = re.search(opening + r"[^}]*?--paper.*?\}", STYLE, re.DOTALL)
        assert block, opening
        found |= dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6});", block[0]))
    return found


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_does() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_and_lines_are_readable(scheme: str) -> None:
    colours = tokens(scheme)
    wanted = [(pair, 7.0) for pair in TEXT] + [(pair, 3.0) for pair in LINES]
    ratios = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair, _ in wanted}
    assert {pair: ratios[pair] for pair, least in wanted if ratios[pair] < least} == {}


def test_no_text_below_20_px() -> None:
    # 1rem = 20 px: no size is set below it (11 points are for paper).
    screen = STYLE.split("@media print")[0]
    sizes = re.findall(r"font-size: ([^;]+);", screen)
    assert len(sizes) > 10
    assert [size for size in sizes if re.match(r"0?\.\d|\d+px|smaller|small", size)] == []


def test_motion_only_where_it_is_liked() -> None:
    before, _, _ = STYLE.partition("@media (prefers-reduced-motion: no-preference)")
    assert "transition" not in before
    assert "animation" not in STYLE


def test_colours_only_in_the_tokens() -> None:
    # A colour outside the tokens would not follow the schemes.
    rules = STYLE.split("/* ---- ground ---- */")[1].split("/* ---- paper ---- */")[0]
    assert re.findall(r"#[0-9A-Fa-f]{3,8}\b", rules) == []
