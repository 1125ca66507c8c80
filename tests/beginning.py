"""What a process of the tests does first: imported by conftest.py before anything of ours."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# What thousands of tests keep, and all that is imported, would be looked through again and again: a
# tenth of their time. A warning of something left open in a cycle may so come in a later test than
# the one that left it.
gc.set_threshold(100_000, 50, 1_000)

# One worker traces what happens at import; in the others that is half of the time of their start.
TRACES_IMPORTS = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
if not TRACES_IMPORTS:  # until pytest-cov begins anew: in a worker it does so after the conftests
    sys.settrace(None)


@contextmanager
def untraced() -> Iterator[None]:
    """Keep the tracer out of what happens in here, and out of the threads that begin here."""
    mine, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type] # as typeshed has it, though None is right
    try:
        yield
    finally:
        sys.settrace(mine)
        threading.settrace(of_threads)  # type: ignore[arg-type]


def unseen(answer: WSGIApplication) -> WSGIApplication:
    """Answer without the tracer, in a thread of its own: of the stand-in, `tests/standin` sees all."""

    def answer_unseen(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        sys.settrace(None)
        return answer(environ, start)

    return answer_unseen
