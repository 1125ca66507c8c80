"""The self-checks: silent on sound books, also while they move; each damage found by its name."""

from __future__ import annotations

import os

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.conftest import NOON, clone
from tests.factories import settings_for
from tests.trust import doctor_stage as stage
from tests.trust.doctor_damage import DAMAGES, inflict, restore, save
from upss.app import create_app
from upss.db.base import db
from upss.db.queue import ProcrastinateQueue
from upss.doctor.labels import TITLES
from upss.doctor.queries.examination import chosen, examine
from upss.doctor.rules import CHECKS
from upss.kernel.clock import FixedClock
from upss.notices.smtp import SmtpMailer
from upss.payments.stripe_gateway import StripeGateway
from upss.web.ports import Ports


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


@pytest.mark.parametrize(
    ("code", "how", "undo"), [damage[1:] for damage in DAMAGES], ids=[d[0] for d in DAMAGES]
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
