"""Build hook: compiles the translations, and fails the build on a broken placeholder."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from babel.messages.catalog import Catalog
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
        _replace(target, catalogue)
        written.append(target)
    if errors:
        raise ValueError("Translations with wrong placeholders:\n" + "\n".join(errors))
    return written


def _replace(target: Path, catalogue: Catalog) -> None:
    """Write the compiled catalogue in one step: whoever reads it meanwhile finds a whole file."""
    with NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".mo", delete=False) as binary:
        write_mo(binary, catalogue)
    made = Path(binary.name)
    made.chmod(0o644)
    made.replace(target)


class CatalogueHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before every build, editable ones too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile, so that the wheel holds the compiled catalogues."""
        compile_catalogues(Path(self.root))
