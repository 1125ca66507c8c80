"""The measurement of the queue still runs: tiny numbers, no judgement on any time."""

from __future__ import annotations

import json

from bench import claiming, queue, report
from bench.race import Rates

TINY = queue.Plan(
    workers=(1, 2),
    rounds=1,
    seconds=0.1,
    waiting=(500, 1_000),
    people=100,
    contested=5,
    crowds=((2, 10), (5, 20), (10, 30)),
    offers=2,
    pages=2,
)


def test_every_figure_is_there(tmp_path, capsys):
    report.write(queue.run(TINY, tmp_path, durable=False), tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures == json.loads(capsys.readouterr().out)
    positive = ("claim_vs_limit_w1", "claim_vs_limit_w2_largest", "claim_growth", "promise_us")
    more = ("promise_growth", "offer_ms", "queue_page_ms", "queue_page_growth")
    assert all(figures[name] > 0 for name in (*positive, *more))
    assert figures["double_claims"] == 0
    assert (figures["growth_from"], figures["growth_to"]) == (500, 1_000)
    assert len(figures["raw"]["claims"]) == 4
    assert figures["raw"]["versions"]["postgresql"]["fsync"] == "off"
    assert not list(tmp_path.glob("upss-bench-*"))


class Books:
    """A site in whose books are so many claims on so many questions."""

    def __init__(self, claims: int, questions: int) -> None:
        self.answers = {"count(*)": claims, "count(DISTINCT question_id)": questions}

    def count(self, sql: str) -> int:
        return next(number for what, number in self.answers.items() if what in sql)


def test_a_question_given_to_two_is_a_double_claim():
    assert claiming.doubles(Books(5, 5), given=5) == 0
    assert claiming.doubles(Books(6, 5), given=5) == 1  # two in the books
    assert claiming.doubles(Books(5, 5), given=7) == 2  # told to three, kept once


def test_growth_is_the_time_of_a_claim_by_the_time_of_a_claim():
    small, large = (
        claiming.Lane(Books(0, 0), Rates(1, 1, ours=ours), None) for ours in ([100, 90], [50, 90])
    )
    assert claiming.growth(small, large) == [2, 1]
