"""What a claim sends to the database, and what a refusal or a broken row leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.orm import Session

from tests.trust.claim_stage import NOON, Work, people, questions_of, unit
from upss.forum.models import Claim, Question
from upss.forum.models_caps import CapReservation, CapStanding
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import Action, CapRule, Metric
from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import ClaimRefused
from upss.forum.service import claiming, own_limits

# As many times as PostgreSQL plans a prepared statement anew before it compares.
TRIED = 5
NO_ROOM = CapRule(metric=Metric.MONEY, period=Period.MONTH, limit=100, currency="EUR")
END = NOON + Policy().lease


@pytest.fixture
def engine(database):
    made = create_engine(database.app_url)
    yield made
    made.dispose()


def claiming_of(question, who):
    return lambda uow: claiming.claim(uow, question_id=question, answerer_id=who)


def limiting(who, rule):
    return lambda uow: own_limits.add(
        uow, account_id=who, rule=rule, currency=rule.currency or "EUR", zone="UTC"
    )


def statuses(engine, *questions):
    with Session(engine) as session:
        return [session.get_one(Question, question).status for question in questions]


def test_three_statements_each_planned_once(engine):
    times = 4 * TRIED
    asker, *others = people(engine, 1 + times)
    pairs = zip(questions_of(engine, asker, times), others, strict=True)
    engine.dispose()  # the next connection has sent nothing yet
    for pair in pairs:
        assert isinstance(unit(engine, claiming_of(*pair)), int)
    with engine.connect() as connection:
        sent = connection.execute(text("SELECT * FROM pg_prepared_statements")).mappings().all()
    # whatever is sent so often is prepared: there is nothing else
    assert len(sent) == 3, [each["statement"] for each in sent]
    for each in sent:
        assert each["generic_plans"] + each["custom_plans"] == times
        assert each["custom_plans"] <= TRIED


def test_what_the_session_has_read_and_changed_is_seen_and_shown(engine):
    asker, ada = people(engine, 2)
    (number,) = questions_of(engine, asker, 1)
    with Session(engine) as session, Work(session) as uow:
        question = session.get_one(Question, number)
        question.title = "Which of my bills is right?"
        question.topic = "home"
        with pytest.raises(ClaimRefused, match="topic"):
            claiming_of(number, ada)(uow)
        question.topic = "bills"
        claiming_of(number, ada)(uow)
        assert question.status == "claimed"
        assert not session.dirty
        uow.commit()
    with Session(engine) as session:
        assert session.get_one(Question, number).title == "Which of my bills is right?"


def test_a_claim_without_room_leaves_nothing_even_if_its_unit_goes_on(engine):
    asker, ada = people(engine, 2)
    (number,) = questions_of(engine, asker, 1)
    unit(engine, limiting(ada, NO_ROOM))
    with Session(engine) as session, Work(session) as uow:
        question = session.get_one(Question, number)
        with pytest.raises(ClaimRefused, match="own_limits"):
            claiming_of(number, ada)(uow)
        assert question.status == "queued"
        uow.commit()
    with Session(engine) as session:
        assert session.scalars(select(Claim)).all() == []
    assert statuses(engine, number) == ["queued"]


@pytest.mark.parametrize(
    ("action", "outcome"), [(Action.WARN, "claimed"), (Action.BLOCK, "queued")]
)
def test_a_limit_in_other_money_refuses_only_if_it_blocks(engine, action, outcome):
    asker, ada = people(engine, 2)
    (question,) = questions_of(engine, asker, 1)
    unit(engine, limiting(ada, replace(NO_ROOM, currency="USD", action=action)))
    unit(engine, claiming_of(question, ada))
    assert statuses(engine, question) == [outcome]
    with Session(engine) as session:
        assert session.scalars(select(CapReservation)).all() == []


def test_one_broken_claim_does_not_keep_others_from_lapsing(engine):
    asker, ada, berta = people(engine, 3)
    broken, sound = questions_of(engine, asker, 2)
    unit(engine, limiting(ada, replace(NO_ROOM, limit=10_000)))
    unit(engine, claiming_of(broken, ada))
    unit(engine, claiming_of(sound, berta))
    # more is held than is reserved: nothing can be given back
    unit(engine, lambda uow: uow.session.execute(update(CapStanding).values(reserved=0)) and None)
    assert unit(engine, claiming.lapse_due, END) == 1
    assert statuses(engine, broken, sound) == ["claimed", "queued"]
