"""Two acts at the same moment on one question: exactly one outcome, whichever comes first.

Each order is also brought about on purpose; in the nightly trials both must have happened.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.trust.claim_stage import (
    NIGHTLY,
    NOON,
    TRIALS,
    at_once,
    people,
    questions_of,
    unit,
    waiting_for,
)
from upss.forum.models import AnswerDraft, Claim, Question
from upss.forum.rules.policy import Policy
from upss.forum.service import answering, claiming, hours
from upss.forum.service.hours import Whose

END = NOON + Policy().lease
MOMENT = timedelta(microseconds=1)


def claiming_of(question, who):
    return lambda uow: claiming.claim(uow, question_id=question, answerer_id=who)


def saving(question, who, body):
    return lambda uow: answering.save_draft(uow, question_id=question, answerer_id=who, body=body)


def pausing(who):
    return lambda uow: hours.pause(uow, Whose(who, "Etc/UTC"), until=END)


def stands(engine, question):
    """The question's state and its claims, the oldest first."""
    with Session(engine) as session:
        claims = session.scalars(
            select(Claim).where(Claim.question_id == question).order_by(Claim.id)
        ).all()
        return session.get_one(Question, question).status, claims


# --- two claims of one question ------------------------------------------------------------------


def test_two_claims_of_one_question(engine):
    asker, *others = people(engine, 1 + 2 * TRIALS)
    firsts = Counter()
    for question in questions_of(engine, asker, TRIALS):
        pair = others.pop(), others.pop()
        outcomes = at_once(engine, *(claiming_of(question, who) for who in pair))
        assert outcomes.count("taken") == 1, outcomes
        winner = 1 - outcomes.index("taken")
        status, (claim,) = stands(engine, question)
        assert (status, claim.answerer_id, claim.id) == ("claimed", pair[winner], outcomes[winner])
        firsts[winner] += 1
    assert len(firsts) == 2 or not NIGHTLY


def test_the_second_claim_waits_and_finds_it_taken(engine):
    asker, ada, berta = people(engine, 3)
    (question,) = questions_of(engine, asker, 1)
    _, refused = waiting_for(engine, claiming_of(question, ada), claiming_of(question, berta))
    assert refused == "taken"
    assert [claim.answerer_id for claim in stands(engine, question)[1]] == [ada]


# --- a save against the lapse --------------------------------------------------------------------


def test_a_save_against_the_lapse(engine):
    asker, *others = people(engine, 1 + TRIALS)
    outcomes = Counter()
    for who, question in zip(others, questions_of(engine, asker, TRIALS), strict=True):
        unit(engine, claiming_of(question, who))
        saved, _lapsed = at_once(
            engine, saving(question, who, "Text"), claiming.lapse_due, at=(END - MOMENT, END)
        )
        outcomes[after_a_save(engine, question, saved)] += 1
    assert len(outcomes) == 2 or not NIGHTLY


def after_a_save(engine, question, saved):
    """The claim's state, which agrees with the question's and with what the page was told."""
    status, (claim,) = stands(engine, question)
    with Session(engine) as session:
        assert session.get_one(AnswerDraft, (question, claim.answerer_id)).body == "Text"
    if claim.status == "active":
        until = END - MOMENT + Policy().lease
        assert (status, claim.ends_at, saved.ends_at) == ("claimed", until, until)
    else:
        assert (status, claim.status, saved.ends_at) == ("queued", "lapsed", None)
    return claim.status


def test_a_lapse_leaves_alone_what_is_being_saved(engine):
    asker, ada = people(engine, 2)
    (question,) = questions_of(engine, asker, 1)
    unit(engine, claiming_of(question, ada))

    def save_while_claims_lapse(uow):
        saved = saving(question, ada, "Text")(uow)
        uow.session.flush()
        assert unit(engine, claiming.lapse_due, END) == 0
        return saved

    saved = unit(engine, save_while_claims_lapse, END - MOMENT)
    assert after_a_save(engine, question, saved) == "active"


def test_a_save_waits_for_the_lapse_and_keeps_the_text(engine):
    asker, ada = people(engine, 2)
    (question,) = questions_of(engine, asker, 1)
    unit(engine, claiming_of(question, ada))
    lapsed, saved = waiting_for(
        engine, claiming.lapse_due, saving(question, ada, "Text"), at=(END, END - MOMENT)
    )
    assert lapsed == 1
    assert after_a_save(engine, question, saved) == "lapsed"


# --- a claim against a pause ---------------------------------------------------------------------


def test_a_claim_against_a_pause(engine):
    """A claim that comes first stands; one that comes after the pause is refused, whatever it read."""
    asker, *others = people(engine, 1 + TRIALS)
    outcomes = Counter()
    for who, question in zip(others, questions_of(engine, asker, TRIALS), strict=True):
        claimed, _paused = at_once(engine, claiming_of(question, who), pausing(who))
        status, claims = stands(engine, question)
        assert (status, len(claims)) == (("queued", 0) if claimed == "away" else ("claimed", 1))
        outcomes[status] += 1
    assert len(outcomes) == 2 or not NIGHTLY


def test_a_claim_waits_for_a_pause_that_is_being_declared(engine):
    asker, ada = people(engine, 2)
    (question,) = questions_of(engine, asker, 1)
    assert waiting_for(engine, pausing(ada), claiming_of(question, ada))[1] == "away"
    assert stands(engine, question) == ("queued", [])


def test_a_pause_waits_for_a_claim_that_is_being_made(engine):
    asker, ada = people(engine, 2)
    (question,) = questions_of(engine, asker, 1)
    claimed, _paused = waiting_for(engine, claiming_of(question, ada), pausing(ada))
    status, (claim,) = stands(engine, question)
    assert (status, claim.id) == ("claimed", claimed)
