"""One process of the demo: `python -m upss.demo.child web|worker|standin|mail`.

Each imports its own part alone: to load all of it takes longer than what follows.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from upss.config import Settings
from upss.kernel.garbage import collect_rarely

if TYPE_CHECKING:
    from flask import Flask


def make_app(settings: Settings) -> Flask:
    """Return the application with the demo's pages."""
    from upss.app import create_app
    from upss.demo.views import init_demo

    return init_demo(create_app(settings))


def web(settings: Settings, port: int) -> None:
    """Serve the pages."""
    from upss import serving

    serving.serve(settings, host="127.0.0.1", port=port, workers=2, threads=4, make=make_app)


def worker(settings: Settings, _port: int) -> None:
    """Run jobs and timers."""
    from upss import serving

    serving.work(settings, concurrency=4)


def standin(settings: Settings, port: int) -> None:
    """Pretend to be Stripe, at the demo's time; money is available after an hour."""
    from upss import standin as local
    from upss.wiring import clock_for

    app = local.create_app(
        clock_for(settings),
        webhook_url=f"{settings.base_url}/stripe/webhook",
        webhook_secret=settings.stripe_webhook_secret,
        state_file=settings.instance / "standin.sqlite",
        available_after=timedelta(hours=1),
    )
    local.serve(app, port=port)


def mail(settings: Settings, port: int) -> None:
    """Catch the mail."""
    from upss.demo import mail_catcher

    mail_catcher.serve(settings.instance / "mail", port=port)


PROCESSES: dict[str, Callable[[Settings, int], None]] = {
    "mail": mail,
    "standin": standin,
    "web": web,
    "worker": worker,
}

if __name__ == "__main__":
    collect_rarely()
    PROCESSES[sys.argv[1]](Settings.from_env(os.environ), int(sys.argv[2]))
