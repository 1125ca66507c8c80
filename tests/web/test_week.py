"""The week: what organizers and auditors see of it, and every turn of a dial."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests import factories
from upss.forum.queries_offpeak import dials
from upss.forum.rules.dials import PeakSource
from upss.forum.rules.policy import Mode, Policy
from upss.forum.rules.timers import OFFER
from upss.forum.service import answering, claiming, dialing, hours, own_limits
from upss.forum.service.hours import Whose
from upss.forum.service.promises import Quoter
from upss.kernel.roles import Role
from upss.organizer import service
from upss.organizer.queries import trials
from upss.organizer.queries import week as queries
from upss.organizer.queries.coverage import coverage
from upss.organizer.queries.site import Read
from upss.web.ports import unit

WEEK, DIALS, PEAKS, CLOSED = (
    f"/organizer/week{more}" for more in ("", "/dials", "/peaks", "/closed")
)
AS_IS = {
    "mode": "open",
    "urgency": "70",
    "margin": "10",
    "longest": "168",
    "source": "learned_pins",
    "express": "0",
}
NINE_TO_TWO = {"days": "weekdays", "start": "9", "end": "14", "what": "pin_peak"}
CHRISTMAS = {"first": "2026-12-24", "last": "2026-12-26", "what": "add"}
MADRID = "Europe/Madrid"


@pytest.fixture
def people(app):
    """An asker, one who answers, an organizer and an auditor."""
    return {
        "asker": factories.person("asker@example.org"),
        "answerer": factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",)),
        "organizer": factories.person("first@example.org", role=Role.ORGANIZER),
        "auditor": factories.person("auditor@example.org", role=Role.AUDITOR),
    }


@pytest.fixture
def browser(app, client, people):
    """The browser of the organizer."""
    factories.sign_in_as(app, client, people["organizer"], organizer=True)
    return client


def in_force():
    with unit() as uow:
        return dials(uow.session)


def page(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def words_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def send(client, path, status=200, *, target=None, **fields):
    answer = factories.post(client, path, target, **fields)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def turn(client, path, **fields):
    """Fill in a form, look at the check page and confirm it; return both pages' words."""
    check = send(client, path, step="check", **fields)
    after = client.post(
        path, data=factories.hidden_of(check) | {"step": "save"}, follow_redirects=True
    )
    assert after.status_code == 200
    return words_of(check), words_of(after.get_data(as_text=True))


class TestOverview:
    def test_an_empty_site_says_what_is_missing(self, browser):
        told = words_of(page(browser, WEEK))
        assert "No questions yet" in told
        assert "Monday to Friday: 09:00 to 14:00 and 17:00 to 21:00" in told
        assert "Your own peaks" in told
        assert "As the program sets them at first." in told

    def test_shows_when_questions_and_answers_came(self, app, browser, people, clock):
        question = factories.queued(people["asker"])
        clock.advance(timedelta(hours=5))
        factories.sign_in_as(app, browser, people["organizer"], organizer=True)
        with unit() as uow:
            claiming.claim(uow, question_id=question, answerer_id=people["answerer"])
            answering.send_answer(
                uow, question_id=question, answerer_id=people["answerer"], body=factories.ANSWER
            )
            uow.commit()
        clock.advance(timedelta(minutes=1))
        html = page(browser, WEEK)
        # Wednesday at noon, and five hours later, in Madrid
        wednesday = html[html.index('<th scope="row">Wednesday') :].split("</tr>")[0]
        assert re.findall(r'class="asked" x="(\d+)"', wednesday) == ["121"]
        assert re.findall(r'class="replied" x="(\d+)"', wednesday) == ["171"]
        assert re.findall(r'class="peak-mark" x="(\d+)" width="(\d+)"', wednesday) == [
            ("90", "50"), ("170", "40"),
        ]  # fmt: skip
        assert "12:00 to 13:00 <strong>peak</strong></th><td" in html
        with unit() as uow:
            seen = queries.traffic(uow.session, clock.now(), MADRID)
        assert (seen.asked[60], seen.answered[65]) == (1, 1)
        assert (sum(seen.asked), sum(seen.answered)) == (1, 1)

    @pytest.mark.usefixtures("nobody_rests")
    def test_a_topic_that_nobody_answers_is_an_alarm(self, browser):
        told = words_of(page(browser, WEEK))
        assert "Nothing can be promised in 4 topics" in told
        assert "Home and repairs: Español , Català" in told

    @pytest.mark.usefixtures("nobody_rests")
    def test_who_is_away_is_counted_and_the_topic_is_alone(self, browser, people, clock):
        with unit() as uow:
            until = clock.now() + timedelta(days=30)
            hours.pause(uow, Whose(people["answerer"], MADRID), until=until)
            uow.commit()
        told = words_of(page(browser, WEEK))
        assert "Nothing can be promised in 5 topics" in told
        assert "1 (1 is away)" in told
        assert "Nothing can be promised" in told

    def test_an_auditor_reads_and_cannot_turn(self, app, people):
        auditor = app.test_client()
        factories.sign_in_as(app, auditor, people["auditor"], organizer=True)
        html = page(auditor, WEEK)
        assert "Turn the dials" not in html
        assert "/undo" not in html
        for path in (DIALS, PEAKS, CLOSED):
            page(auditor, path, 403)


class TestCoverage:
    @pytest.mark.usefixtures("nobody_rests")
    def test_counts_people_hours_and_what_waits(self, people, clock):
        with unit() as uow:
            dialing.turn(uow, organizer_id=None, prior_per_hour=2.0)
            uow.commit()
        factories.queued(people["asker"])
        with unit() as uow:
            found = coverage(
                uow.session, dials(uow.session), ("en", "es"), now=clock.now(), site_zone=MADRID
            )
        rows = {(row.topic, row.language): row for row in found.rows}
        home = rows["home", "en"]
        assert (home.people, home.away, home.waiting, round(home.hours)) == (1, 0, 1, 56)
        assert home.by is not None
        assert home.by > clock.now()
        assert not home.is_alarm
        assert rows["home", "es"].by is None
        assert rows["home", "es"].people == 0
        assert "home" not in found.empty
        assert "home" not in found.unsold
        assert "bills" in found.unsold
        with unit() as uow:
            quoter = Quoter.load(uow, [("home", "en")])
            asked = quoter.quote(("home", "en"), clock.now() + OFFER)
            own_limits.set_no_paid_work(uow, account_id=people["answerer"], is_on=True)
            unpaid = coverage(
                uow.session, dials(uow.session), ("en",), now=clock.now(), site_zone=MADRID
            )
        assert home.by == asked.by  # what an asker would read
        alone = next(row for row in unpaid.rows if row.topic == "home")
        assert (alone.people, alone.away, alone.hours, alone.by) == (1, 1, 0, None)
        assert "home" in unpaid.unsold
        assert ("home", ["es"]) in found.nobody

    @pytest.mark.usefixtures("nobody_rests")
    def test_away_for_an_hour_is_no_reason_to_sell_nothing(self, people, clock):
        with unit() as uow:
            dialing.turn(uow, organizer_id=None, prior_per_hour=2.0)
            hours.pause(
                uow, Whose(people["answerer"], MADRID), until=clock.now() + timedelta(hours=1)
            )
            found = coverage(
                uow.session, dials(uow.session), ("en",), now=clock.now(), site_zone=MADRID
            )
        assert "home" in found.empty
        assert "home" not in found.unsold


class TestDials:
    def test_every_dial_is_checked_and_turned(self, browser):
        wanted = AS_IS | {
            "mode": "strict", "urgency": "40", "margin": "25", "longest": "72", "source": "fixed",
            "express": "30",
        }  # fmt: skip
        check, after = turn(browser, DIALS, **wanted)
        assert "After 60% of its time" in check
        assert "What cannot be promised within 3 days is not sold." in check
        assert "A quicker answer Not sold Sold" in check
        assert "What a quicker answer costs more 50% 30%" in check
        assert "only where it takes at most 60% of the usual time" in check
        assert check.count("A quicker answer costs 30% of the price more.") == 1
        assert "“Strict” has a price" in check
        assert "Promises that were given stand." in after
        assert "Set by first on" in after
        now = in_force()
        assert (now.policy.mode, now.policy.urgency, now.policy.margin) == (Mode.STRICT, 0.4, 0.25)
        assert now.policy.max_promise == timedelta(days=3)
        assert now.peak_source is PeakSource.FIXED
        assert (now.policy.express, now.express_percent) == (True, 30)

    def test_undo_brings_back_what_was_before(self, browser):
        before = in_force()
        turn(browser, DIALS, **(AS_IS | {"margin": "50"}))
        assert in_force().policy.margin == 0.5
        version = factories.hidden_of(page(browser, WEEK))["version"]
        send(browser, WEEK, 303, target=f"{WEEK}/undo", version=version)
        assert in_force().policy == before.policy
        send(browser, WEEK, 303, target=f"{WEEK}/undo", version=version)
        assert "There was another change since." in page(browser, WEEK)
        assert in_force().policy == before.policy

    def test_a_check_page_that_is_out_of_date_turns_nothing(self, browser):
        check = send(browser, DIALS, step="check", **(AS_IS | {"margin": "50"}))
        turn(browser, DIALS, **(AS_IS | {"margin": "20"}))
        after = browser.post(
            DIALS, data=factories.hidden_of(check) | {"step": "save"}, follow_redirects=True
        )
        assert "There was another change since." in after.get_data(as_text=True)
        assert in_force().policy.margin == 0.2

    def test_who_sells_a_quicker_answer_reads_what_it_costs(self, browser):
        check = words_of(send(browser, DIALS, step="check", **(AS_IS | {"express": "50"})))
        assert "A quicker answer costs 50% of the price more." in check

    def test_going_back_keeps_what_was_chosen(self, browser):
        check = send(browser, DIALS, step="check", **(AS_IS | {"margin": "50"}))
        back = browser.post(DIALS, data=factories.hidden_of(check) | {"step": "change"})
        assert '<option value="50" selected>' in back.get_data(as_text=True)

    def test_a_form_that_changes_nothing_is_told_so(self, browser):
        assert "This is how it is already" in send(browser, DIALS, 422, step="check", **AS_IS)

    def test_nonsense_is_refused_at_each_field(self, browser):
        before = in_force()
        bad = {
            "mode": "x", "urgency": "101", "margin": "-1", "longest": "1", "source": "",
            "express": "5",
        }  # fmt: skip
        html = send(browser, DIALS, 422, step="save", **bad)
        assert set(re.findall(r'<a href="#(\w+)">', html)) >= set(bad)
        assert in_force() == before


class TestPeaks:
    def test_pins_by_day_and_hours_with_who_pinned_them(self, browser):
        check, after = turn(browser, PEAKS, **(NINE_TO_TWO | {"days": "5", "end": "10"}))
        assert "Pinned as a peak Saturday: 09:00 to 10:00" in check
        assert "These hours become a peak Saturday: 09:00 to 10:00" in check
        assert "Saturday: 09:00 to 10:00 by first, 18 Nov 2026" in after
        assert "Became a peak: Saturday: 09:00 to 10:00" in after
        assert in_force().pins == {5 * 24 + 9: True}
        turn(browser, PEAKS, **(NINE_TO_TWO | {"what": "pin_quiet"}))
        assert 9 not in in_force().peaks
        assert len(in_force().pins) == 26
        check, _after = turn(browser, PEAKS, days="all", start="0", end="24", what="free")
        assert "No longer pinned Monday to Friday: 09:00 to 14:00" in check
        assert in_force().pins == {}
        assert 9 in in_force().peaks

    def test_own_peaks(self, browser):
        check, _after = turn(browser, PEAKS, **(NINE_TO_TWO | {"what": "remove"}))
        assert "Your own peaks count at once." in check
        assert "Taken out of your own peaks Monday to Friday: 09:00 to 14:00" in check
        assert "These hours are no peak any more" in check
        assert in_force().peaks == {dow * 24 + hour for dow in range(5) for hour in range(17, 21)}
        turn(browser, PEAKS, **(NINE_TO_TWO | {"what": "add", "days": "6"}))
        assert 6 * 24 + 9 in in_force().peaks

    def test_a_pin_that_does_not_count_says_so(self, browser):
        turn(browser, DIALS, **(AS_IS | {"source": "fixed"}))
        check, _after = turn(browser, PEAKS, **NINE_TO_TWO)
        assert "Pins count only while the peaks are “Learned, with your pins”." in check
        assert "The peaks of today stay as they are." in check

    def test_nonsense_is_refused_at_each_field(self, browser):
        bad = {"days": "7", "start": "24", "end": "0", "what": "explode"}
        html = send(browser, PEAKS, 422, step="check", **bad)
        assert set(re.findall(r'<a href="#(\w+)">', html)) >= set(bad)

    def test_the_log_of_the_peaks_has_pages(self, browser):
        for start in range(9, 14):
            for what in ("pin_quiet", "pin_peak", "pin_quiet", "free"):
                fields = {"days": "2", "start": str(start), "end": "14", "what": what}
                turn(browser, PEAKS, **fields)
        html = page(browser, f"{WEEK}/changes")
        older = re.search(r'href="([^"]*before=\d+)"', html)
        assert older
        assert "As the site began" not in html
        assert "As the site began" in page(browser, older[1].replace("&amp;", "&"))
        assert "There is nothing older." in page(browser, f"{WEEK}/changes?before=1")


class TestClosedDays:
    def test_are_added_shown_and_removed(self, browser):
        check, _after = turn(browser, CLOSED, **CHRISTMAS)
        assert "On closed days nobody is counted on" in check
        assert in_force().closed == {date(2026, 12, day) for day in (24, 25, 26)}
        told = words_of(page(browser, CLOSED))
        assert "Thursday 24 December 2026 to Saturday 26 December 2026" in told
        turn(browser, CLOSED, first="2026-12-25", last="", what="remove")
        assert in_force().closed == {date(2026, 12, day) for day in (24, 26)}

    def test_wrong_days_are_refused(self, browser):
        for fields, message in (
            ({"first": ""}, "Write the first closed day"),
            ({"last": "soon"}, "Write the last closed day"),
            ({"last": "2026-12-01"}, "The last day is before the first day"),
            ({"last": "2027-06-01"}, "That is more than two months."),
            (
                {"first": "2032-01-01", "last": "2032-01-02"},
                "That is more than two years from now.",
            ),
            ({"first": "2026-11-15", "last": "2026-11-17"}, "These days are over."),
            ({"what": "remove"}, "This is how it is already."),
        ):
            assert message in send(browser, CLOSED, 422, step="check", **(CHRISTMAS | fields))
        assert in_force().closed == frozenset()

    def test_the_check_page_shows_every_day_that_changes(self, browser):
        check, _after = turn(browser, CLOSED, **CHRISTMAS)
        assert "These days become closed Thursday 24 December 2026 to Saturday 26" in check
        check, _after = turn(browser, CLOSED, first="2026-12-25", last="", what="remove")
        assert "These days are open again Friday 25 December 2026" in check
        assert "become closed" not in check

    def test_any_run_of_days_can_be_removed(self, browser, clock):
        first = clock.now().date() - timedelta(days=30)
        days = [first + timedelta(days=each) for each in range(120)]
        with unit() as uow:
            dialing.turn(uow, organizer_id=None, closed_dates=days)
            uow.commit()
        fields = {"first": str(days[0]), "last": str(days[-1]), "what": "remove"}
        wrong = send(browser, CLOSED, 422, step="check", **(fields | {"last": "soon"}))
        assert "<h1>Open on closed days after all</h1>" in wrong
        assert '<input type="hidden" name="what" value="remove">' in wrong
        turn(browser, CLOSED, **fields)
        assert in_force().closed == frozenset()

    def test_there_can_be_too_many(self, browser, clock):
        with unit() as uow:
            days = [clock.now().date() + timedelta(days=each) for each in range(199)]
            dialing.turn(uow, organizer_id=None, closed_dates=days)
            uow.commit()
        fields = {"first": "2027-12-24", "last": "2027-12-26", "what": "add"}
        assert "too many closed days" in send(browser, CLOSED, 422, step="check", **fields)


class TestPositions:
    ADDRESS = f"{WEEK}/positions"

    def test_nothing_is_calculated_at_first(self, browser):
        told = words_of(page(browser, self.ADDRESS))
        assert "Nothing is calculated yet" in told
        assert "Calculate it" in told

    def test_asks_the_worker_once_and_shows_how_far_it_is(self, browser):
        send(browser, self.ADDRESS, 303)
        told = page(browser, self.ADDRESS)
        assert "The calculation begins now." in told
        assert "The calculation is under way" in told
        with unit() as uow:
            trial = trials.newest(uow.session, uow.clock.now()).running
            begin(uow, trial.id)
            store(uow, trial.id, Policy())
            uow.commit()
        told = page(browser, self.ADDRESS)
        assert "1 of 6 positions are done." in told
        assert '<progress id="done" max="6" value="1">' in told
        browser.post(self.ADDRESS, data={"csrf_token": factories.csrf_of(page(browser, DIALS))})
        assert "The calculation was asked for already." in page(browser, self.ADDRESS)

    def test_shows_figures_and_says_that_they_are_the_models(self, browser, people):
        with unit() as uow:
            service.ask_for_trial(uow, asked_by=people["organizer"])
            trial = trials.newest(uow.session, uow.clock.now()).running
            begin(uow, trial.id)
            store(uow, trial.id, replace(Policy(), mode=Mode.OPEN))
            service.end_trial(uow, trial_id=trial.id)
            uow.commit()
        told = words_of(page(browser, self.ADDRESS))
        assert "These are the figures of an invented site" in told
        assert "12 questions of the last weeks and 3 people" in told
        assert "Always open Now 64% 1.53 8 hours 21 hours 2% 98% 96%" in told
        assert "Calculate anew" in told

    def test_an_auditor_looks_and_does_not_ask(self, app, people):
        auditor = app.test_client()
        factories.sign_in_as(app, auditor, people["auditor"], organizer=True)
        assert "Calculate" not in page(auditor, self.ADDRESS)


def begin(uow, trial_id):
    service.begin_trial(uow, trial_id=trial_id, found=Read(3, 12, None), positions=6)


def store(uow, trial_id, policy):
    figures = {
        "off_peak_share": 0.642, "par_total": 1.53, "answered_p50_h": 7.9, "promise_p50_h": 20.6,
        "refused_share": 0.023, "kept": 0.981, "kept_worst_week": 0.957,
    }  # fmt: skip
    service.note_position(uow, trial_id=trial_id, place=0, policy=policy, figures=figures)
