"""What happens because time has passed: offers, promises, drafts and reminders, in batches."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.factories import AT_ONCE, control, draft, person, question_row, queued, submitted
from tests.money import balances, entries, refund_rows
from upss.forum.events import PromiseMissed
from upss.forum.models import Question
from upss.forum.service import moves, timers
from upss.forum.tasks import run_timers
from upss.kernel.ids import RefundId
from upss.ledger.rules.chart import HELD
from upss.ledger.verify import verify
from upss.notices.models import Notice
from upss.payments import tasks as payment_tasks
from upss.payments.models import Payment
from upss.web.ports import unit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOMENT = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _application(app):
    pass


def notices(template):
    with unit() as uow:
        return len(uow.session.scalars(select(Notice.id).where(Notice.template == template)).all())


def statuses():
    with unit() as uow:
        return list(uow.session.scalars(select(Question.status).order_by(Question.id)))


def test_nothing_due_nothing_moved():
    draft(person())
    submitted(person())
    queued(person())
    assert run_timers() == 0
    assert statuses() == ["draft", "awaiting_payment", "queued"]


def test_an_offer_ends_after_sixty_minutes(clock):
    question, _payment = submitted(person())
    clock.advance(HOUR - MOMENT)
    assert run_timers() == 0
    clock.advance(MOMENT)
    assert run_timers() == 1
    row = question_row(question)
    assert (row.status, row.title) == ("draft", "Can I return a fridge that arrived damaged?")


def test_nobody_answered_48_hours_after_the_promise(clock):
    control("top-up")  # or the refund waits for the fee
    question = queued(person(), card=AT_ONCE)
    clock.instant = question_row(question).promise_at + 48 * HOUR - MOMENT
    run_timers()
    assert question_row(question).status == "queued"
    clock.advance(MOMENT)
    assert run_timers() == 1
    assert run_timers() == 0
    row = question_row(question)
    assert (row.status, row.closed_at) == ("expired", clock.now())
    [refund] = refund_rows(question)
    assert (refund.cause, refund.amount_minor) == ("expired", row.price_minor)
    payment_tasks.send_refund(RefundId(refund.id))
    assert entries()[-2:] == ["refund_requested", "refund_settled"]
    assert balances()[HELD] == 0
    assert notices("question_expired") == 1
    with unit() as uow:
        assert verify(uow.session).differences == []


def test_a_claim_that_ends_with_the_grace_gives_the_money_back_at_once(clock):
    from upss.forum.service import claiming
    from upss.kernel.roles import Role

    question = queued(person())
    clock.instant = question_row(question).promise_at + 47 * HOUR
    with unit() as uow:
        answerer = person(role=Role.ANSWERER, topics=("home",))
        claiming.claim(uow, question_id=question, answerer_id=answerer)
        uow.commit()
    clock.advance(HOUR)
    assert run_timers() == 2  # the claim lapses, then the question expires
    assert question_row(question).status == "expired"


def test_the_promise_is_missed_once(clock):
    question = queued(person())
    clock.instant = question_row(question).promise_at - MOMENT
    run_timers()
    assert notices("promise_missed") == 0
    clock.advance(MOMENT)
    for _ in range(3):
        run_timers()
        clock.advance(HOUR)
    assert notices("promise_missed") == 1
    clock.advance(DAY)
    run_timers()
    assert notices("promise_missed") == 1
    assert question_row(question).status == "queued"


def test_what_was_told_is_not_told_again_each_minute_and_a_standstill_is_made_up_for(clock):
    question = queued(person())

    def told():
        with unit() as uow:
            count = timers.tell_what_is_due(uow)
            uow.commit()
        return count

    told()
    clock.instant = question_row(question).promise_at + 5 * HOUR
    assert [told(), told()] == [1, 0]
    clock.advance(-2 * HOUR)  # the clock is set back: told again, and to nobody twice
    assert [told(), told()] == [1, 0]
    assert notices("promise_missed") == 1


def test_a_fact_that_cannot_be_told_holds_up_no_other(clock, caplog):
    first, second = (queued(person()) for _ in range(2))
    missed = []

    def tell(_uow, event):
        if event.question_id == first:
            raise RuntimeError
        missed.append(event.question_id)

    clock.instant = question_row(second).promise_at
    with unit() as uow:
        uow._handlers = {PromiseMissed: (tell,)}
        assert timers.tell_what_is_due(uow) == 1
        uow.commit()
    assert missed == [second]
    assert "nobody was told" in caplog.text
    clock.advance(HOUR)
    run_timers()
    assert notices("promise_missed") == 2  # that one too, as soon as it can be told


def test_an_unpaid_offer_is_recalled_once_after_a_day(clock):
    _question, _payment = submitted(person())
    clock.advance(HOUR)
    run_timers()
    clock.advance(DAY - MOMENT)
    run_timers()
    assert notices("offer_ended") == 0
    clock.advance(MOMENT)
    for _ in range(3):
        run_timers()
        clock.advance(HOUR)
    assert notices("offer_ended") == 1


def test_an_offer_that_ended_late_because_its_payment_was_looked_into_is_recalled(clock):
    _question, payment = submitted(person())

    def becomes(status):
        with unit() as uow:
            uow.session.execute(update(Payment).where(Payment.id == payment).values(status=status))
            uow.commit()

    becomes("checking")
    clock.advance(HOUR + DAY)
    run_timers()
    assert statuses() == ["awaiting_payment"]
    becomes("expired")
    clock.advance(HOUR)
    run_timers()
    assert statuses() == ["draft"]
    assert notices("offer_ended") == 1


def test_a_worker_that_stood_still_for_days_recalls_nothing_old(clock):
    submitted(person())
    clock.advance(HOUR)
    run_timers()
    clock.advance(DAY * 3)
    run_timers()
    assert notices("offer_ended") == 0


def test_a_draft_lives_for_90_days_and_its_end_is_announced(clock):
    kept, touched = draft(person()), draft(person())
    clock.advance(83 * DAY)
    with unit() as uow:
        uow.session.execute(
            update(Question).where(Question.id == touched).values(updated_at=clock.now())
        )
        uow.commit()
    for _ in range(3):
        run_timers()
    assert notices("draft_ending") == 1
    clock.advance(7 * DAY - MOMENT)
    assert run_timers() == 0
    clock.advance(MOMENT)
    assert run_timers() == 1
    assert question_row(kept).status == "abandoned"
    assert question_row(touched).status == "draft"


def test_a_retired_draft_honours_no_payment(clock):
    question, payment = submitted(person())
    clock.advance(HOUR)
    run_timers()
    clock.advance(90 * DAY)
    run_timers()
    assert question_row(question).status == "abandoned"
    with unit() as uow:
        from upss.payments.models import Payment

        assert uow.session.get_one(Payment, payment).closed_at is not None


def test_many_are_handled_in_batches(clock, monkeypatch):
    monkeypatch.setattr(moves, "BATCH", 2)
    asker = person()
    for _ in range(5):
        draft(asker)
    clock.advance(90 * DAY)
    counts = []
    for _ in range(4):
        with unit() as uow:
            counts.append(timers.retire_drafts(uow))
            uow.commit()
    assert counts == [2, 2, 1, 0]
    for _ in range(5):
        draft(asker)
    clock.advance(90 * DAY)
    assert run_timers() == 5


def test_a_locked_question_is_left_for_the_next_minute(clock):
    from sqlalchemy import create_engine, text

    from upss.db.base import db

    first, second = draft(person()), draft(person())
    clock.advance(90 * DAY)
    other = create_engine(db.engine.url)
    with other.begin() as connection:
        connection.execute(text("SELECT FROM question WHERE id = :q FOR UPDATE"), {"q": first})
        assert run_timers() == 1
    other.dispose()
    assert question_row(second).status == "abandoned"
    assert run_timers() == 1
    assert question_row(first).status == "abandoned"


def test_one_question_without_its_money_does_not_hold_up_the_others(clock, caplog):
    asker = person()
    broken, sound = queued(asker), queued(asker)
    with unit() as uow:  # the payment is gone from our books: nothing can be refunded
        uow.session.execute(
            update(Payment).where(Payment.question_id == broken).values(status="expired")
        )
        uow.commit()
    clock.advance(30 * DAY)
    run_timers()
    assert question_row(broken).status == "queued"
    assert question_row(sound).status == "expired"
    assert "stays as it is" in caplog.text
