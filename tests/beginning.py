"""What a process of the tests does first: imported by conftest.py before anything of ours."""

from __future__ import annotations

import gc
import os
import sys
import threading

# What thousands of tests keep, and all that is imported, would be looked through again and again: a
# tenth of their time. A warning of something left open in a cycle may so come in a later test than
# the one that left it.
gc.set_threshold(100_000, 50, 1_000)

_TRACING = sys.gettrace(), threading.gettrace()


def trace_tests() -> None:
    """Begin to trace in a worker that did not while it imported and collected."""
    sys.settrace(_TRACING[0])
    threading.settrace(_TRACING[1])


# One worker traces what happens at import; in the others that is half of the time of their start.
if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type] # as typeshed has it, though None is right
