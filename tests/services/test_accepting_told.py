"""An answer is accepted by itself only when its asker was told of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.factories import answered, person, question_row
from tests.money import balances
from upss.forum.rules.timers import REVIEW
from upss.forum.service import accepting
from upss.forum.tasks import run_timers
from upss.kernel.errors import MailNotSent, MailRefused
from upss.kernel.roles import Role
from upss.ledger.rules.chart import HELD
from upss.notices import tasks
from upss.notices.models import Notice
from upss.web.ports import mailer, unit

MOMENT, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def asker(app):
    return person()


@pytest.fixture
def question(asker):
    return answered(asker, person(role=Role.ANSWERER, topics=("home",)))


def hand_over(question, template):
    """Send the mail of that name about a question, as its job would."""
    with unit() as uow:
        number = uow.session.scalars(
            select(Notice.id).where(Notice.question_id == question, Notice.template == template)
        ).one()
    tasks.send(number)


def is_split() -> bool:
    return balances()[HELD] == 0


def test_who_was_told_has_seven_days(question, clock):
    hand_over(question, "answer_ready")
    clock.advance(REVIEW - MOMENT)
    assert run_timers() == 0
    clock.advance(MOMENT)
    assert run_timers() == 1
    assert question_row(question).status == "accepted"
    assert is_split()


@pytest.mark.parametrize("trouble", [MailRefused, MailNotSent])
def test_who_was_not_told_loses_nothing_by_being_silent(question, clock, monkeypatch, trouble):
    def fail(_mail):
        raise trouble

    with monkeypatch.context() as moment:
        moment.setattr(mailer(), "send", fail)
        with pytest.raises(trouble):
            hand_over(question, "answer_ready")
    for _ in range(20):
        clock.advance(DAY)
        run_timers()
    assert question_row(question).status == "answered"
    assert not is_split()
    for _ in range(10):
        clock.advance(DAY)
        run_timers()
    assert question_row(question).status == "final", "whoever answered is paid in the end"
    assert is_split()
    assert question_row(question).accepted_at == question_row(question).answered_at + 30 * DAY


def test_a_word_in_the_last_hour_leaves_no_time(question, clock):
    clock.advance(REVIEW - MOMENT)
    hand_over(question, "answer_ready")
    clock.advance(MOMENT)
    assert run_timers() == 1
    assert question_row(question).status == "answered"
    clock.advance(REVIEW)
    assert run_timers() == 1
    assert question_row(question).status == "accepted"


def test_who_is_told_late_still_has_time_until_the_day_that_the_mail_names(
    question, clock, post_office
):
    clock.advance(REVIEW)
    assert run_timers() == 1  # the time for review is prolonged
    assert run_timers() == 0
    assert question_row(question).accept_due_at == clock.now() + REVIEW
    clock.advance(DAY)
    hand_over(question, "answer_ready")
    [mail] = post_office.messages
    assert "Wednesday 2 December" in mail.get_body(("plain",)).get_content()
    assert run_timers() == 0
    clock.advance(REVIEW - DAY)
    assert run_timers() == 1
    assert question_row(question).status == "accepted"


def test_a_reminder_that_arrived_is_enough(question, clock):
    clock.advance(3 * DAY)
    run_timers()
    hand_over(question, "acceptance_due")
    clock.advance(REVIEW - 3 * DAY)
    run_timers()
    assert question_row(question).status == "accepted"


def test_a_mail_about_something_else_is_not_enough(question, clock):
    hand_over(question, "receipt")
    clock.advance(REVIEW)
    run_timers()
    assert question_row(question).status == "answered"


def test_an_asker_accepts_by_hand_whatever_became_of_the_mails(question, asker, clock):
    with unit() as uow:
        accepting.accept(uow, question_id=question, actor_id=asker)
        uow.commit()
    assert is_split()
    clock.advance(REVIEW)
    assert run_timers() == 0


def test_who_was_not_told_holds_up_nobody_else(question, clock, monkeypatch):
    from upss.forum.service import moves

    monkeypatch.setattr(moves, "BATCH", 1)
    clock.advance(MOMENT)
    told = answered(person(), person(role=Role.ANSWERER, topics=("home",)))
    hand_over(told, "answer_ready")
    clock.advance(REVIEW)
    run_timers()
    assert [question_row(each).status for each in (question, told)] == ["answered", "accepted"]
