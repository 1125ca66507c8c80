"""Two programs that know nothing of UPSS accept the export, and find every balance the same."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select

from tests.books import fill
from tests.databases import clone
from tools.hledger import HLEDGER
from upss.ledger import export, queries, walk
from upss.ledger.export import book, target
from upss.ledger.models import entry
from upss.ledger.rules.posting.kinds import KEY_PREFIXES

MANY, FEW = 5_000, 150
# What bean-check reads, added up by account: a process of its own, for it is another's program.
BALANCES = """
import json, sys
from beancount import loader
from beancount.core.data import Transaction
entries, errors, _ = loader.load_file(sys.argv[1])
sums = {}
for entry in entries:
    for posting in entry.postings if isinstance(entry, Transaction) else ():
        assert posting.units.currency == "EUR"
        sums[posting.account] = sums.get(posting.account, 0) + posting.units.number
print(json.dumps([len(errors), {code: str(number) for code, number in sums.items()}]))
"""


def hledger() -> str:
    """Return its path; a machine without it fails and says which command installs it."""
    path = HLEDGER.find()
    if path is None:
        pytest.fail(HLEDGER.explain())
    return path


def bean_check(file: Path) -> subprocess.CompletedProcess[str]:
    # Without its cache, which it would lay beside the file under the name of the file.
    program = [str(Path(sys.executable).with_name("bean-check")), "--no-cache", str(file)]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def hledger_check(file: Path) -> subprocess.CompletedProcess[str]:
    program = [hledger(), "-f", str(file), "check", "--strict", "ordereddates"]
    return subprocess.run(program, capture_output=True, text=True, check=False)


CHECKS = {"beancount": bean_check, "hledger": hledger_check}


def written(server, folder: Path, n_entries: int) -> tuple[dict[str, int], dict[str, Path]]:
    """Fill a database; return its balances in minor units, and the files of the export."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    engine = create_engine(clone(server, f"checked_{n_entries}_{worker}").app_url)
    fill(engine, n_entries)
    files = {form: folder / f"books.{form}" for form in CHECKS}
    with walk.snapshot(engine) as session:
        for form, file in files.items():
            target.write(export.FORMS[form](book.Book(session)), file)
        balances = {row.code: row.balance for row in queries.trial_balance(session)}
        kinds = set(session.scalars(select(entry.c.kind)))
        assert session.scalar(select(func.count()).select_from(entry)) == n_entries
    engine.dispose()
    assert n_entries < MANY or kinds == set(KEY_PREFIXES)
    return balances, files


@pytest.fixture(scope="module")
def few(server, tmp_path_factory):
    return written(server, tmp_path_factory.mktemp("few"), FEW)[1]


def in_beancount(file: Path) -> dict[str, Decimal]:
    done = subprocess.run(
        [sys.executable, "-c", BALANCES, str(file)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"BEANCOUNT_DISABLE_LOAD_CACHE": "1"},
    )
    errors, sums = json.loads(done.stdout)
    assert errors == 0
    return {code: Decimal(number) for code, number in sums.items()}


def in_hledger(file: Path) -> dict[str, Decimal]:
    program = [hledger(), "-f", str(file), "balance", "--flat", "--empty", "--no-total"]
    done = subprocess.run(
        [*program, "--output-format=csv"], capture_output=True, text=True, check=True
    )
    rows = list(csv.reader(done.stdout.splitlines()))[1:]
    return {code: Decimal(amount.removesuffix(" EUR")) for code, amount in rows}


# One test, so that two workers do not write the same thousands of entries.
def test_thousands_of_random_entries_are_accepted_with_every_balance(server, tmp_path):
    balances, files = written(server, tmp_path, MANY)
    for form, check in CHECKS.items():
        done = check(files[form])
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    expected = {code: Decimal(minor) / 100 for code, minor in balances.items()}
    assert len(expected) > 100
    assert in_beancount(files["beancount"]) == expected
    assert in_hledger(files["hledger"]) == expected


@pytest.mark.parametrize("form", CHECKS)
def test_a_few_are_accepted_too(few, form):
    assert CHECKS[form](few[form]).returncode == 0


def test_a_question_is_followed_by_its_tag(few):
    program = [hledger(), "-f", str(few["hledger"]), "print", "tag:question=^3$"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    links = few["beancount"].read_text("utf-8")
    assert "question_paid" in done.stdout
    of_question = len(re.findall(r"(?m)^\d{4}-", done.stdout))
    assert of_question == len(re.findall(r"(?m) \^q-3( |$)", links)) > 2


def _one_line(text: str) -> str:
    """Take a cent from one line of the first entry."""
    return re.sub(r"(?m)^(  +Liabilities:Held:Questions  -\d+\.)\d\d", r"\g<1>99", text, count=1)


def _both_lines(text: str) -> str:
    """Add a cent to both lines of a payout's reservation: it still balances."""
    found = re.search(
        r"(?m)^  +Liabilities:Answerer:InPayout:A\d+  -(\d+\.\d\d) EUR(.*\n)+?"
        r"  +Liabilities:Answerer:Payable:A\d+  \1 EUR",
        text,
    )
    assert found is not None
    more = found[0].replace(found[1], str(Decimal(found[1]) + Decimal("0.01")))
    return text.replace(found[0], more, 1)


def _stated(text: str) -> str:
    """Add a cent to the balance that is stated of the account at the provider."""

    def more(match: re.Match[str]) -> str:
        return match[1] + str(Decimal(match[2]) + Decimal("0.01"))

    changed, times = re.subn(
        r"(?m)^(.*(?:balance Assets:Stripe:Balance  |Assets:Stripe:Balance  0.00 EUR = ))(\S+)",
        more,
        text,
    )
    assert times == 1
    return changed


@pytest.mark.parametrize("form", CHECKS)
@pytest.mark.parametrize("falsify", [_one_line, _both_lines, _stated])
def test_one_cent_is_too_much(few, tmp_path, form, falsify):
    text = few[form].read_text("utf-8")
    wrong = falsify(text)
    assert wrong != text
    file = tmp_path / f"wrong.{form}"
    file.write_text(wrong, "utf-8")
    assert CHECKS[form](file).returncode != 0
