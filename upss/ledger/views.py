"""The public page of the books: the newest hashes, and what anybody needs to check them."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, render_template

from upss.ledger import offline
from upss.ledger import queries_chain as chain
from upss.paths import LEDGER_FORMAT
from upss.web import paging
from upss.web.access import for_everyone
from upss.web.ports import unit

_BLOCKS = 50
_FOLDER = Path(offline.__file__).parent

blueprint = Blueprint("books", __name__, url_prefix="/books")


@blueprint.get("")
@for_everyone
def index() -> str:
    """Show the newest block, to be kept by whoever likes, and those before it."""
    before = paging.cursor("before")
    with unit() as uow:
        newest = chain.newest_block(uow.session)
        rows = chain.blocks(uow.session, before=before, limit=_BLOCKS + 1)
    return render_template(
        "ledger/books.html",
        newest=newest,
        page=paging.page(rows, keys=[row.seq for row in rows], after=before, size=_BLOCKS),
    )


@blueprint.get("/verify_ledger.py")
@for_everyone
def verify_ledger() -> Response:
    """Send the program that checks an exported ledger."""
    return _program("verify_ledger.py")


@blueprint.get("/verify_proof.py")
@for_everyone
def verify_proof() -> Response:
    """Send the program that checks the proof of some entries."""
    return _program("verify_proof.py")


@blueprint.get("/format.txt")
@for_everyone
def published_format() -> Response:
    """Send the published form, for who writes a program of their own."""
    return Response(LEDGER_FORMAT.read_bytes(), mimetype="text/plain")


def _program(name: str) -> Response:
    answer = Response((_FOLDER / name).read_bytes(), mimetype="text/x-python")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer
