"""People and waiting questions for the races of claims, and a unit of work outside the application."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from upss.accounts.models import Account, AccountRole, TopicApproval
from upss.db.work import UnitOfWork
from upss.forum.models import Question
from upss.kernel.clock import FixedClock
from upss.kernel.ids import new_public_id
from upss.site import models as _site_models  # noqa: F401 - tables that foreign keys name
from upss.web import models as _web_models  # noqa: F401

NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)


class Work(UnitOfWork):
    """A unit of work outside the application; nobody handles its events."""

    def __init__(self, session, at=NOON):
        super().__init__(FixedClock(at), None, {})
        self._own = session

    @property
    def session(self):
        return self._own


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
