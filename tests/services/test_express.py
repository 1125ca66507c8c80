"""Express: sold only where it is worth it, with its own promise; its surcharge goes back by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import event, select

from tests.factories import ANSWER, control, draft, pay_at_standin, person, question_row, queued
from tests.kept import kept as put_back
from tests.money import balances, refund_rows
from upss.db.base import db
from upss.doctor.queries.examination import examine
from upss.forum import queries_answer, queries_caps, queries_desk
from upss.forum.models import Answer
from upss.forum.models_offpeak import Calibration, PromiseScore, QuestionPromise
from upss.forum.rules.caps import CapRule, Metric, Period
from upss.forum.rules.ownership import Owner
from upss.forum.rules.windows import Window
from upss.forum.service import (
    accepting,
    answering,
    asking,
    calibrating,
    claiming,
    dialing,
    hours,
    own_limits,
    promises,
    surcharges,
)
from upss.forum.service.hours import Whose
from upss.forum.tasks import invite_to_express, run_timers
from upss.kernel.ids import AccountId, RefundId
from upss.kernel.roles import Role
from upss.ledger.rules import chart
from upss.ledger.verify import verify
from upss.notices import tasks as notice_tasks
from upss.notices.models import Notice
from upss.payments import tasks as payment_tasks
from upss.web.ports import unit

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MADRID = "Europe/Madrid"
ALWAYS = tuple(Window(dow, 0, 1440) for dow in range(7))
PRICE, EXTRA = 1200, 600


@pytest.fixture
def begun(app, database, nobody_rests):
    """Who takes part and what waits, on a site that sells a quicker answer; made once."""
    return put_back("express", database, begin)


def begin():
    """Somebody is there at every hour; four questions wait: enough to sell a fifth that need not."""
    ada = person("ada@example.org", role=Role.ANSWERER, topics=("home",))
    with unit() as uow:
        hours.set_week(uow, Whose(ada, MADRID), windows=ALWAYS, zone_name=MADRID)
        dialing.turn(uow, organizer_id=None, express=True)
        uow.commit()
    asker = person("asker@example.org")
    return {"ada": ada, "asker": asker, "crowd": [queued(asker) for _ in range(4)]}


@pytest.fixture
def ada(begun):
    return begun["ada"]


@pytest.fixture
def asker(begun):
    return begun["asker"]


@pytest.fixture
def crowded(begun):
    return begun["crowd"]


@pytest.fixture
def sound(app, clock):
    """Whatever happened: the ledger verifies, and the self-checks find nothing."""
    yield
    with unit() as uow:
        assert verify(uow.session).differences == []
    alarms = [each for each in examine(db.engine, now=clock.now(), quick=False) if each.is_error]
    assert [(each.check.code, list(map(str, each.findings))) for each in alarms] == []


def turn(**changes):
    with unit() as uow:
        dialing.turn(uow, organizer_id=None, **changes)
        uow.commit()


def offered(question, *, is_express=True):
    with unit() as uow:
        asking.make_offer(uow, question_id=question, is_express=is_express)
        uow.commit()
    return question_row(question)


def other(question):
    with unit() as uow:
        return asking.other_offer(uow, question_row(question))


def express(asker):
    """A paid express question; commits."""
    question = draft(asker)
    offered(question)
    with unit() as uow:
        payment = asking.submit(
            uow,
            question_id=question,
            owner=Owner(asker_id=asker, session_id=None),
            email="asker@example.org",
            language="en",
        )
        uow.commit()
    payment_tasks.start_checkout(payment)
    pay_at_standin(payment)
    assert payment_tasks.check_payment(payment) == "paid"
    return question


def act(what, question, who, **more):
    with unit() as uow:
        what(uow, question_id=question, answerer_id=who, **more)
        uow.commit()


def answer(question, who):
    act(claiming.claim, question, who)
    act(answering.send_answer, question, who, body=ANSWER)


def accept(question, asker):
    with unit() as uow:
        accepting.accept(uow, question_id=question, actor_id=asker)
        uow.commit()


def miss(clock, question, by=MINUTE):
    clock.instant = question_row(question).promise_at + by


def returned(question):
    return [(row.cause, row.amount_minor) for row in refund_rows(question)]


def money(who):
    """(held, commission, fund, payable) in the books, as credits."""
    found = balances()
    codes = (chart.HELD, chart.COMMISSION, chart.GUARANTEE_FUND, chart.payable(who))
    return tuple(-found.get(code, 0) for code in codes)


def mail(post_office, template, question):
    """The newest mail of this kind about a question, as plain text; others may be late, too."""
    with unit() as uow:
        about = (Notice.template == template, Notice.question_id == question)
        newest = select(Notice.id).where(*about).order_by(Notice.id.desc())
        notice = uow.session.scalars(newest.limit(1)).one()
    notice_tasks.send(notice)
    plain, _rich = post_office.messages[-1].iter_parts()
    return " ".join(plain.get_content().split())


# --- the offer ----------------------------------------------------------------------------------


def test_a_quicker_promise_costs_its_surcharge_and_can_be_put_back(asker, clock):
    question = draft(asker)
    usual = offered(question, is_express=False)
    shown = other(question)
    assert shown.difference_minor == EXTRA
    quick = offered(question)
    assert (quick.price_minor, quick.express_minor) == (PRICE + EXTRA, EXTRA)
    assert quick.promise_at == shown.by
    # (0 + 3) of 2 hours, by 2.5 and a quarter; the ordinary one has four ahead
    assert quick.promise_at - clock.now() - HOUR == timedelta(hours=19)
    assert usual.promise_at - clock.now() - HOUR == timedelta(hours=44)
    assert quick.honour_until == quick.promise_at - HOUR
    with unit() as uow:
        noted = uow.session.get(QuestionPromise, question)
    assert (noted.is_express, noted.ordinary_by, noted.n_ahead) == (True, usual.promise_at, 0)
    assert other(question) == asking.OtherOffer(usual.promise_at, EXTRA)
    again = offered(question, is_express=False)
    assert (again.price_minor, again.express_minor) == (PRICE, None)
    assert again.promise_at == usual.promise_at
    turn(express=False)
    assert other(question) is None
    with pytest.raises(promises.NoExpress):
        offered(question)
    assert question_row(question).price_minor == PRICE


def test_it_is_sold_where_it_is_worth_it_to_one_in_five_and_counts_its_own_queue(asker, crowded):
    express(asker)
    question = draft(asker)
    with pytest.raises(promises.NoExpress):
        offered(question)  # it would be two of six
    more = [queued(asker) for _ in range(4)]
    offered(question)  # two of ten
    with unit() as uow:
        assert uow.session.get(QuestionPromise, question).n_ahead == 1
    for waiting in (*crowded, *more[:2]):
        with unit() as uow:
            asking.withdraw(uow, question_id=waiting)
            uow.commit()
    with pytest.raises(promises.NoExpress):
        offered(question)  # one and three, of three and three: not quick enough to be worth it


# --- the queue and the figures ------------------------------------------------------------------


def test_an_express_question_comes_first_and_waits_for_no_quieter_hour(ada, asker, clock):
    turn(mode="strict")
    clock.advance(-HOUR)  # Wednesday at 11: a peak
    usual, quick = queued(asker), express(asker)
    assert question_row(usual).released_at > clock.now()
    assert question_row(quick).released_at == clock.now()
    with unit() as uow:
        facts = {"now": clock.now(), "month_start": clock.now(), "site_zone": MADRID}
        desk = queries_desk.desk(uow.session, answerer_id=ada, **facts)
        waiting = queries_desk.queue(uow.session, desk=desk, now=clock.now(), is_peak=True)
        page = queries_answer.work(
            uow.session,
            public_id=question_row(quick).public_id,
            answerer_id=ada,
            now=clock.now(),
            site_zone=MADRID,
        )
    assert (waiting.offer.id, waiting.others, waiting.held_back) == (quick, 0, 5)
    assert (waiting.offer.share_minor, waiting.offer.late_minor) == (1530, 1020)
    assert page.opens_at == clock.now()
    act(claiming.claim, quick, ada)


def test_five_people_hear_of_it_at_once_and_once(ada, asker, clock, database):
    others = [person(role=Role.ANSWERER, topics=("home",)) for _ in range(6)]
    with unit() as uow:
        for each in others:
            hours.set_week(uow, Whose(each, MADRID), windows=ALWAYS, zone_name=MADRID)
        uow.commit()
    question = express(asker)
    waits = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'forum.invite_to_express'"
    with psycopg.connect(database.owner_conninfo) as owner:
        assert owner.execute(waits).fetchone() == (1,)
    assert invite_to_express(question) == 5
    assert invite_to_express(question) == 0
    act(claiming.claim, question, ada)
    clock.advance(4 * HOUR)
    assert invite_to_express(question) == 0


def test_its_scores_are_its_own(ada, asker, crowded, clock):
    quick, usual = express(asker), crowded[0]
    clock.advance(2 * HOUR)
    answer(quick, ada)
    answer(usual, ada)
    clock.advance(HOUR)
    with unit() as uow:
        calibrating.calibrate_due(uow)
        uow.commit()
        scored = uow.session.execute(select(PromiseScore.question_id, PromiseScore.is_express))
        assert set(map(tuple, scored)) == {(quick, True), (usual, False)}
        known = uow.session.get(Calibration, 1)
        assert (known.n_scores, known.n_express_scores) == (1, 1)


# --- what it costs more, and its way back -------------------------------------------------------


def test_at_the_promised_moment_it_is_in_time_and_the_whole_price_is_shared(
    ada, asker, clock, sound
):
    question = express(asker)
    act(claiming.claim, question, ada)
    miss(clock, question, by=timedelta(0))
    run_timers()
    act(answering.send_answer, question, ada, body=ANSWER)
    clock.advance(MINUTE)
    run_timers()
    accept(question, asker)
    assert returned(question) == []
    # 18.00: 15 % commission, 3 % of the price into the fund; four questions wait with 12.00 each
    assert money(ada) == (4 * PRICE, 216, 54, 1530)


def test_a_late_answer_gives_it_back_before_any_timer(ada, asker, clock, sound):
    question = express(asker)
    act(claiming.claim, question, ada)
    miss(clock, question, by=timedelta(seconds=1))
    act(answering.send_answer, question, ada, body=ANSWER)
    assert returned(question) == [("express_missed", EXTRA)]
    run_timers()
    accept(question, asker)
    assert returned(question) == [("express_missed", EXTRA)]
    assert money(ada)[3] == 1020


def test_sent_in_time_it_is_in_time_however_long_a_lock_takes(ada, asker, clock, sound):
    question = express(asker)
    miss(clock, question, by=-3 * HOUR)
    act(claiming.claim, question, ada)
    miss(clock, question, by=timedelta(0))
    run_timers()
    assert question_row(question).status == "queued"  # the claim ended: it is taken once more

    def wait(_connection, _cursor, statement, *_more):
        if "FROM account" in statement and "FOR NO KEY UPDATE" in statement:
            clock.advance(MINUTE)

    event.listen(db.engine, "before_cursor_execute", wait)
    try:
        act(answering.send_answer, question, ada, body=ANSWER)
    finally:
        event.remove(db.engine, "before_cursor_execute", wait)
    row = question_row(question)
    assert (row.status, row.answered_at) == ("answered", row.promise_at)
    assert clock.now() > row.promise_at
    assert row.accept_due_at == row.answered_at + 7 * 24 * HOUR
    with unit() as uow:
        assert uow.session.scalars(select(Answer.posted_at)).one() == row.promise_at
    assert returned(question) == []


def test_nobody_answered_and_the_money_comes_back_in_two_parts(asker, clock, post_office, sound):
    control("top-up")  # or the refund waits for the fee
    question = express(asker)
    miss(clock, question)
    run_timers()
    assert "You paid €6.00 more for a quicker answer." in mail(
        post_office, "promise_missed", question
    )
    miss(clock, question, by=48 * HOUR)
    run_timers()
    assert question_row(question).status == "expired"
    assert returned(question) == [("express_missed", EXTRA), ("expired", PRICE)]
    for row in refund_rows(question):
        payment_tasks.send_refund(RefundId(row.id))
    assert {row.status for row in refund_rows(question)} == {"settled"}


@pytest.mark.usefixtures("sound")
def test_an_answer_that_is_sent_while_the_timer_gives_it_back(
    app, ada, asker, clock, database, post_office
):
    question = express(asker)
    act(claiming.claim, question, ada)
    miss(clock, question)

    def send():
        with app.app_context():
            act(answering.send_answer, question, ada, body=ANSWER)

    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database.superuser_conninfo) as admin:
        with unit() as uow:
            assert surcharges.return_due(uow) == 1
            sent = pool.submit(send)
            while admin.execute(waits).fetchone() == (0,):
                assert not sent.done()
                admin.rollback()
            uow.commit()
        sent.result(timeout=30)
    assert question_row(question).status == "answered"
    assert returned(question) == [("express_missed", EXTRA)]
    assert "The €6.00 that you paid for a quicker answer" in mail(
        post_office, "answer_ready", question
    )


def test_who_withdraws_before_the_timer_gets_all_at_once(asker, clock, sound):
    question = express(asker)
    miss(clock, question)
    with unit() as uow:
        asking.withdraw(uow, question_id=question)
        uow.commit()
    run_timers()
    assert returned(question) == [("withdrawn", PRICE + EXTRA)]


def test_missed_while_somebody_writes_it_goes_back_once_and_less_is_earned(
    ada, asker, clock, sound
):
    def stands():
        with unit() as uow:
            [it] = queries_caps.in_force(uow.session, AccountId(ada)).standings
        standing = it.counter.standing(it.row.day_of(clock.now()))
        return standing.booked, standing.reserved

    rule = CapRule(
        metric=Metric.MONEY, period=Period.YEAR, limit=9000, currency="EUR", safety_pct=0
    )
    with unit() as uow:
        own_limits.add(uow, account_id=ada, rule=rule, currency="EUR", zone=MADRID)
        uow.commit()
    question = express(asker)
    miss(clock, question, by=-10 * MINUTE)
    act(claiming.claim, question, ada)
    assert stands() == (0, 1530)
    clock.advance(11 * MINUTE)
    for _ in range(2):
        run_timers()
    assert returned(question) == [("express_missed", EXTRA)]
    assert question_row(question).express_returned_at == clock.now()
    assert stands() == (0, 1020)
    payment_tasks.send_refund(RefundId(refund_rows(question)[0].id))
    act(answering.send_answer, question, ada, body=ANSWER)
    accept(question, asker)
    assert returned(question) == [("express_missed", EXTRA)]
    assert stands() == (1020, 0)
    assert money(ada) == (4 * PRICE, 144, 36, 1020)


def test_given_back_with_its_unit_or_not_at_all_and_by_one_at_a_time(asker, clock, database, sound):
    question = express(asker)
    miss(clock, question)
    with unit() as uow:
        assert surcharges.return_due(uow) == 1  # and then the process ends
    assert returned(question) == []
    assert question_row(question).express_returned_at is None
    with psycopg.connect(database.owner_conninfo) as elsewhere:  # somebody sends an answer now
        elsewhere.execute("SELECT FROM question WHERE id = %s FOR UPDATE", [question])
        with unit() as uow:
            assert surcharges.return_due(uow) == 0
    run_timers()
    assert returned(question) == [("express_missed", EXTRA)]
