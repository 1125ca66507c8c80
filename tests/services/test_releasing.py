"""Questions are released in quieter hours or when they are urgent, and peaks are learned."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import create_engine, select, update

from tests.factories import ANSWER, answered, person, question_row, queued
from upss.forum import queries_desk
from upss.forum.models import Question
from upss.forum.models_offpeak import Activity, AnswererRank, PeakVersion
from upss.forum.queries_offpeak import dials
from upss.forum.rules.activity import ORGANIZER_PEAKS
from upss.forum.rules.queue import ClaimRefused
from upss.forum.rules.windows import Window
from upss.forum.service import (
    accepting,
    answering,
    claiming,
    dialing,
    hours,
    own_limits,
    ranking,
    releasing,
)
from upss.forum.service.hours import Whose
from upss.forum.tasks import run_timers
from upss.kernel.ids import new_public_id
from upss.kernel.roles import Role
from upss.web.ports import unit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)
MADRID = "Europe/Madrid"


@pytest.fixture
def ada(app, nobody_rests):
    """Assumed to be there every day from 9 to 13 and from 16 to 20."""
    return person("ada@example.org", role=Role.ANSWERER, topics=("home",))


@pytest.fixture
def asker(ada):
    return person("asker@example.org")


def madrid(day, hour, minute=0):
    """A moment of November 2026 on the clocks of Madrid."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - HOUR


def turn(**changes):
    with unit() as uow:
        dialing.turn(uow, organizer_id=None, **changes)
        uow.commit()


def declare(who, act, **what):
    with unit() as uow:
        act(uow, Whose(who, MADRID), **what)
        uow.commit()


def claim(question, who):
    with unit() as uow:
        claiming.claim(uow, question_id=question, answerer_id=who)
        uow.commit()


def refusal(question, who):
    """Return every reason against a claim at this moment; it is not made."""
    with unit() as uow:
        try:
            claiming.claim(uow, question_id=question, answerer_id=who)
        except ClaimRefused as error:
            return [str(reason) for reason in error.facts["reasons"]]
    return []


def offered(who, clock):
    """Return the question that comes next for somebody, and how many wait for a quieter hour."""
    with unit() as uow:
        now = clock.now()
        desk = queries_desk.desk(
            uow.session, answerer_id=who, now=now, month_start=now, site_zone=MADRID
        )
        is_peak = desk.dials.peak_map(MADRID).is_peak(now)
        found = queries_desk.queue(uow.session, desk=desk, now=now, is_peak=is_peak)
    return found.offer and found.offer.id, found.held_back


def peaks():
    with unit() as uow:
        return dials(uow.session).peaks


def log():
    with unit() as uow:
        rows = uow.session.scalars(select(PeakVersion).order_by(PeakVersion.id)).all()
        return [(row.source, row.changes) for row in rows]


class TestRelease:
    def test_the_end_of_the_peak_or_urgency_whichever_is_first(self, asker, ada, clock):
        question = question_row(queued(asker))  # Wednesday at 12:00
        assert question.released_at == madrid(18, 14)
        # promised by Friday midnight: 20 answerer-hours from the end of the offer at 13:00. When
        # less than 14 of them are left it is urgent: 4 on Wednesday and 2 on Thursday
        assert question.promise_at == madrid(21, 0)
        assert question.urgent_at == madrid(19, 11) + timedelta(microseconds=1)
        expected = [
            (madrid(18, 13, 59), ["peak"]),
            (madrid(18, 14), []),
            (madrid(18, 16, 59), []),
            (madrid(18, 17), ["peak"]),
            (madrid(18, 21), []),
            (madrid(19, 9), ["peak"]),
            (madrid(19, 11, 1), []),
        ]
        for at, reasons in expected:
            clock.instant = at
            assert (at, refusal(question.id, ada)) == (at, reasons)

    def test_asked_in_a_quiet_hour_it_is_there_at_once(self, asker, ada, clock):
        clock.instant = madrid(18, 15)
        question = question_row(queued(asker))
        assert question.released_at == clock.now()
        claim(question.id, ada)

    @pytest.mark.parametrize(
        ("mode", "in_peak", "urgent"), [("open", [], []), ("strict", ["peak"], ["peak"])]
    )
    def test_the_other_modes(self, asker, ada, clock, mode, in_peak, urgent):
        turn(mode=mode)
        question = queued(asker)
        assert refusal(question, ada) == in_peak
        clock.instant = madrid(19, 12)
        assert refusal(question, ada) == urgent

    def test_the_queue_offers_the_first_that_may_be_taken(self, asker, ada, clock):
        ids = []
        for at in (madrid(18, 8), madrid(18, 12), madrid(18, 19)):
            clock.instant = at
            ids.append(queued(asker))
        first, last = (question_row(each).urgent_at for each in (ids[0], ids[-1]))
        # in and out of peaks, and when the first and the last one becomes urgent
        edges = [madrid(18, 20, 59), madrid(18, 21), madrid(19, 9), first, last - MINUTE, last]
        for mode in ("open", "deferred", "strict"):
            clock.instant = madrid(18, 19)
            turn(mode=mode)
            for clock.instant in edges:
                shown, held_back = offered(ada, clock)
                may = [each for each in ids if not refusal(each, ada)]
                assert shown == next(iter(may), None), (mode, clock.now())
                assert held_back == len(ids) - len(may)

    def test_an_urgency_turned_up_releases_what_waits(self, asker, ada, clock):
        question = queued(asker)
        turn(urgency=1.0)
        assert question_row(question).urgent_at < madrid(18, 17)
        clock.instant = madrid(18, 17)
        assert refusal(question, ada) == []

    def test_urgent_ones_follow_the_dials_too(self, asker, ada, clock):
        """In strict mode urgency opens nothing: what was urgent must know of a day that is closed."""
        question = queued(asker)
        clock.instant = madrid(19, 12)
        assert question_row(question).urgent_at < clock.now()
        turn(mode="strict", closed_dates=[date(2026, 11, 18), date(2026, 11, 19)])
        row = question_row(question)
        assert row.released_at == row.paid_at
        assert refusal(question, ada) == []

    @pytest.mark.parametrize("how", ["claimed", "locked"])
    def test_what_could_not_be_fitted_at_once_is_fitted_later(self, asker, ada, clock, how, app):
        question = queued(asker)
        clock.instant = madrid(18, 14)
        if how == "claimed":
            claim(question, ada)
            turn(urgency=1.0)
            with unit() as uow:
                answering.hand_back(uow, question_id=question, answerer_id=ada)
                uow.commit()
        else:
            engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
            with engine.begin() as other:
                other.execute(select(Question.id).with_for_update())
                turn(urgency=1.0)
            engine.dispose()
        assert question_row(question).urgent_at > madrid(18, 17)
        run_timers()
        assert question_row(question).urgent_at < madrid(18, 17)
        before = question_row(question).urgent_at
        with unit() as uow:
            assert releasing.fit_due(uow) == 0
        assert question_row(question).urgent_at == before

    def test_a_turned_dial_fits_one_batch_and_the_worker_the_others(self, asker, monkeypatch):
        monkeypatch.setattr(releasing, "BATCH", 2)
        ids = [queued(asker) for _ in range(5)]
        before = question_row(ids[0]).urgent_at
        with unit() as uow:  # one of an older time: nobody noted what it is fitted to
            one = update(Question).where(Question.id == ids[-1])
            uow.session.execute(one.values(fitted_at=None))
            uow.commit()
        turn(urgency=1.0)
        assert sum(question_row(each).urgent_at < before for each in ids) == 2
        run_timers()
        assert all(question_row(each).urgent_at < before for each in ids)

    def test_what_is_paid_while_a_dial_is_turned_is_fitted_to_it(self, app, asker, clock):
        with unit() as uow:
            dialing.turn(uow, organizer_id=None, urgency=1.0)
            clock.advance(timedelta(seconds=1))
            with app.app_context():
                question = queued(asker)  # knows nothing of it yet
            uow.commit()
        before = question_row(question).urgent_at
        run_timers()
        assert question_row(question).urgent_at < before

    def test_who_takes_no_paid_work_any_more_moves_the_urgency(self, asker, ada, clock):
        person(role=Role.ANSWERER, topics=("home",))
        clock.advance(HOUR)
        question = queued(asker)
        before = question_row(question).urgent_at
        clock.instant = madrid(18, 17, 30)
        with unit() as uow:
            own_limits.set_no_paid_work(uow, account_id=ada, is_on=True)
            uow.commit()
        clock.instant = madrid(18, 18)
        run_timers()
        assert question_row(question).urgent_at < before

    def test_two_organizers_at_once_do_not_undo_each_other(self, app):
        with unit() as uow:
            seen = dials(uow.session).version_id
        outcome = []

        def second():
            with app.app_context(), unit() as uow:
                try:
                    dialing.turn(uow, organizer_id=None, expected=seen, margin=0.5)
                except dialing.DialsChanged:
                    outcome.append("changed since")

        other = threading.Thread(target=second)
        with unit() as uow:
            dialing.turn(uow, organizer_id=None, expected=seen, urgency=0.2)
            other.start()
            other.join(0.3)
            assert other.is_alive()  # waits for the first one
            uow.commit()
        other.join()
        assert outcome == ["changed since"]

    def test_a_closed_date_is_no_peak(self, asker, ada):
        turn(closed_dates=[date(2026, 11, 18)])
        assert refusal(queued(asker), ada) == []

    def test_hours_that_change_move_the_urgency_and_not_the_promise(self, asker, clock):
        question = queued(asker)
        before = question_row(question)
        person(role=Role.ANSWERER, topics=("home",))
        clock.advance(HOUR)
        run_timers()
        after = question_row(question)
        assert after.promise_at == before.promise_at
        # twice the hours from 13:00 on: 8 on Wednesday, 6 of 12 are not reached by Thursday 9:00
        assert madrid(19, 9) < after.urgent_at < before.urgent_at


class TestWhoMayTake:
    @pytest.fixture(autouse=True)
    def at_any_hour(self, ada):  # noqa: ARG002
        turn(mode="open")

    def test_a_language_that_one_has_declared(self, asker, ada):
        spanish = person(role=Role.ANSWERER, topics=("home",))
        declare(spanish, hours.set_work, languages=frozenset({"es"}), topics_off=frozenset())
        question = queued(asker, language="es")
        assert refusal(question, ada) == ["language"]
        assert refusal(question, spanish) == []

    def test_a_topic_that_is_switched_off(self, asker, ada, clock):
        other = person(role=Role.ANSWERER, topics=("home", "bills"))
        work = {"languages": frozenset({"en"}), "topics_off": frozenset({"home"})}
        declare(other, hours.set_work, **work)
        question = queued(asker)
        assert refusal(question, other) == ["topic"]
        assert offered(other, clock) == (None, 0)
        assert offered(ada, clock) == (question, 0)

    def test_nobody_who_is_away(self, asker, ada, clock):
        question = queued(asker)
        declare(ada, hours.pause, until=clock.now() + DAY)
        assert refusal(question, ada) == ["away"]
        clock.advance(DAY)
        assert refusal(question, ada) == []

    def test_not_more_than_a_day_of_their_own(self, asker, ada, clock):
        day = {
            "quiet": (0, 0),
            "rest_days": frozenset(),
            "daily_minutes": 30,
            "daily_answers": None,
        }
        declare(ada, hours.set_day, **day)
        first, second = queued(asker), queued(asker)
        claim(first, ada)
        assert refusal(second, ada) == ["daily"]
        small = queued(asker, size="small")
        assert refusal(small, ada) == []
        clock.instant = madrid(18, 23, 50)
        with unit() as uow:
            claiming.lapse_due(uow)
            uow.commit()
        assert refusal(second, ada) == []

    def test_own_hours_gate_nothing(self, asker, ada, clock):
        clock.instant = madrid(18, 22)
        claim(queued(asker), ada)

    def test_what_is_written_may_be_sent_whatever_the_hour(self, asker, ada, clock):
        question = queued(asker)
        claim(question, ada)
        turn(mode="strict")
        declare(ada, hours.pause, until=clock.now() + DAY)
        clock.instant = madrid(19, 9)
        with unit() as uow:
            answering.send_answer(uow, question_id=question, answerer_id=ada, body=ANSWER)
            uow.commit()
        assert question_row(question).status == "answered"


class TestStagger:
    """Who earned most per declared hour sees what is not urgent up to four hours later."""

    @pytest.fixture
    def berta(self, asker, ada, clock):
        """Somebody who earned nothing, while Ada has; the night after has placed them both."""
        turn(mode="open")
        other = person(role=Role.ANSWERER, topics=("home",))
        accepted = answered(asker, ada)
        with unit() as uow:
            accepting.accept(uow, question_id=accepted, actor_id=asker)
            uow.commit()
        clock.instant = madrid(19, 0)
        run_timers()
        return other

    def ranks(self):
        with unit() as uow:
            return dict(
                uow.session.execute(select(AnswererRank.account_id, AnswererRank.percentile)).all()
            )

    def test_each_night_places_everybody_once(self, ada, berta, clock):
        assert self.ranks() == {ada: 1.0, berta: 0.0}
        clock.instant = madrid(19, 23)
        with unit() as uow:
            assert ranking.rank_due(uow) == 0
        clock.instant = madrid(19, 0) + 28 * DAY
        run_timers()
        assert self.ranks() == {ada: 0.0, berta: 0.0}  # it was long ago
        clock.instant = madrid(20, 0)  # the clock had run ahead
        run_timers()
        assert self.ranks() == {ada: 1.0, berta: 0.0}
        with unit() as uow:
            assert set(uow.session.scalars(select(AnswererRank.at))) == {clock.now()}

    def test_by_the_hours_that_were_declared(self, ada, berta, asker, clock):
        """Twice the earnings in six times the hours are less an hour."""
        declare(berta, hours.set_week, windows=EVERY_HOUR, zone_name=MADRID)
        for _ in range(2):
            accepted = answered(asker, berta)
            with unit() as uow:
                accepting.accept(uow, question_id=accepted, actor_id=asker)
                uow.commit()
        clock.instant = madrid(26, 0)
        run_timers()
        assert self.ranks() == {ada: 1.0, berta: 0.0}

    def test_the_others_choose_first(self, ada, berta, asker, clock):
        clock.instant = madrid(19, 8)
        question = queued(asker)
        until = min(madrid(19, 12), question_row(question).urgent_at)
        edges = [
            madrid(19, 8),
            madrid(19, 9),
            until - MINUTE,
            until,
            madrid(19, 14),
            madrid(19, 18),
        ]
        for mode in ("open", "deferred"):
            clock.instant = madrid(19, 8)
            turn(mode=mode)
            for clock.instant in edges:
                for who in (ada, berta):
                    reasons = refusal(question, who)
                    assert offered(who, clock)[0] == (None if reasons else question)
                    waits = who == ada and clock.now() < until
                    assert ("stagger" in reasons) is waits, (mode, clock.now(), reasons)

    @pytest.mark.usefixtures("berta")
    def test_what_is_urgent_waits_for_nobody(self, ada, asker, clock):
        turn(mode="open", urgency=1.0)
        clock.instant = madrid(19, 8)
        question = queued(asker)
        clock.instant = madrid(19, 10)
        assert refusal(question, ada) == []


EVERY_HOUR = tuple(Window(dow, 0, 1440) for dow in range(7))


class TestKeep:
    def keep(self, question, who):
        with unit() as uow:
            ends_at = claiming.keep(uow, question_id=question, answerer_id=who, claim_id=None)
            uow.commit()
        return ends_at

    @pytest.fixture
    def held(self, asker, ada):
        turn(mode="open")
        question = queued(asker)
        claim(question, ada)
        return question

    def test_until_the_next_own_hours_end(self, held, ada, clock):
        assert self.keep(held, ada) == madrid(18, 20)
        clock.instant = madrid(18, 19)
        assert self.keep(held, ada) == madrid(19, 13)

    def test_the_promise_keeps_its_least_time(self, held, ada, clock):
        presses = [madrid(18, 19), madrid(19, 12), madrid(19, 19), madrid(20, 12), madrid(20, 19)]
        self.keep(held, ada)
        for clock.instant in presses:
            kept = self.keep(held, ada)
        assert kept == question_row(held).promise_at - 2 * HOUR == madrid(20, 22)

    def test_who_has_no_hours_gets_a_claims_time(self, held, ada, clock):
        declare(ada, hours.pause, until=clock.now() + 60 * DAY)
        assert self.keep(held, ada) == clock.now() + 2 * HOUR


class TestLearning:
    def arrive(self, asker, number, at):
        """Let questions have been paid at a time, without their money."""
        with unit() as uow:
            uow.session.add_all(
                Question(
                    public_id=new_public_id(), asker_id=asker, status="withdrawn", language="en",
                    topic="home", size="small", title="?", body="?", created_at=at, updated_at=at,
                    price_minor=600, currency="EUR", commission_bp=1500, fund_bp=300,
                    promise_at=at + DAY, paid_at=at,
                )
                for _ in range(number)
            )  # fmt: skip
            uow.commit()

    def test_the_organizers_peaks_hold_until_enough_was_seen(self, asker, clock):
        self.arrive(asker, 149, madrid(18, 3))
        clock.instant = madrid(23, 0)
        run_timers()
        assert peaks() == ORGANIZER_PEAKS
        assert log() == [("start", [])]

    def test_then_they_are_learned_each_monday_and_the_change_is_logged(self, asker, clock):
        self.arrive(asker, 150, madrid(18, 3))
        self.arrive(asker, 900, madrid(23, 4))  # the week after
        clock.instant = madrid(23, 0) - MINUTE
        run_timers()
        assert peaks() == ORGANIZER_PEAKS
        clock.instant = madrid(23, 0)
        run_timers()
        assert peaks() == {day * 24 + 3 for day in range(5)}
        source, changed = log()[-1]
        assert source == "week"
        assert [0, 3, 4, True] in changed
        assert [0, 9, 14, False] in changed
        for _ in range(2):
            run_timers()
        assert len(log()) == 2
        with unit() as uow:
            assert uow.session.get(Activity, 1).seen == 150
        clock.instant = madrid(30, 0)
        run_timers()
        assert peaks() == {day * 24 + hour for day in range(5) for hour in (3, 4)}

    @pytest.mark.usefixtures("ada")
    def test_a_pin_wins_at_once(self):
        turn(pins=[[12, 0], [100, 1]])
        assert peaks() == (ORGANIZER_PEAKS | {100}) - {12}
        assert log()[-1] == ("organizer", [[0, 12, 13, False], [4, 4, 5, True]])
        turn(peak_source="fixed", fixed_cells=[1, 2])
        assert peaks() == {1, 2}

    def test_a_clock_set_back_learns_nothing_twice(self, asker, clock):
        self.arrive(asker, 150, madrid(18, 3))
        clock.instant = madrid(23, 0)
        run_timers()
        clock.instant = madrid(22, 23, 30)
        with unit() as uow:
            assert releasing.learn_due(uow) == 0
            assert uow.session.get(Activity, 1).seen == 150

    def test_after_a_clock_that_ran_ahead_the_next_week_teaches_again(self, asker, clock, caplog):
        clock.instant = madrid(18, 12) + 400 * DAY
        run_timers()
        clock.instant = madrid(18, 12)
        run_timers()
        assert "the clock was ahead: peaks" in caplog.text
        self.arrive(asker, 150, madrid(18, 3))
        clock.instant = madrid(23, 0)
        run_timers()
        assert 3 in peaks()

    def test_what_waits_follows_learned_peaks(self, asker, ada, clock):
        """Asked in a peak of the organizer's that the week after is none."""
        self.arrive(asker, 150, madrid(18, 3))
        turn(urgency=0.0, max_promise_hours=240, mode="strict")
        clock.instant = madrid(22, 23)
        question = queued(asker)
        clock.instant = madrid(23, 9)
        late = queued(asker)
        with unit() as uow:
            found = uow.session.get(Question, late)
            assert found.released_at == madrid(23, 14)
        assert refusal(late, ada) == ["peak"]
        run_timers()
        assert question_row(late).released_at == madrid(23, 9)
        assert refusal(late, ada) == refusal(question, ada) == []
