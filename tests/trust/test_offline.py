"""The two programs for auditors find every change, and need nothing of UPSS to do so."""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.architecture.source import ROOT
from tests.books import by_hand, lives, write
from tests.conftest import clone
from upss.ledger import export, offline, walk
from upss.ledger.export import book
from upss.ledger.offline import verify_ledger, verify_proof
from upss.ledger.rules import merkle
from upss.ledger.rules.entry import canonical_json

FOLDER = Path(offline.__file__).parent
ENTRIES, BLOCKS = 14, 3
Rows = list[Any]


@pytest.fixture(scope="module")
def good(server) -> Rows:
    """A small ledger of three blocks, as exported."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    engine = create_engine(clone(server, f"offline_{worker}").app_url)
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


@pytest.fixture
def judge(tmp_path, capsys):
    """Give the exit code and what is said of rows, or of a text."""
    file = tmp_path / "ledger.jsonl"

    def judged(given: Rows | str | bytes, *more: str, program=verify_ledger) -> tuple[int, str]:
        if isinstance(given, list):
            given = "".join(json.dumps(row) + "\n" for row in given)
        file.write_bytes(given.encode() if isinstance(given, str) else given)
        code = program.main([str(file), *more])
        return code, capsys.readouterr().out

    return judged


def hashes(rows: Rows) -> list[str]:
    return [row["block"]["hash"] for row in rows if "block" in row]


# --- what is right --------------------------------------------------------------------------------


def test_a_true_export_is_right_and_says_what_to_compare(good, judge):
    code, said = judge(good)
    assert code == 0
    assert f"{ENTRIES} entries, 0 of them in no block" in said
    assert f"Block {BLOCKS} is {hashes(good)[-1]}" in said
    assert "Compare it" in said


def test_every_block_is_an_anchor(good, judge):
    for seq, anchor in enumerate(hashes(good), 1):
        code, said = judge(good, "--anchor", anchor)
        assert code == 0
        assert f"The anchor is block {seq}" in said
    assert judge(good, "--anchor", "0" * 64)[0] == 1
    assert judge(good, "--anchor", "")[0] == 1


def test_an_empty_ledger_is_right(judge):
    end = {"anchored": 0, "balances": {}, "blocks": 0, "entries": 0}
    assert judge([{"format": "upss-ledger", "version": 1}, end])[0] == 0


def test_entries_in_no_block_are_counted(good, judge):
    rows = [row for row in good if "block" not in row]
    rows[-1] = rows[-1] | {"blocks": 0, "anchored": 0}
    code, said = judge(rows)
    assert code == 0
    assert f"{ENTRIES} of them in no block" in said


def test_they_run_by_themselves(good, tmp_path):
    file = tmp_path / "ledger.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in good), "utf-8")
    alone = tmp_path / "verify_ledger.py"
    alone.write_bytes((FOLDER / "verify_ledger.py").read_bytes())

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        # isolated: no site packages, nothing from this folder or the environment
        program = [sys.executable, "-I", "-S", str(alone), *arguments]
        return subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run(str(file), "--anchor", hashes(good)[0])
    assert (done.returncode, done.stderr) == (0, "")
    assert [run().returncode, run(str(file), "--anchr", "x").returncode] == [2, 2]
    missing = subprocess.run(
        [sys.executable, FOLDER / "verify_ledger.py", tmp_path / "none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (missing.returncode, missing.stderr) == (1, "")
    assert "NOT RIGHT" in missing.stdout


@pytest.mark.parametrize("name", ["verify_ledger.py", "verify_proof.py"])
def test_they_import_the_standard_library_alone(name):
    tree = ast.parse((FOLDER / name).read_text("utf-8"))
    modules = {
        module.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in ([node.module] if isinstance(node, ast.ImportFrom) else _names(node))
    }
    assert modules
    assert modules <= sys.stdlib_module_names


def _names(node: ast.Import) -> list[str]:
    return [alias.name for alias in node.names]


# --- every value, every line ----------------------------------------------------------------------


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


def test_every_change_of_every_value_is_found(good, judge):
    """Exhaustive: every value of every line, each with several others in its place."""
    tried = 0
    for at, row in enumerate(good):
        for path, new in changes(row):
            code, said = judge([*good[:at], changed(row, path, new), *good[at + 1 :]])
            assert (code, said[:9]) == (1, "NOT RIGHT"), (at, path, new)
            tried += 1
    assert tried > 2_000


def test_a_field_less_is_found(good, judge):
    for at, row in enumerate(good):
        for path in dict.fromkeys(path for path, _ in changes(row)):
            if path and isinstance(path[-1], str):
                less = copy.deepcopy(row)
                holder = less
                for key in path[:-1]:
                    holder = holder[key]
                del holder[path[-1]]
                assert judge([*good[:at], less, *good[at + 1 :]])[0] == 1, (at, path)


def test_every_line_swapped_lost_or_doubled_is_found(good, judge):
    for at, row in enumerate(good):
        assert judge(good[:at] + good[at + 1 :])[0] == 1, at
        assert judge([*good[: at + 1], row, *good[at + 1 :]])[0] == 1, at
        for other in range(at):
            swapped = [*good]
            swapped[at], swapped[other] = swapped[other], swapped[at]
            assert judge(swapped)[0] == 1, (at, other)


def test_a_file_cut_anywhere_is_found(good, judge):
    text = "".join(json.dumps(row) + "\n" for row in good).encode()
    assert judge(text)[0] == 0
    for at in {*range(0, len(text) - 1, 97), len(text) - 2}:
        code, said = judge(text[:at])
        assert (code, said[:9]) == (1, "NOT RIGHT"), at
    assert judge(text + b"{}\n")[0] == 1
    assert judge(text + b"\n")[0] == 1


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        "[]",
        "1",
        "null",
        '"entry"',
        '["entry"]',
        '{"entry": 1, "id": 1, "digest": ""}',
        '{"entry": {}, "id": NaN, "digest": ""}',
        '{"entry": {}, "id": Infinity, "digest": ""}',
        '{"entry": {}, "id": 1e3, "digest": ""}',
        '{"entry": {}, "id": 1, "id": 1, "digest": ""}',
        '{"block": [], "entries": []}',
        '{"block": {}, "entries": null}',
        '{"balances": [], "entries": 0, "blocks": 0, "anchored": 0}',
        '{"balances": {}, "entries": ' + "9" * 5_000 + "}",
        "[" * 100_000,
        '{"a":' * 100_000,
        b"\xff\xfe",
        '{"balances": {"\\ud800": 1}, "entries": 0, "blocks": 0, "anchored": 0}',
    ],
)
def test_what_is_no_ledger_gets_a_clear_no(judge, line):
    first = b'{"format": "upss-ledger", "version": 1}\n'
    given = line if isinstance(line, bytes) else line.encode()
    for text in (given, first + given + b"\n"):
        code, said = judge(text)
        assert (code, said[:9]) == (1, "NOT RIGHT")
        assert said.isascii()
        assert len(said) < 300


def test_the_wrong_line_and_account_are_named(good, judge):
    rows = copy.deepcopy(good)
    code, minor = next(iter(rows[-1]["balances"].items()))
    rows[-1]["balances"][code] = minor + 1
    assert f"line {len(good)}" in judge(rows)[1]
    assert f"'{code}' has {minor}, not {minor + 1}" in judge(rows)[1]


# --- what only an anchor shows ----------------------------------------------------------------------


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
            row["digest"] = digests[row["id"]] = _digest(b"upss-entry-v1\0", row["entry"])
            for account, _currency, amount, _question in row["entry"]["lines"]:
                balances[account] += amount
            end["entries"] += 1
            continue
        block = row["block"]
        block["prev"], block["seq"] = prev, end["blocks"] + 1
        block["root"] = merkle.root([digests[one] for one in row["entries"]])
        block["hash"] = prev = _digest(
            b"upss-block-v1\0", {key: value for key, value in block.items() if key != "hash"}
        )
        end |= {"blocks": end["blocks"] + 1, "anchored": end["anchored"] + len(row["entries"])}
    return [*rows[:-1], {"balances": dict(balances), **end}]


def _digest(domain: bytes, document: dict[str, Any]) -> str:
    return verify_ledger.sha(domain, canonical_json(document)).hex()


def test_sealing_again_what_is_true_changes_nothing(good):
    assert resealed(copy.deepcopy(good)) == good


def test_a_rewritten_history_is_found_with_an_anchor_alone(good, judge):
    rows = rewritten(good)
    assert rows[1] != good[1]
    assert judge(rows)[0] == 0
    for anchor in hashes(good):
        code, said = judge(rows, "--anchor", anchor)
        assert code == 1
        assert "the anchor is the hash of no block" in said


def test_a_cut_off_end_is_found_with_an_anchor_alone(good, judge):
    (last,) = (row["entries"] for row in good if "block" in row and row["block"]["seq"] == BLOCKS)
    rows = [
        row
        for row in copy.deepcopy(good)
        if row.get("id") not in last and row.get("entries") != last
    ]
    rows = resealed(rows)
    assert hashes(rows) == hashes(good)[:-1]
    assert judge(rows)[0] == 0
    assert judge(rows, "--anchor", hashes(good)[-2])[0] == 0
    assert judge(rows, "--anchor", hashes(good)[-1])[0] == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry["lines"].__setitem__(0, [*entry["lines"][0][:2], 10.0, 1]),
        lambda entry: entry["lines"][0].__setitem__(2, entry["lines"][0][2] + 1),
        lambda entry: entry["lines"].__setitem__(0, entry["lines"][0][:3]),
        lambda entry: entry["lines"].append([*entry["lines"][0][:2], 0, 1]),
        lambda entry: entry["lines"].append(["Assets:Bank:Main", "USD", 2**60, 1]),
        lambda entry: entry["lines"].clear(),
        lambda entry: [line.__setitem__(1, "USD") for line in entry["lines"]],
        lambda entry: entry.update(reverses=10**6),
        lambda entry: entry.update(more=1),
    ],
)
def test_sealed_anew_it_must_still_be_bookkeeping(good, judge, damage):
    """Who makes all digests anew can still write no entry that breaks the rules."""
    rows = copy.deepcopy(good)
    damage(rows[3]["entry"])
    for row in rows[1:-1]:
        if "entry" in row:
            row["digest"] = _digest(b"upss-entry-v1\0", row["entry"])
    assert judge(rows)[0] == 1
    assert "block" not in judge(rows)[1]


# --- proofs -----------------------------------------------------------------------------------------


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
        code, said = judge(proof(good, set(taken)), program=verify_proof)
        assert (code, "1 entries" in said) == (0, True)
    rows = proof(good, set(ids[6:9]))
    for anchor in hashes(good)[1:]:
        assert judge(rows, "--anchor", anchor, program=verify_proof)[0] == 0
    code, said = judge(proof(good, {ids[-1]}), "--anchor", hashes(good)[0], program=verify_proof)
    assert code == 1
    two = judge(proof(good, {ids[0], ids[-1]}), "--anchor", hashes(good)[0], program=verify_proof)
    assert two[0] == 1
    assert "newer than the anchor" in two[1]


def test_every_change_of_a_proof_is_found(good, judge):
    rows = proof(good, {row["id"] for row in good if row.get("id", 99) in {2, 9, 10}})
    assert judge(rows, program=verify_proof)[0] == 0
    for at, row in enumerate(rows):
        for path, new in changes(row):
            # which id an entry has is told by the ledger, not by the chain
            if path == ("id",) and type(new) is int and new > 0:
                continue
            code, said = judge(
                [*rows[:at], changed(row, path, new), *rows[at + 1 :]], program=verify_proof
            )
            assert (code, said[:9]) == (1, "NOT RIGHT"), (at, path, new)
        if at not in {len(rows) - 1, *(n for n, one in enumerate(rows) if "entry" in one)}:
            assert judge(rows[:at] + rows[at + 1 :], program=verify_proof)[0] == 1, at
        assert judge([*rows[: at + 1], row, *rows[at + 1 :]], program=verify_proof)[0] == 1, at


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
    assert judge(rows, program=verify_proof)[0] == 0
    assert judge(rows, "--anchor", hashes(good)[-1], program=verify_proof)[0] == 1


@pytest.mark.parametrize("text", ["", '{"format":"upss-ledger","version":1}\n', "[]", "1.5\n"])
def test_what_is_no_proof_gets_a_clear_no(judge, text):
    code, said = judge(text, program=verify_proof)
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
