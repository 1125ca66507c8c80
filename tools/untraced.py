r"""Names the tests that coverage need not trace, for others go through all their lines: tests/untraced.txt.

    COVERAGE_FILE=build/traced pytest --cov --cov-context=test --cov-report= --durations=0 -vv \
        --ignore=tests/e2e >build/durations.log
    python -m tools.untraced build/traced build/durations.log

Tests of the same function go together. The dearest are left out first, as long as somebody else
goes through each of their steps: in rules and in the ledger, of which every line counts, two others.
Names that stand in the list already stay, if there are such tests; empty it to choose anew.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

from tests.conftest import UNTRACED

LIST = Path(__file__).parents[1] / "tests" / "untraced.txt"
CHEAP_SECONDS = 0.1
_COUNTED = re.compile(r"/rules/|/upss/ledger/")
_DURATION = re.compile(r"(?m)^ *([\d.]+)s (?:setup|call) +(tests/\S+?)(?:\[|$)")
# The tables of a measurement are documented; its own functions take minutes for as many tests.
# What is made for a test is traced in any case, so that only its own steps are asked for.
_STEPS = """
    SELECT context.context, file.path, arc.fromno, arc.tono
      FROM arc JOIN context ON context.id = arc.context_id JOIN file ON file.id = arc.file_id
     WHERE context.context = '' OR context.context LIKE '%|run'"""

Step = tuple[str, int, int]


def steps_of(measured: Path, listed: set[str]) -> tuple[dict[str, set[Step]], Counter[Step]]:
    """Return the steps from line to line of each test, and how many tests take each.

    With contexts, what is not traced leaves some steps, too; without, as it is run, none.
    """
    taken: defaultdict[str, set[Step]] = defaultdict(set)
    with closing(sqlite3.connect(measured)) as data:
        for context, *step in data.execute(_STEPS):
            name = re.split(r"[\[|]", context)[0]
            if name not in listed and not name.startswith(UNTRACED):
                taken[name].add((step[0], step[1], step[2]))
    always = taken.pop("", set())  # at import, or in a process
    own = {name: steps - always for name, steps in taken.items()}
    return own, Counter(step for steps in own.values() for step in steps)


def seconds_of(log: str) -> Counter[str]:
    """Return how long the tests of each function took."""
    seconds: Counter[str] = Counter()
    for duration, name in _DURATION.findall(log):
        seconds[name] += float(duration)
    return seconds


def needless(
    taken: dict[str, set[Step]], walkers: Counter[Step], seconds: Counter[str]
) -> list[str]:
    """Return the tests that are dear and whose steps others take."""
    found = []
    for name, cost in seconds.most_common():
        steps = taken.get(name)
        if steps is None or cost < CHEAP_SECONDS or _starts_processes(name):
            continue
        if all(walkers[step] > (2 if _COUNTED.search(step[0]) else 1) for step in steps):
            walkers.subtract(steps)
            found.append(name)
    return sorted(found)


def _starts_processes(name: str) -> bool:
    """Tell whether a test may start processes of its own, whose steps are told of nobody."""
    written = (LIST.parents[1] / name.partition("::")[0]).read_text("utf-8")
    return re.search("subprocess|multiprocessing", written) is not None


def main(measured: str, log: str) -> None:
    """Write the list anew."""
    seconds = seconds_of(Path(log).read_text("utf-8"))
    listed = seconds.keys() & set(LIST.read_text("utf-8").split())
    names = sorted(listed.union(needless(*steps_of(Path(measured), listed), seconds)))
    LIST.write_text("".join(f"{name}\n" for name in names), "utf-8")
    print(f"{len(names)} tests are not traced")


if __name__ == "__main__":
    main(*sys.argv[1:])
