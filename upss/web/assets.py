"""Addresses of static files that change with their content, so that browsers keep them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, url_for

_YEAR = 31_536_000


@cache
def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def init_assets(app: Flask) -> None:
    """Give templates `asset_url('upss.css')`; answers to it may be kept for a year."""
    folder = Path(str(app.static_folder))

    def asset_url(name: str) -> str:
        return url_for("static", filename=name, v=_digest(folder / name))

    def keep(response: Response) -> Response:
        if request.endpoint == "static" and "v" in request.args and response.status_code == 200:
            response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
        return response

    app.jinja_env.globals["asset_url"] = asset_url
    app.after_request(keep)
