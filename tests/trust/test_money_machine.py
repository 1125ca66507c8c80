"""All events of the books in any order, against a model that knows no posting.

Hypothesis chooses (rare paths as likely as common ones, and what fails is made small), and a long
walk with a fixed seed goes on with real commits and blocks. test_money_bugs.py shows what the same
walk finds.
"""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests.databases import clone
from tests.trust.money_walk import EVENTS, walk
from tests.trust.money_world import World
from upss.ledger import verify
from upss.ledger.service.anchoring import anchor

NIGHTLY = bool(os.environ.get("UPSS_NIGHTLY"))
ENTRIES, EVERY = (20_000, 500) if NIGHTLY else (400, 200)
RUNS, STEPS = (500, 60) if NIGHTLY else (12, 30)


# Anew for each: statistics of rows that were rolled back make PostgreSQL read whole tables.
@pytest.fixture
def engine(server):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = create_engine(clone(server, f"money_{worker}").app_url)
    yield made
    made.dispose()


class Books(RuleBasedStateMachine):
    """One transaction that is never committed: each run begins with empty books."""

    engine = None

    def __init__(self):
        super().__init__()
        self.session = Session(self.engine)
        self.world = World(self.session)

    @invariant()
    def the_books_tell_the_facts(self):
        self.world.check()

    def teardown(self):
        self.session.close()


def _rule(name, happens):
    def step(self, random):
        self.world.random = random
        happens.act(self.world, random)

    step.__name__ = name
    able = precondition(lambda self: bool(happens.can(self.world)))
    return able(rule(random=st.randoms(use_true_random=False))(step))


for _name, _event in EVENTS.items():
    setattr(Books, _name, _rule(_name, _event))


def test_any_events_in_any_order_leave_the_books_right(engine):
    machine = type("BooksHere", (Books,), {"engine": engine})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_long_walk_keeps_every_invariant(engine, server):
    random = Random(20261101)
    with Session(engine) as session:
        world = World(session, random)

        def pause():
            anchor(world.uow)
            session.commit()

        happened = walk(world, random, entries=ENTRIES, every=EVERY, pause=pause)
        pause()
        world.check()
        assert set(happened) == set(EVENTS)
        assert world.replays > ENTRIES / 20
        assert verify.verify(session).differences == []
