"""Where Chromium is: `python -m tools.browser` prints its path, and installs it if it may."""

from __future__ import annotations

import sys

from tools.program import Program

CHROMIUM = Program(
    title="Chromium",
    # The same engine without windows comes first: a page takes it half the time.
    names=(
        "chromium-headless-shell",
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ),
    variable="UPSS_CHROMIUM",
    # the last is what the driver of Playwright is linked with
    packages=("chromium-headless-shell", "fonts-liberation", "libatomic1"),
    needed_by="The browser tests",
)
find = CHROMIUM.find
main = CHROMIUM.main

if __name__ == "__main__":
    sys.exit(main())
