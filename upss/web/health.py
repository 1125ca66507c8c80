"""Whether the service answers: for a load balancer or a monitor."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy import text

from upss.db.base import db
from upss.web.access import for_everyone

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@for_everyone
def healthz() -> tuple[str, int, dict[str, str]]:
    """Answer "ok" when the database answers."""
    with db.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    return "ok\n", 200, {"Content-Type": "text/plain; charset=utf-8"}
