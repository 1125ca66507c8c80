"""Run the stand-in on loopback: in the foreground for the command, in a thread for tests."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Self

from werkzeug.serving import BaseWSGIServer, make_server

from upss.standin.app import courier, world_of

if TYPE_CHECKING:
    from flask import Flask

_LOOPBACK = "127.0.0.1"
# The controls page shows what happened; a line for each request would only bury the demo's own.
logging.getLogger("werkzeug").setLevel(logging.WARNING)


class Running:
    """A stand-in that answers in threads of this process until it is closed."""

    def __init__(self, app: Flask, *, port: int = 0) -> None:
        self._app = app
        self._server: BaseWSGIServer = make_server(_LOOPBACK, port, app, threaded=True)
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self.port = self._server.server_port
        self.url = f"http://{_LOOPBACK}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        courier(self._app).start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering and delivering, and close the state file."""
        courier(self._app).stop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        world_of(self._app).store.close()


def serve(app: Flask, *, port: int) -> None:
    """Answer on 127.0.0.1 until the process is told to stop."""
    server = make_server(_LOOPBACK, port, app, threaded=True)
    courier(app).start()
    try:
        server.serve_forever()
    finally:
        courier(app).stop()
        server.server_close()
        world_of(app).store.close()
