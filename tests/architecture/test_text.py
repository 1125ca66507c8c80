"""What a reader meets in every file: its size, its name, its words."""

from __future__ import annotations

import ast
import re

from tests.architecture.source import (
    PACKAGE,
    ROOT,
    calls,
    calls_by_name,
    functions,
    modules,
    nodes,
    ours,
)

MODULE_LINES = 400
FUNCTION_LINES = 70
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "base_utils", "tools"}


def test_modules_stay_readable_in_one_sitting():
    # A migration is a record: it grows no more, and nobody looks for a rule in it.
    files = [file for file in ours("upss", ".py") if "versions" not in file.parts]
    files += ours("tools", ".py")
    assert len(files) > 100
    long = {
        str(file.relative_to(ROOT)): lines
        for file in files
        if (lines := len(file.read_text("utf-8").splitlines())) > MODULE_LINES
    }
    assert not long


def test_functions_hold_one_thought():
    long = [
        f"{path}: {found.name} has {found.end_lineno - found.lineno + 1} lines"
        for path, tree in modules().items()
        for found in functions(tree)
        if found.end_lineno is not None and found.end_lineno - found.lineno >= FUNCTION_LINES
    ]
    assert not long


def test_every_module_says_in_a_sentence_what_it_is_for():
    silent = []
    for path, tree in modules().items():
        said = ast.get_docstring(tree)
        empty = not tree.body
        if not empty and (not said or not re.search(r"[.?!]", said)):
            silent.append(path)
    assert not silent


def test_no_file_is_named_after_nothing():
    files = [*ours("upss", ""), *ours("templates", ""), *ours("tests", "")]
    assert [file for file in files if file.stem in NAMELESS] == []


def test_the_word_for_held_money_is_held():
    forbidden = "escr" + "ow"  # the word a regulator reads as a licence that we do not have
    wrong = [
        str(file.relative_to(ROOT))
        for folder in ("upss", "templates", "docs", "tests", "tools")
        for suffix in (".py", ".html", ".txt", ".md", ".js", ".css", ".po")
        for file in ours(folder, suffix)
        if forbidden in file.read_text("utf-8").lower()
    ]
    assert wrong == []


def test_only_the_clock_reads_the_clock():
    wrong = [
        f"{path}:{call.lineno}"
        for path, tree in modules().items()
        if path != "kernel/clock.py"
        for method in ("now", "utcnow", "today", "fromtimestamp")
        for call in calls(tree, method)
        if re.match(r"(dt\.)?(datetime\.)?(datetime|date)\.", ast.unparse(call.func))
        and not (method == "fromtimestamp" and call.args)
    ]
    assert wrong == []
    assert any(calls(modules()["kernel/clock.py"], "now"))


def test_only_settings_read_the_environment():
    allowed = {"config.py", "cli.py"}
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in modules().items()
        if path not in allowed and not path.startswith(("demo/", "db/embedded", "db/migrate"))
        for node in nodes(tree, ast.Attribute)
        if ast.unparse(node) in {"os.environ", "os.getenv"}
    ]
    assert wrong == []


def test_pages_of_lists_go_on_from_a_key_and_never_count_rows():
    python = [
        f"{path}:{call.lineno}"
        for path, tree in modules().items()
        if not path.startswith("standin/")
        for call in calls(tree, "offset")
    ]
    sql = [
        str(file.relative_to(PACKAGE))
        for file in ours("upss", ".py")
        if "standin" not in file.parts and re.search(r"\bOFFSET\s+[:%\d]", file.read_text("utf-8"))
    ]
    assert python + sql == []


def test_no_relationship_crosses_the_tables():
    wrong = [path for path, tree in modules().items() if any(calls_by_name(tree, "relationship"))]
    assert wrong == []
