"""How the server's programs are run: as the user itself or, since PostgreSQL refuses root, as less."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from upss.db.embedded_place import DISTRIBUTION, ELSEWHERE, PACKAGE, EmbeddedError, Place, binaries

# the first that exists runs the server when namespaces are forbidden
SYSTEM_USERS = ("postgres", "_postgres", "nobody")
STATE_FOLDER = "/var/lib/upss"


@dataclass(frozen=True)
class Launcher:
    """Runs a program of PostgreSQL with the rights it accepts."""

    programs: Path
    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def popen(
        self, program: str, *options: str, lock: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program that inherits the keeper's output and the descriptor of a held lock."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
        return subprocess.Popen(  # noqa: S603
            [*self.prefix, str(self.programs / program), *options],
            stdin=subprocess.DEVNULL,
            env=inherited | {"LC_ALL": "C"},
            cwd="/",
            pass_fds=() if lock is None else (lock,),
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
        )

    def works(self) -> bool:
        """Say whether the programs can be run this way at all."""
        try:
            with self.popen("postgres", "--version") as trial:
                return trial.wait() == 0
        except OSError:
            return False


def launcher(place: Place) -> Launcher:
    """Choose how to run the server of this place; data that exists decides."""
    programs = binaries()
    if os.geteuid() != 0:
        return Launcher(programs)
    if place.link.is_symlink():
        return _as_owner_of_home(place)
    unshare = shutil.which("unshare")
    if unshare:
        mapped = Launcher(programs, (unshare, "--user", "--map-user=1", "--map-group=1"))
        if mapped.works():
            return mapped
    if place.data.exists():
        raise EmbeddedError(
            f"The data in {place.data} belongs to root and PostgreSQL refuses to run as root; "
            f"`unshare --user`, which helped so far, is not available any more. {ELSEWHERE}"
        )
    return _move_out(place)


def _as_owner_of_home(place: Place) -> Launcher:
    try:
        found = place.home.stat()
    except FileNotFoundError as problem:
        raise EmbeddedError(
            f"The data of {place.folder} were in {place.home}, which is gone: bring it back (in a "
            f"container, keep it on a volume), or remove {place.link} to begin anew. {ELSEWHERE}"
        ) from problem
    return _as_system_user(found.st_uid, found.st_gid)


def _move_out(place: Place) -> Launcher:
    """Give the place a home that an unprivileged system user owns."""
    user = _system_user()
    chosen = _as_system_user(user.pw_uid, user.pw_gid)
    # never a name that could be found again: a deleted instance must not come back to life
    home = Path(tempfile.mkdtemp(prefix=f"{place.folder.name}-", dir=_state_folder()))
    os.chown(home, user.pw_uid, user.pw_gid)
    place.link.symlink_to(home)
    return chosen


def _system_user() -> pwd.struct_passwd:
    for name in SYSTEM_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, `unshare --user` is not available and there is none "
        f"of the system users {', '.join(SYSTEM_USERS)}. {ELSEWHERE}"
    )


def _as_system_user(uid: int, gid: int) -> Launcher:
    chosen = Launcher(_copy_programs(_state_folder()), uid=uid, gid=gid)
    if not chosen.works():
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root and the system user {uid} cannot run "
            f"{chosen.programs}. {ELSEWHERE}"
        )
    return chosen


def _state_folder() -> Path:
    """Return the system's state folder for UPSS: systemd's, or /var/lib/upss."""
    folder = Path(os.environ.get("STATE_DIRECTORY", STATE_FOLDER).split(":")[0])
    try:
        folder.mkdir(mode=0o755, exist_ok=True)
    except OSError as problem:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root and {folder} cannot be made. {ELSEWHERE}"
        ) from problem
    if folder.stat().st_uid != 0:
        raise EmbeddedError(f"The state folder {folder} does not belong to root. {ELSEWHERE}")
    return folder


def _copy_programs(state: Path) -> Path:
    """Copy the package's programs to where every user may read them; return their folder."""
    programs = binaries()
    install = programs.parent
    package = install.parent
    target = state / f"{install.name}-{version(DISTRIBUTION)}"
    if not target.exists():
        # a complete copy appears at once under its name
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=state))
        skip = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(install, draft / PACKAGE / install.name, ignore=skip)
        # where wheels keep shared libraries: beside the package (Linux), inside it (macOS)
        for libraries in (package.with_name(f"{PACKAGE}.libs"), package / ".dylibs"):
            if libraries.exists():
                beside = libraries.relative_to(package.parent)
                shutil.copytree(libraries, draft / beside)
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755)
        try:
            draft.rename(target)
        except OSError:  # another instance was faster
            shutil.rmtree(draft)
    return target / PACKAGE / install.name / "bin"
