"""Positions of the dials are calculated by a job, on this site's own data once there is enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select, text

from tests.factories import person
from tests.rules.test_config import GOOD
from upss.cli import main
from upss.db.base import db
from upss.forum.models import Question
from upss.forum.queries_offpeak import dials
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import CapRule, Metric
from upss.forum.rules.policy import Mode, Policy
from upss.forum.service import hours, own_limits
from upss.forum.service.hours import Whose
from upss.kernel.clock import SystemClock
from upss.kernel.ids import new_public_id
from upss.kernel.roles import Role
from upss.organizer import service, tasks
from upss.organizer.models import DialPosition, DialTrial
from upss.organizer.queries import site, trials
from upss.simulation.running import run
from upss.web.ports import unit

MADRID = "Europe/Madrid"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def staff(app, nobody_rests):
    """Six people who answer about homes, the first with a limit, and one organizer."""
    found = [person(role=Role.ANSWERER, topics=("home", "garden")) for _ in range(6)]
    limit = CapRule(metric=Metric.MONEY, period=Period.WEEK, limit=10_000, currency="EUR")
    with unit() as uow:
        own_limits.add(uow, account_id=found[0], rule=limit, currency="EUR", zone=MADRID)
        hours.pause(uow, Whose(found[1], MADRID), until=uow.clock.now() + DAY)
        uow.commit()
    return found


@pytest.fixture
def organizer(staff):
    return person(role=Role.ORGANIZER)


def arrived(clock, asker, number):
    """Put paid questions into the past, one each four hours, most of them small and of homes."""
    rows = [
        {
            "public_id": new_public_id(), "asker_id": asker, "status": "final", "language": "en",
            "topic": "garden" if place % 4 == 0 else "home", "title": "t", "body": "b",
            "size": "large" if place % 5 == 0 else "small", "created_at": clock.now(),
            "updated_at": clock.now(), "price_minor": 800, "currency": "EUR",
            "commission_bp": 2000, "fund_bp": 0, "promise_at": clock.now(),
            "paid_at": clock.now() - HOUR - place * 4 * HOUR,
        }
        for place in range(number)
    ]  # fmt: skip
    with unit() as uow:
        uow.session.execute(insert(Question), rows)
        uow.commit()


def read():
    with unit() as uow:
        return site.read(uow.session, dials(uow.session), now=uow.clock.now(), site_zone=MADRID)


def ask(organizer):
    with unit() as uow:
        is_new = service.ask_for_trial(uow, asked_by=organizer)
        uow.commit()
    return is_new


def newest():
    with unit() as uow:
        return trials.newest(uow.session, uow.clock.now())


@pytest.mark.usefixtures("staff")
class TestReading:
    def test_too_little_gives_the_model(self, clock):
        arrived(clock, person(), site.LEAST_QUESTIONS - 1)
        found = read()
        assert (found.people, found.questions, found.site) == (6, site.LEAST_QUESTIONS - 1, None)
        scenario = found.scenario(Policy(mode=Mode.OPEN), weeks=8)
        assert (scenario.answerers, scenario.site) == (60, None)
        assert (scenario.slots, scenario.policy) == (0, Policy(mode=Mode.OPEN))

    def test_takes_what_the_site_has(self, clock):
        arrived(clock, person(), 168)  # four weeks of them
        found = read().site
        assert found is not None
        assert found.per_week == pytest.approx(42, rel=0.01)
        assert sum(found.rel) == pytest.approx(168)
        assert {place[:2]: place[2] for place in found.places} == {
            ("home", "en"): 126, ("garden", "en"): 42,
        }  # fmt: skip
        assert {offer.minutes: offer.weight for offer in found.offers} == {10: 134, 40: 34}
        assert all(offer.share_minor > 0 for offer in found.offers)
        assert found.people[0].topics == ("garden", "home")
        # 100 euro a week, less the safety of 10 %, for thirty days
        assert [one.cap_minor for one in found.people] == [38_571, *[None] * 5]
        assert all(one.hours.paused_until is None for one in found.people)
        scenario = found.scenario(Policy(), weeks=2)
        assert (scenario.answerers, scenario.peaks) == (6, found.peaks)
        assert (scenario.slots, scenario.policy) == (0, Policy())

    def test_the_simulator_lives_through_it_always_to_the_same_figures(self, clock):
        arrived(clock, person(), 168)
        scenario = replace(read().scenario(Policy(), weeks=1), warm_up=0)
        first = run(scenario, 1)
        assert first == run(scenario, 1)
        assert first.kept[1] > 20
        assert {one.name for one in first.by_topic} == {"home", "garden"}
        assert first != run(scenario.turned(mode=Mode.OPEN), 1)


def lived_at_once(scenario, seed):
    return run(replace(scenario, warm_up=0), seed)


class TestTrials:
    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch):
        """One week with one seed, at once: the figures are not looked at here."""
        monkeypatch.setattr(tasks, "WEEKS", 1)
        monkeypatch.setattr(tasks, "SEEDS", 1)
        monkeypatch.setattr(tasks, "run", lived_at_once)

    def test_every_position_is_stored_and_the_one_in_force_is_among_them(self, organizer, clock):
        arrived(clock, organizer, 168)
        assert ask(organizer)
        assert not ask(organizer)
        running = newest().running
        assert running is not None
        with db.engine.connect() as connection:
            jobs = connection.execute(
                text("SELECT args FROM procrastinate_jobs WHERE task_name = :n"),
                {"n": service.TRY_DIALS},
            ).scalars()
            assert [args["trial_id"] for args in jobs] == [running.id]
        tasks.try_dials(running.id)
        found = newest()
        assert found.running is None
        assert found.ended is not None
        assert (found.ended.is_model, found.ended.people) == (False, 6)
        assert [(row.mode, row.urgency) for row in found.positions if row.mode == "deferred"] == [
            ("deferred", each) for each in (0.9, 0.7, 0.5, 0.3)
        ]
        assert [row.mode for row in found.positions][:: len(found.positions) - 1] == [
            "open", "strict",
        ]  # fmt: skip
        assert all(0 <= row.figures["kept"] <= 1 for row in found.positions)

    @pytest.mark.no_cover
    def test_a_job_that_died_goes_on_where_it_was(self, organizer, clock, monkeypatch):
        arrived(clock, organizer, 168)
        ask(organizer)
        trial = newest().running
        assert trial is not None
        lived = []

        def dies_at_the_third(scenario, seed):
            lived.append(scenario.policy)
            if len(lived) == 3:
                raise MemoryError
            return lived_at_once(scenario, seed)

        monkeypatch.setattr(tasks, "run", dies_at_the_third)
        with pytest.raises(MemoryError):
            tasks.try_dials(trial.id)
        assert newest().done == 2
        tasks.try_dials(trial.id)
        assert len(lived) == 7  # of six positions one was tried twice
        tasks.try_dials(trial.id)
        assert len(lived) == 7
        assert newest().ended is not None

    def test_one_that_never_ends_gives_way_to_another(self, organizer, clock):
        assert ask(organizer)
        clock.advance(trials.ABANDONED)
        assert newest().running is None
        assert ask(organizer)
        with unit() as uow:
            assert len(uow.session.scalars(select(DialTrial)).all()) == 2
            assert uow.session.scalars(select(DialPosition)).all() == []

    def test_a_dial_between_the_usual_positions_is_tried_too(self):
        found = tasks.positions_of(Policy(urgency=0.65))
        assert [each.urgency for each in found if each.mode is Mode.DEFERRED] == [
            0.9, 0.7, 0.65, 0.5, 0.3,
        ]  # fmt: skip


@pytest.fixture
def simulate(staff, database, monkeypatch):
    """The command, with the settings of this database."""
    given = GOOD | {"UPSS_MODE": "demo", "UPSS_STRIPE_KEY": "sk_test_1"}
    for name, value in {**given, "UPSS_DATABASE_URL": database.app_url}.items():
        monkeypatch.setenv(name, value)
    return lambda *more: CliRunner().invoke(main, ["simulate", "--from-db", *more])


def test_the_command_says_when_there_is_too_little(simulate):
    result = simulate()
    assert result.exit_code == 1
    assert "0 questions in the last weeks and 6 people who answer are too few" in result.output


def test_the_command_simulates_this_site(simulate):
    arrived(SystemClock(), person(), 168)
    result = simulate("--weeks", "1", "--seeds", "1", "--json", "-")
    assert result.exit_code == 0, result.output
    assert '"answerers": 6' in result.output
    assert '"slots": 0.0' in result.output
