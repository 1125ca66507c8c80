"""The program for proofs finds every change of one, and the published format is what both read."""

from __future__ import annotations

import hashlib
import json
import random
import re
from typing import Any

import pytest

from tests.architecture.source import ROOT
from tests.trust.offline_stage import (
    Judge,
    Rows,
    changed,
    changes,
    exported,
    hashes,
    judge_of,
    rewritten,
)
from upss.ledger.offline import verify_ledger, verify_proof
from upss.ledger.rules import merkle
from upss.ledger.rules.entry import canonical_json


@pytest.fixture(scope="module")
def good(server) -> Rows:
    return exported(server, "offline_proof")


@pytest.fixture
def judge(tmp_path, capsys) -> Judge:
    return judge_of(verify_proof, tmp_path / "proof.jsonl", capsys)


def proof(good: Rows, taken: set[int]) -> Rows:
    """Return the proof of these entries, with all blocks from the first that is needed."""
    blocks = [row for row in good if "block" in row]
    entries = {row["id"]: row for row in good if "id" in row}
    rows, first = [{"format": "upss-proof", "version": 1}], None
    for row in blocks:
        ids = row["entries"]
        for pos, one in enumerate(ids):
            if one in taken:
                first = first or row["block"]["seq"]
                path = merkle.proof([entries[other]["digest"] for other in ids], pos)
                place = {"block": row["block"]["seq"], "pos": pos, "path": list(path)}
                rows.append(entries[one] | place)
    return rows + [{"block": row["block"]} for row in blocks if row["block"]["seq"] >= first]


def test_a_proof_of_any_entries_is_right(good, judge):
    ids = [row["id"] for row in good if "id" in row]
    for taken in ([one] for one in ids):
        code, said = judge(proof(good, set(taken)))
        assert (code, "1 entries" in said) == (0, True)
    rows = proof(good, set(ids[6:9]))
    for anchor in hashes(good)[1:]:
        assert judge(rows, "--anchor", anchor)[0] == 0
    code, said = judge(proof(good, {ids[-1]}), "--anchor", hashes(good)[0])
    assert code == 1
    two = judge(proof(good, {ids[0], ids[-1]}), "--anchor", hashes(good)[0])
    assert two[0] == 1
    assert "newer than the anchor" in two[1]


def test_every_change_of_a_proof_is_found(good, judge):
    rows = proof(good, {row["id"] for row in good if row.get("id", 99) in {2, 9, 10}})
    assert judge(rows)[0] == 0
    for at, row in enumerate(rows):
        for path, new in changes(row):
            # which id an entry has is told by the ledger, not by the chain
            if path == ("id",) and type(new) is int and new > 0:
                continue
            code, said = judge([*rows[:at], changed(row, path, new), *rows[at + 1 :]])
            assert (code, said[:9]) == (1, "NOT RIGHT"), (at, path, new)
        if at not in {len(rows) - 1, *(n for n, one in enumerate(rows) if "entry" in one)}:
            assert judge(rows[:at] + rows[at + 1 :])[0] == 1, at
        assert judge([*rows[: at + 1], row, *rows[at + 1 :]])[0] == 1, at


def test_proofs_hold_at_every_place_of_blocks_of_every_size():
    chance = random.Random(5)
    for size in (*range(1, 35), 511, 512):
        digests = [chance.randbytes(32).hex() for _ in range(size)]
        root = verify_ledger.root([verify_ledger.sha(b"\0", bytes.fromhex(d)) for d in digests])
        assert root.hex() == merkle.root(digests)
        for pos in range(size) if size < 40 else (0, 1, 255, 256, size - 2, size - 1):
            path = list(merkle.proof(digests, pos))
            assert verify_proof.climb(digests[pos], pos, size, path) == root.hex()
            for wrong in (path[1:], [*path, "00" * 32]) if path else ([["00" * 32]]):
                with pytest.raises(ValueError, match="path"):
                    verify_proof.climb(digests[pos], pos, size, wrong)


def test_a_rewritten_entry_has_no_proof(good, judge):
    rows = proof(rewritten(good), {good[1]["id"]})
    assert judge(rows)[0] == 0
    assert judge(rows, "--anchor", hashes(good)[-1])[0] == 1


@pytest.mark.parametrize("text", ["", '{"format":"upss-ledger","version":1}\n', "[]", "1.5\n"])
def test_what_is_no_proof_gets_a_clear_no(judge, text):
    code, said = judge(text)
    assert (code, said[:9]) == (1, "NOT RIGHT")


# --- the published format ---------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "ledger-format.md").read_text("utf-8")
SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def spelled(value: Any) -> str:
    """Spell a value as the page says, by hand."""
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(spelled, value)) + "]"
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{spelled(key)}:{spelled(value[key])}" for key in sorted(value)) + "}"
        )
    units = value.encode("utf-16-be", "surrogatepass")
    marks = (chr(int.from_bytes(units[at : at + 2], "big")) for at in range(0, len(units), 2))
    return '"' + "".join(map(_mark, marks)) + '"'


def _mark(mark: str) -> str:
    return SHORT.get(mark) or (mark if " " <= mark <= "~" else f"\\u{ord(mark):04x}")


def test_the_one_spelling_is_as_published(good):
    everything = "".join(map(chr, range(0x300))) + "\u2028\uffff\U0001f600\U0010ffff\ud800"
    for document in ({"reason": everything, "a": [1, -2, None, {}]}, *good):
        assert spelled(document).encode("ascii") == verify_ledger.spell(document)
        assert spelled(document).encode("ascii") == canonical_json(document)


def test_the_published_example_is_true():
    (line,) = re.findall(r'^\{"actor".*$', PAGE, re.MULTILINE)
    entry, block = (
        re.findall(r"has the digest `(\w+)`", PAGE),
        re.findall(r"the hash `(\w+)`", PAGE),
    )
    assert spelled(json.loads(line)) == line
    assert [hashlib.sha256(b"upss-entry-v1\0" + line.encode()).hexdigest()] == entry
    root = hashlib.sha256(b"\0" + bytes.fromhex(entry[0])).hexdigest()
    assert f"root `{root}`" in PAGE
    at = "2026-11-01T10:35:00.000000+00:00"
    head = {"seq": 1, "prev": "0" * 64, "n_entries": 1, "root": root, "sealed_at": at}
    assert [hashlib.sha256(b"upss-block-v1\0" + spelled(head).encode()).hexdigest()] == block


def test_every_field_is_published(good):
    for row in good:
        for name in (*row, *row.get("entry", ()), *row.get("block", ())):
            assert f"`{name}`" in PAGE or f'"{name}":' in PAGE, name
