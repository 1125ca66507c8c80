"""The unit of work, jobs deferred inside it, and the rescue of jobs whose worker died."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from procrastinate.jobs import Job
from sqlalchemy import text

from upss import jobs as all_jobs
from upss import serving
from upss.db.base import db
from upss.db.work import UnitOfWork
from upss.jobs import PERIODIC, RETRY, TASKS, make_worker_app, rescue_stalled
from upss.kernel.events import Event
from upss.payments.rules.lifecycle import PaymentMismatch
from upss.site.models import Topic
from upss.web import ports
from upss.web.ports import unit

TIMERS = "forum.run_timers"


@dataclass(frozen=True, kw_only=True)
class Asked(Event):
    what: str


@dataclass(frozen=True, kw_only=True)
class Told(Event):
    what: str


def work(clock, queue, handlers=None):
    return UnitOfWork(clock, queue, handlers or {})


def topics():
    with unit() as uow:
        return set(uow.session.scalars(text("SELECT code FROM topic WHERE code LIKE 'x%'")))


def add_topic(uow, code):
    uow.session.add(Topic(code=code, position=99, is_open=False))


@pytest.fixture
def may_write(database):
    """Topics are the owner's to write; here the application may."""
    import psycopg

    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute("GRANT INSERT ON topic TO upss_app")


def in_queue():
    with unit() as uow:
        rows = uow.session.execute(
            text(
                "SELECT id, task_name, status::text, lock, queueing_lock, args, attempts"
                " FROM procrastinate_jobs ORDER BY id"
            )
        )
        return [row._asdict() for row in rows]


def test_everything_or_nothing(app, may_write):
    with unit() as uow:
        add_topic(uow, "x1")
        uow.defer("notices.send", notice_id=1)
    assert topics() == set()
    assert in_queue() == []
    with unit() as uow:
        add_topic(uow, "x1")
        uow.defer("notices.send", notice_id=1)
        uow.commit()
    assert topics() == {"x1"}
    assert [job["args"] for job in in_queue()] == [{"notice_id": 1}]


def test_an_error_undoes_the_unit_and_leaves_no_transaction(app, may_write):
    def break_off():
        with unit() as uow:
            add_topic(uow, "x1")
            uow.session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert not db.session().in_transaction()
    assert topics() == set()


def test_what_was_read_stays_readable_without_a_transaction(app):
    with unit() as uow:
        topic = uow.session.get_one(Topic, "home")
        uow.commit()
    assert topic.code == "home"
    assert not db.session().in_transaction()


def test_a_part_that_fails_leaves_nothing_and_the_unit_goes_on(app, clock, may_write):
    told = []

    def tell(uow, event):
        add_topic(uow, f"x-{event.what}")
        uow.session.flush()
        if event.what == "bad":
            raise RuntimeError
        told.append(event.what)

    def part(uow, what):
        with uow.part():
            add_topic(uow, f"x{what}")
            uow.emit(Asked(at=clock.now(), what=what))

    with work(clock, None, {Asked: (tell,)}) as uow:
        uow.emit(Asked(at=clock.now(), what="before"))
        part(uow, "good")
        assert told == ["good"]  # what was noted before waits for the commit
        with pytest.raises(RuntimeError):
            part(uow, "bad")
        uow.commit()
    assert told == ["good", "before"]
    assert topics() == {"xgood", "x-good", "x-before"}


def test_what_turned_out_untrue_is_told_to_nobody(app, clock):
    told = []
    handlers = {Asked: (lambda _uow, event: told.append(event.what),)}
    with work(clock, None, handlers) as uow:
        for what in ("a", "b"):
            uow.emit(Asked(at=clock.now(), what=what))
        uow.retract(Told, what="a")
        uow.retract(Asked, what="b")
        uow.commit()
    assert told == ["a"]


def test_handlers_run_in_order_before_the_commit_and_may_tell_more(app, clock):
    seen = []
    handlers = {
        Asked: (
            lambda _uow, event: seen.append(("first", event.what)),
            lambda uow, event: uow.emit(Told(at=event.at, what=event.what)),
        ),
        Told: (lambda _uow, event: seen.append(("told", event.what)),),
    }
    with work(clock, None, handlers) as uow:
        uow.emit(Asked(at=clock.now(), what="a"))
        uow.emit(Asked(at=clock.now(), what="b"))
        assert seen == []
        uow.commit()
    assert seen == [("first", "a"), ("first", "b"), ("told", "a"), ("told", "b")]


def test_an_error_in_a_handler_undoes_all(app, clock, may_write):
    def refuse(uow, event):
        raise LookupError

    def ask():
        with work(clock, None, {Asked: (refuse,)}) as uow:
            add_topic(uow, "x1")
            uow.emit(Asked(at=clock.now(), what="a"))
            uow.commit()

    with pytest.raises(LookupError):
        ask()
    assert topics() == set()


def test_events_of_an_abandoned_unit_are_forgotten(app, clock):
    seen = []
    uow = work(clock, None, {Asked: (lambda _uow, event: seen.append(event),)})
    with uow:
        uow.emit(Asked(at=clock.now(), what="a"))
    with uow:
        uow.commit()
    assert seen == []


def test_a_key_that_waits_is_enough_and_the_unit_goes_on(app, may_write):
    for code in ("x1", "x2"):
        with unit() as uow:
            uow.defer("payments.check_payment", key="check-payment:1", lock="p1", payment_id=1)
            uow.defer("payments.check_payment", key="check-payment:1", lock="p1", payment_id=1)
            add_topic(uow, code)
            uow.defer("notices.send", notice_id=1)
            uow.commit()
    assert topics() == {"x1", "x2"}
    assert [job["task_name"] for job in in_queue()] == [
        "payments.check_payment",
        "notices.send",
        "notices.send",
    ]
    assert in_queue()[0]["lock"] == "p1"


def test_every_deferred_name_is_a_task():
    from upss.paths import TEMPLATES

    code = TEMPLATES.parent / "upss"
    if not code.is_dir():
        code = TEMPLATES.parent
    names = set()
    for path in code.rglob("*.py"):
        names |= set(re.findall(r'defer\(\s*"([\w.]+)"', path.read_text("utf-8")))
    assert names
    assert names <= TASKS.keys()
    assert not TASKS.keys() & PERIODIC.keys()


# The worker


@pytest.fixture
def worker(app, database):
    return make_worker_app(app, serving.libpq_address(database.app_url))


def run(jobs, work_):
    async def opened():
        async with jobs.open_async():
            return await work_(jobs)

    return asyncio.run(opened())


def run_worker(jobs):
    async def until_empty(app):
        await app.run_worker_async(wait=False, install_signal_handlers=False)

    run(jobs, until_empty)


def put(name, status, *, key=None, lock=None, args="{}"):
    with unit() as uow:
        uow.session.execute(
            text(
                "INSERT INTO procrastinate_jobs"
                " (queue_name, task_name, lock, queueing_lock, args, status) VALUES ('default',"
                " :n, :l, :k, cast(:a AS jsonb), cast(:s AS procrastinate_job_status))"
            ),
            {"n": name, "l": lock, "k": key, "a": args, "s": status},
        )
        uow.commit()


def states():
    return [(job["task_name"], job["status"]) for job in in_queue()]


def test_every_task_and_timer_is_known_to_the_worker(worker):
    assert TASKS.keys() | PERIODIC.keys() | {"jobs.rescue"} <= worker.tasks.keys()
    crons = {task.task.name: task.cron for task in worker.periodic_registry.periodic_tasks.values()}
    assert crons == {name: cron for name, (cron, _work) in PERIODIC.items()} | {
        "jobs.rescue": "* * * * *"
    }


def test_a_job_runs_in_the_application(app, database, monkeypatch):
    seen = []
    monkeypatch.setitem(
        all_jobs.TASKS, "notices.send", lambda notice_id: seen.append((notice_id, ports.clock()))
    )
    monkeypatch.setitem(all_jobs.PERIODIC, TIMERS, ("* * * * *", lambda: seen.append(TIMERS)))
    jobs = make_worker_app(app, database.app_conninfo)
    with unit() as uow:
        uow.defer("notices.send", notice_id=7)
        uow.commit()
    put(TIMERS, "todo", args='{"timestamp": 1}')
    run_worker(jobs)
    assert {("notices.send", "succeeded"), (TIMERS, "succeeded")} <= set(states())
    assert (7, ports.clock()) in seen
    assert TIMERS in seen


def test_a_failed_job_is_tried_again_and_ends_as_a_dead_letter(worker):
    waits = []
    for attempts in range(9):
        job = Job(
            id=1, queue="default", lock=None, queueing_lock=None, task_name="x", attempts=attempts
        )
        decision = RETRY.get_retry_decision(exception=OSError(), job=job)
        waits.append(None if decision is None else decision.retry_at - datetime.now(UTC))
    assert waits[7:] == [None, None]
    assert timedelta(hours=6) < sum(waits[:7], timedelta()) < timedelta(hours=6, minutes=5)
    assert RETRY.get_retry_decision(exception=PaymentMismatch(), job=job) is None


def test_a_job_of_a_dead_worker_is_given_back(worker):
    put("notices.send", "doing", args='{"notice_id": 1}')
    put("notices.send", "succeeded")
    assert run(worker, rescue_stalled) == 1
    assert states() == [("notices.send", "todo"), ("notices.send", "succeeded")]
    assert in_queue()[0]["attempts"] == 1
    assert run(worker, rescue_stalled) == 0


def test_a_job_of_a_living_worker_is_left_alone(worker):
    with unit() as uow:
        uow.session.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
        uow.session.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id)"
                " SELECT 'default', 'notices.send', 'doing', max(id) FROM procrastinate_workers"
            )
        )
        uow.commit()
    assert run(worker, rescue_stalled) == 0
    with unit() as uow:
        uow.session.execute(
            text(
                "UPDATE procrastinate_workers"
                " SET last_heartbeat = now() - make_interval(secs => :s)"
            ),
            {"s": all_jobs.STALLED_AFTER_SECONDS + 1},
        )
        uow.commit()
    assert run(worker, rescue_stalled) == 1


def test_a_dead_job_whose_key_waits_holds_up_nothing(worker):
    put(TIMERS, "doing", key=TIMERS, lock=TIMERS)
    put(TIMERS, "todo", key=TIMERS, lock=TIMERS)
    put("notices.send", "doing")
    assert run(worker, rescue_stalled) == 2
    assert states() == [(TIMERS, "aborted"), (TIMERS, "todo"), ("notices.send", "todo")]


def test_a_job_that_fails_while_its_key_waits_frees_its_lock(app, database, monkeypatch):
    tries = []

    def stumble(payment_id):
        tries.append(payment_id)
        if len(tries) == 1:  # while it runs, the poll adds the same job
            with unit() as uow:
                uow.defer("payments.check_payment", key="k", lock="l", payment_id=payment_id)
                uow.commit()
            raise OSError

    monkeypatch.setitem(all_jobs.TASKS, "payments.check_payment", stumble)
    jobs = make_worker_app(app, database.app_conninfo)
    with unit() as uow:
        uow.defer("payments.check_payment", key="k", lock="l", payment_id=1)
        uow.commit()
    run_worker(jobs)
    assert tries == [1, 1]
    checks = [status for name, status in states() if name == "payments.check_payment"]
    assert checks == ["aborted", "succeeded"]


def test_the_rescue_is_a_job_of_its_own(worker):
    put("notices.send", "doing", args='{"notice_id": 4711}')
    put("jobs.rescue", "todo", args='{"timestamp": 1}')
    run_worker(worker)
    assert ("jobs.rescue", "succeeded") in states()
    assert ("notices.send", "doing") not in states()


def test_the_servers_address_as_libpq_spells_it():
    url = "postgresql+psycopg://upss:p%40ss@db:5433/upss"
    assert serving.libpq_address(url) == "postgresql://upss:p%40ss@db:5433/upss"
