"""The last room under a person's own limit: two acts at the same moment, exactly one outcome."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.trust.claim_stage import (
    FEW,
    NIGHTLY,
    NOON,
    TRIALS,
    at_once,
    people,
    questions_of,
    unit,
    waiting_for,
)
from upss.forum import queries_caps as queries
from upss.forum.events import AnswerAccepted
from upss.forum.models import Answer, Claim, Question
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import CapRule, Metric
from upss.forum.service import answering, caps, claiming, own_limits

SHARE = 510  # 6.00 less 15 %
LIMIT = CapRule(
    metric=Metric.MONEY, period=Period.MONTH, limit=2 * SHARE - 1, currency="EUR", safety_pct=0
)
ANSWER = "Ring the company, ask for a corrected bill, and note the number of your case."


def limiting(*people):
    """Give each of these new people a limit with room for one answer."""

    def act(uow):
        return [
            own_limits.add(uow, account_id=who, rule=LIMIT, currency="EUR", zone="UTC")
            for who in people
        ]

    return act


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


def answered_by(*pairs):
    """Claim and answer, for each question and person."""

    def act(uow):
        for question, who in pairs:
            claiming_of(question, who)(uow)
            answering.send_answer(uow, question_id=question, answerer_id=who, body=ANSWER)

    return act


def accepting(question, who):
    event = AnswerAccepted(at=NOON, question_id=question, answerer_id=who, by_timer=False)
    return lambda uow: caps.accepted(uow, event)


def refunding(question, who):
    return lambda uow: caps.refunded(
        uow, question_id=question, answerer_id=who, taken_back_minor=SHARE
    )


def all_room_used(engine, number):
    """(person, question that waits, question whose accepted answer uses all their room)."""
    asker, *others = people(engine, 1 + number)
    waiting = questions_of(engine, asker, number)
    done = questions_of(engine, asker, number)
    unit(engine, limiting(*others))
    unit(engine, answered_by(*zip(done, others, strict=True)))
    for pair in zip(done, others, strict=True):
        unit(engine, accepting(*pair))
    return list(zip(others, waiting, done, strict=True))


def test_two_claims_of_one_person_want_the_last_room(engine):
    asker, *others = people(engine, 1 + TRIALS)
    questions = iter(questions_of(engine, asker, 2 * TRIALS))
    unit(engine, limiting(*others))
    for who in others:
        pair = claiming_of(next(questions), who), claiming_of(next(questions), who)
        assert at_once(engine, *pair).count("own_limits") == 1
        assert stands(engine, who) == (0, SHARE)
        assert active(engine, who) == 1


def test_the_second_claim_waits_and_finds_no_room(engine):
    asker, ada = people(engine, 2)
    first, second = questions_of(engine, asker, 2)
    unit(engine, limiting(ada))
    assert waiting_for(engine, claiming_of(first, ada), claiming_of(second, ada))[1] == "own_limits"
    assert (stands(engine, ada), active(engine, ada)) == ((0, SHARE), 1)


def test_the_database_refuses_even_if_nobody_locks_the_person(engine):
    asker, *others = people(engine, 1 + FEW)
    questions = iter(questions_of(engine, asker, 2 * FEW))
    held = {
        who: [unit(engine, claiming_of(next(questions), who)) for _ in range(2)] for who in others
    }
    unit(engine, lambda uow: give_up(uow, others))
    unit(engine, limiting(*others))  # they have never seen the two claims
    for who in others:

        def reserving(claim, who=who):
            return lambda uow: caps.reserve(
                uow, claim_id=claim, answerer_id=who, share_minor=SHARE, currency="EUR", minutes=10
            )

        assert at_once(engine, *map(reserving, held[who])).count("own_limits") == 1
        assert stands(engine, who) == (0, SHARE)


def give_up(uow, others):
    for claim in uow.session.scalars(select(Claim).where(Claim.answerer_id.in_(others))):
        claim.status, claim.ended_at = "lapsed", NOON
        uow.session.get_one(Question, claim.question_id).status = "withdrawn"


def test_a_claim_against_the_refund_that_makes_its_room(engine):
    outcomes = Counter()
    for who, waiting, done in all_room_used(engine, FEW):
        claimed, _refunded = at_once(engine, claiming_of(waiting, who), refunding(done, who))
        won = claimed != "own_limits"
        outcomes[won] += 1
        assert stands(engine, who) == (0, SHARE if won else 0)
        assert active(engine, who) == won
    assert len(outcomes) == 2 or not NIGHTLY


def test_a_claim_waits_for_the_refund_that_makes_its_room(engine):
    ((ada, waiting, done),) = all_room_used(engine, 1)
    assert unit(engine, claiming_of(waiting, ada)) == "own_limits"
    waiting_for(engine, refunding(done, ada), claiming_of(waiting, ada))
    assert (stands(engine, ada), active(engine, ada)) == ((0, SHARE), 1)


def test_a_claim_against_a_limit_that_is_set_at_that_moment(engine):
    asker, *others = people(engine, 1 + FEW)
    for who, question in zip(others, questions_of(engine, asker, FEW), strict=True):
        at_once(engine, claiming_of(question, who), limiting(who))
        assert (stands(engine, who), active(engine, who)) == ((0, SHARE), 1)


def test_an_acceptance_against_a_change_is_counted_once(engine):
    asker, *others = people(engine, 1 + FEW)
    questions = questions_of(engine, asker, FEW)
    public_ids = unit(engine, limiting(*others))
    unit(engine, answered_by(*zip(questions, others, strict=True)))
    for who, question, public_id in zip(others, questions, public_ids, strict=True):

        def accept(uow, question=question, who=who):
            uow.session.get_one(Question, question).accepted_at = NOON
            uow.session.flush()
            accepting(question, who)(uow)

        def change(uow, public_id=public_id, who=who):
            bigger = CapRule(metric=Metric.MONEY, period=Period.MONTH, limit=9000, currency="EUR")
            own_limits.change(uow, account_id=who, public_id=public_id, rule=bigger, currency="EUR")

        at_once(engine, accept, change)
        assert stands(engine, who) == (SHARE, 0)
    with Session(engine) as session:
        assert len(session.scalars(select(Answer.claim_id)).all()) == FEW
