"""Build hook: compiles the translations, and fails the build on a broken placeholder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def compile_catalogues(root: Path) -> list[Path]:
    """Write a .mo beside every .po below `root`; raises `ValueError` naming every format error."""
    written: list[Path] = []
    errors: list[str] = []
    for source in sorted((root / "upss" / "translations").glob("*/LC_MESSAGES/*.po")):
        language = source.parent.parent.name
        with source.open("rb") as text:
            catalogue = read_po(text, locale=language, abort_invalid=True)
        errors += [
            f"{language}: {message.id!r}: {error}"
            for message, found in catalogue.check()
            for error in found
        ]
        target = source.with_suffix(".mo")
        with target.open("wb") as binary:
            write_mo(binary, catalogue)
        written.append(target)
    if errors:
        raise ValueError("Translations with wrong placeholders:\n" + "\n".join(errors))
    return written


class CatalogueHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before every build, editable ones too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile, so that the wheel holds the compiled catalogues."""
        compile_catalogues(Path(self.root))
