"""Where the templates are: inside an installed package, or beside it in a checkout."""

from pathlib import Path

PACKAGE = Path(__file__).parent
TEMPLATES = next(
    folder for folder in (PACKAGE / "templates", PACKAGE.parent / "templates") if folder.is_dir()
)
TRANSLATIONS = PACKAGE / "translations"
MIGRATIONS = PACKAGE / "db" / "migrations"
