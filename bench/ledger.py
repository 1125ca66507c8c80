"""`python -m bench.ledger [--quick] --json FILE`: posting and reading, as ratios within one run.

Posting is compared with pgbench sending the same statement to the same tables, and with
django-hordak on the same server; reading with itself at other sizes of the ledger. See
docs/performance.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import books, report
from bench.clients import Clients
from bench.limit import Limit, script
from bench.peer import PeerMissingError, hordak
from bench.peer import versions as peer_versions
from bench.race import Contender, Rates, Turn, questions_of, race
from bench.reading import Reading, load, measure
from bench.server import Server, private_server

PEER_UP_TO = 4  # clients; beyond it nothing is said about the peer
TEN_MILLION = 10_000_000


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds of so many seconds for each number of clients, and sizes."""

    clients: tuple[int, ...]
    rounds: int
    seconds: float
    sizes: tuple[int, ...]
    readings: int


FULL = Plan((1, 4, 16), rounds=5, seconds=4, sizes=(10_000, 1_000_000, 10_000_000), readings=9)
QUICK = Plan((1, 4), rounds=2, seconds=1, sizes=(10_000, 100_000), readings=5)


def run(plan: Plan, work: Path | None = None, *, durable: bool = True) -> dict[str, object]:
    """Measure on a server of our own and return the figures under their names."""
    with private_server(work, durable=durable) as server:
        described = report.surroundings(server) | {"peer": peer_versions()}
        with ExitStack() as stack:
            peer, reason = _peer(stack, server, work)
            races = [_race(server, plan, clients, peer) for clients in plan.clients]
        read = _read(server, plan)
    raw = {
        "plan": vars(plan),
        **described,
        "posting": [rates.summary() for rates in races],
        "reading": {what: reading.summary() for what, reading in read.items()},
    }
    return {**_posting_figures(races, reason), **_reading_figures(read), "raw": raw}


def _peer(
    stack: ExitStack, server: Server, work: Path | None
) -> tuple[Contender | None, str | None]:
    """Return the peer, or the reason why it does not take part."""
    try:
        return stack.enter_context(hordak(server, "hordak", work)), None
    except PeerMissingError as missing:
        report.say(str(missing))
        return None, str(missing)


def _race(server: Server, plan: Plan, clients: int, peer: Contender | None) -> Rates:
    """Race with one number of clients, in a database of its own."""
    database = f"race_{clients}"
    server.make(database)
    turn = Turn(clients, plan.seconds, first_question=1)
    books.load_paid(server.admin(database), questions_of(turn, plan.rounds))
    place = server.running.place.folder / f"{database}.sql"
    place.write_text(script())
    report.say(f"posting with {clients} clients")
    return race(
        turn,
        plan.rounds,
        limit=Limit(server, database, place),
        ours=Clients(server.app_url(database)),
        peer=peer if clients <= PEER_UP_TO else None,
    )


def _read(server: Server, plan: Plan) -> Mapping[str, Reading]:
    sizes = []
    for postings in plan.sizes:
        report.say(f"loading {postings:,} postings")
        sizes.append(load(server, postings))
    report.say("reading")
    return measure(server, sizes, plan.readings)


def _posting_figures(races: list[Rates], reason: str | None) -> dict[str, object]:
    figures: dict[str, object] = {}
    for rates in races:
        figures[f"post_vs_pgbench_c{rates.clients}"] = _median(rates.against_limit)
        if rates.clients <= PEER_UP_TO:
            figures[f"post_vs_hordak_c{rates.clients}"] = _median(rates.against_peer)
    if reason is not None:
        figures["post_vs_hordak_missing"] = reason
    return figures


def _reading_figures(read: Mapping[str, Reading]) -> dict[str, object]:
    """Return growth from the smallest size to the largest, which is named beside it."""
    balance, trail = read["balance"], read["trail"]
    figures: dict[str, object] = {}
    largest = balance.postings[-1]
    if round(largest, -6) == TEN_MILLION:
        figures["balance_ms_10m"] = _median(balance.ms[-1])
    figures["balance_growth"] = _median(balance.growth())
    figures["trail_growth"] = _median(trail.growth())
    return figures | {"growth_from": balance.postings[0], "growth_to": largest}


def _median(figures: list[float]) -> float | None:
    return round(median(figures), 3) if figures else None


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the figures and write them to the file."""
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 50 seconds, for orientation")
    parser.add_argument(
        "--json", type=Path, required=True, metavar="FILE", help="written at the end"
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="for databases and environments")
    given = parser.parse_args(arguments)
    report.write(run(QUICK if given.quick else FULL, given.work), given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
