"""People and waiting questions for the races of claims, and two acts at the same moment."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from upss.accounts.models import Account, AccountRole, TopicApproval
from upss.db.work import UnitOfWork
from upss.forum.models import Question
from upss.forum.rules.queue import ClaimRefused
from upss.kernel.clock import FixedClock
from upss.kernel.ids import new_public_id
from upss.site import models as _site_models  # noqa: F401 - tables that foreign keys name
from upss.web import models as _web_models  # noqa: F401

NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
NIGHTLY = "UPSS_NIGHTLY" in os.environ
# In so many trials each of two acts comes first at least once; fewer only look for the unexpected.
TRIALS = 300 if NIGHTLY else 30
FEW = TRIALS // 3  # where two others tell the same
PATIENCE = 60

WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class Work(UnitOfWork):
    """A unit of work outside the application; nobody handles its events."""

    def __init__(self, session, at=NOON):
        super().__init__(FixedClock(at), None, {})
        self._own = session

    @property
    def session(self):
        return self._own


def unit(engine, act, at=NOON):
    """Do one act in a unit of its own; a refused claim's outcome is its reason."""
    with Session(engine) as session, Work(session, at) as uow:
        try:
            done = act(uow)
        except ClaimRefused as error:
            return error.facts["reason"]
        uow.commit()
        return done


def at_once(engine, *acts, at=(NOON, NOON)):
    """Run two acts, each in a thread of its own, from one moment on; return their outcomes."""
    start = Barrier(len(acts))

    def run(act, instant):
        start.wait(PATIENCE)
        return unit(engine, act, instant)

    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(run, *each) for each in zip(acts, at, strict=True)]
        return [each.result(PATIENCE) for each in running]


def waiting_for(engine, first, second, at=(NOON, NOON)):
    """Begin the second act while the first is done but not committed: it must wait.

    Return the outcomes of both.
    """
    with ThreadPoolExecutor(1) as pool, Session(engine) as session, Work(session, at[0]) as uow:
        done = first(uow)
        session.flush()
        other = pool.submit(unit, engine, second, at[1])
        with engine.connect() as watching:
            until = time.monotonic() + PATIENCE
            while not watching.scalar(WAITING):
                assert not other.done(), f"it did not wait: {other.result()}"
                assert time.monotonic() < until
                watching.rollback()
        uow.commit()
        return done, other.result(PATIENCE)


def people(engine, number):
    rows = [
        {
            "public_id": new_public_id(),
            "email": f"{index}@example.org",
            "name": f"Person {index}",
            "language": "en",
            "created_at": NOON,
        }
        for index in range(number)
    ]
    with engine.begin() as connection:
        ids = list(connection.scalars(insert(Account).returning(Account.id), rows))
        given = [{"account_id": id_, "role": "answerer", "given_at": NOON} for id_ in ids[1:]]
        topics = [{"account_id": id_, "topic": "bills", "approved_at": NOON} for id_ in ids[1:]]
        connection.execute(insert(AccountRole), given)
        connection.execute(insert(TopicApproval), topics)
    return ids


def questions_of(engine, asker, number):
    rows = [
        {
            "public_id": new_public_id(),
            "asker_id": asker,
            "status": "queued",
            "language": "en",
            "topic": "bills",
            "size": "small",
            "title": "Which bill is right?",
            "body": "I have two.",
            "created_at": NOON,
            "updated_at": NOON,
            "price_minor": 600,
            "currency": "EUR",
            "commission_bp": 1500,
            "fund_bp": 300,
            "promise_at": NOON + timedelta(hours=73),
            "paid_at": NOON,
        }
        for _ in range(number)
    ]
    with engine.begin() as connection:
        return list(connection.scalars(insert(Question).returning(Question.id), rows))
