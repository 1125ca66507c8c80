"""Two acts at the same moment on one question: exactly one outcome, whichever comes first."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from tests.trust.claim_stage import NOON, Work, people, questions_of
from upss.forum.models import AnswerDraft, Claim, Question
from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import ClaimRefused
from upss.forum.service import answering, claiming

TRIALS = 300 if "UPSS_NIGHTLY" in os.environ else 30
END = NOON + Policy().lease
MOMENT = timedelta(microseconds=1)
PATIENCE = 60


@pytest.fixture
def engine(database):
    made = create_engine(database.app_url)
    yield made
    made.dispose()


def unit(engine, act, at=NOON):
    with Session(engine) as session, Work(session, at) as uow:
        done = act(uow)
        uow.commit()
        return done


def at_once(engine, *acts):
    """Run each (act, instant) in a thread of its own, from one moment on; return the outcomes."""
    start = Barrier(len(acts))

    def run(act, at):
        start.wait(PATIENCE)
        try:
            return unit(engine, act, at)
        except ClaimRefused as error:
            return error.facts["reason"]

    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(run, *act) for act in acts]
        return [each.result(PATIENCE) for each in running]


def test_two_claims_of_one_question(engine):
    asker, ada, berta = people(engine, 3)
    firsts = Counter()
    for question in questions_of(engine, asker, TRIALS):
        ids = {who: {"question_id": question, "answerer_id": who} for who in (ada, berta)}
        outcomes = at_once(
            engine,
            (lambda uow, ids=ids: claiming.claim(uow, **ids[ada]), NOON),
            (lambda uow, ids=ids: claiming.claim(uow, **ids[berta]), NOON),
        )
        assert outcomes.count("taken") == 1, outcomes
        winner = ada if outcomes[1] == "taken" else berta
        firsts[winner] += 1
        unit(engine, lambda uow, ids=ids, who=winner: answering.hand_back(uow, **ids[who]))
        unit(engine, lambda uow, question=question: withdraw(uow, question))


def withdraw(uow, question):
    uow.session.get_one(Question, question).status = "withdrawn"


def test_a_save_against_the_lapse(engine):
    asker, ada = people(engine, 2)
    outcomes = Counter()
    for number, question in enumerate(questions_of(engine, asker, TRIALS)):
        ids = {"question_id": question, "answerer_id": ada}
        unit(engine, lambda uow, ids=ids: claiming.claim(uow, **ids))
        saved, _lapsed = at_once(
            engine,
            (
                lambda uow, ids=ids, n=number: answering.save_draft(uow, body=f"Text {n}", **ids),
                END - MOMENT,
            ),
            (claiming.lapse_due, END),
        )
        with Session(engine) as session:
            claim = session.scalars(select(Claim).where(Claim.question_id == question)).one()
            status = session.get_one(Question, question).status
            assert session.get_one(AnswerDraft, (question, ada)).body == f"Text {number}"
        outcomes[claim.status] += 1
        if claim.status == "active":
            assert (status, claim.ends_at, saved.ends_at) == (
                "claimed", END - MOMENT + Policy().lease, claim.ends_at,
            )  # fmt: skip
            unit(engine, lambda uow, ids=ids: answering.hand_back(uow, **ids))
        else:
            assert (status, claim.status, saved.ends_at) == ("queued", "lapsed", None)
        unit(engine, lambda uow, question=question: withdraw(uow, question))
    assert outcomes.total() == TRIALS
