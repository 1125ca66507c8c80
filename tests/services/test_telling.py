"""Mails about promises: possible again, with nobody left to keep them, and missed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import select, text

from tests.factories import person, question_row, queued
from upss.forum.models_offpeak import Waiting
from upss.forum.service import claiming, hours, promises
from upss.forum.service.hours import Whose
from upss.forum.tasks import reach_out, run_timers
from upss.kernel.roles import Role
from upss.notices import tasks as notice_tasks
from upss.notices.models import Notice
from upss.web.ports import unit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MADRID = "Europe/Madrid"


@pytest.fixture(autouse=True)
def _site(app, nobody_rests):
    """A new site as its migrations leave it."""


@pytest.fixture
def mails(post_office):
    """What was sent since: run the worker's jobs, return (to, subject, text) of each mail."""

    def read():
        post_office.messages.clear()
        with unit() as uow:
            unsent = uow.session.scalars(
                select(Notice.id)
                .where(Notice.sent_at.is_(None), Notice.template != "invitation")
                .order_by(Notice.id)
            ).all()
        for number in unsent:
            notice_tasks.send(number)
        return [
            (
                each["To"],
                each["Subject"],
                next(each.iter_parts()).get_content().replace("\r\n", "\n"),
            )
            for each in post_office.messages
        ]

    return read


def of(found, *words):
    """The mails whose subject holds all these words."""
    return [mail for mail in found if all(word in mail[1] for word in words)]


def wants(email, topic="home", language="en", reads="en"):
    with unit() as uow:
        promises.wait_for(uow, place=(topic, language), email=email, reads=reads)
        uow.commit()


def list_of_those_who_wait():
    with unit() as uow:
        return sorted(uow.session.scalars(select(Waiting.email)))


def ada():
    return person("ada@example.org", role=Role.ANSWERER, topics=("home",))


def pause(who, until):
    with unit() as uow:
        hours.pause(uow, Whose(who, MADRID), until=until)
        uow.commit()


def come_back(who):
    with unit() as uow:
        hours.come_back(uow, Whose(who, MADRID))
        uow.commit()


def at_once(app, act, times=2):
    """Do it in threads of their own, from one moment on, as two workers would."""
    start = Barrier(times)

    def run(_number):
        with app.app_context():
            start.wait(30)
            return act()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


class TestThoseWhoWait:
    def test_told_once_when_a_promise_is_possible(self, clock, mails):
        wants("rosa@example.org")
        wants("rosa@example.org")
        assert reach_out() == 0
        assert mails() == []
        ada()
        assert reach_out() == 1
        ((to, subject, words),) = mails()
        assert to == "rosa@example.org"
        assert subject == "An answer about “Home and repairs” can be promised again"
        assert "http://localhost/ask\n" in words
        assert list_of_those_who_wait() == []
        clock.advance(DAY)
        assert reach_out() == 0
        assert mails() == []

    def test_who_asks_for_it_again_is_told_again(self, mails):
        ada()
        for _ in range(2):
            wants("rosa@example.org")
            assert reach_out() == 1
            assert len(mails()) == 1

    def test_only_of_the_topic_and_language_that_can_be_promised(self, clock, mails):
        wants("home@example.org")
        wants("spanish@example.org", language="es")
        wants("bills@example.org", topic="bills")
        who = ada()
        pause(who, clock.now() + 9 * DAY)
        assert reach_out() == 0
        clock.advance(9 * DAY)
        reach_out()
        assert [to for to, _subject, _words in mails()] == ["home@example.org"]
        assert list_of_those_who_wait() == ["bills@example.org", "spanish@example.org"]

    def test_in_the_language_in_which_they_read(self, mails):
        ada()
        for language in ("en", "es", "ca"):
            wants(f"{language}@example.org", reads=language)
        reach_out()
        assert len({subject for _to, subject, _words in mails()}) == 3

    def test_a_topic_that_is_closed_waits(self, database):
        ada()
        wants("rosa@example.org")
        with psycopg.connect(database.owner_conninfo) as owner:
            owner.execute("UPDATE topic SET is_open = false WHERE code = 'home'")
        assert reach_out() == 0
        assert list_of_those_who_wait() == ["rosa@example.org"]

    def test_two_workers_at_once_tell_each_person_once(self, app, mails):
        ada()
        for number in range(30):
            wants(f"{number}@example.org")
        assert sum(at_once(app, reach_out)) == 30
        assert len(mails()) == 30
        assert list_of_those_who_wait() == []


class TestNobodyIsLeft:
    @pytest.fixture(autouse=True)
    def _boss(self):
        person("boss@example.org", role=Role.ORGANIZER)

    def alarms(self, found):
        return of(found, "nobody is there to keep them")

    def test_told_at_half_of_the_promise_once_a_day(self, clock, mails):
        who = ada()
        row = question_row(queued(person()))
        half = row.paid_at + (row.promise_at - row.paid_at) / 2
        clock.advance(HOUR)
        pause(who, row.promise_at)
        mails()  # that the topic is left alone was told at once
        clock.instant = half - timedelta(seconds=1)
        assert reach_out() == 0
        clock.instant = half
        for _ in range(2):
            reach_out()
        ((to, subject, words),) = self.alarms(mails())
        assert to == "boss@example.org"
        assert "“Home and repairs” in English" in subject
        assert "http://localhost/organizer" in words
        clock.advance(timedelta(hours=15))  # the next day
        assert clock.now() < row.promise_at
        reach_out()
        assert len(self.alarms(mails())) == 1

    def test_not_while_somebody_is_expected_before_it(self, clock):
        who = ada()
        row = question_row(queued(person()))
        clock.advance(HOUR)
        pause(who, row.promise_at - 12 * HOUR)  # back for an evening
        clock.instant = row.promise_at - 13 * HOUR
        assert reach_out() == 0

    def test_not_when_it_is_merely_late(self, clock):
        ada()
        row = question_row(queued(person()))
        clock.instant = row.promise_at - timedelta(minutes=30)  # by night, as from the start
        assert clock.now() == datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
        assert reach_out() == 0

    def test_the_last_promise_counts_as_well_as_the_first(self, clock):
        """The first one ends by night, in hours in which nobody was ever expected."""
        who = ada()
        first, last = (question_row(queued(person())) for _ in range(2))
        assert first.promise_at == datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
        assert last.promise_at == datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
        clock.instant = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
        assert reach_out() == 0
        pause(who, last.promise_at)
        assert reach_out() == 1

    def test_not_once_somebody_is_back_or_writes(self, clock):
        who = ada()
        question = queued(person())
        row = question_row(question)
        clock.advance(HOUR)
        pause(who, row.promise_at)
        clock.instant = row.paid_at + (row.promise_at - row.paid_at) * 0.6
        assert reach_out() == 1
        come_back(who)
        assert reach_out() == 0
        pause(who, row.promise_at)
        assert reach_out() == 1
        with unit() as uow:
            uow.session.execute(text("UPDATE question SET status = 'claimed'"))
            uow.commit()
        assert reach_out() == 0


class TestMissed:
    def missed(self, found):
        return of(found, "we are late, and we are sorry")

    def test_the_asker_may_choose(self, clock, mails):
        ada()
        row = question_row(queued(person("rosa@example.org")))
        clock.instant = row.promise_at - timedelta(seconds=1)
        run_timers()
        assert self.missed(mails()) == []
        clock.instant = row.promise_at
        for _ in range(2):
            run_timers()
        ((to, _subject, words),) = self.missed(mails())
        assert to == "rosa@example.org"
        assert "by Saturday 21 November at 00:00. It is not there. We apologise." in words
        assert "You can have all your money back at once" in words
        assert "If nobody answers by Monday 23 November at 00:00, all your money" in words
        assert f"http://localhost/questions/{row.public_id}\n" in words
        clock.instant = row.promise_at + 2 * DAY
        run_timers()
        assert question_row(row.id).status == "expired"
        assert len(of(mails(), "no answer, and your money back")) == 1

    def test_somebody_who_writes_is_told_of(self, clock, mails):
        who = ada()
        question = queued(person("rosa@example.org"))
        row = question_row(question)
        clock.instant = row.promise_at - HOUR
        with unit() as uow:
            claiming.claim(uow, question_id=question, answerer_id=who)
            uow.commit()
        clock.instant = row.promise_at
        run_timers()
        ((_to, _subject, words),) = self.missed(mails())
        assert "Somebody is writing your answer now." in words
        assert "choose" not in words

    def test_told_even_if_the_worker_slept_a_day(self, clock, mails):
        ada()
        row = question_row(queued(person("rosa@example.org")))
        clock.instant = row.promise_at + 30 * HOUR
        run_timers()
        assert len(self.missed(mails())) == 1
