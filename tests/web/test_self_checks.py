"""The self-checks as people meet them: kept, mailed once, shown on two pages, and as a command."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from tests import factories
from tests.kept import kept as put_back
from tests.rules.test_config import GOOD
from tests.trust import doctor_stage as stage
from upss.cli import main
from upss.doctor import service, tasks
from upss.doctor.models import SelfCheckFinding, SelfCheckRun
from upss.doctor.queries import findings
from upss.doctor.queries.examination import Finding, Result, chosen
from upss.doctor.rules import CHECKS
from upss.kernel.roles import Role
from upss.web.ports import unit

PAGE = "/organizer/self-checks"
BOOKS = "/organizer/books"
ALARM = re.compile(r"\d checks? found (an error|errors)")


def begin_site():
    found = {
        "first": factories.person("first@example.org", role=Role.ORGANIZER),
        "second": factories.person("second@example.org", role=Role.ORGANIZER),
        "auditor": factories.person("audit@example.org", role=Role.AUDITOR),
    }
    found["asker"] = factories.person("asker@example.org")
    found["question"] = factories.queued(found["asker"])
    return found


@pytest.fixture
def people(app, client, database):
    """An asker with a paid question, and two organizers; the first one is signed in."""
    found = put_back("self-checks", database, begin_site)
    factories.sign_in_as(app, client, found["first"], organizer=True)
    return found


@pytest.fixture
def damage(database):
    """Take one cent from the only payment, or give it back, as a superuser can."""

    def change(cents):
        with psycopg.connect(database.superuser_conninfo) as admin:
            admin.execute("SET session_replication_role = replica")
            admin.execute(
                "UPDATE ledger.posting SET amount = amount + %s WHERE amount > 0"
                " AND entry_id = (SELECT min(entry_id) FROM ledger.posting)",
                [cents],
            )

    return change


def kept():
    """Return (check, is open) of every finding, in the order of their making."""
    with unit() as uow:
        rows = uow.session.scalars(select(SelfCheckFinding).order_by(SelfCheckFinding.id))
        return [(row.check_code, row.resolved_at is None) for row in rows]


def told():
    """Return whom a mail of an alarm was noted for."""
    with unit() as uow:
        statement = "SELECT email FROM notice WHERE template = 'self_check_alarmed' ORDER BY id"
        return list(uow.session.scalars(text(statement)))


def shown(client, path=PAGE):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_a_finding_is_kept_mailed_once_and_resolved(people, damage, clock, client):
    tasks.check_all()
    assert (kept(), told()) == ([], [])
    damage(-1)
    tasks.check_recent()
    found = kept()
    assert ("I1_lines", True) in found
    assert sorted(told()) == ["first@example.org", "second@example.org"]
    assert ALARM.search(shown(client, "/organizer"))
    tasks.check_recent()
    assert (kept(), len(told())) == (found, 2)
    damage(1)
    tasks.check_recent()  # sees a part only: that it is silent proves nothing
    assert ("I1_lines", True) in kept()
    tasks.check_all()
    assert kept() == [(code, False) for code, _open in found]
    assert len(told()) == 2
    assert not ALARM.search(shown(client, "/organizer"))
    damage(-1)
    tasks.check_all()
    assert len(told()) == 4  # it came back: that is news


CHECK = next(check for check in CHECKS if check.code == "I3_guarded")
FAULT = Finding("question:1", "x", 0, 5, "EUR")


def begin(*, quick):
    with unit() as uow:
        run_id = service.begin(uow, quick=quick)
        uow.commit()
    return run_id


def record(run_id, *faults, quick):
    with unit() as uow:
        service.record(uow, run_id=run_id, quick=quick, results=[Result(CHECK, faults)])
        uow.commit()


def test_a_long_run_does_not_close_what_a_run_that_began_later_has_found(people, clock):
    full = begin(quick=False)
    clock.advance(timedelta(minutes=10))
    record(begin(quick=True), FAULT, quick=True)
    clock.advance(timedelta(minutes=2))
    record(full, quick=False)
    assert kept() == [("I3_guarded", True)]
    record(begin(quick=False), quick=False)
    assert kept() == [("I3_guarded", False)]


def test_a_long_run_does_not_open_again_what_a_run_that_began_later_saw_mended(people, clock):
    record(begin(quick=True), FAULT, quick=True)
    clock.advance(timedelta(minutes=1))
    full = begin(quick=False)
    clock.advance(timedelta(minutes=10))
    record(begin(quick=True), quick=True)
    record(full, FAULT, quick=False)
    assert kept() == [("I3_guarded", False)]
    assert len(told()) == 2
    clock.advance(timedelta(minutes=1))
    record(begin(quick=True), FAULT, quick=True)  # now it is back
    assert kept() == [("I3_guarded", False), ("I3_guarded", True)]


def test_an_older_look_leaves_the_figures_of_a_later_one(people, clock):
    full = begin(quick=False)
    clock.advance(timedelta(minutes=10))
    record(begin(quick=True), replace(FAULT, found=6), quick=True)
    record(full, FAULT, quick=False)
    with unit() as uow:
        assert uow.session.scalars(select(SelfCheckFinding.found)).all() == [6]


def test_two_runs_that_are_recorded_at_once_wait_for_each_other(app, people):
    faults = [Finding(f"question:{n}", "x", 0, 5, "EUR") for n in range(50)]
    runs = [begin(quick=False) for _ in range(8)]
    errors = []

    def work(run_ids, found):
        try:
            with app.app_context():
                for run_id in run_ids:
                    record(run_id, *found, quick=False)
        except Exception as error:  # noqa: BLE001 - told in the test's own thread
            errors.append(error)

    orders = ((runs[:4], faults), (runs[4:], faults[::-1]))
    threads = [threading.Thread(target=work, args=order) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(kept()) == 50


def test_the_books_are_not_called_in_order_while_a_self_check_found_an_error(people, client):
    page = shown(client, BOOKS)
    assert "The books are in order" in page
    record(begin(quick=True), FAULT, quick=True)
    page = shown(client, BOOKS)
    assert "The books are in order" not in page
    assert "1 check found an error" in page
    assert f'href="{PAGE}">Look at the self-checks' in page
    record(begin(quick=True), quick=True)
    assert "The books are in order" in shown(client, BOOKS)


def test_the_books_say_up_to_which_block_everything_was_computed_anew(
    people, client, database, clock
):
    def verified():
        return re.search(r"Verified up to block</dt>\s*<dd>([^<]*)", shown(client, BOOKS))[1]

    stage.anchored()
    tasks.check_recent()
    assert verified() == "Not verified yet"
    tasks.check_all()
    first = verified()
    assert first.startswith("1, on ")
    clock.advance(timedelta(minutes=2))
    factories.queued(people["asker"])
    stage.anchored()
    tasks.check_recent()
    assert verified() == first
    with psycopg.connect(database.superuser_conninfo) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute(
            "UPDATE ledger.entry SET actor = 'x' WHERE id = (SELECT max(id) FROM ledger.entry)"
        )
    tasks.check_all()  # a verification that finds a difference is none
    assert verified() == first
    with psycopg.connect(database.superuser_conninfo) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute("UPDATE ledger.entry SET actor = 'system' WHERE actor = 'x'")
    tasks.check_all()
    assert verified().startswith("2, on ")


def test_what_is_old_is_forgotten_but_not_what_is_open(people, damage, clock):
    stage.anchored()
    damage(-1)
    tasks.check_all()
    open_findings = len(kept())
    clock.advance(service.KEPT / 2)
    damage(1)
    tasks.check_all()
    assert not any(is_open for _code, is_open in kept())
    damage(-1)
    tasks.check_all()
    clock.advance(service.KEPT)
    clock.advance(service.KEPT / 30)
    tasks.check_recent()
    assert kept()
    assert len(kept()) <= open_findings + 2  # the closed ones of a month ago are gone
    assert all(is_open for _code, is_open in kept())
    with unit() as uow:
        runs = uow.session.scalars(select(SelfCheckRun.is_quick)).all()
    assert sorted(runs) == [False, True]  # the newest full run stays, however old


def test_a_run_whose_worker_died_is_said_to_have_stopped(people, client, clock):
    with unit() as uow:
        service.begin(uow, quick=False)
        uow.commit()
    assert "The checks are running" in shown(client)
    clock.advance(service.KEPT / 100)
    factories.sign_in_as(client.application, client, people["first"], organizer=True)
    tasks.check_recent()
    page = shown(client)
    assert "Stopped halfway" in page
    assert "The checks are running" not in page


def test_the_page_before_the_first_run_and_after(people, client):
    assert "The checks have not run yet" in shown(client)
    tasks.check_all()
    page = shown(client)
    assert "Everything is in order" in page
    assert page.count("I12_") == 2 * 1
    assert "What differs now" not in page


def test_the_page_names_what_differs_and_leads_to_the_question(people, client, database):
    with psycopg.connect(database.superuser_conninfo) as admin:
        admin.execute("UPDATE question SET price_minor = price_minor + 100 WHERE status = 'queued'")
    tasks.check_recent()
    page = shown(client)
    assert "What differs now" in page
    assert f'href="/organizer/questions/{people["question"]}"' in page
    assert "€13.00" in page
    assert "€12.00" in page


def test_an_organizer_has_the_checks_run(people, client):
    answer = factories.post(client, PAGE)
    assert answer.status_code == 303
    page = shown(client)
    assert "0 of" in page
    assert "Run all checks now" not in page
    with unit() as uow:
        [job] = uow.session.execute(
            text("SELECT args FROM procrastinate_jobs WHERE task_name = 'doctor.run'")
        ).all()
    with unit() as uow:  # the second press finds the run that waits
        assert not service.ask_for_run(uow, asked_by=people["second"])
        uow.commit()
    tasks.run(**job.args)
    page = shown(client)
    assert "Everything, on demand" in page
    assert "Everything is in order" in page
    tasks.run(**job.args)  # a job that is given back does the work once
    with unit() as uow:
        assert len(findings.runs(uow.session, before=None, limit=9)) == 1


def test_progress_is_seen_by_others(people):
    with unit() as uow:
        run_id = service.begin(uow, quick=False)
        service.progress(uow, run_id=run_id, done=5)
        uow.commit()
    with unit() as uow:
        standing = findings.overview(uow.session)
    assert (standing.open_run.done, standing.open_run.checks) == (5, len(chosen(quick=False)))
    assert {check.state for check in standing.checks} == {"never"}


def test_an_auditor_looks_and_changes_nothing(app, people):
    browser = app.test_client()
    factories.sign_in_as(app, browser, people["auditor"])
    assert "Run all checks now" not in shown(browser)
    token = factories.csrf_of(shown(browser, "/settings"))
    assert browser.post(PAGE, data={"csrf_token": token}).status_code == 403


def test_findings_and_runs_have_pages(people, client, database):
    with psycopg.connect(database.superuser_conninfo) as admin:
        admin.execute(
            "INSERT INTO self_check_finding (check_code, severity, subject, what, first_run_id,"
            " first_seen, last_seen) SELECT 'I1_lines', 'error', 'entry:' || n, 'sum', 1, now(), now()"
            " FROM generate_series(1, 25) n"
        )
    for _ in range(21):
        tasks.check_recent()
    page = shown(client)
    assert page.count("Entry") >= 20
    assert "?finding=" in page
    assert "?before=" in page
    with unit() as uow:
        assert [len(findings.open_findings(uow.session, after=20, limit=9)),
                len(findings.runs(uow.session, before=2, limit=9))] == [5, 1]  # fmt: skip


def test_a_warning_is_shown_and_mailed_to_nobody(people, client, database):
    with psycopg.connect(database.superuser_conninfo) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute("UPDATE ledger.entry SET booked_at = booked_at - interval '2 hours'")
    tasks.check_recent()
    assert told() == []
    assert "check wants your eye" in shown(client).replace("checks want", "check wants")


@pytest.fixture
def upss(app, database, monkeypatch):
    """The command, with the settings of this database."""
    given = GOOD | {"UPSS_MODE": "demo", "UPSS_STRIPE_KEY": "sk_test_1"}
    for name, value in {**given, "UPSS_DATABASE_URL": database.app_url}.items():
        monkeypatch.setenv(name, value)
    return lambda *words: CliRunner().invoke(main, ["doctor", *words])


def test_the_command_says_what_differs_and_exits_with_1(people, upss, damage, clock):
    fine = upss("--quick")
    assert fine.exit_code == 0, fine.output
    assert f"{len(chosen(quick=True))} checks, 0 errors" in fine.output
    damage(-1)
    wrong = upss()
    assert wrong.exit_code == 1
    assert "ERROR    I1_lines" in wrong.output
    assert "sum: expected 0, found -1 (minor units of EUR)" in wrong.output
    assert "I1_verify" in wrong.output
    told = json.loads(upss("--quick", "--json").output)
    assert told["errors"] > 1
    lines = next(check for check in told["checks"] if check["code"] == "I1_lines")
    assert (lines["ok"], lines["findings"][0]["found"]) == (False, -1)
