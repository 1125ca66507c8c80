"""Eight processes want the same fifty questions: each is given away exactly once."""

from __future__ import annotations

import multiprocessing
from collections import Counter

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from tests.trust.claim_stage import PATIENCE, Work, people, questions_of, unit, waiting_for
from upss.forum.models import Claim, Move, Question
from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import ClaimRefused
from upss.forum.service import claiming

PROCESSES = 8
OPEN_CLAIMS_MAX = Policy().open_claims_max
QUESTIONS = 50


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
                    claiming.claim(uow, question_id=question, answerer_id=answerer)
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
    context.set_forkserver_preload([__name__])  # import once
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


def test_each_question_is_given_away_once(engine, database):
    own = 3  # answerers of each process: together they may hold more than there is
    assert PROCESSES * own * OPEN_CLAIMS_MAX > QUESTIONS
    asker, *answerers = people(engine, 1 + PROCESSES * own)
    wanted = questions_of(engine, asker, QUESTIONS)
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


def test_two_claims_of_one_person_count_each_other(engine):
    asker, greedy = people(engine, 2)
    first, second, *others = questions_of(engine, asker, 1 + OPEN_CLAIMS_MAX)

    def claiming_of(*questions):
        return lambda uow: [
            claiming.claim(uow, question_id=question, answerer_id=greedy) for question in questions
        ]

    unit(engine, claiming_of(*others))
    assert waiting_for(engine, claiming_of(first), claiming_of(second))[1] == "too_many"
