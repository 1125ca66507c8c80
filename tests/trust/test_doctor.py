"""The self-checks: silent on sound books, also while they move; each damage found by its name."""

from __future__ import annotations

import os
import threading

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import InternalError
from sqlalchemy.pool import NullPool

from tests.conftest import NOON
from tests.databases import clone
from tests.factories import queued, settings_for
from tests.trust import doctor_stage as stage
from tests.trust.doctor_damage import DAMAGES, inflict, restore, save
from upss.app import create_app
from upss.db.base import db
from upss.db.queue import ProcrastinateQueue
from upss.doctor.labels import TITLES
from upss.doctor.queries.examination import MAX_FINDINGS, chosen, examine
from upss.doctor.rules import CHECKS
from upss.kernel.clock import FixedClock
from upss.kernel.money import Money
from upss.ledger.rules.split import Terms
from upss.ledger.service import bearing
from upss.notices.smtp import SmtpMailer
from upss.payments.stripe_gateway import StripeGateway
from upss.payouts import tasks as payout_tasks
from upss.payouts.rules.schedule import HOLD
from upss.web.ports import Ports, unit


@pytest.fixture(scope="module")
def world(server, _standin, tmp_path_factory):
    """A marketplace that has seen everything; its database, an engine and the time there."""
    database = clone(server, f"doctored_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    running, follow = _standin
    clock = FixedClock(NOON)
    follow.shown = clock
    gateway = StripeGateway(
        api_key="sk_test_standin", webhook_secret="whsec_standin", api_base=running.url
    )
    gateway._base = running.url
    settings = settings_for(database, smtp_port=1, instance=tmp_path_factory.mktemp("doctor"))
    given = Ports(
        clock=clock, gateway=gateway, mailer=SmtpMailer(settings, clock), queue=ProcrastinateQueue()
    )
    app = create_app(settings, given)
    with app.app_context():
        stage.build(clock)
        db.session.remove()
        db.engine.dispose()
    engine = create_engine(database.app_url, poolclass=NullPool)
    with psycopg.connect(database.superuser_conninfo) as admin:
        save(admin.cursor())
    return database, engine, clock


def found(engine, clock, *, quick=False):
    """Return check -> its findings in words, for the checks that are not content."""
    results = examine(engine, now=clock.now(), quick=quick)
    return {
        result.check.code: result.problem or [str(finding) for finding in result.findings]
        for result in results
        if not result.is_ok
    }


def test_sound_books_give_no_finding(world):
    _database, engine, clock = world
    assert found(engine, clock) == {}
    assert found(engine, clock, quick=True) == {}


def test_every_check_has_a_title_and_a_damage_that_it_must_find():
    codes = {check.code for check in chosen(quick=False)}
    assert codes == set(TITLES)
    assert codes == {code for _name, code, _how, _undo in DAMAGES}
    assert len(codes) == len(CHECKS) + 1


# One damage for each check; at night all of them.
ONE_EACH = {damage[1]: damage for damage in reversed(DAMAGES)}
TRIED = DAMAGES if "UPSS_NIGHTLY" in os.environ else list(ONE_EACH.values())


@pytest.mark.parametrize(
    ("code", "how", "undo"), [damage[1:] for damage in TRIED], ids=[d[0] for d in TRIED]
)
def test_damage_is_found_by_its_name_and_gone_after_the_repair(world, code, how, undo):
    database, engine, clock = world
    with psycopg.connect(database.superuser_conninfo) as admin:
        inflict(admin.cursor(), how)
    try:
        seen = found(engine, clock)
        assert isinstance(seen.get(code), list), seen
    finally:
        with psycopg.connect(database.superuser_conninfo) as admin:
            restore(admin.cursor())
            for statement in filter(None, undo.split(";")):
                admin.execute(statement)
    assert found(engine, clock) == {}


def test_the_quick_set_sees_damage_to_what_moved_lately(world):
    database, engine, clock = world
    with psycopg.connect(database.superuser_conninfo) as admin:
        inflict(
            admin.cursor(),
            "UPDATE ledger.posting SET amount = amount + 1 WHERE amount > 0 AND entry_id ="
            " (SELECT max(id) FROM ledger.entry WHERE kind = 'answer_accepted')",
        )
    try:
        seen = set(found(engine, clock, quick=True))
        assert {"I1_lines", "I1_sealed", "I12_checkpoints"} <= seen
        assert "I1_verify" not in seen
    finally:
        with psycopg.connect(database.superuser_conninfo) as admin:
            restore(admin.cursor())


def test_a_check_that_cannot_be_run_is_an_error_and_stops_no_other(world):
    database, engine, clock = world
    with psycopg.connect(database.superuser_conninfo, autocommit=True) as admin:
        admin.execute("ALTER TABLE payout_line RENAME TO payout_line_away")
        try:
            results = examine(engine, now=clock.now(), quick=True)
        finally:
            admin.execute("ALTER TABLE payout_line_away RENAME TO payout_line")
    broken = {result.check.code: result for result in results if not result.is_ok}
    assert set(broken) == {"I8_in_payout", "payout_lines", "payouts_anchored"}
    assert all(result.is_error and not result.findings for result in broken.values())
    assert all("payout_line" in str(result.problem) for result in broken.values())


def test_findings_are_cut_off_at_a_hundred(world):
    database, engine, clock = world
    with psycopg.connect(database.superuser_conninfo) as admin:
        inflict(
            admin.cursor(),
            "INSERT INTO balance_transaction SELECT 'txn_' || n, 'charge', n, 0, n, 'EUR', now()"
            " FROM generate_series(1, 150) n",
        )
    try:
        results = examine(engine, now=clock.now(), quick=False)
        [result] = [result for result in results if result.check.code == "I4b_movements"]
        assert (len(result.findings), result.is_whole) == (MAX_FINDINGS, False)
    finally:
        with psycopg.connect(database.superuser_conninfo) as admin:
            restore(admin.cursor())


def test_nothing_is_written(world):
    _database, engine, _clock = world
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with (
        engine.connect().execution_options(**options) as connection,
        pytest.raises(InternalError, match="read-only"),
    ):
        connection.execute(text("DELETE FROM payout_line"))


@pytest.mark.parametrize("minor", [1230, 1200], ids=["with a fee", "the price"])
def test_a_dispute_that_is_lost_before_the_split_is_no_fault_of_it(app, clock, minor):
    """The fund bears what goes beyond the price, as far as it reaches."""
    people = stage.cast()
    stage.earn(people, people.josep)
    question_id = queued(people.asker)
    with unit() as uow:
        bearing.lose_dispute(
            uow,
            question_id=question_id,
            amount=Money(minor, "EUR"),
            dispute_id="du_1",
            terms=Terms(1500, 300, ((people.josep, 1),)),
        )
        uow.session.execute(
            text("UPDATE question SET status = 'charged_back' WHERE id = :id"), {"id": question_id}
        )
        uow.commit()
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"], poolclass=NullPool)
    assert set(found(engine, clock)) == {"I3_sides"}  # nobody had opened the dispute


def test_no_alarm_while_payments_and_payouts_go_on(app, clock):
    """Four threads pay, answer, accept, refund, anchor and pay out; each moment is in order."""
    people = stage.cast()
    stage.onboard(people.josep)
    for _ in range(4):
        stage.earn(people, people.josep)
    stage.anchored()
    clock.advance(HOLD)
    items = stage.run(people)
    faults: list[BaseException] = []
    works = (
        lambda: stage.earn(people, people.josep),
        lambda: stage.withdrawn(people),
        lambda: stage.paid_twice(people),
        lambda: [stage.anchored(), *map(payout_tasks.send_item, items)],
    )

    def work(act):
        try:
            with app.app_context():
                for _ in range(3):
                    act()
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=work, args=(act,)) for act in works]
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"], poolclass=NullPool)
    for thread in threads:
        thread.start()
    looks = 0
    while any(thread.is_alive() for thread in threads) or looks < 4:
        quick = looks % 2 == 0
        assert found(engine, clock, quick=quick) == {}
        looks += 1
    for thread in threads:
        thread.join()
    assert faults == []
    assert found(engine, clock) == {}
