"""Our own clients: processes that post through the public service, a unit of work for each entry."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from flask import Flask

from bench import books
from bench.race import Turn
from upss.db.base import db
from upss.db.queue import ProcrastinateQueue
from upss.db.work import UnitOfWork
from upss.flow import HANDLERS
from upss.kernel.clock import SystemClock
from upss.kernel.money import Money
from upss.ledger.rules.posting.questions import answer_accepted
from upss.ledger.rules.split import Terms
from upss.ledger.service.posting import post

CLOCK, QUEUE = SystemClock(), ProcrastinateQueue()
# Enough for the driver to have prepared its statements.
WARM_UP = 20
# Children take over what is imported here; a fresh interpreter each would take a second each.
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Clients:
    """Posts by our own processes against one database."""

    url: str

    def __call__(self, turn: Turn) -> float:
        """Return entries per second of all clients together."""
        start = _FORK.Barrier(turn.clients)
        ends = []
        children = []
        for client in range(turn.clients):
            ours, theirs = _FORK.Pipe(duplex=False)
            child = _FORK.Process(target=_client, args=(self.url, turn, client, start, theirs))
            child.start()
            theirs.close()
            ends.append(ours)
            children.append(child)
        rates: list[float] = [end.recv() for end in ends]
        for child in children:
            child.join()
        return sum(rates)


def application(url: str) -> Flask:
    """Return the least application that a unit of work needs."""
    app = Flask("bench")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    return app


def settle(question: int) -> None:
    """Post one three-leg settlement: what is held becomes commission and the answerer's share."""
    whose = ((books.answerer_of(question), 1),)
    draft = answer_accepted(
        question_id=question,
        amount=Money(books.PRICE, "EUR"),
        terms=Terms(books.COMMISSION_BP, fund_bp=0, answerers=whose),
    )
    with UnitOfWork(CLOCK, QUEUE, HANDLERS) as uow:
        post(uow, draft)
        uow.commit()


def _client(url: str, turn: Turn, client: int, start: Barrier, answer: Connection) -> None:
    """Warm up, wait for the others, post until the time is over, and send the rate."""
    questions = iter(turn.questions(client))
    with application(url).app_context():
        for _ in range(WARM_UP):
            settle(next(questions))
        start.wait()
        begun = time.perf_counter()
        end = begun + turn.seconds
        done = 0
        while (now := time.perf_counter()) < end:
            settle(next(questions))
            done += 1
        answer.send(done / (now - begun))
        db.session.remove()
        db.engine.dispose()
