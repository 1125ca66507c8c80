"""A small exported ledger, what may be done to it, and what an offline program says of it."""

from __future__ import annotations

import copy
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.books import by_hand, lives, write
from tests.databases import clone
from upss.ledger import export, walk
from upss.ledger.export import book
from upss.ledger.offline import verify_ledger
from upss.ledger.rules import merkle
from upss.ledger.rules.entry import canonical_json

ENTRIES, BLOCKS = 14, 3
Rows = list[Any]
Judge = Callable[..., tuple[int, str]]


def exported(server: Any, name: str) -> Rows:
    """Return a small ledger of three blocks, as exported."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    engine = create_engine(clone(server, f"{name}_{worker}").app_url)
    steps = [*islice(lives(random.Random(3)), ENTRIES - 1), by_hand("last", reverses_id=1)]
    write(engine, steps, per_commit=5)
    with walk.snapshot(engine) as session:
        lines = list(export.FORMS["jsonl"](book.Book(session)))
    engine.dispose()
    rows = [json.loads(line) for line in lines]
    assert len([row for row in rows if "block" in row]) == BLOCKS
    for field in ("reason", "approver", "external_ref", "reverses"):
        assert any("entry" in row and row["entry"][field] for row in rows)
    return rows


def judge_of(program: ModuleType, file: Path, capsys: pytest.CaptureFixture[str]) -> Judge:
    """Return what gives the exit code of a program, and what it says of rows or of a text."""

    def judged(given: Rows | str | bytes, *more: str) -> tuple[int, str]:
        if isinstance(given, list):
            given = "".join(json.dumps(row) + "\n" for row in given)
        file.write_bytes(given.encode() if isinstance(given, str) else given)
        code = program.main([str(file), *more])
        return code, capsys.readouterr().out

    return judged


def hashes(rows: Rows) -> list[str]:
    return [row["block"]["hash"] for row in rows if "block" in row]


def others(value: Any) -> list[Any]:
    """Return what an edit may put in the place of a value, of its own kind and of another."""
    match value:
        case None:
            return ["x", 1, 0, False]
        case str():
            return [value + "x", value[:-1] + "0", value.upper() + " ", "", None, 1]
        case int():
            found = [value + 1, value - 1, -value, float(value), value + 0.5, str(value), None]
            return [*found, bool(value), 2**60 + value, [value]]
        case list():
            return [[], value[1:], [*value, *value[:1]], value[::-1], {}, None]
        case _:
            return [{}, {**value, "more": 1}, [value], None]


def changes(row: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield each value of a row by its path, with what stands there instead."""
    for new in others(row):
        if json.dumps(new) != json.dumps(row):
            yield path, new
    inner = (
        row.items() if isinstance(row, dict) else enumerate(row) if isinstance(row, list) else ()
    )
    for key, value in inner:
        yield from changes(value, (*path, key))


def changed(row: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    row = copy.copy(row)
    row[path[0]] = changed(row[path[0]], path[1:], new)
    return row


def rewritten(good: Rows) -> Rows:
    """Take a cent out of a payment, and make every digest, block and balance anew."""
    rows = copy.deepcopy(good)
    first = rows[1]["entry"]
    assert len(first["lines"]) == 2
    for line in first["lines"]:
        line[2] += 1 if line[2] < 0 else -1
    return resealed(rows)


def resealed(rows: Rows) -> Rows:
    balances: Counter[str] = Counter()
    digests, prev, end = {}, merkle.NO_BLOCK, {"entries": 0, "blocks": 0, "anchored": 0}
    for row in rows[1:-1]:
        if "entry" in row:
            row["digest"] = digests[row["id"]] = digest_of(b"upss-entry-v1\0", row["entry"])
            for account, _currency, amount, _question in row["entry"]["lines"]:
                balances[account] += amount
            end["entries"] += 1
            continue
        block = row["block"]
        block["prev"], block["seq"] = prev, end["blocks"] + 1
        block["root"] = merkle.root([digests[one] for one in row["entries"]])
        block["hash"] = prev = digest_of(
            b"upss-block-v1\0", {key: value for key, value in block.items() if key != "hash"}
        )
        end |= {"blocks": end["blocks"] + 1, "anchored": end["anchored"] + len(row["entries"])}
    return [*rows[:-1], {"balances": dict(balances), **end}]


def digest_of(domain: bytes, document: dict[str, Any]) -> str:
    return verify_ledger.sha(domain, canonical_json(document)).hex()
