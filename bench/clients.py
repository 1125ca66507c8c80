"""Our own clients: processes that post through the public service, a unit of work for each entry."""

from __future__ import annotations

import time
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier

from bench import books
from bench.processes import connected, side_by_side
from bench.race import Turn
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


@dataclass(frozen=True)
class Clients:
    """Posts by our own processes against one database."""

    url: str

    def __call__(self, turn: Turn) -> float:
        """Return entries per second of all clients together."""
        return sum(
            side_by_side(turn.clients, lambda client, start: _post(self.url, turn, client, start))
        )


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


def _post(url: str, turn: Turn, client: int, start: Barrier) -> float:
    """Warm up, wait for the others, post until the time is over, and return the rate."""
    questions = iter(turn.questions(client))
    with connected(url):
        for _ in range(WARM_UP):
            settle(next(questions))
        start.wait()
        begun = time.perf_counter()
        end = begun + turn.seconds
        done = 0
        while (now := time.perf_counter()) < end:
            settle(next(questions))
            done += 1
        return done / (now - begun)
