"""Whoever answered an asker before sees the next question first, when the asker wished it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import answered, person, post, question_row, queued, sign_in_as
from upss.forum import queries_desk
from upss.forum.models import Question
from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import ClaimRefused
from upss.forum.rules.windows import Window
from upss.forum.service import accepting, claiming, dialing, hours, own_limits
from upss.forum.service.hours import Whose
from upss.kernel.roles import Role
from upss.web.ports import unit

MADRID = "Europe/Madrid"
HOUR = timedelta(hours=1)


@pytest.fixture
def people(app, nobody_rests):
    """An asker whom Ada has answered, and Berta, in a site without peaks at noon."""
    ada, berta = (person(role=Role.ANSWERER, topics=("home", "bills")) for _ in range(2))
    asker = person("asker@example.org")
    with unit() as uow:
        dialing.turn(uow, organizer_id=None, mode="open")
        uow.commit()
    accepted = answered(asker, ada)
    with unit() as uow:
        accepting.accept(uow, question_id=accepted, actor_id=asker)
        uow.commit()
    return asker, ada, berta


def kept_for(asker, **changes):
    """Ask once more; return for whom the question is kept and until when."""
    question = question_row(queued(asker, wants_previous=True, **changes))
    return question.reserved_for, question.reserved_until


def declare(who, act, **what):
    with unit() as uow:
        act(uow, Whose(who, MADRID), **what)
        uow.commit()


def next_of(who, now):
    with unit() as uow:
        return offer(uow, who, now)


def offer(uow, who, now):
    desk = queries_desk.desk(
        uow.session, answerer_id=who, now=now, month_start=now, site_zone=MADRID
    )
    return queries_desk.queue(uow.session, desk=desk, now=now, is_peak=False).offer


def test_it_comes_first_for_them_and_waits_for_everybody_else(people, clock):
    asker, ada, berta = people
    older = queued(asker)
    clock.advance(HOUR)
    question = queued(asker, wants_previous=True)
    row = question_row(question)
    assert (row.reserved_for, row.reserved_until) == (ada, clock.now() + Policy().continuity)
    assert row.urgent_at > row.reserved_until
    mine, theirs = next_of(ada, clock.now()), next_of(berta, clock.now())
    assert (mine.id, mine.is_for_me) == (question, True)
    assert (theirs.id, theirs.is_for_me) == (older, False)
    with unit() as uow:
        claiming.claim(uow, question_id=older, answerer_id=berta)
        uow.commit()
    assert next_of(berta, clock.now()) is None
    with unit() as uow, pytest.raises(ClaimRefused) as refused:
        claiming.claim(uow, question_id=question, answerer_id=berta)
    assert refused.value.facts["reasons"] == ("reserved",)
    with unit() as uow:  # what is urgent waits for nobody; this is not kept
        uow.session.get_one(Question, question).urgent_at = clock.now()
        uow.session.flush()
        assert offer(uow, berta, clock.now()).id == question
    clock.advance(Policy().continuity)
    assert next_of(berta, clock.now()).id == question
    assert next_of(ada, clock.now()).is_for_me is False


def test_nobody_is_kept_waiting_for_who_does_not_come(people, clock):
    asker, ada, _berta = people
    nobody = (None, None)
    assert question_row(queued(asker)).reserved_for is None  # no wish
    assert kept_for(asker, topic="bills") == nobody  # answered by nobody yet
    assert kept_for(person()) == nobody
    declare(ada, hours.pause, until=clock.now() + 5 * HOUR)
    assert kept_for(asker) == nobody
    declare(
        ada, hours.pause, until=clock.now() + 3 * HOUR
    )  # own hours end at 13:00, begin at 16:00
    assert kept_for(asker) == nobody
    declare(ada, hours.come_back)
    assert kept_for(asker)[0] == ada
    declare(ada, hours.set_work, languages=frozenset({"en"}), topics_off=frozenset({"home"}))
    assert kept_for(asker) == nobody
    declare(ada, hours.set_work, languages=frozenset({"en"}), topics_off=frozenset())
    with unit() as uow:
        own_limits.set_no_paid_work(uow, account_id=ada, is_on=True)
        uow.commit()
    assert kept_for(asker) == nobody
    with unit() as uow:
        own_limits.set_no_paid_work(uow, account_id=ada, is_on=False)
        uow.commit()
    declare(ada, hours.set_week, windows=(Window(2, 22 * 60, 60),), zone_name=MADRID)
    assert kept_for(asker) == nobody


def test_the_form_asks_only_whom_somebody_answered(app, people):
    asker, ada, _berta = people
    words = "I would like the person who answered me before to see it first"
    for who, shows in ((asker, True), (ada, False), (None, False)):
        client = app.test_client()
        if who is not None:
            sign_in_as(app, client, who)
        path = client.get("/ask?new=1").headers["Location"]
        page = client.get(path).get_data(as_text=True)
        assert (words in page) is shows
        if shows:
            assert "This is possible for: Home and repairs." in page
            typed = {"title": "And the door?", "body": "It is broken.", "topic": "home"}
            more = {"size": "small", "language": "en", "wants_previous": "yes"}
            checked = post(client, path, do="continue", **typed, **more)
            page = client.get(checked.headers["Location"]).get_data(as_text=True)
            assert "The person who answered you before sees it first" in page
            assert "Ada" not in page
            assert 'value="yes" checked' in client.get(path).get_data(as_text=True)
