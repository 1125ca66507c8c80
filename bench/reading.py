"""How long reading takes at several sizes of the ledger: a balance, the trial balance, a trail."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle
from statistics import median

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench import books
from bench.race import spread
from bench.server import Server
from upss.ledger import queries
from upss.ledger.rules import chart
from upss.organizer.queries import entries

# How often each question is asked in a round; the trial balance reads every account.
ASKED = {"balance": 60, "trial_balance": 8, "trail": 60}

Read = Callable[[Session], object]


@dataclass(frozen=True)
class Size:
    """One loaded ledger."""

    database: str
    questions: int
    postings: int

    def reads(self, seed: int) -> Mapping[str, Iterable[Read]]:
        """Return what is asked: balances of busy and of quiet accounts, trails of any question."""
        chance = random.Random(seed)
        codes = [chart.STRIPE_BALANCE, chart.HELD, chart.COMMISSION]
        codes += [chart.payable(chance.randint(1, books.ANSWERERS)) for _ in codes]
        return {
            "balance": [_balance(code) for code in codes],
            "trial_balance": [queries.trial_balance],
            "trail": [_trail(chance.randint(1, self.questions)) for _ in range(ASKED["trail"])],
        }


def load(server: Server, postings: int) -> Size:
    """Make a database with about so many postings, most of them in blocks."""
    questions = books.questions_for(postings)
    database = f"books_{postings}"
    server.make(database)
    loaded = books.load_stories(server.admin(database), questions)
    return Size(database, questions, loaded)


@dataclass(frozen=True)
class Reading:
    """Milliseconds of one kind of reading: for each size, its figure in each round."""

    postings: list[int]
    ms: list[list[float]]

    def growth(self, place: int = -1) -> list[float]:
        """Return how much longer it takes at a size (the largest) than at the smallest, by round."""
        return [large / small for large, small in zip(self.ms[place], self.ms[0], strict=True)]

    def summary(self) -> Mapping[str, object]:
        """Return the raw figures with medians and spread."""
        return {
            "ms": {
                str(n): spread(figures) for n, figures in zip(self.postings, self.ms, strict=True)
            },
            "growth": {
                str(n): spread(self.growth(place))
                for place, n in enumerate(self.postings)
                if place > 0
            },
        }


def measure(server: Server, sizes: list[Size], rounds: int) -> Mapping[str, Reading]:
    """Read every size in turn, round by round; a round's figure is the median of its readings."""
    engines = [create_engine(server.app_url(size.database)) for size in sizes]
    sessions = [Session(engine) for engine in engines]
    found = {
        what: Reading([size.postings for size in sizes], [[] for _ in sizes]) for what in ASKED
    }
    for done in range(rounds + 1):
        for place, (size, session) in enumerate(zip(sizes, sessions, strict=True)):
            for what, reads in size.reads(done).items():
                took = _time(session, reads, ASKED[what])
                if done:  # the first round fills the caches
                    found[what].ms[place].append(took)
    for session, engine in zip(sessions, engines, strict=True):
        session.close()
        engine.dispose()
    return found


def _time(session: Session, reads: Iterable[Read], times: int) -> float:
    took = []
    for read, _ in zip(cycle(reads), range(times), strict=False):
        begun = time.perf_counter()
        read(session)
        took.append((time.perf_counter() - begun) * 1000)
    session.rollback()
    return median(took)


def _balance(code: str) -> Read:
    return lambda session: queries.account_balance(session, code)


def _trail(question: int) -> Read:
    return lambda session: entries.trail(session, question)
