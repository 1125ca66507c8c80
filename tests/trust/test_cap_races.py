"""The last room under a person's own limit: two acts at the same moment, exactly one outcome."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from tests.trust.claim_stage import NOON, Work, people, questions_of
from upss.forum import queries_caps as queries
from upss.forum.events import AnswerAccepted
from upss.forum.models import Answer, Claim, Question
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import CapRule, Metric
from upss.forum.rules.queue import ClaimRefused
from upss.forum.service import answering, caps, claiming, own_limits

TRIALS = 300 if "UPSS_NIGHTLY" in os.environ else 30
PATIENCE = 60
SHARE = 510  # 6.00 less 15 %
LIMIT = CapRule(
    metric=Metric.MONEY, period=Period.MONTH, limit=2 * SHARE - 1, currency="EUR", safety_pct=0
)
ANSWER = "Ring the company, ask for a corrected bill, and note the number of your case."


@pytest.fixture
def engine(database):
    made = create_engine(database.app_url)
    yield made
    made.dispose()


def unit(engine, act):
    with Session(engine) as session, Work(session) as uow:
        done = act(uow)
        uow.commit()
        return done


def at_once(engine, *acts):
    """Run each act in a thread of its own, from one moment on; return what came of it."""
    start = Barrier(len(acts))

    def run(act):
        start.wait(PATIENCE)
        try:
            unit(engine, act)
        except ClaimRefused as error:
            return str(error.facts["reason"])
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return [each.result(PATIENCE) for each in [pool.submit(run, act) for act in acts]]


def limited(engine, who):
    """A new person's limit with room for one answer."""
    return unit(
        engine,
        lambda uow: own_limits.add(uow, account_id=who, rule=LIMIT, currency="EUR", zone="UTC"),
    )


def claiming_of(question, who):
    return lambda uow: claiming.claim(uow, question_id=question, answerer_id=who)


def stands(engine, who):
    """(booked, reserved) of the person's one limit."""
    with Session(engine) as session:
        (found,) = queries.in_force(session, who).standings
        standing = found.counter.standing(NOON.date())
        return standing.booked, standing.reserved


def active(engine, who):
    with Session(engine) as session:
        rows = session.scalars(
            select(Claim).where(Claim.answerer_id == who, Claim.status == "active")
        )
        return len(rows.all())


def counted(engine, question, who):
    """An answer of this person that was accepted and uses all the room."""
    unit(engine, claiming_of(question, who))
    unit(
        engine,
        lambda uow: answering.send_answer(uow, question_id=question, answerer_id=who, body=ANSWER),
    )
    unit(engine, lambda uow: caps.accepted(uow, acceptance(question, who)))


def acceptance(question, who):
    return AnswerAccepted(at=NOON, question_id=question, answerer_id=who, by_timer=False)


def test_two_claims_of_one_person_want_the_last_room(engine):
    asker, *others = people(engine, 1 + TRIALS)
    questions = iter(questions_of(engine, asker, 2 * TRIALS))
    for who in others:
        limited(engine, who)
        outcomes = at_once(
            engine, claiming_of(next(questions), who), claiming_of(next(questions), who)
        )
        assert sorted(outcomes) == ["done", "own_limits"]
        assert stands(engine, who) == (0, SHARE)
        assert active(engine, who) == 1


def test_the_database_refuses_even_if_nobody_waits_for_the_other(engine, monkeypatch):
    monkeypatch.setattr(caps, "lock", lambda _uow, _account_id: None)
    asker, *others = people(engine, 1 + TRIALS)
    questions = iter(questions_of(engine, asker, 2 * TRIALS))
    for who in others:
        held = []
        for _ in range(2):
            unit(engine, claiming_of(next(questions), who))
        with Session(engine) as session:
            held = session.scalars(select(Claim.id).where(Claim.answerer_id == who)).all()
        limited(engine, who)
        unit(engine, lambda uow, who=who: forget(uow, who))

        def reserving(claim, who=who):
            return lambda uow: caps.reserve(
                uow, claim_id=claim, answerer_id=who, share_minor=SHARE, currency="EUR", minutes=10
            )

        outcomes = at_once(engine, *map(reserving, held))
        assert sorted(outcomes) == ["done", "own_limits"]
        assert stands(engine, who) == (0, SHARE)


def forget(uow, who):
    """End the limit that knows of the two claims, and begin one that has never seen them."""
    (found,) = queries.in_force(uow.session, who).standings
    found.row.ended_at = NOON
    uow.session.flush()
    claims = uow.session.scalars(select(Claim).where(Claim.answerer_id == who)).all()
    for claim in claims:
        claim.status, claim.ended_at = "lapsed", NOON
        uow.session.get_one(Question, claim.question_id).status = "withdrawn"
    uow.session.flush()
    own_limits.add(uow, account_id=who, rule=LIMIT, currency="EUR", zone="UTC")


def test_a_claim_against_the_refund_that_makes_its_room(engine):
    asker, *others = people(engine, 1 + TRIALS)
    questions = iter(questions_of(engine, asker, 2 * TRIALS))
    outcomes = Counter()
    for who in others:
        limited(engine, who)
        first, second = next(questions), next(questions)
        counted(engine, first, who)

        def refund(uow, first=first, who=who):
            caps.refunded(uow, question_id=first, answerer_id=who, taken_back_minor=SHARE)

        claimed, refunded = at_once(engine, claiming_of(second, who), refund)
        assert refunded == "done"
        assert claimed in {"done", "own_limits"}
        outcomes[claimed] += 1
        won = claimed == "done"
        assert stands(engine, who) == (0, SHARE if won else 0)
        assert active(engine, who) == won
    assert outcomes.total() == TRIALS


def test_a_claim_against_a_limit_that_is_set_at_that_moment(engine):
    asker, *others = people(engine, 1 + TRIALS)
    questions = iter(questions_of(engine, asker, TRIALS))
    for who in others:

        def add(uow, who=who):
            own_limits.add(uow, account_id=who, rule=LIMIT, currency="EUR", zone="UTC")

        assert at_once(engine, claiming_of(next(questions), who), add) == ["done", "done"]
        assert stands(engine, who) == (0, SHARE)


def test_an_acceptance_against_a_change_is_counted_once(engine):
    asker, *others = people(engine, 1 + TRIALS)
    questions = iter(questions_of(engine, asker, TRIALS))
    for who in others:
        public_id, question = limited(engine, who), next(questions)
        unit(engine, claiming_of(question, who))
        unit(
            engine,
            lambda uow, question=question, who=who: answering.send_answer(
                uow, question_id=question, answerer_id=who, body=ANSWER
            ),
        )

        def accept(uow, question=question, who=who):
            uow.session.get_one(Question, question).accepted_at = NOON
            uow.session.flush()
            caps.accepted(uow, acceptance(question, who))

        def change(uow, public_id=public_id, who=who):
            bigger = CapRule(metric=Metric.MONEY, period=Period.MONTH, limit=9000, currency="EUR")
            own_limits.change(uow, account_id=who, public_id=public_id, rule=bigger, currency="EUR")

        assert at_once(engine, accept, change) == ["done", "done"]
        assert stands(engine, who) == (SHARE, 0)
    with Session(engine) as session:
        assert len(session.scalars(select(Answer.claim_id)).all()) == TRIALS
