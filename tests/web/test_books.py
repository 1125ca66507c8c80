"""The public page of the books: the newest hash, the blocks before it, and the programs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests import factories
from upss.ledger import queries_chain, views
from upss.ledger import tasks as ledger
from upss.web.ports import unit


def page(client, path="/books"):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.fixture
def chain(app):
    """Three blocks of one payment each, newest first."""
    asker = factories.person("asker@example.org")
    for _ in range(3):
        factories.queued(asker)
        ledger.anchor()
    with unit() as uow:
        return queries_chain.blocks(uow.session, limit=9)


def test_before_the_first_block_the_page_says_so(client):
    assert "There is no block yet" in page(client)
    assert "<table" not in page(client)


def test_anybody_sees_the_newest_block_and_those_before_it(client, chain):
    text = page(client)
    assert f'<strong class="mono">{chain[0].hash}</strong>' in text
    assert re.findall(r'<span class="mono">([0-9a-f]{64})<', text) == [b.hash for b in chain]
    assert f"Entries in it</dt><dd>{chain[0].n_entries}</dd>" in text


def test_the_page_shows_no_more_than_its_size_and_leads_on(client, chain, monkeypatch):
    monkeypatch.setattr(views, "_BLOCKS", 2)
    first = page(client)
    assert re.findall(r'<span class="mono">([0-9a-f]{64})<', first) == [b.hash for b in chain[:2]]
    (older,) = re.findall(r'href="(/books\?before=\d+)"', first)
    rest = page(client, older)
    assert re.findall(r'<span class="mono">([0-9a-f]{64})<', rest) == [chain[2].hash]
    assert f'<strong class="mono">{chain[0].hash}</strong>' in rest


@pytest.mark.parametrize("name", ["verify_ledger.py", "verify_proof.py"])
def test_a_downloaded_program_runs_without_upss(client, tmp_path, name):
    assert f'href="/books/{name}"' in page(client)
    answer = client.get(f"/books/{name}")
    assert answer.content_type.startswith("text/x-python")
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    file = tmp_path / name
    file.write_bytes(answer.data)
    ran = subprocess.run(
        [sys.executable, "-I", file, "--help"], capture_output=True, text=True, check=True
    )
    assert "--anchor" in ran.stdout


def test_the_published_form_is_there_to_read(client):
    assert 'href="/books/format.txt"' in page(client)
    answer = client.get("/books/format.txt")
    assert answer.content_type.startswith("text/plain")
    assert "upss-block-v1" in answer.get_data(as_text=True)
