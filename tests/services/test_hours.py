"""An answerer's declarations: versions that never change, what is refused, who is told."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import select, text

from tests.factories import at, person, queued
from upss.accounts import service as accounts
from upss.forum import queries_hours as queries
from upss.forum.models_hours import HoursVersion
from upss.forum.rules.declared import MOST_ABSENCES, DeclaredRefused, assumed
from upss.forum.rules.hours import PRESETS, HoursRefused
from upss.forum.rules.policy import Mode
from upss.forum.rules.windows import Interval, Window
from upss.forum.service import answering, claiming, dialing, hours, own_limits
from upss.kernel.roles import Role
from upss.notices.models import Notice
from upss.web.ports import unit

MADRID = "Europe/Madrid"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MORNINGS = PRESETS["mornings"]


@pytest.fixture
def ada(app):
    return hours.Whose(
        person("ada@example.org", role=Role.ANSWERER, topics=("home", "garden")), MADRID
    )


@pytest.fixture
def berta(app):
    return hours.Whose(person("berta@example.org", role=Role.ANSWERER, topics=("home",)), MADRID)


def do(act, whose, **values):
    with unit() as uow:
        act(uow, whose, **values)
        uow.commit()


def version(whose):
    with unit() as uow:
        return queries.newest(uow.session, [whose.account_id], MADRID)[whose.account_id]


def declared(whose):
    with unit() as uow:
        return queries.in_force(uow.session, whose.account_id, MADRID)


def rows(whose):
    with unit() as uow:
        return list(
            uow.session.scalars(
                select(HoursVersion.id)
                .where(HoursVersion.account_id == whose.account_id)
                .order_by(HoursVersion.id)
            )
        )


def told():
    with unit() as uow:
        return sorted(uow.session.scalars(select(Notice.fact).where(Notice.fact.like("hours:%"))))


def mornings(whose):
    do(hours.set_week, whose, windows=MORNINGS, zone_name=MADRID)


class TestVersions:
    def test_hours_are_assumed_until_the_first_word(self, ada):
        assert version(ada).is_assumed
        assert declared(ada) == assumed("en", MADRID)
        assert len(declared(ada).hours.windows) == 14

    def test_every_change_is_a_version_and_the_newest_counts(self, ada, clock):
        mornings(ada)
        at(clock, clock.now() + HOUR)
        do(
            hours.set_day, ada, quiet=(21 * 60, 9 * 60), rest_days=frozenset({0}),
            daily_minutes=60, daily_answers=2,
        )  # fmt: skip
        do(hours.set_work, ada, languages=frozenset({"en", "es"}), topics_off=frozenset({"garden"}))
        now = declared(ada)
        assert now.hours.windows == MORNINGS
        assert (now.hours.quiet_start_min, now.hours.quiet_end_min) == (21 * 60, 9 * 60)
        assert (now.hours.daily_minutes, now.hours.daily_answers) == (60, 2)
        assert now.hours.rest_days == {0}
        assert now.languages == {"en", "es"}
        assert not now.serves("garden", "en")
        assert now.serves("home", "es")
        assert len(rows(ada)) == 3

    def test_what_changes_nothing_is_no_version(self, ada):
        mornings(ada)
        mornings(ada)
        assert len(rows(ada)) == 1

    def test_to_say_what_was_assumed_is_a_version(self, ada):
        do(hours.set_week, ada, windows=declared(ada).hours.windows, zone_name=MADRID)
        assert not version(ada).is_assumed

    def test_overlaps_are_joined(self, ada):
        both = (Window(0, 540, 120), Window(0, 600, 120))
        do(hours.set_week, ada, windows=both, zone_name="Asia/Kolkata")
        assert declared(ada).hours.windows == (Window(0, 540, 180),)
        assert declared(ada).hours.zone == "Asia/Kolkata"

    def test_no_version_can_be_changed_or_removed(self, ada, database):
        mornings(ada)
        with psycopg.connect(database.app_conninfo) as connection:
            for statement in ("UPDATE hours_version SET zone = 'UTC'", "DELETE FROM hours_version"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
                connection.rollback()

    def test_a_clock_set_back_leaves_the_order(self, ada, clock):
        now = clock.now()
        mornings(ada)
        at(clock, now - DAY)
        do(hours.pause, ada, until=now + DAY)
        assert version(ada).created_at == now
        assert declared(ada).hours.paused_until == now + DAY


class TestRefusals:
    def test_no_window_and_no_such_zone_are_both_named(self, ada):
        with pytest.raises(HoursRefused) as refused:
            do(hours.set_week, ada, windows=(), zone_name="Europe/Atlantis")
        assert refused.value.facts["faults"] == ("zone", "empty")
        assert version(ada).is_assumed

    def test_rest_days_that_leave_nothing(self, ada):
        mornings(ada)
        with pytest.raises(HoursRefused, match="empty"):
            do(
                hours.set_day, ada, quiet=(0, 0), rest_days=frozenset(range(5)),
                daily_minutes=60, daily_answers=None,
            )  # fmt: skip

    @pytest.mark.parametrize("ahead", [timedelta(0), -HOUR])
    def test_a_pause_in_the_past(self, ada, clock, ahead):
        with pytest.raises(HoursRefused, match="pause_in_past"):
            do(hours.pause, ada, until=clock.now() + ahead)

    def test_no_language_and_no_topic(self, ada):
        with pytest.raises(DeclaredRefused, match="no_language"):
            do(hours.set_work, ada, languages=frozenset(), topics_off=frozenset())
        with pytest.raises(DeclaredRefused, match="no_topic"):
            do(
                hours.set_work, ada, languages=frozenset({"en"}),
                topics_off=frozenset({"home", "garden"}),
            )  # fmt: skip

    def test_too_many_absences(self, ada, clock):
        first = clock.now() + DAY
        for day in range(MOST_ABSENCES):
            start = first + 2 * day * DAY
            do(hours.add_absence, ada, absence=Interval(start, start + DAY))
        far = first + timedelta(days=900)
        with pytest.raises(DeclaredRefused, match="too_many"):
            do(hours.add_absence, ada, absence=Interval(far, far + DAY))

    def test_a_topic_or_language_of_a_held_question(self, ada):
        question = queued(person())
        with unit() as uow:
            claiming.claim(uow, question_id=question, answerer_id=ada.account_id)
            uow.commit()
        with pytest.raises(hours.StillHeld) as refused:
            do(hours.set_work, ada, languages=frozenset({"es"}), topics_off=frozenset({"home"}))
        assert refused.value.facts == {"topics": ["home"], "languages": ["en"]}
        with unit() as uow:
            answering.hand_back(uow, question_id=question, answerer_id=ada.account_id)
            uow.commit()
        do(hours.set_work, ada, languages=frozenset({"es"}), topics_off=frozenset({"home"}))

    def test_an_undo_that_would_drop_the_topic_of_a_held_question(self, ada):
        do(hours.set_work, ada, languages=frozenset({"en"}), topics_off=frozenset({"home"}))
        do(hours.set_work, ada, languages=frozenset({"en"}), topics_off=frozenset())
        question = queued(person())
        with unit() as uow:
            claiming.claim(uow, question_id=question, answerer_id=ada.account_id)
            uow.commit()
        with pytest.raises(hours.StillHeld):
            do(hours.undo, ada, version_id=rows(ada)[-1])


class TestAway:
    def test_a_pause_ends_by_itself_or_by_coming_back(self, ada, clock):
        do(hours.pause, ada, until=clock.now() + 2 * DAY)
        assert not declared(ada).is_there_for("home", "en", clock.now())
        assert declared(ada).is_there_for("home", "en", clock.now() + 2 * DAY)
        do(hours.come_back, ada)
        assert declared(ada).is_there_for("home", "en", clock.now())

    def test_coming_back_ends_the_absence_that_has_begun_and_no_other(self, ada, clock):
        now = clock.now()
        later = Interval(now + 9 * DAY, now + 10 * DAY)
        do(hours.add_absence, ada, absence=Interval(now - DAY, now + DAY))
        do(hours.add_absence, ada, absence=later)
        do(hours.come_back, ada)
        assert declared(ada).hours.absences == (later,)

    def test_absences_join_and_go(self, ada, clock):
        start = clock.now() + DAY
        do(hours.add_absence, ada, absence=Interval(start, start + DAY))
        do(hours.add_absence, ada, absence=Interval(start + DAY, start + 3 * DAY))
        assert declared(ada).hours.absences == (Interval(start, start + 3 * DAY),)
        do(hours.remove_absence, ada, start=start)
        assert declared(ada).hours.absences == ()
        do(hours.remove_absence, ada, start=start)  # pressed twice

    def test_what_is_over_leaves_the_next_version_and_is_kept_in_the_old_one(self, ada, clock):
        now = clock.now()
        do(hours.pause, ada, until=now + DAY)
        do(hours.add_absence, ada, absence=Interval(now + DAY, now + 2 * DAY))
        at(clock, now + 3 * DAY)
        mornings(ada)
        assert declared(ada).hours.paused_until is None
        assert declared(ada).hours.absences == ()
        with unit() as uow:
            past = queries.history(uow.session, now, MADRID)
        assert past[-2].declared.hours.absences == (Interval(now + DAY, now + 2 * DAY),)


class TestUndo:
    def test_undo_takes_the_last_change_back_and_undo_again_brings_it_again(self, ada):
        mornings(ada)
        do(hours.set_week, ada, windows=PRESETS["evenings"], zone_name=MADRID)
        do(hours.undo, ada, version_id=rows(ada)[-1])
        assert declared(ada).hours.windows == MORNINGS
        do(hours.undo, ada, version_id=rows(ada)[-1])
        assert declared(ada).hours.windows == PRESETS["evenings"]
        assert len(rows(ada)) == 4

    def test_the_first_change_goes_back_to_what_was_assumed(self, ada):
        mornings(ada)
        do(hours.undo, ada, version_id=rows(ada)[-1])
        assert declared(ada) == assumed("en", MADRID)

    def test_nothing_to_undo_or_another_change_since(self, ada):
        with pytest.raises(hours.NothingToUndo):
            do(hours.undo, ada, version_id=0)
        mornings(ada)
        seen = rows(ada)[-1]
        do(hours.set_week, ada, windows=PRESETS["evenings"], zone_name=MADRID)
        with pytest.raises(hours.NothingToUndo):
            do(hours.undo, ada, version_id=seen)

    def test_a_pause_that_is_over_does_not_come_back(self, ada, clock):
        now = clock.now()
        do(hours.pause, ada, until=now + DAY)
        do(hours.come_back, ada)
        at(clock, now + 2 * DAY)
        do(hours.undo, ada, version_id=rows(ada)[-1])
        assert declared(ada).hours.paused_until is None


@pytest.mark.usefixtures("nobody_rests")
class TestHistory:
    def test_who_declared_what_when(self, ada, berta, clock):
        start = clock.now()
        at(clock, start + HOUR)
        mornings(ada)
        at(clock, start + 2 * HOUR)
        do(hours.pause, ada, until=start + DAY)
        with unit() as uow:
            every = queries.history(uow.session, start, MADRID)
            later = queries.history(uow.session, start + 90 * timedelta(minutes=1), MADRID)
            exact = queries.history(uow.session, start + HOUR, MADRID)
        first, second = rows(ada)
        assert [(each.account_id, each.id) for each in every] == [
            (ada.account_id, 0), (berta.account_id, 0),
            (ada.account_id, first), (ada.account_id, second),
        ]  # fmt: skip
        assert [(each.account_id, each.id) for each in later] == [
            (berta.account_id, 0), (ada.account_id, first), (ada.account_id, second),
        ]  # fmt: skip
        assert later[-1].declared.hours.paused_until == start + DAY
        assert exact == later

    def test_pages_in_another_language_change_nothing_of_what_was_assumed(self, ada, clock):
        start = clock.now()
        at(clock, start + DAY)
        for language in ("es", "es", "ca"):
            with unit() as uow:
                accounts.set_language(uow, account_id=ada.account_id, language=language)
                uow.commit()
        assert declared(ada) == assumed("en", MADRID)
        assert len(rows(ada)) == 1
        with unit() as uow:
            past = queries.history(uow.session, start, MADRID)
        assert [(each.created_at, each.declared) for each in past] == [
            (start, assumed("en", MADRID))
        ]

    @pytest.mark.usefixtures("app")
    def test_who_only_asks_may_still_become_an_answerer_of_the_new_language(self):
        asker = hours.Whose(person(), MADRID)
        with unit() as uow:
            accounts.set_language(uow, account_id=asker.account_id, language="es")
            uow.commit()
        assert rows(asker) == []

    def test_who_only_asks_has_no_hours(self, ada):
        person("asker@example.org")
        with unit() as uow:
            found = queries.history(uow.session, datetime(2020, 1, 1, tzinfo=UTC), MADRID)
        assert [each.account_id for each in found] == [ada.account_id]


@pytest.mark.usefixtures("nobody_rests")
class TestLeftAlone:
    @pytest.fixture(autouse=True)
    def _organizer(self, app):  # noqa: ARG002
        person("boss@example.org", role=Role.ORGANIZER)

    def test_the_last_one_to_pause_is_told_to_the_organizers(self, ada, berta, clock):
        do(hours.pause, berta, until=clock.now() + DAY)
        assert told() == []
        do(hours.pause, ada, until=clock.now() + DAY)
        last = rows(ada)[-1]
        assert told() == [f"hours:{last}:{topic}:en:2026-11-18" for topic in ("garden", "home")]

    def test_coming_back_or_another_change_while_away_tells_nothing(self, ada, clock):
        do(hours.pause, ada, until=clock.now() + DAY)
        before = told()
        do(hours.set_week, ada, windows=MORNINGS, zone_name=MADRID)
        do(hours.come_back, ada)
        assert told() == before

    def test_an_absence_to_come_is_told_with_its_day(self, berta):
        start = datetime(2026, 12, 1, 23, 0, tzinfo=UTC)
        do(hours.add_absence, berta, absence=Interval(start, start + DAY))
        assert told() == [f"hours:{rows(berta)[-1]}:home:en:2026-12-02"]

    def test_who_is_away_at_that_time_or_speaks_another_language_does_not_count(
        self, ada, berta, clock
    ):
        do(hours.set_work, ada, languages=frozenset({"ca"}), topics_off=frozenset())
        do(hours.pause, berta, until=clock.now() + DAY)
        assert f"hours:{rows(berta)[-1]}:home:en:2026-11-18" in told()

    def test_who_takes_no_paid_work_leaves_like_who_pauses(self, ada, berta, clock):
        for whose, is_on in ((ada, True), (ada, True), (berta, True), (berta, False)):
            with unit() as uow:
                own_limits.set_no_paid_work(uow, account_id=whose.account_id, is_on=is_on)
                uow.commit()
        # of the garden Ada was the last, of the home Berta
        assert told() == [
            f"hours:-{n}:{topic}:en:2026-11-18" for n, topic in ((1, "garden"), (2, "home"))
        ]
        do(hours.pause, ada, until=clock.now() + DAY)  # was not there before
        assert len(told()) == 2
        do(hours.pause, berta, until=clock.now() + DAY)  # Ada does not count
        assert len(told()) == 3

    def test_who_never_came_does_not_count(self, berta, clock):
        person(role=Role.ANSWERER, topics=("home",), has_come=False)
        do(hours.pause, berta, until=clock.now() + DAY)
        assert len(told()) == 1

    def test_promises_and_claims_stand(self, berta, clock):
        question = queued(person())
        with unit() as uow:
            dialing.turn(uow, organizer_id=None, mode=Mode.OPEN)  # it is noon, a peak
            claiming.claim(uow, question_id=question, answerer_id=berta.account_id)
            uow.commit()
        promised = "SELECT promise_at FROM question"
        with unit() as uow:
            before = uow.session.execute(text(promised)).scalar_one()
        do(hours.pause, berta, until=clock.now() + 7 * DAY)
        with unit() as uow:
            assert uow.session.execute(text(promised)).scalar_one() == before
            answering.send_answer(
                uow, question_id=question, answerer_id=berta.account_id, body="Yes. " * 20
            )
            uow.commit()

    def test_two_who_leave_at_once_are_seen(self, app, berta, clock):
        cora = replace(berta, account_id=person(role=Role.ANSWERER, topics=("home",)))

        def leave():
            with app.app_context():
                do(hours.pause, cora, until=clock.now() + DAY)

        second = threading.Thread(target=leave)
        with unit() as uow:
            hours.pause(uow, berta, until=clock.now() + DAY)
            second.start()
            second.join(0.5)
            assert second.is_alive()  # waits for the first one, to see them go
            uow.commit()
        second.join()
        assert told() == [f"hours:{rows(cora)[-1]}:home:en:2026-11-18"]
