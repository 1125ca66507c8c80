"""Vendored files are exactly those that VENDORED.md names, with their licence beside them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "upss" / "static"
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (STATIC / "VENDORED.md").read_text("utf-8").splitlines()
    if line.startswith("| fonts/")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_digest_is_the_one_written_down(row: list[str]) -> None:
    file, _name, version, _package, digest, licence = row
    assert hashlib.sha256((STATIC / file).read_bytes()).hexdigest() == digest
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert licence == "OFL-1.1"


def test_every_font_file_is_in_the_table() -> None:
    kept = {f"fonts/{file.name}" for file in (STATIC / "fonts").iterdir()}
    assert kept == {row[0] for row in ROWS}


def test_licence_is_the_open_font_licence() -> None:
    assert "SIL OPEN FONT LICENSE Version 1.1" in (STATIC / "fonts/OFL.txt").read_text("utf-8")


def test_stylesheet_asks_for_this_very_font() -> None:
    # Otherwise the preloaded address and the one in the stylesheet would differ: two downloads.
    digest = hashlib.sha256((STATIC / "fonts/ahn-latin-wght.woff2").read_bytes()).hexdigest()
    style = (STATIC / "upss.css").read_text("utf-8")
    assert f"fonts/ahn-latin-wght.woff2?v={digest[:12]}" in style


def test_stylesheet_asks_nobody_else() -> None:
    style = (STATIC / "upss.css").read_text("utf-8")
    assert not re.search(r"@import|https?:|url\(\s*[\"']?//", style)
