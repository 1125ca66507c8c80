"""The measurements still run: tiny numbers, no judgement on any time."""

from __future__ import annotations

import json

import pytest

from bench import ledger, report
from bench.race import Rates

TINY = ledger.Plan((1,), rounds=1, seconds=1, sizes=(2_000, 3_500), readings=1)


@pytest.fixture
def no_index(monkeypatch):
    """No package can be installed, as on a machine without network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")


def test_every_figure_is_there_and_the_missing_peer_is_explained(no_index, tmp_path, capsys):
    report.write(ledger.run(TINY, tmp_path, durable=False), tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures == json.loads(capsys.readouterr().out)
    assert figures["post_vs_pgbench_c1"] > 0
    assert figures["balance_growth"] > 0
    assert figures["trail_growth"] > 0
    assert figures["growth_from"] < figures["growth_to"]
    assert figures["post_vs_hordak_c1"] is None
    assert "network" in figures["post_vs_hordak_missing"]
    (posting,) = figures["raw"]["posting"]
    assert len(posting["pgbench_per_s"]["all"]) == 2
    assert figures["raw"]["versions"]["postgresql"]["fsync"] == "off"
    assert not list(tmp_path.glob("upss-bench-*"))


def test_ours_is_compared_with_the_limit_around_it_and_the_peer_of_its_round():
    rates = Rates(4, 1, limit=[100, 300, 50, 150], ours=[100, 50], peer=[20, 25])
    assert rates.against_limit == [0.5, 0.5]
    assert rates.against_peer == [5, 2]
