"""Files to download: each is written whole before its first byte is sent."""

from __future__ import annotations

from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK = 64 * 1024


def download(pieces: Iterable[str], name: str, mimetype: str) -> Response:
    """Answer with a file of these pieces, which are all read before this returns.

    So a slow reader holds no connection to the database, and what cannot be read to its end is
    an error and never half a file.
    """
    with ExitStack() as unsent:
        file = unsent.enter_context(TemporaryFile())
        for piece in pieces:
            file.write(piece.encode())
        size = file.tell()
        file.seek(0)
        unsent.pop_all()
    answer = Response(_read(file), mimetype=mimetype)
    answer.call_on_close(file.close)
    answer.content_length = size
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
