"""Fetch the vendored files again: `python -m tools.vendor [VERSION]`, for maintainers only.

Takes the newest (or the named) version of the font's npm package, replaces the font and its
licence, and writes version and digests into VENDORED.md and upss.css. Needs npm.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "upss" / "static"
PACKAGE = "@fontsource-variable/atkinson-hyperlegible-next"
# What we keep of the package, under our own names.
FILES = {
    "package/files/atkinson-hyperlegible-next-latin-wght-normal.woff2": "fonts/ahn-latin-wght.woff2",
    "package/LICENSE": "fonts/OFL.txt",
}


def fetch(version: str) -> tuple[str, dict[str, bytes]]:
    """Return the package's version and the contents of our files, by our names."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", f"{PACKAGE}@{version}"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            contents = {}
            for name, ours in FILES.items():
                member = tar.extractfile(name)
                if member is None:
                    raise SystemExit(f"{name} is not in {archive.name}")
                contents[ours] = member.read()
        return archive.stem.rsplit("-", 1)[1], contents


def write(version: str, contents: dict[str, bytes]) -> None:
    """Store the files, and their version and digests."""
    table = STATIC / "VENDORED.md"
    words = table.read_text("utf-8")
    for ours, content in contents.items():
        (STATIC / ours).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        row = re.compile(
            rf"^(\| {re.escape(ours)} \| [^|]+ \|) [^|]+ (\| [^|]+ \|) \w+ ", re.MULTILINE
        )
        words = row.sub(rf"\1 {version} \2 {digest} ", words)
        if ours.endswith(".woff2"):
            style = STATIC / "upss.css"
            address = re.compile(rf"{re.escape(ours)}\?v=\w+")
            style.write_text(
                address.sub(f"{ours}?v={digest[:12]}", style.read_text("utf-8")), "utf-8"
            )
    table.write_text(words, "utf-8")


if __name__ == "__main__":
    found, files = fetch(sys.argv[1] if len(sys.argv) > 1 else "latest")
    write(found, files)
    print(f"{PACKAGE} {found}: {', '.join(files)}")
