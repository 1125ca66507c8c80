"""Processes that do the same thing side by side, each with a connection of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import TypeVar

from flask import Flask

from upss.db.base import db

Result = TypeVar("Result")
# The number of the process, and where all of them wait for each other once they are warm.
Work = Callable[[int, Barrier], Result]

# Children take over what is imported here; a fresh interpreter each would take a second each.
_FORK = multiprocessing.get_context("fork")


def side_by_side(count: int, work: Work[Result]) -> list[Result]:
    """Let so many processes work at once; return what each of them brought.

    Each of them must wait for the others once.
    """
    start = _FORK.Barrier(count)
    ends = []
    children = []
    for number in range(count):
        ours, theirs = _FORK.Pipe(duplex=False)
        child = _FORK.Process(target=_child, args=(work, number, start, theirs))
        child.start()
        theirs.close()
        ends.append(ours)
        children.append(child)
    brought: list[Result] = [end.recv() for end in ends]
    for child in children:
        child.join()
    return brought


def _child(work: Work[Result], number: int, start: Barrier, answer: Connection) -> None:
    try:
        answer.send(work(number, start))
    except BaseException:
        start.abort()  # or the others would wait for ever
        raise


@contextmanager
def connected(url: str) -> Iterator[None]:
    """Give a process the least application that a unit of work needs."""
    app = Flask("bench")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()
