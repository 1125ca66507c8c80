"""The export by its command: four forms, one moment, whole files or none, constant memory."""

from __future__ import annotations

import csv
import json
import os
import pty
import random
import resource
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from itertools import islice
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

from tests.books import REASON, by_hand, lives, write
from tests.databases import clone
from tests.factories import Database
from upss.cli import main
from upss.ledger import export, walk
from upss.ledger.export import book, target
from upss.ledger.export.target import ExportFailed
from upss.ledger.models import entry, pending
from upss.ledger.offline import verify_ledger

FORMS = ("jsonl", "beancount", "hledger", "csv")


@pytest.fixture(scope="module")
def books(server) -> Database:
    """Thirty entries, an adjustment with odd words among them."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = clone(server, f"export_{worker}")
    engine = create_engine(made.app_url)
    steps = [*islice(lives(random.Random(2)), 29), by_hand("odd")]
    write(engine, steps, per_commit=10)
    engine.dispose()
    return made


@pytest.fixture
def engine(books):
    made = create_engine(books.app_url)
    yield made
    made.dispose()


def environment(database: Database) -> dict[str, str]:
    """Return settings for a command; a sandbox needs every one of them."""
    return {
        "UPSS_MODE": "sandbox",
        "UPSS_DATABASE_URL": database.app_url,
        "UPSS_BASE_URL": "http://localhost",
        "UPSS_SECRET_KEY": "s" * 40,
        "UPSS_STRIPE_KEY": "sk_test_none",
        "UPSS_STRIPE_WEBHOOK_SECRET": "whsec_none",
        "UPSS_SMTP_HOST": "localhost",
        "UPSS_SMTP_TLS": "none",
        "UPSS_MAIL_FROM": "help@example.org",
        "UPSS_ORGANIZER_NAME": "Cooperativa Exemple",
        "UPSS_HELP_PHONE": "900 000 000",
        "UPSS_HELP_MAIL": "help@example.org",
    }


def invoke(database: Database, *words: str):
    return CliRunner().invoke(main, ["ledger", *words], env=environment(database))


def command(database: Database, *words: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "upss", "ledger", *words],
        env=os.environ | environment(database),
        check=False,
        **{"capture_output": True, "text": True, **options},
    )


# --- what is written --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_written_whole_and_alone(books, tmp_path, form):
    file = tmp_path / "books"
    done = invoke(books, "export", "--format", form, "--output", str(file))
    assert (done.exit_code, done.output) == (0, "")
    assert file.read_text("utf-8").endswith("\n")
    assert list(tmp_path.iterdir()) == [file]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_waits_is_in_a_block_before(books, engine, tmp_path, capsys):
    write_one(engine, "late")
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(pending)) == 1
    file = tmp_path / "ledger.jsonl"
    assert invoke(books, "export", "--output", str(file)).exit_code == 0
    assert verify_ledger.main([str(file)]) == 0
    assert " 0 of them in no block" in capsys.readouterr().out
    assert "blocks checked" in invoke(books, "verify").output


def write_one(engine, name: str) -> None:
    """Book one entry and leave it waiting."""
    from tests.books import BEGINNING
    from upss.db.queue import ProcrastinateQueue
    from upss.db.work import OwnSession
    from upss.kernel.clock import FixedClock

    with Session(engine) as session:
        uow = OwnSession(session, FixedClock(BEGINNING), ProcrastinateQueue())
        by_hand(name)(uow)
        uow.commit()


def test_the_same_ledger_gives_the_same_bytes(books, tmp_path):
    for form in FORMS:
        files = [tmp_path / f"{form}{turn}" for turn in (1, 2)]
        for file in files:
            invoke(books, "export", "--format", form, "--output", str(file))
        assert files[0].read_bytes() == files[1].read_bytes()


def test_the_standard_output_is_the_default(books, tmp_path, capfd):
    file = tmp_path / "ledger.jsonl"
    invoke(books, "export", "--output", str(file))
    done = command(books, "export")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == file.read_text("utf-8")
    assert invoke(books, "export", "--output", "-").exit_code == 0
    assert tuple(capfd.readouterr()) == (file.read_text("utf-8"), "")


def test_a_spreadsheet_gets_exact_numbers_and_no_formulas(engine, tmp_path):
    file = tmp_path / "books.csv"
    with walk.snapshot(engine) as session:
        target.write(export.FORMS["csv"](book.Book(session)), file)
        n_lines = session.scalar(text("SELECT count(*) FROM ledger.posting"))
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == n_lines
    assert sum(int(row["minor"]) for row in rows) == 0
    for row in rows:
        assert row["amount"].replace(".", "").lstrip("-0") == row["minor"].lstrip("-0")
    (reason,) = {row["reason"] for row in rows if row["key"] == "adj:odd"}
    assert reason == REASON
    assert [row["line"] for row in rows if row["key"] == "adj:odd"] == ["1", "2"]


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_ledger_is_a_file_too(database, tmp_path, form, capsys):
    file = tmp_path / "empty"
    assert invoke(database, "export", "--format", form, "--output", str(file)).exit_code == 0
    assert file.read_text("utf-8")
    if form == "jsonl":
        assert verify_ledger.main([str(file)]) == 0


def test_what_is_booked_meanwhile_is_left_out(engine, tmp_path):
    booked = []

    def book_another() -> None:
        if not booked:
            booked.append(write_one(engine, "meanwhile"))

    with walk.snapshot(engine) as session:
        whole = book.Book(session, seen=book_another)
        before = whole.n_entries
        file = tmp_path / "ledger.jsonl"
        target.write(export.FORMS["jsonl"](whole), file)
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert rows[-1]["entries"] == before == sum("id" in row for row in rows)
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(entry)) == before + 1
    assert verify_ledger.main([str(file)]) == 0


def test_a_person_sees_how_far_it_is(books, tmp_path, monkeypatch):
    seen, terminal = pty.openpty()
    for name, value in environment(books).items():
        monkeypatch.setenv(name, value)
    with os.fdopen(terminal, "w", encoding="utf-8") as screen, monkeypatch.context() as looking:
        looking.setattr(sys, "stderr", screen)
        words = ["ledger", "export", "--output", str(tmp_path / "a")]
        main(words, standalone_mode=False)
    shown = b""
    with suppress(OSError):  # the terminal is closed
        while True:
            shown += os.read(seen, 1024)
    os.close(seen)
    assert b"Entries" in shown
    assert b"100%" in shown


def test_one_cent_by_a_superuser_is_found_by_both(server, tmp_path, capsys):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = clone(server, f"cent_{worker}")
    engine = create_engine(made.app_url)
    write(engine, islice(lives(random.Random(2)), 10), per_commit=10)
    engine.dispose()
    with psycopg.connect(made.superuser_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE ledger.posting SET amount = amount + 1 WHERE entry_id = 4")
    assert invoke(made, "verify").exit_code == 1
    file = tmp_path / "ledger.jsonl"
    assert invoke(made, "export", "--output", str(file)).exit_code == 0
    assert verify_ledger.main([str(file)]) == 1
    assert "NOT RIGHT, line 5" in capsys.readouterr().out


# --- what cannot be written -------------------------------------------------------------------------


def test_no_room_leaves_no_file_and_what_was_there(books, tmp_path):
    file = tmp_path / "ledger.jsonl"
    file.write_text("the one before", "utf-8")

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    # The measurement of coverage would find no room for its own file either.
    unmeasured = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "upss", "ledger", "export", "--output", str(file)],
        env=unmeasured | environment(books),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=little_room,
    )
    assert done.returncode == 1
    assert "export_failed" in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_text("utf-8") == "the one before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_device_is_an_error_and_stays_a_device(books):
    done = invoke(books, "export", "--output", "/dev/full")
    assert (done.exit_code, "export_failed" in done.output) == (1, True)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    assert invoke(books, "export", "--output", "/dev/null").exit_code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = command(books, "export", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, "export_failed" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def test_a_place_that_is_none_is_an_error(books, tmp_path):
    done = invoke(books, "export", "--output", str(tmp_path / "none" / "file"))
    assert (done.exit_code, "export_failed" in done.output) == (1, True)
    assert invoke(books, "export", "--output", str(tmp_path)).exit_code == 2
    assert invoke(books, "export", "--format", "pdf").exit_code == 2
    without = CliRunner().invoke(main, ["ledger", "export"], env={"UPSS_MODE": "production"})
    assert without.exit_code == 1
    assert "--instance" in without.output


def test_a_database_that_goes_away_leaves_no_file(books, engine, tmp_path, monkeypatch):
    monkeypatch.setattr(walk, "_CHUNK", 4)
    with walk.snapshot(engine) as session:
        number = session.scalar(text("SELECT pg_backend_pid()"))

        def lose() -> None:
            with psycopg.connect(books.superuser_conninfo) as admin:
                admin.execute("SELECT pg_terminate_backend(%s)", [number])

        lines = export.FORMS["jsonl"](book.Book(session, seen=lose))
        with pytest.raises(ExportFailed):
            target.write(lines, tmp_path / "ledger.jsonl")
        session.invalidate()
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_what_was_there(tmp_path):
    file, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(file)

    def interrupted():
        yield "one\n" * 100_000
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        target.write(interrupted(), link)
    assert list(tmp_path.iterdir()) == [link]
    target.write(["two\n"], link)
    assert (link.is_symlink(), file.read_text("utf-8")) == (True, "two\n")


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text("utf-8")))
    reader.start()
    target.write(["one\n", "two\n"], pipe)
    reader.join()
    assert (read, stat.S_ISFIFO(pipe.stat().st_mode)) == (["one\ntwo\n"], True)


# --- constant memory --------------------------------------------------------------------------------

MANY = """
SET session_replication_role = replica;
INSERT INTO ledger.account (code, kind, currency, guarded) VALUES
  ('Assets:Bank:Main', 'asset', 'EUR', false), ('Equity:Opening', 'equity', 'EUR', false);
INSERT INTO ledger.entry (kind, idempotency_key, request_hash, booked_at, value_date, actor)
  SELECT 'fund_paid_in', 'fin:' || n, repeat('0', 64), '2026-01-01Z', '2026-01-01', 'system'
    FROM generate_series(1, {n}) n;
INSERT INTO ledger.posting (entry_id, line_no, account_id, currency, amount)
  SELECT n, line, line, 'EUR', 3 - 2 * line FROM generate_series(1, {n}) n, (VALUES (1), (2)) l (line);
INSERT INTO ledger.seal SELECT n, 2, 1, encode(sha256(n::text::bytea), 'hex')
  FROM generate_series(1, {n}) n;
INSERT INTO ledger.block SELECT b, encode(sha256(('p' || b)::bytea), 'hex'), 512, repeat('0', 64),
  '2026-01-01Z', encode(sha256(b::text::bytea), 'hex') FROM generate_series(1, {n} / 512 + 1) b;
INSERT INTO ledger.block_entry SELECT n / 512 + 1, n % 512, n FROM generate_series(1, {n}) n;
"""
PEAK = """
import resource, sys
from pathlib import Path
from sqlalchemy import create_engine
from upss.ledger import export, walk
from upss.ledger.export import book, target
with walk.snapshot(create_engine(sys.argv[1])) as session:
    for form in sys.argv[2:]:
        target.write(export.FORMS[form](book.Book(session)), Path("/dev/null"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_the_memory_does_not_grow_with_the_ledger(server):
    """Ten times the lines take no more memory, within 4 MB; at night up to 100,000 lines."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    at_night = "UPSS_NIGHTLY" in os.environ
    forms, few = (FORMS, 5_000) if at_night else (FORMS[:1], 1_500)
    peaks = []
    for n_entries in (few, 10 * few):
        made = clone(server, f"memory_{worker}")
        with psycopg.connect(made.superuser_conninfo, autocommit=True) as connection:
            connection.execute(MANY.format(n=n_entries))
        done = subprocess.run(
            [sys.executable, "-c", PEAK, made.app_url, *forms],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 4 * 1024, peaks
