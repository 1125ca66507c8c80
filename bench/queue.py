"""`python -m bench.queue [--quick] --json FILE`: the queue and the promise, as ratios of one run.

Claims through the service are compared with the best that a queue in PostgreSQL can be, one
statement with SKIP LOCKED on a narrow table of the same server; promises and the queue page with
themselves at other sizes. See docs/performance.md.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import claiming, promising, queue_page, report, waiting
from bench.claiming import Lane
from bench.promising import Crowd
from bench.queue_page import Page
from bench.race import spread
from bench.server import Server, private_server
from bench.waiting import Site


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds of so many seconds for each number of workers, and sizes.

    `people` may claim; in a contest all workers press for the same `contested` questions. A crowd
    is a number of answerers and of open questions; promises are told for the middle one. `pages`
    of the queue are read for one figure.
    """

    workers: tuple[int, ...]
    rounds: int
    seconds: float
    waiting: tuple[int, ...]
    people: int
    contested: int
    crowds: tuple[tuple[int, int], ...]
    offers: int
    pages: int


FULL = Plan(
    workers=(1, 8, 32),
    rounds=5,
    seconds=2,
    waiting=(10_000, 1_000_000, 10_000_000),
    people=24_000,
    contested=100,
    crowds=((20, 1_000), (200, 10_000), (2_000, 100_000)),
    offers=100,
    pages=20,
)
QUICK = Plan(
    workers=(1, 8),
    rounds=2,
    seconds=1,
    waiting=(10_000, 100_000),
    people=8_000,
    contested=50,
    crowds=((20, 1_000), (200, 10_000), (600, 30_000)),
    offers=30,
    pages=20,
)


def run(plan: Plan, work: Path | None = None, *, durable: bool = True) -> dict[str, object]:
    """Measure on a server of our own and return the figures under their names."""
    report.say("promises")
    crowds = promising.measure(plan.crowds, plan.rounds)
    with private_server(work, durable=durable) as server:
        described = report.surroundings(server)
        offers = _offers(server, plan)
        sites = [_load(server, number, plan.people) for number in plan.waiting]
        report.say("the queue page")
        pages = queue_page.measure(sites, plan.rounds, plan.pages)
        lanes = [lane for workers in plan.workers for lane in _race(sites, workers, plan)]
        doubles = _doubles(sites, lanes, plan)
    raw = {
        "plan": vars(plan),
        **described,
        "claims": [claiming.summary(lane) for lane in lanes],
        "promise": [crowd.summary() for crowd in crowds],
        "offer_ms": spread(offers),
        "queue_page": [page.summary() for page in pages],
    }
    return {
        **_claim_figures(lanes, plan),
        "double_claims": doubles,
        **_promise_figures(crowds),
        "offer_ms": _median(offers),
        **_page_figures(pages),
        "growth_from": plan.waiting[0],
        "growth_to": plan.waiting[-1],
        "raw": raw,
    }


def _load(server: Server, number: int, people: int) -> Site:
    report.say(f"loading {number:,} questions")
    return waiting.load(server, waiting=number, people=people)


def _offers(server: Server, plan: Plan) -> list[float]:
    """Make offers on a site with the answerers and questions of the middle crowd."""
    answerers, questions = plan.crowds[1]
    return promising.offer_ms(_load(server, questions, answerers), plan.offers)


def _race(sites: list[Site], workers: int, plan: Plan) -> list[Lane]:
    report.say(f"claims by {workers} workers")
    folder = sites[0].server.running.place.folder
    return claiming.race(sites, workers, plan.rounds, plan.seconds, folder)


def _doubles(sites: list[Site], lanes: list[Lane], plan: Plan) -> int:
    """Count double claims: of contests for the same questions, and of all races in the books."""
    report.say("contests")
    given = {site.database: 0 for site in sites}
    for lane in lanes:
        given[lane.site.database] += lane.given
    for workers in plan.workers[1:]:
        given[sites[0].database] += claiming.contest(sites[0], workers, plan.contested)
    return sum(claiming.doubles(site, given[site.database]) for site in sites)


def _claim_figures(lanes: list[Lane], plan: Plan) -> dict[str, object]:
    """Return ratios to the limit, over all sizes and at the largest, and the growth up to that."""
    figures: dict[str, object] = {}
    grown = []
    for workers in plan.workers:
        same = [lane for lane in lanes if lane.rates.clients == workers]
        ratios = [ratio for lane in same for ratio in lane.rates.against_limit]
        figures[f"claim_vs_limit_w{workers}"] = _median(ratios)
        figures[f"claim_vs_limit_w{workers}_largest"] = _median(same[-1].rates.against_limit)
        grown += claiming.growth(same[0], same[-1])
    return figures | {"claim_growth": _median(grown)}


def _promise_figures(crowds: list[Crowd]) -> dict[str, object]:
    return {
        "promise_us": _median(crowds[1].quote_us),
        "promise_growth": _median(promising.growth(crowds[0], crowds[-1])),
        "promise_clock_ms": _median(crowds[1].clock_ms),
        "promise_factor_ms": _median(crowds[1].factor_ms),
    }


def _page_figures(pages: list[Page]) -> dict[str, object]:
    grown = [many / few for few, many in zip(pages[0].ms, pages[-1].ms, strict=True)]
    return {"queue_page_ms": _median(pages[-1].ms), "queue_page_growth": _median(grown)}


def _median(figures: list[float]) -> float:
    return round(median(figures), 4)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the figures and write them to the file."""
    parser = argparse.ArgumentParser(prog="python -m bench.queue", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute or so, for orientation")
    parser.add_argument(
        "--json", type=Path, required=True, metavar="FILE", help="written at the end"
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="for the databases, up to 15 GB")
    given = parser.parse_args(arguments)
    report.write(run(QUICK if given.quick else FULL, given.work), given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
