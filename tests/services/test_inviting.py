"""Invitations by mail: in people's own hours, few, to what they may claim, and never twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import create_engine, select, update

from tests.factories import person
from tests.services.test_telling import at_once
from tests.trust.claim_stage import questions_of
from upss.forum import queries_hours, queries_invite, queries_queue
from upss.forum.models import Question
from upss.forum.models_inviting import Invitation
from upss.forum.rules.skips import SkipReason
from upss.forum.rules.windows import Interval, Window
from upss.forum.service import claiming, dialing, hours, inviting, own_limits, skipping
from upss.forum.service.hours import Whose
from upss.forum.tasks import reach_out
from upss.kernel.roles import Role
from upss.notices import tasks as notice_tasks
from upss.notices.models import Notice
from upss.web.ports import unit

MADRID = "Europe/Madrid"
HERE = ZoneInfo(MADRID)
QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
ALWAYS = tuple(Window(dow, 0, 1440) for dow in range(7))


@pytest.fixture(autouse=True)
def _site(app, nobody_rests):
    """A new site, on which nothing waits for a quieter hour and nobody shows it first to others."""
    turn(mode="open", stagger_minutes=0)


def turn(**changes):
    with unit() as uow:
        dialing.turn(uow, organizer_id=None, **changes)
        uow.commit()


def answerer(name, *, topics=("bills",), windows=ALWAYS):
    who = person(f"{name}@example.org", role=Role.ANSWERER, topics=topics)
    if windows:
        with unit() as uow:
            hours.set_week(uow, Whose(who, MADRID), windows=windows, zone_name=MADRID)
            uow.commit()
    return who


@pytest.fixture
def ada():
    return answerer("ada")


@pytest.fixture
def waiting(database):
    """A way to make questions about bills that nobody has taken, and that press at once."""
    engine = create_engine(database.app_url)

    def make(number=1, asker=None, **changes):
        found = questions_of(engine, asker or person(), number)
        if changes:
            with unit() as uow:
                uow.session.execute(
                    update(Question).where(Question.id.in_(found)).values(**changes)
                )
                uow.commit()
        return found

    yield make
    engine.dispose()


def invite():
    with unit() as uow:
        count = inviting.invite_due(uow)
        uow.commit()
    return count


def sent(who=None):
    """The times of invitations, those of one person or of all, the oldest first."""
    with unit() as uow:
        rows = select(Invitation.at).order_by(Invitation.id)
        return list(
            uow.session.scalars(rows if who is None else rows.where(Invitation.account_id == who))
        )


def live(clock, days, times):
    """Let time pass, with a round at each of these times in Madrid on these days of November."""
    for day in days:
        for hour, minute in times:
            moment = datetime(2026, 11, day, hour, minute, tzinfo=HERE).astimezone(UTC)
            if moment >= clock.now():
                clock.instant = moment
                invite()


def local(at):
    return at.astimezone(HERE)


class TestWhen:
    def test_somebody_is_invited_once_in_a_round(self, waiting, clock, ada):
        waiting()
        assert invite() == 1
        assert invite() == 0
        assert sent() == [clock.now()]
        clock.advance(QUARTER)
        assert invite() == 0  # three hours have not passed
        assert sent(ada) == [clock.now() - QUARTER]

    @pytest.mark.usefixtures("ada")
    def test_the_next_round_is_in_the_next_quarter(self, waiting, clock):
        waiting(30)
        assert invite() == 1
        answerer("berta")
        clock.advance(QUARTER - timedelta(seconds=1))
        assert invite() == 0
        clock.advance(timedelta(seconds=1))
        assert invite() == 1

    def test_at_most_two_a_day_and_three_hours_apart_over_days(self, waiting, clock, ada):
        waiting(30)
        live(clock, (18, 19), [(hour, 0) for hour in (0, *range(6, 24))])
        times = sent(ada)
        assert len(times) == 4
        days = [local(at).date() for at in times]
        assert max(days.count(day) for day in days) == 2
        assert min(b - a for a, b in pairwise(times)) >= 3 * HOUR
        assert all(8 <= local(at).hour < 22 for at in times)

    def test_only_in_own_hours(self, waiting, clock):
        mornings = tuple(Window(dow, 9 * 60, 120) for dow in range(5))
        who = answerer("berta", windows=mornings)
        waiting(30)
        clock.advance(DAY)  # to Thursday noon
        live(clock, range(19, 24), [(8, 45), (9, 0), (10, 45), (11, 0), (15, 0), (22, 0)])
        assert [(local(at).weekday(), local(at).hour) for at in sent(who)] == [
            (4, 9), (0, 9),
        ]  # fmt: skip

    def test_never_in_quiet_hours(self, waiting, clock):
        nights = tuple(Window(dow, 21 * 60, 12 * 60) for dow in range(7))
        who = answerer("nora", windows=nights)
        waiting(30)
        edges = [(0, 30), (3, 0), (7, 45), (8, 0), (9, 0), (20, 45), (21, 0), (22, 0), (23, 30)]
        live(clock, (18, 19, 20), edges)
        assert {local(at).hour for at in sent(who)} == {21, 8}

    def test_never_on_a_day_away_or_in_a_pause(self, waiting, clock, ada):
        tomorrow = datetime(2026, 11, 19, tzinfo=HERE).astimezone(UTC)
        with unit() as uow:
            whose = Whose(ada, MADRID)
            hours.pause(uow, whose, until=clock.now() + 2 * HOUR)
            hours.add_absence(uow, whose, absence=Interval(tomorrow, tomorrow + DAY))
            uow.commit()
        waiting(30)
        live(clock, (18, 19, 20), [(8, 0), (11, 0), (13, 45), (14, 0), (17, 0), (21, 45)])
        times = [local(at) for at in sent(ada)]
        assert times[0].strftime("%d %H:%M") == "18 14:00"
        assert 19 not in {at.day for at in times}
        assert 20 in {at.day for at in times}

    @pytest.mark.usefixtures("ada")
    def test_nothing_in_a_closed_site(self, waiting, clock):
        turn(closed_dates=[local(clock.now()).date()])
        waiting()
        assert invite() == 0

    @pytest.mark.usefixtures("ada")
    def test_a_clock_set_back_invites_nobody_twice(self, waiting, clock):
        waiting(30)
        assert invite() == 1
        clock.advance(-2 * HOUR)
        for _ in range(8):
            assert invite() == 0
            clock.advance(QUARTER)
        clock.advance(3 * HOUR)
        assert invite() == 1

    @pytest.mark.usefixtures("ada")
    def test_a_clock_set_back_far_keeps_the_rounds_of_others(self, waiting, clock):
        waiting(30)
        assert invite() == 1
        clock.advance(-HOUR)
        answerer("berta")
        assert invite() == 1


class TestWhom:
    @pytest.mark.usefixtures("ada")
    def test_nobody_without_a_question(self):
        assert invite() == 0

    def test_only_who_may_claim_it(self, waiting, clock, ada):
        answerer("cook", topics=("home",))
        waiting(language="es")
        assert invite() == 0
        waiting()
        clock.advance(QUARTER)
        assert invite() == 1
        assert len(sent(ada)) == 1

    def test_not_the_one_who_asks(self, waiting, ada):
        waiting(asker=ada)
        assert invite() == 0

    def test_not_who_holds_a_question(self, waiting, ada):
        first, _second = waiting(2)
        with unit() as uow:
            claiming.claim(uow, question_id=first, answerer_id=ada)
            uow.commit()
        assert invite() == 0

    def test_not_who_wants_none(self, waiting, clock, ada):
        with unit() as uow:
            for _ in range(2):
                inviting.choose(uow, account_id=ada, is_wanted=False)
            uow.commit()
        waiting()
        assert invite() == 0
        with unit() as uow:
            inviting.choose(uow, account_id=ada, is_wanted=True)
            uow.commit()
        clock.advance(QUARTER)
        assert invite() == 1

    def test_not_who_takes_no_paid_work(self, waiting, ada):
        with unit() as uow:
            own_limits.set_no_paid_work(uow, account_id=ada, is_on=True)
            uow.commit()
        waiting()
        assert invite() == 0

    def test_not_who_never_came(self, waiting):
        person("new@example.org", role=Role.ANSWERER, topics=("bills",), has_come=False)
        waiting()
        assert invite() == 0

    def test_not_more_than_it_takes_for_one_to_come(self, waiting, clock):
        for number in range(12):
            answerer(f"a{number}")
        waiting()
        rounds = []
        for _ in range(3):
            rounds.append(invite())
            clock.advance(QUARTER)
        assert rounds == [1, 1, 0]  # a sixth of an hour: of two who are told enough will come

    @pytest.mark.usefixtures("ada")
    def test_nobody_in_a_peak_for_what_can_wait(self, waiting, clock):
        turn(mode="deferred")
        waiting(urgent_at=clock.now() + HOUR)  # at noon on a Wednesday
        assert invite() == 0
        clock.advance(HOUR)
        assert invite() == 1

    def test_nobody_to_what_they_passed_over_today(self, waiting, ada):
        (question,) = waiting(1)
        with unit() as uow:
            reason = SkipReason.UNSAID
            skipping.skip(uow, question_id=question, answerer_id=ada, reason=reason)
            uow.commit()
        assert invite() == 0

    def test_views_of_many_are_those_of_each(self, waiting, clock, ada):
        first, _second = waiting(2)
        berta = answerer("berta", windows=None)
        with unit() as uow:
            claiming.claim(uow, question_id=first, answerer_id=ada)
            uow.commit()
        with unit() as uow:
            now = clock.now()
            versions = queries_hours.newest(uow.session, [ada, berta], MADRID)
            declared = {who: version.declared for who, version in versions.items()}
            many = queries_invite.answerer_views(uow.session, declared, now)
            for who in (ada, berta):
                one = queries_queue.facts(uow.session, who, now, MADRID).answerer
                assert replace(many[who], caps=None) == replace(one, caps=None)
        assert many[ada].open_claims == 1


class TestTwoAtOnce:
    def test_two_workers_do_one_round(self, waiting, app):
        for number in range(8):
            answerer(f"a{number}")
        waiting(3)
        done = at_once(app, invite)
        assert min(done) == 0
        assert sum(done) == len(sent()) > 0

    @pytest.mark.usefixtures("ada")
    def test_the_database_refuses_a_second_invitation_in_a_round(self, waiting, database):
        waiting()
        invite()
        with psycopg.connect(database.app_conninfo) as app:
            with pytest.raises(psycopg.errors.UniqueViolation):
                app.execute(
                    "INSERT INTO invitation (account_id, question_id, round_at, at)"
                    " SELECT account_id, question_id, round_at, now() FROM invitation"
                )
            app.rollback()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("DELETE FROM invitation")


class TestMail:
    def mails(self):
        with unit() as uow:
            rows = uow.session.scalars(
                select(Notice.id).where(Notice.template == "questions_wait").order_by(Notice.id)
            )
            return list(rows)

    @pytest.mark.usefixtures("ada")
    def test_it_is_plain_and_names_where_to_stop(self, waiting, post_office):
        waiting()
        assert reach_out() == 1
        (notice,) = self.mails()
        for _ in range(2):
            notice_tasks.send(notice)
        (message,) = post_office.messages
        assert message["To"] == "ada@example.org"
        assert message["Subject"] == "A question about “Bills and contracts” waits for an answer"
        words = next(message.iter_parts()).get_content()
        assert "in English waits for an answer, with about 10 minutes of writing." in words
        assert "http://localhost/queue" in words
        assert "http://localhost/hours" in words
        assert "Which bill" not in words

    @pytest.mark.usefixtures("ada")
    def test_a_late_mail_is_not_sent_in_the_quiet_hours(self, waiting, post_office, clock):
        clock.instant = datetime(2026, 11, 18, 20, 50, tzinfo=UTC)  # 21:50: quiet from 22:00 on
        waiting()
        assert invite() == 1
        (notice,) = self.mails()
        clock.advance(timedelta(minutes=10))
        notice_tasks.send(notice)
        assert post_office.messages == []

    @pytest.mark.usefixtures("ada")
    def test_nor_an_hour_after_the_invitation(self, waiting, post_office, clock):
        waiting()
        invite()
        (notice,) = self.mails()
        clock.advance(HOUR - timedelta(seconds=1))
        notice_tasks.send(notice)
        assert len(post_office.messages) == 1
        clock.advance(3 * HOUR)
        invite()
        clock.advance(HOUR)
        notice_tasks.send(self.mails()[-1])
        assert len(post_office.messages) == 1
