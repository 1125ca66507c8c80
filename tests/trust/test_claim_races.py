"""Two acts at the same moment on one question: exactly one outcome, whichever comes first."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from tests.trust.claim_stage import NOON, Work, people, questions_of
from upss.forum.models import AnswerDraft, Claim, Question
from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import ClaimRefused
from upss.forum.service import answering, claiming, hours
from upss.forum.service.hours import Whose

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


def test_a_claim_against_a_pause(engine):
    """A claim that comes first stands; one that comes after the pause is refused, whatever it read."""
    asker, ada = people(engine, 2)
    outcomes = Counter()
    for question in questions_of(engine, asker, TRIALS):
        ids, whose = {"question_id": question, "answerer_id": ada}, Whose(ada, "Etc/UTC")
        claimed, _paused = at_once(
            engine,
            (lambda uow, ids=ids: claiming.claim(uow, **ids), NOON),
            (lambda uow, whose=whose: hours.pause(uow, whose, until=END), NOON),
        )
        with Session(engine) as session:
            held = session.scalars(select(Claim).where(Claim.question_id == question)).all()
            status = session.get_one(Question, question).status
        outcomes[status] += 1
        assert (status, len(held)) == (("queued", 0) if claimed == "away" else ("claimed", 1))
        if claimed != "away":
            unit(engine, lambda uow, ids=ids: answering.hand_back(uow, **ids))
        unit(engine, lambda uow, whose=whose: hours.come_back(uow, whose))
        unit(engine, lambda uow, question=question: withdraw(uow, question))
    assert outcomes.total() == TRIALS


def test_a_claim_waits_for_a_pause_that_is_being_declared(engine):
    asker, ada = people(engine, 2)
    (question,) = questions_of(engine, asker, 1)

    def claim():
        return unit(engine, lambda uow: claiming.claim(uow, question_id=question, answerer_id=ada))

    with ThreadPoolExecutor(1) as pool, Session(engine) as session, Work(session) as uow:
        hours.pause(uow, Whose(ada, "Etc/UTC"), until=END)
        waiting = pool.submit(claim)
        assert not wait([waiting], timeout=0.5).done
        uow.commit()
        with pytest.raises(ClaimRefused, match="away"):
            waiting.result(PATIENCE)
