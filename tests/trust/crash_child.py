"""A web or worker process that kills itself where it is told: `python -m tests.trust.crash_child web PORT`.

Each call to the payment provider and each commit of a unit of work is a point, before and after.
The file named by UPSS_CRASH_ORDER says, for each run, where points are noted and at which of
them this process sends itself SIGKILL; whoever makes the file `killed` first is killed, once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import Counter
from functools import wraps
from pathlib import Path
from typing import Any

from upss import jobs, serving
from upss.config import Settings
from upss.db.work import UnitOfWork
from upss.payments.stripe_gateway import StripeGateway

ROLE = sys.argv[1] if __name__ == "__main__" else "test"
# The demo's clock and the minute's timers come when they come: not points of anybody's path.
UNCOUNTED = ("run_timers", "_drain", "poll", "resume", "tidy")
_CALLS = ("create_", "read_", "find_", "expire_", "onboarding_")

_lock = threading.Lock()
_seen: Counter[tuple[int, str]] = Counter()


def reach(point: str) -> None:
    """Note that a point was reached, and die there if that is the order."""
    order = json.loads(Path(os.environ["UPSS_CRASH_ORDER"]).read_text("utf-8"))
    if order["trace"] is None:
        return
    with _lock:
        _seen[order["run"], point] += 1
        here = f"{ROLE} {point} #{_seen[order['run'], point]}"
    with open(order["trace"], "a", encoding="utf-8") as trace:  # noqa: PTH123 - one short append
        trace.write(here + "\n")
    if here == order["kill_at"]:
        try:
            os.close(os.open(order["killed"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def around(name: str, call: Any) -> Any:
    """Make a point before and after a call."""

    @wraps(call)
    def run(*args: Any, **kwargs: Any) -> Any:
        reach(f"{name} before")
        result = call(*args, **kwargs)
        reach(f"{name} after")
        return result

    return run


def around_commit(commit: Any) -> Any:
    """Make a point before and after a commit, named after the function that commits."""

    @wraps(commit)
    def run(uow: UnitOfWork) -> None:
        caller = sys._getframe(1)
        if caller.f_code.co_name in UNCOUNTED:
            commit(uow)
            return
        name = (
            f"commit {caller.f_globals['__name__'].removeprefix('upss.')}.{caller.f_code.co_name}"
        )
        around(name, commit)(uow)

    return run


def arm() -> None:
    """Wrap what talks to the outside and what commits; make dead workers' jobs come back soon."""
    for name in dir(StripeGateway):
        if name.startswith(_CALLS):
            setattr(StripeGateway, name, around(name, getattr(StripeGateway, name)))
    UnitOfWork.commit = around_commit(UnitOfWork.commit)
    serving.STALLED_AFTER_SECONDS = 2
    serving._HEARTBEAT_SECONDS = 0.3
    serving._POLL_SECONDS = 0.2
    jobs.RETRY = type(jobs.RETRY)(max_attempts=8, wait=1)


def work_for_ever(settings: Settings) -> None:
    """Run workers one after the other: each is a process of its own, and may be killed."""
    while True:
        child = os.fork()
        if child == 0:
            serving.work(settings, concurrency=2)
            os._exit(0)
        signal.signal(signal.SIGTERM, lambda number, _frame: os.kill(child, number))  # noqa: B023
        _pid, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            return


if __name__ == "__main__":
    arm()
    read = Settings.from_env(os.environ)
    if ROLE == "web":
        serving.serve(read, host="127.0.0.1", port=int(sys.argv[2]), workers=1, threads=4)
    else:
        work_for_ever(read)
