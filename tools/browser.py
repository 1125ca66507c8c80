"""Where Chromium is: `python -m tools.browser` prints its path, and installs it if it may.

It looks at UPSS_CHROMIUM, then on the PATH. As root on Debian it installs the package; anybody
else is told the command. Everything but the path goes to the error output.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = (("apt-get", "update"), ("apt-get", "install", "-y", "chromium"))


def find() -> str | None:
    """Return the path of Chromium, or None; a wrong UPSS_CHROMIUM counts as none."""
    wanted = os.environ.get("UPSS_CHROMIUM")
    if wanted:
        return shutil.which(wanted)
    return next(filter(None, map(shutil.which, NAMES)), None)


def install() -> None:
    """Install Debian's package; raises `CalledProcessError`."""
    for command in INSTALL:
        subprocess.run(
            command,
            check=True,
            stdout=sys.stderr,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )


def main() -> int:
    """Print the path; returns 1 where there is no Chromium and none can be installed."""
    named = os.environ.get("UPSS_CHROMIUM")
    found = find()
    if found is None and not named and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Chromium is missing: installing it", file=sys.stderr)
        try:
            install()
        except subprocess.CalledProcessError as error:
            print(f"{' '.join(error.cmd)} failed", file=sys.stderr)
        found = find()
    if found is None:
        why = f"UPSS_CHROMIUM names {named}, which is no program." if named else "There is none."
        commands = " && ".join(" ".join(command) for command in INSTALL)
        print(
            f"The browser tests need Chromium. {why}\n"
            f"Install it (on Debian, as root: {commands}) or set UPSS_CHROMIUM to its path.",
            file=sys.stderr,
        )
        return 1
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
