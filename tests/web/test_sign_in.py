"""Signing in, out and everywhere out, as browsers do it: forms, cookies, mails and limits."""

from __future__ import annotations

import re
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.factories import csrf_of
from upss.accounts import service
from upss.jobs import TASKS
from upss.kernel.roles import Role
from upss.web import sessions
from upss.web.ports import unit

networks = count(1)
HERE = "192.0.2.1"


class Visitor:
    """A browser of its own: cookies, network address, and a fresh context for each request."""

    def __init__(self, app, network=None, base_url="http://localhost"):
        self.client = FlaskClient(app, app.response_class)
        self.base_url = base_url
        self.network = network or f"198.51.100.{next(networks)}"
        self.token = None

    def _ask(self, method, path, **more):
        answer = Context().run(
            partial(
                self.client.open,
                path,
                method=method,
                base_url=self.base_url,
                environ_base={"REMOTE_ADDR": self.network},
                **more,
            )
        )
        if "csrf_token" in answer.text:
            self.token = csrf_of(answer.text)
        return answer

    def get(self, path, **more):
        return self._ask("GET", path, **more)

    def post(self, path, **fields):
        return self._ask("POST", path, data={"csrf_token": self.token, **fields})

    def ask_mail(self, email, **fields):
        if self.token is None:
            self.get("/sign-in")
        return self.post("/sign-in", email=email, **fields)

    @property
    def cookie(self):
        cookie = self.client.get_cookie(sessions.COOKIE)
        return cookie.value if cookie else None

    @property
    def is_signed_in(self):
        return self.get("/settings").status_code == 200


@dataclass
class SignInMail:
    to: str
    path: str
    code: str


@pytest.fixture
def visitor(app):
    return Visitor(app)


@pytest.fixture
def newest_mail(app, post_office):
    """Run the mail jobs that wait, then read the newest sign-in mail."""
    done = 0

    def read() -> SignInMail:
        nonlocal done
        with unit() as uow:
            waiting = uow.session.execute(
                text(
                    "SELECT id, task_name, args FROM procrastinate_jobs WHERE id > :done ORDER BY id"
                ),
                {"done": done},
            ).all()
        for job in waiting:
            Context().run(partial(_run, app, job.task_name, job.args))
            done = job.id
        body = post_office.messages[-1].get_body(("plain",)).get_content()
        path = re.search(r"http://localhost(/sign-in/link/\S+)", body)
        code = re.search(r"\b(\d{4} \d{4})\b", body)
        return SignInMail(post_office.messages[-1]["To"], path[1], code[1])

    return read


def _run(app, name, args):
    with app.app_context():
        TASKS[name](**args)


def test_the_link_signs_in_and_leads_where_the_visitor_wanted(visitor, newest_mail):
    wanted = visitor.get("/settings")
    assert wanted.status_code == 303
    page = visitor.get(wanted.location)
    assert "Sign in" in page.text
    sent = visitor.ask_mail("Rosa@Example.org", next="/settings")
    assert (sent.status_code, sent.location) == (303, "/sign-in/sent")
    assert "rosa@example.org" in visitor.get("/sign-in/sent").text
    mail = newest_mail()
    assert mail.to == "rosa@example.org"
    assert "One more step" in visitor.get(mail.path).text
    entered = visitor.post(mail.path)
    assert (entered.status_code, entered.location) == (303, "/settings")
    page = visitor.get("/settings")
    assert 'value="Rosa"' in page.text
    assert visitor.get("/sign-in?next=/settings").location == "/settings"


def test_opening_the_link_uses_nothing_up(visitor, newest_mail):
    visitor.ask_mail("scanned@example.org")
    mail = newest_mail()
    for _ in range(2):
        assert visitor.get(mail.path).status_code == 200
        assert visitor._ask("HEAD", mail.path).status_code == 200
    assert not visitor.is_signed_in
    assert visitor.post(mail.path).status_code == 303
    assert visitor.is_signed_in


def test_a_link_works_once(visitor, newest_mail):
    visitor.ask_mail("twice@example.org")
    mail = newest_mail()
    visitor.post(mail.path)
    for again in (visitor.get(mail.path), visitor.post(mail.path)):
        assert again.status_code == 410
        assert "used already" in again.text


def test_an_old_or_invented_link_says_what_to_do(visitor, newest_mail, clock):
    visitor.ask_mail("slow@example.org")
    mail = newest_mail()
    clock.advance(timedelta(minutes=10))
    for path in (mail.path, "/sign-in/link/invented", "/sign-in/link/" + "x" * 5000):
        for answer in (visitor.get(path), visitor.post(path)):
            assert answer.status_code == 410
            assert "Ask for a new mail" in answer.text
    late = visitor.post("/sign-in/code", code=mail.code)
    assert (late.status_code, "Ask for a new mail" in late.text) == (410, True)


def test_another_browser_is_told_to_type_the_code(app, visitor, newest_mail):
    visitor.ask_mail("phone@example.org")
    mail = newest_mail()
    other = Visitor(app)
    other.get("/sign-in")
    for answer in (other.get(mail.path), other.post(mail.path)):
        assert answer.status_code == 409
        assert "Type the code instead" in answer.text
    assert not other.is_signed_in
    assert visitor.post("/sign-in/code", code=mail.code).location == "/"
    assert visitor.is_signed_in
    assert not other.is_signed_in


def test_wrong_codes_are_counted_down_and_kept_to_be_corrected(visitor, newest_mail):
    visitor.ask_mail("typo@example.org")
    mail = newest_mail()
    false = "1111 1111" if mail.code != "1111 1111" else "2222 2222"
    said = [visitor.post("/sign-in/code", code=false) for _ in range(6)]
    assert {answer.status_code for answer in said} == {422}
    assert "You can try 4 more times" in said[0].text
    assert "You can try once more" in said[3].text
    assert "Too many wrong codes" in said[4].text
    assert "Too many wrong codes" in said[5].text
    assert f'value="{false}"' in said[0].text
    assert "<title>Error:" in said[0].text
    assert visitor.post("/sign-in/code", code=mail.code).status_code == 422
    assert not visitor.is_signed_in


def test_a_code_of_the_wrong_shape_costs_no_try(visitor, newest_mail):
    visitor.ask_mail("shape@example.org")
    mail = newest_mail()
    for typed in ("", "123", "abcdefgh", "123456789", "١٢٣٤٥٦٧٨"):
        answer = visitor.post("/sign-in/code", code=typed)
        assert (answer.status_code, "Write the 8 digits" in answer.text) == (422, True)
    for _ in range(4):
        visitor.post("/sign-in/code", code="0000 0000")
    assert visitor.post("/sign-in/code", code=mail.code).status_code in (303, 422)
    assert visitor.is_signed_in == (mail.code != "0000 0000")


def test_without_a_request_there_is_no_code_to_type(visitor):
    visitor.get("/sign-in")
    assert visitor.get("/sign-in/sent").location == "/sign-in"
    assert visitor.post("/sign-in/code", code="12345678").status_code == 410


def test_a_bad_address_is_explained_and_stays_typed(visitor):
    visitor.get("/sign-in")
    for typed in ("", "rosa", "a@example.org\r\nBcc: b@example.org", "a" * 9000):
        answer = visitor.post("/sign-in", email=typed, next="/queue")
        assert answer.status_code == 422
        assert 'class="error-summary"' in answer.text
        assert answer.text.count("Write your e-mail address") == 2
        assert 'name="next" value="/queue"' in answer.text
        assert f'value="{typed}"' in answer.text


def test_known_and_unknown_addresses_get_the_same_answer(app):
    with unit() as uow:
        service.invite(
            uow, email="known@example.org", name="", role=Role.ORGANIZER, topics=[], language="en"
        )
        uow.commit()
    seen = []
    for email in ("known@example.org", "other@example.org"):
        visitor = Visitor(app)
        for answer in (visitor.ask_mail(email), visitor.get("/sign-in/sent")):
            headers = {k: v for k, v in answer.headers.items() if k not in ("Date", "Set-Cookie")}
            body = answer.text.replace(email, "").replace(visitor.token, "")
            seen.append((answer.status_code, headers.pop("Content-Length") and headers, body))
    assert seen[:2] == seen[2:]


def test_no_sign_in_leads_to_another_site(app, newest_mail):
    for wanted in ("//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"):
        visitor = Visitor(app)
        assert visitor.get("/sign-in", query_string={"next": wanted}).status_code == 200
        visitor.ask_mail(f"lured{visitor.network}@example.org", next=wanted)
        assert visitor.post(newest_mail().path).location == "/"
        assert visitor.get("/sign-in", query_string={"next": wanted}).location == "/"


def test_the_mail_names_this_site_whatever_the_request_said(app, newest_mail):
    visitor = Visitor(app, base_url="http://127.0.0.1:8080")
    assert visitor.ask_mail("host@example.org").status_code == 303
    assert newest_mail().path  # found behind http://localhost, the address of the settings


def test_three_mails_in_a_quarter_of_an_hour(app, clock):
    for _ in range(3):
        assert Visitor(app, HERE).ask_mail("often@example.org").status_code == 303
    late = Visitor(app, HERE).ask_mail("often@example.org")
    assert late.status_code == 429
    assert "You can ask again: Today, Wednesday 18 November at 12:15" in late.text
    assert 'value="often@example.org"' in late.text
    assert "<title>Error:" in late.text
    assert Visitor(app, HERE).ask_mail("other@example.org").status_code == 303
    clock.advance(timedelta(minutes=15))
    assert Visitor(app, HERE).ask_mail("often@example.org").status_code == 303


def test_ten_mails_a_day(app, clock):
    answers = []
    for _ in range(12):
        answers.append(Visitor(app, HERE).ask_mail("daily@example.org").status_code)
        clock.advance(timedelta(minutes=15))
    assert answers == [303] * 10 + [429] * 2


def test_who_uses_an_address_up_leaves_it_to_other_networks(app):
    asked = [Visitor(app, "203.0.113.9").ask_mail("known@example.org") for _ in range(4)]
    assert [answer.status_code for answer in asked] == [303, 303, 303, 429]
    assert Visitor(app, "198.51.100.7").ask_mail("known@example.org").status_code == 303
    with unit() as uow:
        uow.session.execute(
            text("UPDATE rate_count SET uses = 40 WHERE key LIKE 'sign-in-address-all%'")
        )
        uow.commit()
    assert Visitor(app, "192.0.2.5").ask_mail("known@example.org").status_code == 429


def test_ten_mails_an_hour_from_one_network(app):
    for first, second in (
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:7:7::1", "2001:db8:7:7:ffff::2"),
    ):
        asked = [Visitor(app, first).ask_mail(f"n{turn}@example.org") for turn in range(10)]
        assert {answer.status_code for answer in asked} == {303}
        assert Visitor(app, second).ask_mail("n10@example.org").status_code == 429
    assert Visitor(app).ask_mail("n10@example.org").status_code == 303


def test_a_thousand_mails_in_five_minutes_from_everywhere(app, visitor):
    visitor.ask_mail("first@example.org")
    with unit() as uow:
        uow.session.execute(text("UPDATE rate_count SET uses = 1000 WHERE key LIKE 'sign-in-all%'"))
        uow.commit()
    assert visitor.ask_mail("last@example.org").status_code == 429


def test_signing_in_changes_the_token_and_kills_the_old_one(app, visitor, newest_mail):
    visitor.ask_mail("fixed@example.org")
    before = visitor.cookie
    visitor.post(newest_mail().path)
    assert visitor.cookie != before
    assert visitor.is_signed_in
    thief = Visitor(app)
    thief.client.set_cookie(sessions.COOKIE, before)
    assert not thief.is_signed_in


def test_signing_out_ends_this_session_alone(app, visitor, newest_mail):
    other = Visitor(app)
    for browser in (visitor, other):
        browser.ask_mail("leaver@example.org")
        browser.post(newest_mail().path)
    stolen = visitor.cookie
    assert visitor.post("/sign-out").location == "/"
    assert visitor.cookie is None
    assert not visitor.is_signed_in
    assert other.is_signed_in
    thief = Visitor(app)
    thief.client.set_cookie(sessions.COOKIE, stolen)
    assert not thief.is_signed_in


def test_signing_out_everywhere_ends_every_session(app, newest_mail):
    browsers = [Visitor(app) for _ in range(3)]
    for browser in browsers:
        browser.ask_mail("everywhere@example.org")
        browser.post(newest_mail().path)
    stranger = Visitor(app)
    stranger.ask_mail("stranger@example.org")
    stranger.post(newest_mail().path)
    assert all(browser.is_signed_in for browser in browsers)
    assert browsers[0].post("/sign-out-everywhere").location == "/sign-in"
    assert not any(browser.is_signed_in for browser in browsers)
    assert stranger.is_signed_in


def test_an_organizers_session_lasts_twelve_hours_and_others_thirty_days(app, clock, newest_mail):
    with unit() as uow:
        service.invite(
            uow, email="boss@example.org", name="", role=Role.ORGANIZER, topics=[], language="en"
        )
        uow.commit()
    boss, asker = Visitor(app), Visitor(app)
    for browser, email in ((boss, "boss@example.org"), (asker, "asker@example.org")):
        browser.ask_mail(email)
        browser.post(newest_mail().path)
    clock.advance(timedelta(hours=11, minutes=59))
    assert boss.is_signed_in
    clock.advance(timedelta(minutes=1))
    assert not boss.is_signed_in
    clock.advance(timedelta(days=29))
    assert asker.is_signed_in


def test_settings_change_name_and_language(visitor, newest_mail):
    visitor.ask_mail("changes@example.org")
    visitor.post(newest_mail().path)
    visitor.get("/settings")
    saved = visitor.post("/settings", name="  Núria Puig ", language="ca")
    assert (saved.status_code, saved.location) == (303, "/settings?lang=ca")
    page = visitor.get(saved.location)
    assert '<html lang="ca">' in page.text
    assert 'value="Núria Puig"' in page.text
    assert '<html lang="ca">' in visitor.get("/settings").text


def test_settings_refuse_what_cannot_be_kept(visitor, newest_mail):
    visitor.ask_mail("refused@example.org")
    visitor.post(newest_mail().path)
    visitor.get("/settings")
    for name, language, shown in (
        ("", "en", "Write your name"),
        ("a\nb", "en", "Write your name"),
        ("n" * 81, "en", "at most 80"),
        ("Ann", "xx", "Choose a language"),
    ):
        answer = visitor.post("/settings", name=name, language=language)
        assert answer.status_code == 422
        assert answer.text.count(shown) == 2
    assert 'value="Refused"' in visitor.get("/settings").text


def test_every_form_needs_its_token(visitor, newest_mail):
    def refused(*paths):
        for path in paths:
            visitor.token = "forged"
            yield visitor.post(path, email="a@example.org").status_code

    visitor.ask_mail("forged@example.org")
    good = visitor.token
    mail = newest_mail()
    assert list(refused("/sign-in", "/sign-in/code", mail.path)) == [400] * 3
    visitor.token = good
    assert visitor.post(mail.path).status_code == 303
    assert list(refused("/settings", "/sign-out", "/sign-out-everywhere")) == [400] * 3
    assert visitor.is_signed_in
