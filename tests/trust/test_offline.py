"""The program for auditors finds every change of a ledger, and needs nothing of UPSS to do so."""

from __future__ import annotations

import ast
import copy
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.trust.offline_stage import (
    BLOCKS,
    ENTRIES,
    Judge,
    Rows,
    changed,
    changes,
    digest_of,
    exported,
    hashes,
    judge_of,
    resealed,
    rewritten,
)
from upss.ledger import offline
from upss.ledger.offline import verify_ledger

FOLDER = Path(offline.__file__).parent


@pytest.fixture(scope="module")
def good(server) -> Rows:
    return exported(server, "offline")


@pytest.fixture
def judge(tmp_path, capsys) -> Judge:
    return judge_of(verify_ledger, tmp_path / "ledger.jsonl", capsys)


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


def test_every_change_of_every_value_is_found(good, judge):
    """Every value of every line; at night with all that may stand in its place, else a third of it."""
    tried, share = 0, 1 if os.environ.get("UPSS_NIGHTLY") else 3
    for at, row in enumerate(good):
        for path, new in islice(changes(row), at % share, None, share):
            code, said = judge([*good[:at], changed(row, path, new), *good[at + 1 :]])
            assert (code, said[:9]) == (1, "NOT RIGHT"), (at, path, new)
            tried += 1
    assert tried > 2_000 // share


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
            row["digest"] = digest_of(b"upss-entry-v1\0", row["entry"])
    assert judge(rows)[0] == 1
    assert "block" not in judge(rows)[1]
