"""The two processes that run all the time: the pages under gunicorn, and the worker."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from sqlalchemy.engine import make_url

from upss.app import create_app
from upss.db.engine import app_url
from upss.jobs import STALLED_AFTER_SECONDS, make_worker_app

if TYPE_CHECKING:
    from flask import Flask

    from upss.config import Settings

_HEARTBEAT_SECONDS = 5
_POLL_SECONDS = 2
_log = logging.getLogger("upss")


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn without its own command line: the settings are ours."""

    def __init__(self, make: Callable[[], Flask], options: dict[str, Any]) -> None:
        self._make = make
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._make()  # in the worker process: no connection is shared


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    threads: int,
    make: Callable[[Settings], Flask] = create_app,
) -> None:
    """Serve the pages of `make(settings)` until a signal stops it."""
    _log_to_stderr()
    _Server(
        lambda: make(settings),
        {
            "bind": f"{host}:{port}",
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "graceful_timeout": 20,
            "control_socket_disable": True,
        },
    ).run()


def work(settings: Settings, *, concurrency: int) -> None:
    """Run jobs until a signal stops it; a job under way is finished first."""
    _log_to_stderr()
    app = create_app(settings)
    jobs = make_worker_app(app, libpq_address(app_url(settings)))

    async def run() -> None:
        async with jobs.open_async():
            await jobs.run_worker_async(
                concurrency=concurrency,
                fetch_job_polling_interval=_POLL_SECONDS,
                update_heartbeat_interval=_HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_AFTER_SECONDS,
                shutdown_graceful_timeout=20,
            )

    signal.signal(signal.SIGINT, signal.default_int_handler)
    asyncio.run(run())


def libpq_address(url: str) -> str:
    """Return SQLAlchemy's address as libpq spells it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    _log.setLevel(logging.INFO)
