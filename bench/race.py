"""The race: contenders take turns on one server, and only ratios within a round are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

# What one client could post in a second at the very most; each gets as many paid questions.
MOST_PER_SECOND = {1: 5000, 4: 2500, 16: 800}
SLACK = 0.2  # seconds: warming up, and the end of the last entry


@dataclass(frozen=True)
class Turn:
    """So many clients post for so long; each takes paid questions of its own, one for each entry."""

    clients: int
    seconds: float
    first_question: int

    @property
    def span(self) -> int:
        """How many questions each client may take."""
        return int(MOST_PER_SECOND[self.clients] * (self.seconds + SLACK))

    @property
    def next_question(self) -> int:
        """The first question that this turn leaves alone."""
        return self.first_question + self.clients * self.span

    def questions(self, client: int) -> range:
        """Return the questions of one client."""
        first = self.first_question + client * self.span
        return range(first, first + self.span)


# Takes its turn and returns entries per second.
Contender = Callable[[Turn], float]


@dataclass
class Rates:
    """What was measured with one number of clients, round by round, in entries per second."""

    clients: int
    seconds: float
    limit: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    @property
    def against_limit(self) -> list[float]:
        """Ours by the mean of the limit before and after it, for each round."""
        pairs = zip(self.limit[::2], self.limit[1::2], strict=True)
        return [
            mine / ((before + after) / 2)
            for mine, (before, after) in zip(self.ours, pairs, strict=True)
        ]

    @property
    def against_peer(self) -> list[float]:
        """Ours by the peer of the same round; empty without a peer."""
        return [mine / theirs for mine, theirs in zip(self.ours, self.peer, strict=False)]

    def summary(self) -> Mapping[str, object]:
        """Return the raw figures with medians and spread."""
        return {
            "clients": self.clients,
            "seconds": self.seconds,
            "pgbench_per_s": spread(self.limit),
            "post_per_s": spread(self.ours),
            "hordak_per_s": spread(self.peer),
            "post_vs_pgbench": spread(self.against_limit),
            "post_vs_hordak": spread(self.against_peer),
        }


def race(
    turn: Turn, rounds: int, *, limit: Contender, ours: Contender, peer: Contender | None
) -> Rates:
    """Run the rounds: limit, ours, peer, limit; the questions must be there, see `questions_of`."""
    rates = Rates(turn.clients, turn.seconds)
    for _ in range(rounds):
        for contender, kept in (
            (limit, rates.limit),
            (ours, rates.ours),
            (peer, rates.peer),
            (limit, rates.limit),
        ):
            if contender is None:
                continue
            rate = contender(turn)
            kept.append(rate)
            if contender is not peer:
                _check(turn, rate)
                turn = Turn(turn.clients, turn.seconds, turn.next_question)
    return rates


def _check(turn: Turn, rate: float) -> None:
    """Refuse a rate that came near the end of the questions: beyond it nothing would be posted."""
    if rate > turn.clients * MOST_PER_SECOND[turn.clients] * 0.9:
        raise RuntimeError(f"{rate:.0f} entries/s: raise MOST_PER_SECOND of {turn.clients} clients")


def questions_of(turn: Turn, rounds: int) -> range:
    """Return the questions that a race from this turn on may take."""
    return range(turn.first_question, turn.first_question + 3 * rounds * turn.clients * turn.span)


def spread(figures: list[float], digits: int = 4) -> Mapping[str, object] | None:
    """Return the median, the lowest, the highest and all figures, or None where there are none."""
    if not figures:
        return None
    return {
        "median": round(median(figures), digits),
        "lowest": round(min(figures), digits),
        "highest": round(max(figures), digits),
        "all": [round(figure, digits) for figure in figures],
    }
