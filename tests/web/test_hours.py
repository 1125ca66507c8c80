"""The pages of an answerer's hours: what is shown, what is kept when it is wrong, undo."""

from __future__ import annotations

import re
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest

from tests.factories import at, hidden_of, person, post, question_row, queued, sign_in_as
from upss.forum import queries_hours as queries
from upss.forum.models_offpeak import Activity
from upss.forum.rules.hours import PRESETS
from upss.forum.rules.windows import Window
from upss.forum.service import claiming
from upss.kernel.roles import Role
from upss.web.ports import unit

MADRID = "Europe/Madrid"


@pytest.fixture
def ada(app):
    return person("ada@example.org", role=Role.ANSWERER, topics=("home", "garden"))


@pytest.fixture
def browser(app, client, ada):
    sign_in_as(app, client, ada)
    return client


@pytest.fixture
def declared(ada):
    """Return what counts now."""

    def read():
        with unit() as uow:
            return queries.in_force(uow.session, ada, MADRID)

    return read


def text_of(response, status=200):
    assert response.status_code == status
    return response.get_data(as_text=True)


def send(browser, path, form="/hours", **fields):
    """Send a form as a browser would; a field may have several values."""
    unseen = hidden_of(browser.get(form).get_data(as_text=True))
    return browser.post(path, data={"csrf_token": unseen["csrf_token"], **fields})


def after(browser, path, form="/hours", **fields):
    """Send a form that is accepted and follow it to the page that it leads to."""
    answer = send(browser, path, form, **fields)
    assert answer.status_code == 303, answer.get_data(as_text=True)[:3000]
    return text_of(browser.get(answer.headers["Location"]))


def errors(page):
    """Return (field, message) of the error summary; each field is there, with the same words."""
    assert re.search(r"<title>Error:", page)
    summary = re.search(r'class="error-summary".*?</div>', page, re.DOTALL).group()
    found = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', summary)
    for field, message in found:
        assert re.search(rf'id="{field}"', page), field
        assert page.count(message) >= 2, message
    return dict(found)


def week(**changes):
    """Return the fields of the week's form: two lines unless changed."""
    fields = {
        "do": "save", "zone": MADRID, "day": ["weekdays", "5"],
        "from": ["9:00", "22"], "to": ["13:00", "2.30"],
    }  # fmt: skip
    return fields | changes


class TestOverview:
    def test_says_that_hours_are_assumed(self, browser):
        page = text_of(browser.get("/hours"))
        assert "You have not told us your hours yet" in page
        assert "Every day: 09:00 to 13:00 and 16:00 to 20:00" in page
        assert "That is 56 hours in a week. The clock is that of Spain: Madrid." in page
        assert "Undo" not in page
        assert 'href="/hours" aria-current="page"' in page

    def test_presets_in_one_step_and_undo(self, browser, declared):
        page = after(browser, "/hours/preset", preset=["mornings", "weekends"])
        assert declared().hours.windows == (*PRESETS["mornings"], *PRESETS["weekends"])
        assert "Your week is saved" in page
        assert "Monday to Friday: 09:00 to 13:00" in page
        assert "Saturday and Sunday: 10:00 to 20:00" in page
        assert len(re.findall(r'name="preset"[^>]* checked', page)) == 2
        assert "Your last change is undone" in text_of(
            browser.post("/hours/undo", data=hidden_of(page), follow_redirects=True)
        )
        assert len(declared().hours.windows) == 14

    def test_no_preset_is_an_error(self, browser):
        page = text_of(send(browser, "/hours/preset"), 422)
        assert errors(page) == {"preset": "Choose at least one line, such as Mornings"}
        assert "You have not told us your hours yet" in page

    def test_a_second_undo_of_the_same_page_changes_nothing(self, browser, declared):
        page = after(browser, "/hours/preset", preset="mornings")
        after(browser, "/hours/preset", preset="evenings")
        answer = browser.post("/hours/undo", data=hidden_of(page), follow_redirects=True)
        assert "There was another change since." in text_of(answer)
        assert declared().hours.windows == PRESETS["evenings"]

    def test_what_changes_nothing_says_so_and_offers_no_undo(self, browser):
        after(browser, "/hours/preset", preset="evenings")
        page = after(browser, "/hours/preset", preset="mornings")
        assert "Was that not what you wanted?" in page
        same = after(browser, "/hours/preset", preset="mornings")
        assert "Nothing has changed" in same
        assert "Was that not what you wanted?" not in same
        assert "Undo my last change" in same
        for form, gone in (("/hours", "/hours/back"), ("/hours/away", "/hours/here")):
            assert "Nothing has changed" in after(browser, gone, form, start="never")

    def test_the_notice_of_an_older_change_offers_no_undo(self, browser):
        shown = send(browser, "/hours/preset", preset="mornings").headers["Location"]
        assert "Your week is saved" in text_of(browser.get(shown))
        after(browser, "/hours/preset", preset="evenings")
        page = text_of(browser.get(shown))
        assert "Your week is saved" not in page
        assert "Undo my last change" in page

    def test_an_invented_version_cannot_be_undone(self, browser):
        page = after(browser, "/hours/preset", preset="mornings")
        token = hidden_of(page)["csrf_token"]
        for version in ("", "x", "-1", "9" * 30, "9" * 5000):
            answer = browser.post("/hours/undo", data={"csrf_token": token, "version": version})
            assert answer.status_code == 303, version
            assert browser.get("/hours", query_string={"version": version}).status_code == 200

    def test_a_night_is_drawn_on_both_days_and_said_once(self, browser):
        page = after(
            browser, "/hours/week", "/hours/week", **week(day="0", to="2", **{"from": "22"})
        )
        rows = re.findall(r"<th scope=\"row\">(\w+)</th>(.*?)</tr>", page, re.DOTALL)
        drawn = {day: re.findall(r'x="(\d+)"[^>]*width="(\d+)"', row) for day, row in rows}
        assert drawn["Monday"] == [("1320", "120")]
        assert drawn["Tuesday"] == [("0", "120")]
        assert page.count("22:00 to 02:00") == 3  # in words, in the table, and the preset
        assert "No hours" in dict(rows)["Tuesday"]

    def test_other_languages(self, browser):
        spanish = "Todos los días: de 9:00 a 13:00 y de 16:00 a 20:00"
        assert spanish in text_of(browser.get("/hours?lang=es"))
        assert "Cada dia: de 9:00 a" in text_of(browser.get("/hours?lang=ca"))

    def test_quieter_hours_of_ones_own_are_named_once_the_site_has_learned(self, browser):
        lines = week(day=["weekdays", "5"], to=["17", "13"], **{"from": ["9", "9"]})
        page = after(browser, "/hours/week", "/hours/week", **lines)
        assert "Your quieter hours" not in page
        with unit() as uow:
            activity = uow.session.get_one(Activity, 1)
            activity.seen = 200
            # two questions of three come in the mornings of working days
            activity.counts = [10.0 if 9 <= cell < 13 else 1.0 for cell in range(48)]
            uow.commit()
        page = text_of(browser.get("/hours"))
        told = page[page.index("Your quieter hours") : page.index("Choose in one step")]
        assert "<li>Monday to Friday: 13:00 to 17:00</li>" in told


class TestWeek:
    def test_lines_are_saved(self, browser, declared):
        after(browser, "/hours/week", "/hours/week", **week(zone="Asia/Kolkata"))
        assert declared().hours.windows == (
            *(Window(dow, 540, 240) for dow in range(5)), Window(5, 1320, 270),
        )  # fmt: skip
        assert declared().hours.zone == "Asia/Kolkata"
        page = text_of(browser.get("/hours/week"))
        assert re.findall(r'name="(?:from|to)" value="([^"]*)"', page) == [
            "09:00", "13:00", "22:00", "02:30",
        ]  # fmt: skip
        assert '<option value="Asia/Kolkata" selected>India</option>' in page

    def test_a_zone_by_an_older_name_stays_as_it_is(self, browser):
        page = after(browser, "/hours/week", "/hours/week", **week(zone="Asia/Calcutta"))
        assert "The clock is that of India." in page
        page = text_of(browser.get("/hours/week"))
        assert '<option value="Asia/Calcutta" selected>India</option>' in page
        assert "Asia/Kolkata" not in page
        # and one that no country has
        after(browser, "/hours/week", "/hours/week", **week(zone="Etc/GMT+3"))
        assert '<option value="Etc/GMT+3" selected>' in text_of(browser.get("/hours/week"))

    def test_a_line_is_added_and_removed_without_saving(self, browser, declared):
        page = text_of(send(browser, "/hours/week", "/hours/week", **week(do="add")))
        assert re.findall(r'name="from" value="([^"]*)"', page) == ["9:00", "22", ""]
        page = text_of(send(browser, "/hours/week", "/hours/week", **week(do="remove-1")))
        assert re.findall(r'name="from" value="([^"]*)"', page) == ["22"]
        assert len(declared().hours.windows) == 14

    def test_the_first_button_saves_so_that_the_enter_key_does(self, browser):
        page = text_of(browser.get("/hours/week"))
        form = page[page.index('action="/hours/week"') :]
        assert re.search(r"<button[^>]*>", form).group().count('value="save"') == 1

    def test_every_fault_at_once_and_what_was_typed_stays(self, browser, declared):
        fields = week(zone="Europe/Atlantis", to=["25:00", ""], day=["weekdays", "someday"])
        page = text_of(send(browser, "/hours/week", "/hours/week", **fields), 422)
        assert errors(page) == {
            "to-1": "Write when line 1 ends, such as 13:00",
            "day-2": "Choose a day in line 2",
            "zone": "Choose a time zone from the list",
        }
        assert re.findall(r'name="to" value="([^"]*)"', page) == ["25:00", ""]
        assert len(declared().hours.windows) == 14

    @pytest.mark.parametrize("blank", [{"day": "0", "from": "", "to": ""}, {"day": [], "from": []}])
    def test_an_empty_week_is_refused(self, browser, blank):
        page = text_of(send(browser, "/hours/week", "/hours/week", **week(**blank)), 422)
        assert "from-1" in errors(page)
        assert "take a pause instead" in page

    def test_overlaps_are_joined_and_told(self, browser, declared):
        both = week(day=["0", "0"], to=["12", "13"], **{"from": ["9", "11"]})
        assert "We joined them." in after(browser, "/hours/week", "/hours/week", **both)
        assert declared().hours.windows == (Window(0, 540, 240),)

    def test_the_same_time_twice_is_a_whole_day(self, browser, declared):
        whole = week(day="6", to="24:00", **{"from": "0:00"})
        page = after(browser, "/hours/week", "/hours/week", **whole)
        assert declared().hours.windows == (Window(6, 0, 1440),)
        assert "Sunday: all day" in page

    def test_a_week_within_the_rest_days_is_refused(self, browser):
        send(browser, "/hours/day", "/hours/day", minutes="60", never_quiet="yes", rest=["5", "6"])
        weekend = week(day="weekend", to="13", **{"from": "9"})
        page = text_of(send(browser, "/hours/week", "/hours/week", **weekend), 422)
        assert "rest days" in errors(page)["from-1"]
        page = text_of(send(browser, "/hours/preset", preset="weekends"), 422)
        assert "rest days" in errors(page)["preset"]
        assert re.search(r'value="weekends" checked', page)
        assert page.count(" checked") == 1

    def test_more_stretches_than_a_week_may_have(self, browser):
        many = week(
            day=["all"] * 25,
            to=[f"{hour}:30" for hour in range(24)] + ["0:45"],
            **{"from": [f"{hour}:00" for hour in range(24)] + ["0:40"]},
        )
        page = text_of(send(browser, "/hours/week", "/hours/week", **many), 422)
        assert "more than 168 stretches" in errors(page)["from-1"]


class TestDay:
    FIELDS: ClassVar = {
        "quiet_start": "21",
        "quiet_end": "9:30",
        "minutes": "60",
        "answers": "2",
        "rest": "6",
    }

    def test_is_saved_and_shown(self, browser, declared):
        page = after(browser, "/hours/day", "/hours/day", **self.FIELDS)
        hours = declared().hours
        assert (hours.quiet_start_min, hours.quiet_end_min) == (21 * 60, 9 * 60 + 30)
        assert (hours.daily_minutes, hours.daily_answers, hours.rest_days) == (60, 2, {6})
        assert "21:00 to 09:30" in page
        assert "1 hour" in page
        assert "Rest day" in page

    def test_no_quiet_hours(self, browser, declared):
        fields = self.FIELDS | {"never_quiet": "yes", "quiet_start": "", "answers": ""}
        after(browser, "/hours/day", "/hours/day", **fields)
        assert declared().hours.quiet_start_min == declared().hours.quiet_end_min
        assert declared().hours.daily_answers is None

    def test_faults(self, browser):
        fields = {"quiet_start": "late", "quiet_end": "", "minutes": "5", "answers": "none"}
        page = text_of(send(browser, "/hours/day", "/hours/day", **fields), 422)
        assert errors(page).keys() == {"quiet_start", "quiet_end", "minutes", "answers"}
        assert 'value="late"' in page

    def test_rest_on_every_day(self, browser):
        fields = self.FIELDS | {"rest": list("0123456")}
        page = text_of(send(browser, "/hours/day", "/hours/day", **fields), 422)
        assert errors(page).keys() == {"rest"}
        assert page.count(" checked") == 7


class TestAway:
    def test_a_pause_and_back_again(self, browser, declared):
        page = after(browser, "/hours/pause", "/hours/away", back_on="2026-11-23")
        assert "You are back on Monday 23 November." in page
        assert declared().hours.paused_until.isoformat() == "2026-11-22T23:00:00+00:00"
        assert "Welcome back" in after(browser, "/hours/back")
        assert declared().hours.paused_until is None

    def test_an_absence_that_follows_the_pause_counts_too(self, browser):
        after(browser, "/hours/absence", "/hours/away", first="2026-11-23", last="2026-11-25")
        page = after(browser, "/hours/pause", "/hours/away", back_on="2026-11-23")
        assert "You are back on Thursday 26 November." in page

    def test_the_day_is_that_of_the_person(self, browser, declared):
        after(browser, "/hours/week", "/hours/week", **week(zone="Pacific/Auckland"))
        page = after(browser, "/hours/pause", "/hours/away", back_on="2026-11-20")
        assert declared().hours.paused_until.isoformat() == "2026-11-19T11:00:00+00:00"
        assert "You are back on Friday 20 November." in page

    def test_a_pause_that_cannot_be(self, browser, declared):
        token = hidden_of(text_of(browser.get("/hours/away")))["csrf_token"]
        for typed, word in {
            "": "Write the day", "soon": "Write the day", "2026-11-18": "not in the future",
            "0001-01-01": "not in the future", "2029-01-01": "two years", "9999-12-31": "two years",
        }.items():  # fmt: skip
            answer = browser.post("/hours/pause", data={"csrf_token": token, "back_on": typed})
            page = text_of(answer, 422)
            assert word in errors(page)["back_on"], typed
            assert f'value="{typed}"' in page
        assert declared().hours.paused_until is None

    def test_days_away_are_added_removed_and_brought_back(self, browser, declared):
        page = after(
            browser, "/hours/absence", "/hours/away", first="2026-12-20", last="2027-01-06"
        )
        assert "Sunday 20 December to Wednesday 6 January 2027" in page
        (away,) = declared().hours.absences
        gone = after(browser, "/hours/here", "/hours/away", start=away.start.isoformat())
        assert declared().hours.absences == ()
        browser.post("/hours/undo", data=hidden_of(gone))
        assert declared().hours.absences == (away,)
        assert send(browser, "/hours/here", "/hours/away", start="never").status_code == 303

    def test_days_that_have_begun_count_from_now(self, browser, declared, clock):
        after(browser, "/hours/absence", "/hours/away", first="0001-01-01", last="2026-11-18")
        (away,) = declared().hours.absences
        assert away.start == clock.now()
        assert "You are back on Thursday 19 November." in text_of(browser.get("/hours"))
        at(clock, away.end)
        assert "You are back" not in text_of(browser.get("/hours"))

    def test_days_away_that_cannot_be(self, browser, declared):
        token = hidden_of(text_of(browser.get("/hours/away")))["csrf_token"]
        for first, last, fields in (
            ("", "", {"first", "last"}), ("2026-12-02", "2026-12-01", {"last"}),
            ("2026-11-01", "2026-11-17", {"last"}), ("2026-12-01", "9999-12-31", {"last"}),
        ):  # fmt: skip
            sent = {"csrf_token": token, "first": first, "last": last}
            page = text_of(browser.post("/hours/absence", data=sent), 422)
            assert errors(page).keys() == fields
            assert f'name="first" value="{first}"' in page
        assert declared().hours.absences == ()


class TestWork:
    def test_languages_and_topics(self, browser, declared):
        page = after(browser, "/hours/work", "/hours/work", languages=["en", "ca"], topics="home")
        assert declared().languages == {"en", "ca"}
        assert declared().topics_off == {"garden"}
        assert "Switched off for now" in page

    def test_nothing_chosen(self, browser):
        page = text_of(send(browser, "/hours/work", "/hours/work", languages="xx"), 422)
        assert errors(page).keys() == {"languages", "topics"}

    def test_the_topic_of_a_held_question(self, browser, ada, declared):
        question = queued(person())
        with unit() as uow:
            claiming.claim(uow, question_id=question, answerer_id=ada)
            uow.commit()
        page = text_of(
            send(browser, "/hours/work", "/hours/work", languages="es", topics="garden"), 422
        )
        assert errors(page) == {
            "topics": "You hold a question in “Home and repairs”. Answer it or give it back first.",
            "languages": "You hold a question in “English”. Answer it or give it back first.",
        }
        assert declared().topics_off == frozenset()

    def test_who_has_no_topic_is_told(self, app, client):
        sign_in_as(app, client, person(role=Role.ANSWERER))
        assert "No topic is approved for you yet" in text_of(client.get("/hours/work"))
        assert post(client, "/hours/work", languages="en").status_code == 303


def test_an_answerer_reads_times_by_their_own_clock(browser, ada):
    after(browser, "/hours/week", "/hours/week", **week(zone="Asia/Kolkata"))
    question = queued(person())
    row = question_row(question)
    page = text_of(browser.get("/queue"))
    assert "All times are those of India." in page
    assert f"at {row.promise_at.astimezone(ZoneInfo('Asia/Kolkata')):%H:%M}<" in page
    with unit() as uow:
        claiming.claim(uow, question_id=question, answerer_id=ada)
        uow.commit()
    page = text_of(browser.get(f"/answering/{row.public_id}"))
    assert "All times are those of India." in page
    assert "Kept for you until 18:30" in page
    asked = text_of(browser.get("/ask", follow_redirects=True))
    assert "India" not in asked


def test_invitations_are_stopped_and_begun_again(browser, ada):
    def is_invited():
        with unit() as uow:
            return queries.newest(uow.session, [ada], MADRID)[ada].is_invited

    text_of(send(browser, "/hours/invitations", wanted="no"), 303)
    assert not is_invited()
    page = text_of(browser.get("/hours"))
    assert "You get no invitations any more." in page
    assert "Send me invitations again" in page
    text_of(send(browser, "/hours/invitations", wanted="yes"), 303)
    assert is_invited()
    assert "Send me no invitations" in text_of(browser.get("/hours"))
