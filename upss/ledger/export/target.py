"""Where an export goes: a file that is whole or not there, a device, or the standard output."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sqlalchemy.exc import SQLAlchemyError

from upss.kernel.errors import UpssError

_STDOUT = 1


class ExportFailed(UpssError):
    """The export could not be written or read to its end; no half file is left."""

    code = "export_failed"


def write(lines: Iterable[str], output: Path | None) -> None:
    """Write all lines to `output` in UTF-8, or to the standard output if it is None.

    A file takes its name only when it is complete and on the disk; what stood there before stays
    until then. Raises `ExportFailed`.
    """
    try:
        with _opened(output) as file:
            for line in lines:
                file.write(line)
            file.flush()
    except (OSError, SQLAlchemyError) as error:
        raise ExportFailed(reason=str(error)) from error


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    if output is None:
        with _stream(_STDOUT) as file:
            yield file
        return
    target = output.resolve()
    if _is_special(target):
        # A device or a pipe is written to as it is: it must never be replaced by a file.
        with _stream(os.open(target, os.O_WRONLY), close=True) as file:
            yield file
        return
    with _replacing(target) as file:
        yield file


def _is_special(target: Path) -> bool:
    with suppress(FileNotFoundError):
        mode = target.stat().st_mode
        return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
    return False


@contextmanager
def _stream(number: int, *, close: bool = False) -> Iterator[IO[str]]:
    """Open a descriptor for text; what cannot be written any more at its end is given up."""
    file = open(number, "w", encoding="utf-8", newline="", closefd=close)  # noqa: SIM115
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


@contextmanager
def _replacing(target: Path) -> Iterator[IO[str]]:
    """Open a file beside the target, which takes its name at the end or is removed."""
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    part = Path(name)
    try:
        with _stream(number, close=True) as file:
            yield file
            os.fsync(number)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
