"""The race for waiting questions: the service beside one plain statement on a narrow table."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from bench import limit
from bench.processes import connected, side_by_side
from bench.race import Rates, spread
from bench.waiting import NOW, TOPICS, ZONE, Site
from upss.db.queue import ProcrastinateQueue
from upss.db.work import UnitOfWork
from upss.flow import HANDLERS
from upss.forum.rules.queue import ClaimRefused
from upss.forum.service import claiming
from upss.kernel.clock import FixedClock
from upss.kernel.ids import AccountId, QuestionId

CLOCK, QUEUE = FixedClock(NOW), ProcrastinateQueue()
# Enough for the driver to have prepared its statements.
WARM_UP = 10
FIRST_TRY = 50  # narrow rows for each worker, to learn how fast they are taken
MOST = 0.5  # of what waits may be taken in one turn, so that nobody finds an empty queue

# What a queue can be at the best: the first row that nobody holds, in one statement.
SCRIPT = f"""\\set topic random(0, {TOPICS - 1})
UPDATE narrow SET claimed_by = 1 + :client_id WHERE question_id = (
  SELECT question_id FROM narrow WHERE topic = :topic::smallint AND claimed_by IS NULL
  ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED);
"""


@dataclass
class Lane:
    """One site raced on by so many workers: the rates, and how the limit was last."""

    site: Site
    rates: Rates
    script: Path
    given: int = 0

    def limit(self) -> None:
        """Take narrow rows with pgbench for about the seconds of a turn."""
        workers, so_far = self.rates.clients, self.rates.limit
        each = FIRST_TRY
        if so_far:
            wanted = min(so_far[-1] * self.rates.seconds, self.site.waiting * MOST)
            each = max(1, int(wanted / workers))
        rate = limit.pgbench(
            self.site.server.app_conninfo(self.site.database), self.script, workers,
            "-t", str(each),
        )  # fmt: skip
        taken = self.site.count(_TAKEN) - (self.site.next_narrow - 1)
        if taken != each * workers:
            raise RuntimeError(f"{each * workers - taken} times nothing was left to take")
        self.site.took_narrow(taken)
        so_far.append(rate)

    def ours(self) -> None:
        """Claim questions through the service for the seconds of a turn, each of them once."""
        site, workers = self.site, self.rates.clients
        told = side_by_side(
            workers,
            lambda worker, start: _claim_on(site, self.rates.seconds, worker, workers, start),
        )
        self.given += sum(done for _rate, done in told)
        site.took_questions(max(done for _rate, done in told) * workers)
        self.rates.ours.append(sum(rate for rate, _done in told))


_TAKEN = "SELECT count(*) FROM narrow WHERE claimed_by IS NOT NULL"


def race(sites: list[Site], workers: int, rounds: int, seconds: float, folder: Path) -> list[Lane]:
    """Race on every site in turn, round by round: limit, ours, limit."""
    script = folder / "narrow.sql"
    script.write_text(SCRIPT)
    lanes = [Lane(site, Rates(workers, seconds), script) for site in sites]
    for lane in lanes:
        lane.limit()  # tells how many rows make a turn
        lane.rates.limit.clear()
    for _ in range(rounds):
        for lane in lanes:
            for turn in (lane.limit, lane.ours, lane.limit):
                turn()
    return lanes


def contest(site: Site, workers: int, questions: int) -> int:
    """Let all workers press for the same questions at once; return how many claims they got."""
    first, apart = site.next_question, -(-questions // TOPICS) * TOPICS

    def press(worker: int, start: Barrier) -> int:
        with connected(site.url):
            start.wait()
            return sum(
                _is_given(number, _person(site, number + worker * apart))
                for number in range(first, first + questions)
            )

    given = side_by_side(workers, press)
    site.took_questions(questions)
    return sum(given)


def doubles(site: Site, given: int) -> int:
    """Return how many claims were given, or are in the books, beyond one for each question."""
    active = "FROM claim WHERE status = 'active'"
    kept = site.count(f"SELECT count(*) {active}")
    return max(given, kept) - site.count(f"SELECT count(DISTINCT question_id) {active}")


def summary(lane: Lane) -> Mapping[str, object]:
    """Return the raw figures with medians and spread."""
    return {
        "waiting": lane.site.waiting,
        "workers": lane.rates.clients,
        "seconds": lane.rates.seconds,
        "limit_per_s": spread(lane.rates.limit),
        "claims_per_s": spread(lane.rates.ours),
        "claim_vs_limit": spread(lane.rates.against_limit),
    }


def growth(small: Lane, large: Lane) -> list[float]:
    """Return how much longer a claim takes where more is waiting, for each round."""
    return [few / many for few, many in zip(small.rates.ours, large.rates.ours, strict=True)]


def claim(question: int, person: int) -> None:
    """Claim in a unit of work, as the page's button does."""
    with UnitOfWork(CLOCK, QUEUE, HANDLERS, ZONE) as uow:
        claiming.claim(uow, question_id=QuestionId(question), answerer_id=AccountId(person))
        uow.commit()


def _is_given(question: int, person: int) -> bool:
    try:
        claim(question, person)
    except ClaimRefused:
        return False
    return True


def _person(site: Site, number: int) -> int:
    """Return somebody who serves the question's topic."""
    return number % site.people or site.people


def _claim_on(
    site: Site, seconds: float, worker: int, workers: int, start: Barrier
) -> tuple[float, int]:
    """Claim every so-manieth question from the front on; return the rate and the number."""
    end = site.next_question + int(site.waiting * MOST)
    mine = iter(range(site.next_question + worker, end, workers))
    with connected(site.url):
        for _ in range(WARM_UP):
            _claim_next(site, mine)
        start.wait()
        begun = time.perf_counter()
        done = 0
        while (now := time.perf_counter()) < begun + seconds:
            _claim_next(site, mine)
            done += 1
    return done / (now - begun), done + WARM_UP


def _claim_next(site: Site, mine: Iterator[int]) -> None:
    number = next(mine, None)
    if number is None:
        raise RuntimeError("half of the queue is taken: let more questions wait, or be shorter")
    claim(number, _person(site, number))
