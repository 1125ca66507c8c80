"""The translation catalogues: `python -m tools.catalogue extract|update|check|compile`.

English is written in the code and is the key; Spanish and Catalan live in upss/translations.
`update` brings new texts in (empty) and throws unused ones out; `check` exits 1 while any text
is untranslated, doubtful or has other placeholders than the English.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from hatch_build import compile_catalogues

if TYPE_CHECKING:
    from collections.abc import Callable

    from babel.messages.catalog import Message

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("es", "ca")
_KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None}
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


def source_of(language: str) -> Path:
    """Return where the catalogue of `language` is kept."""
    return ROOT / "upss" / "translations" / language / "LC_MESSAGES" / "messages.po"


def extract() -> Catalog:
    """Collect every text of the code and the templates."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    template = _empty(None)
    for file, _line, message, comments, context in extract_from_dir(
        ROOT,
        methods,
        options,
        keywords=_KEYWORDS,
        comment_tags=["Translators:"],
        directory_filter=_is_ours,
        strip_comment_tags=True,
    ):
        template.add(message, locations=[(file, 1)], auto_comments=comments, context=context)
    return template


def _is_ours(folder: str) -> bool:
    return Path(folder).resolve().relative_to(ROOT).parts[0] in ("upss", "templates")


def read(language: str) -> Catalog:
    """Read the catalogue of `language`; an empty one where there is none yet."""
    source = source_of(language)
    if not source.exists():
        return _empty(language)
    with source.open("rb") as text:
        return read_po(text, locale=language, abort_invalid=True)


def _empty(language: str | None) -> Catalog:
    return Catalog(
        locale=language,
        project="UPSS",
        version="1",
        header_comment="# Texts of UPSS.",
        last_translator="UPSS",
        language_team="UPSS",
        msgid_bugs_address="see CONTRIBUTING.md",
        charset="utf-8",
        fuzzy=False,
    )


def update(language: str, template: Catalog) -> None:
    """Bring the texts of `template` into the catalogue of `language`."""
    catalogue = read(language)
    # Dates in the header would make every update a change.
    template.creation_date = catalogue.creation_date
    catalogue.update(template, no_fuzzy_matching=True)
    source = source_of(language)
    source.parent.mkdir(parents=True, exist_ok=True)
    with source.open("wb") as text:
        write_po(
            text,
            catalogue,
            width=100,
            sort_by_file=True,
            include_lineno=False,
            ignore_obsolete=True,
        )


def problems(language: str, template: Catalog) -> list[str]:
    """Name every text of `template` that `language` does not say, or says doubtfully."""
    catalogue = read(language)
    found = []
    for message in template:
        if message.id:
            translated = catalogue.get(_key(message), message.context)
            fault = "missing" if translated is None else _fault(translated)
            if fault:
                found.append(f"{language}: {fault}: {_key(message)!r}")
    return found


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _fault(message: Message) -> str | None:
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [message.string] if isinstance(message.string, str) else list(message.string or ("",))
    if not all(strings):
        return "not translated"
    if message.fuzzy:
        return "fuzzy"
    wanted = set(_PLACEHOLDER.findall(" ".join(ids)))
    # One form of a plural may say "one" where the other counts.
    free = set() if len(ids) == 1 else {"%(num)s", "%(num)d"}
    if any((set(_PLACEHOLDER.findall(string)) ^ wanted) - free for string in strings):
        return "other placeholders"
    return None


def _do_extract() -> int:
    template = extract()
    target = ROOT / "build" / "messages.pot"
    target.parent.mkdir(exist_ok=True)
    with target.open("wb") as text:
        write_po(text, template, width=100, sort_by_file=True, include_lineno=False)
    print(f"{len(template)} texts in {target.relative_to(ROOT)}")
    return 0


def _do_update() -> int:
    template = extract()
    for language in LANGUAGES:
        update(language, template)
    print(f"{len(template)} texts in {', '.join(LANGUAGES)}")
    return 0


def _do_check() -> int:
    template = extract()
    found = [line for language in LANGUAGES for line in problems(language, template)]
    print("\n".join(found) or f"{len(template)} texts, all translated")
    return 1 if found else 0


def _do_compile() -> int:
    for target in compile_catalogues(ROOT):
        print(target.relative_to(ROOT))
    return 0


_COMMANDS: dict[str, Callable[[], int]] = {
    "extract": _do_extract,
    "update": _do_update,
    "check": _do_check,
    "compile": _do_compile,
}


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    if len(arguments) != 1 or arguments[0] not in _COMMANDS:
        print(f"usage: python -m tools.catalogue {'|'.join(_COMMANDS)}", file=sys.stderr)
        return 2
    return _COMMANDS[arguments[0]]()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
