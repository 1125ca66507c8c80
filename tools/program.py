"""Programs that tests need and Python cannot bring: found, or installed where that is allowed.

A program is looked for in its variable, then on the PATH. As root on Debian its packages are
installed, unless the program of its first name is there; elsewhere any of its names will do, and
whoever has none is told the command. Everything but the path goes to the error output.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Program:
    """What a program is called (the best first), the variable that may name it, Debian's packages."""

    title: str
    names: tuple[str, ...]
    variable: str
    packages: tuple[str, ...]
    needed_by: str

    @property
    def install_commands(self) -> tuple[tuple[str, ...], ...]:
        """The commands that install it on Debian, without a hundred packages that it can do without."""
        install = ("apt-get", "install", "-y", "--no-install-recommends", *self.packages)
        return ("apt-get", "update"), install

    def find(self) -> str | None:
        """Return its path, or None; a variable that names no program counts as none."""
        wanted = os.environ.get(self.variable)
        if wanted:
            return shutil.which(wanted)
        return next(filter(None, map(shutil.which, self.names)), None)

    def explain(self) -> str:
        """Say that it is missing, and what to do."""
        named = os.environ.get(self.variable)
        why = f"{self.variable} names {named}, which is no program." if named else "There is none."
        commands = " && ".join(" ".join(command) for command in self.install_commands)
        return (
            f"{self.needed_by} need {self.title}. {why}\n"
            f"Install it (on Debian, as root: {commands}) or set {self.variable} to its path."
        )

    def main(self) -> int:
        """Print the path; returns 1 where there is no such program and none can be installed."""
        is_best = os.environ.get(self.variable) or shutil.which(self.names[0])
        if not is_best and os.geteuid() == 0 and shutil.which("apt-get"):
            print(f"{self.title}: installing {' '.join(self.packages)}", file=sys.stderr)
            self._install()
        found = self.find()
        if found is None:
            print(self.explain(), file=sys.stderr)
            return 1
        print(found)
        return 0

    def _install(self) -> None:
        for command in self.install_commands:
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            done = subprocess.run(command, check=False, stdout=sys.stderr, env=environment)
            if done.returncode:
                print(f"{' '.join(command)} failed", file=sys.stderr)
                return
