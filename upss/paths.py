"""Where files are that stand inside an installed package, or beside it in a checkout."""

from pathlib import Path

PACKAGE = Path(__file__).parent
TEMPLATES = next(
    folder for folder in (PACKAGE / "templates", PACKAGE.parent / "templates") if folder.is_dir()
)
LEDGER_FORMAT = next(
    file
    for file in (PACKAGE / "ledger-format.md", PACKAGE.parent / "docs" / "ledger-format.md")
    if file.is_file()
)
TRANSLATIONS = PACKAGE / "translations"
MIGRATIONS = PACKAGE / "db" / "migrations"
