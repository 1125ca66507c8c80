"""The promise from the capacity clock: what it is calculated from, when there is none, how it learns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import select

from tests.factories import ANSWER, draft, pay_at_standin, person, question_row, queued, submitted
from upss.accounts import service as accounts
from upss.forum.models import Question
from upss.forum.models_offpeak import (
    Calibration,
    PromiseScore,
    QuestionPromise,
    TopicDesk,
)
from upss.forum.rules.windows import Window
from upss.forum.service import (
    answering,
    asking,
    calibrating,
    claiming,
    dialing,
    hours,
    own_limits,
    promises,
)
from upss.forum.service.hours import Whose
from upss.kernel.ids import new_public_id
from upss.kernel.roles import Role
from upss.payments import tasks as payment_tasks
from upss.web.ports import unit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MADRID = "Europe/Madrid"
ALWAYS = tuple(Window(dow, 0, 1440) for dow in range(7))


@pytest.fixture
def site(app, database, nobody_rests):
    """A new site as its migrations leave it."""
    return database


@pytest.fixture
def ada(site):
    return person("ada@example.org", role=Role.ANSWERER, topics=("home",))


@pytest.fixture
def asker(site):
    return person("asker@example.org")


def offer(question):
    with unit() as uow:
        asking.make_offer(uow, question_id=question)
        uow.commit()
    return question_row(question)


def refused(question):
    with pytest.raises(promises.NoPromise) as caught, unit() as uow:
        asking.make_offer(uow, question_id=question)
    row = question_row(question)
    assert (row.status, row.price_minor, row.offered_at) == ("draft", None, None)
    return caught.value.facts["reason"]


def of(question):
    with unit() as uow:
        return uow.session.get(QuestionPromise, question)


def desk(topic="home", language="en"):
    with unit() as uow:
        return uow.session.get(TopicDesk, (topic, language))


def calibration():
    with unit() as uow:
        return uow.session.get(Calibration, 1)


def scores():
    with unit() as uow:
        return dict(uow.session.execute(select(PromiseScore.question_id, PromiseScore.value)).all())


def calibrate():
    with unit() as uow:
        done = calibrating.calibrate_due(uow)
        uow.commit()
    return done


def always(who, *languages):
    """Declare every hour of the week."""
    with unit() as uow:
        hours.set_week(uow, Whose(who, MADRID), windows=ALWAYS, zone_name=MADRID)
        if languages:
            mine = frozenset(languages)
            hours.set_work(uow, Whose(who, MADRID), languages=mine, topics_off=frozenset())
        uow.commit()


def pause(who, until):
    with unit() as uow:
        hours.pause(uow, Whose(who, MADRID), until=until)
        uow.commit()


def unpaid(who, *, is_on):
    with unit() as uow:
        own_limits.set_no_paid_work(uow, account_id=who, is_on=is_on)
        uow.commit()


def act(who, question, what):
    with unit() as uow:
        what(uow, question_id=question, answerer_id=who)
        uow.commit()


def answer(who, question):
    act(who, question, claiming.claim)
    with unit() as uow:
        answering.send_answer(uow, question_id=question, answerer_id=who, body=ANSWER)
        uow.commit()


def turn(**changes):
    """Set the dials anew."""
    with unit() as uow:
        dialing.turn(uow, organizer_id=None, **changes)
        uow.commit()


class TestQuote:
    @pytest.mark.usefixtures("ada")
    def test_answerer_hours_of_the_assumed_week(self, asker):
        # (0 + 3) / 0.5 x 2.5 = 15 hours from Wednesday 13:00: 4 + 8 + 3, so Friday at 12:00, which
        # are 47 hours; a quarter more is Friday at 23:45, and rounded up midnight
        row = offer(draft(asker))
        assert row.promise_at == datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
        assert row.honour_until == row.promise_at - 2 * HOUR
        noted = of(row.id)
        assert (noted.by_at, noted.offered_at) == (row.promise_at, row.offered_at)
        assert (noted.n_ahead, noted.rate, noted.factor, noted.margin) == (0, 0.5, 2.5, 0.25)
        assert (noted.base_h, noted.n_scores) == (6.0, 0)
        assert noted.reading == pytest.approx(1.0)  # from 12:00 until 13:00

    def test_only_those_ahead_in_topic_and_language(self, asker, ada):
        always(ada, "en", "es")
        for language in ("en", "en", "es"):
            queued(asker, language=language)
        assert of(offer(draft(asker)).id).n_ahead == 2
        assert of(offer(draft(asker, language="es")).id).n_ahead == 1

    @pytest.mark.usefixtures("ada")
    def test_more_people_promise_more(self, asker):
        first = offer(draft(asker)).promise_at
        person(role=Role.ANSWERER, topics=("home",))
        assert offer(draft(asker)).promise_at < first

    def test_a_promise_that_was_paid_for_never_changes(self, site, asker, ada, clock):
        question, payment = submitted(asker)
        before = question_row(question).promise_at
        pay_at_standin(payment)
        payment_tasks.check_payment(payment)
        pause(ada, clock.now() + 30 * DAY)
        assert question_row(question).promise_at == before
        for table, column, key in (
            ("question", "promise_at", "id"),
            ("question_promise", "by_at", "question_id"),
        ):
            with (
                psycopg.connect(site.app_conninfo) as app,
                pytest.raises(psycopg.Error, match="paid"),
            ):
                app.execute(f"UPDATE {table} SET {column} = now() WHERE {key} = {question}")

    @pytest.mark.usefixtures("ada")
    def test_an_unpaid_one_is_given_anew(self, asker, clock):
        question = draft(asker)
        first = offer(question).promise_at
        clock.advance(3 * DAY)
        assert offer(question).promise_at == first + 3 * DAY
        assert of(question).offered_at == clock.now()


class TestNoPromise:
    @pytest.mark.usefixtures("ada")
    def test_nobody_knows_the_language(self, asker):
        assert refused(draft(asker, language="ca")) == "nobody"

    @pytest.mark.usefixtures("ada")
    def test_nobody_knows_the_topic(self, asker):
        assert refused(draft(asker, topic="bills")) == "nobody"

    def test_everybody_pauses_and_comes_back(self, asker, ada, clock):
        question = draft(asker)
        pause(ada, clock.now() + 60 * DAY)
        assert refused(question) == "nobody"
        with unit() as uow:
            hours.come_back(uow, Whose(ada, MADRID))
            uow.commit()
        assert offer(question).promise_at is not None

    def test_nobody_who_takes_no_paid_work_is_counted_on(self, asker, ada):
        question = draft(asker)
        unpaid(ada, is_on=True)
        assert refused(question) == "nobody"
        unpaid(ada, is_on=False)
        assert offer(question).promise_at is not None

    def test_nobody_who_was_invited_and_never_came(self, asker, clock):
        who = person(role=Role.ANSWERER, topics=("home",), has_come=False)
        question = draft(asker)
        assert refused(question) == "nobody"
        clock.advance(2 * DAY)
        with unit() as uow:
            accounts.confirm(uow, account_id=who)
            uow.commit()
        # as if they had been invited now: the days before count for nothing
        assert offer(question).promise_at == datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
        assert of(question).reading == pytest.approx(1.0)

    def test_too_much_waits(self, asker, ada, clock):
        always(ada)
        turn(max_promise_hours=24)
        given = [question_row(queued(asker)).promise_at - clock.now() - HOUR for _ in range(10)]
        # 3 x 2 hours x 2.5 and a quarter; then what fits into a day without that gets the day:
        # nine ahead and the three that are always added take exactly a day
        assert given == [timedelta(hours=19)] + [DAY] * 9
        assert refused(draft(asker)) == "too_late"

    @pytest.mark.usefixtures("ada")
    def test_no_longer_than_the_organizer_allows(self, asker):
        turn(max_promise_hours=4)  # of which one is an hour of hers
        assert refused(draft(asker)) == "too_late"


class TestCalibrate:
    @pytest.fixture(autouse=True)
    def at_any_hour(self, ada):  # noqa: ARG002
        """Nothing waits for a quieter hour."""
        turn(mode="open")

    def test_counts_the_hours_with_a_queue_and_the_answers(self, asker, ada, clock):
        always(ada)
        question = queued(asker)  # 11:00
        clock.advance(timedelta(minutes=90))
        act(ada, question, claiming.claim)  # 12:30: nothing waits
        clock.advance(timedelta(minutes=60))
        act(ada, question, answering.hand_back)  # 13:30
        clock.advance(timedelta(minutes=15))
        answer(ada, question)  # 13:45
        clock.advance(timedelta(minutes=75))
        assert calibrate() == 1
        counted = desk()
        assert (counted.completions, counted.exposure_h) == (1.0, pytest.approx(1.75))
        assert counted.counted_until == clock.now() == datetime(2026, 11, 18, 15, tzinfo=UTC)
        # from the end of the offer, 12:00, until 13:45, over a base of 6 hours
        assert scores() == {question: pytest.approx(1.75 / 6)}
        assert (calibration().factor, calibration().n_scores) == (2.5, 1)

    @pytest.mark.usefixtures("ada")
    def test_an_hour_is_counted_once(self, asker, clock):
        queued(asker)
        clock.advance(HOUR)
        assert [calibrate(), calibrate()] == [1, 0]
        clock.advance(timedelta(minutes=59))
        assert calibrate() == 0
        clock.advance(-HOUR)  # the site's clock is set back
        assert calibrate() == 0

    def test_after_a_clock_that_ran_ahead_it_promises_and_learns_again(
        self, asker, ada, clock, caplog
    ):
        always(ada)
        answer(ada, queued(asker))
        clock.advance(HOUR)
        now = clock.now()
        clock.instant = now + 30 * DAY
        calibrate()
        clock.instant = now
        assert offer(draft(asker)).promise_at < now + DAY
        assert calibrate() == 1
        assert "the clock was ahead" in caplog.text
        assert (desk().clock_start, desk().counted_until, calibration().at) == (now, now, now)
        known = desk().completions
        clock.advance(HOUR)
        answer(ada, queued(asker))
        clock.advance(HOUR)
        assert calibrate() == 1
        assert desk().completions == known + 1

    @pytest.mark.parametrize("step", [HOUR, 7 * HOUR, 36 * HOUR])
    def test_a_worker_that_stood_still_loses_nothing(self, asker, ada, clock, step):
        always(ada)
        begin = clock.now()
        first = queued(asker)
        plans = [
            (begin + 5 * HOUR + timedelta(minutes=10), lambda: answer(ada, first)),
            (begin + 20 * HOUR, lambda: answer(ada, queued(asker))),
            (begin + 30 * HOUR + timedelta(minutes=30), lambda: queued(asker)),
            (begin + 36 * HOUR, calibrate),
        ]
        runs = [(begin + n * step, calibrate) for n in range(1, int(36 * HOUR / step) + 1)]
        for at, what in sorted(plans + runs, key=lambda each: each[0]):
            clock.instant = at
            what()
        counted = desk()
        assert (counted.completions, len(scores())) == (2.0, 2)
        assert counted.exposure_h == pytest.approx(5 + 10 / 60 + 5.5)

    def test_the_rate_learns(self, asker, ada, clock):
        always(ada)
        for _ in range(3):
            answer(ada, queued(asker))
            clock.advance(HOUR)
        calibrate()
        noted = of(offer(draft(asker)).id)
        assert noted.rate == pytest.approx((3 + 5) / (0 + 10))
        assert noted.base_h == pytest.approx(3 / 0.8)

    def test_the_factor_is_an_order_statistic_once_sixty_were_timed(self, asker, ada, clock):
        now = clock.now()
        with unit() as uow:
            drafts = [
                Question(
                    public_id=new_public_id(), asker_id=asker, status="draft", language="en",
                    title="?", body="?", created_at=now, updated_at=now,
                )
                for _ in range(80)
            ]  # fmt: skip
            uow.session.add_all(drafts)
            uow.session.flush()
            for number, question in enumerate(drafts):
                at = now + number * timedelta(seconds=1)
                uow.session.add(PromiseScore(question_id=question.id, at=at, value=number / 10))
            uow.commit()
        calibrate()
        # ceil(0.97 x 81) = 79th of 80
        assert (calibration().factor, calibration().n_scores) == (pytest.approx(7.8), 80)
        clock.advance(HOUR)
        always(ada)
        waiting = [queued(asker) for _ in range(2)]
        clock.advance(9 * DAY)
        calibrate()
        assert [question_row(each).status for each in waiting] == ["queued", "queued"]
        # both are over it: without them a queue that grows would look healthy
        assert calibration().factor > 7.8

    def test_a_rolled_clock_goes_on(self, asker, ada, clock):
        always(ada)
        question = queued(asker)
        start = desk().clock_start
        clock.advance(2 * DAY + 2 * HOUR)
        calibrate()
        rolled = desk()
        assert rolled.clock_start == clock.now() - DAY > start
        assert rolled.clock_base == pytest.approx((rolled.clock_start - start) / HOUR, rel=0.01)
        answer(ada, question)
        clock.advance(HOUR)
        calibrate()
        assert scores() == {question: pytest.approx(49 / 6)}
