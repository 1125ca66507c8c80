"""The machine and the versions that figures belong to, and where figures are written."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path

from bench import limit
from bench.server import Server

PACKAGES = ("flask", "flask-sqlalchemy", "psycopg", "sqlalchemy")


def surroundings(server: Server) -> dict[str, object]:
    """Return the day, the machine and the versions."""
    return {
        "measured_on": f"{date.today():%Y-%m-%d}",  # noqa: DTZ011 - the day of the machine
        "machine": machine(),
        "versions": versions(server),
    }


def machine() -> Mapping[str, object]:
    """Return what sort of machine this is, without its name."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
    }


def versions(server: Server) -> Mapping[str, object]:
    """Return our versions and the server's, and what decides the speed of a commit."""
    told = subprocess.run(
        [limit.program(), "--version"], capture_output=True, text=True, check=True
    )
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "postgresql": server.facts(),
        "pgbench": told.stdout.strip(),
    }


def say(what: str) -> None:
    """Tell how far the run has come."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr)


def write(figures: Mapping[str, object], file: Path) -> None:
    """Print the figures and write them to the file, which is complete or as it was before."""
    text = json.dumps(figures, indent=2) + "\n"
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(text)
    draft.replace(file)
    print(text, end="")
