"""Eight processes want the same fifty questions: each is given away exactly once."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, insert, select
from sqlalchemy.orm import Session

from upss.accounts.models import Account, AccountRole, TopicApproval
from upss.db.work import UnitOfWork
from upss.forum.models import Claim, Move, Question
from upss.forum.rules.claims import OPEN_CLAIMS_MAX, ClaimRefused
from upss.forum.service import answering
from upss.kernel.clock import FixedClock
from upss.kernel.ids import new_public_id
from upss.site import models as _site_models  # noqa: F401 - tables that foreign keys name
from upss.web import models as _web_models  # noqa: F401

NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
PROCESSES = 8
QUESTIONS = 50
PATIENCE = 60


class Work(UnitOfWork):
    """A unit of work outside the application; nobody handles its events."""

    def __init__(self, session):
        super().__init__(FixedClock(NOON), None, {})
        self._own = session

    @property
    def session(self):
        return self._own


def claim_all(url, start, answerers, questions, told):
    """Try every question for every answerer until they hold enough; tell what came of it."""
    engine = create_engine(url)
    outcome = Counter()
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    start.wait(PATIENCE)
    for answerer in answerers:
        for question in questions:
            with Session(engine) as session, Work(session) as uow:
                try:
                    answering.claim(uow, question_id=question, answerer_id=answerer)
                    uow.commit()
                    outcome["claimed"] += 1
                except ClaimRefused as error:
                    outcome[error.facts["reason"]] += 1
                    if error.facts["reason"] == "too_many":
                        break
    engine.dispose()
    told.put(outcome)


def race(url, shares):
    """Start one process for each (answerers, questions), at one moment; return the sums."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["psycopg", "upss.forum.service.answering"])  # import once
    start, told = context.Barrier(len(shares)), context.Queue()
    processes = [
        context.Process(target=claim_all, args=(url, start, answerers, questions, told))
        for answerers, questions in shares
    ]
    for process in processes:
        process.start()
    outcomes = [told.get(timeout=PATIENCE) for _ in processes]
    for process in processes:
        process.join(PATIENCE)
    assert [process.exitcode for process in processes] == [0] * len(processes)
    return sum(outcomes, Counter())


@pytest.fixture
def engine(database):
    made = create_engine(database.app_url)
    yield made
    made.dispose()


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


def questions_of(engine, asker):
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
        for _ in range(QUESTIONS)
    ]
    with engine.begin() as connection:
        return list(connection.scalars(insert(Question).returning(Question.id), rows))


def test_each_question_is_given_away_once(engine, database):
    own = 3  # answerers of each process: together they may hold more than there is
    assert PROCESSES * own * OPEN_CLAIMS_MAX > QUESTIONS
    asker, *answerers = people(engine, 1 + PROCESSES * own)
    wanted = questions_of(engine, asker)
    shares = [(answerers[i * own : (i + 1) * own], wanted) for i in range(PROCESSES)]

    outcome = race(database.app_url, shares)

    assert outcome["claimed"] == QUESTIONS
    assert set(outcome) <= {"claimed", "taken", "too_many"}
    with engine.connect() as connection:
        claims = connection.execute(select(Claim.question_id, Claim.answerer_id)).all()
        statuses = set(connection.scalars(select(Question.status)))
        moves = Counter(connection.scalars(select(Move.question_id)))
    assert sorted(claim.question_id for claim in claims) == sorted(wanted)
    assert max(Counter(claim.answerer_id for claim in claims).values()) <= OPEN_CLAIMS_MAX
    assert statuses == {"claimed"}
    assert moves == Counter(wanted)


def test_two_claims_of_one_person_count_each_other(engine, database):
    asker, greedy = people(engine, 2)
    first, second, *others = questions_of(engine, asker)
    with Session(engine) as session, Work(session) as uow:
        for question in others[: OPEN_CLAIMS_MAX - 1]:
            answering.claim(uow, question_id=question, answerer_id=greedy)
        uow.commit()

    def claim_second():
        with Session(engine) as session, Work(session) as uow:
            answering.claim(uow, question_id=second, answerer_id=greedy)
            uow.commit()

    with ThreadPoolExecutor(1) as pool, Session(engine) as session, Work(session) as uow:
        answering.claim(uow, question_id=first, answerer_id=greedy)
        waiting = pool.submit(claim_second)
        assert not wait([waiting], timeout=0.5).done  # it waits for the first to be decided
        uow.commit()
        with pytest.raises(ClaimRefused, match="too_many"):
            waiting.result(PATIENCE)
