"""Asking in a browser without JavaScript: write, check, pay, follow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select

from tests.factories import hidden_of, person, post, question_row, queued, sign_in_as
from upss.accounts.models import Account
from upss.forum import views_ask
from upss.forum.models import Question
from upss.forum.models_offpeak import Waiting
from upss.forum.rules.ownership import Owner
from upss.forum.service import asking
from upss.forum.service.asking import DraftText
from upss.forum.service.waiting import tell_waiting
from upss.kernel.ids import new_public_id
from upss.payments.models import Payment
from upss.web import sessions
from upss.web.ports import unit

FIELDS = {
    "topic": "home",
    "title": "Can I return a fridge that arrived damaged?",
    "body": "It has a dent in the door.",
    "size": "medium",
    "language": "en",
}


def start(client):
    return client.get("/ask").headers["Location"]


def test_an_anonymous_visitor_asks_pays_and_reads_the_state(client):
    url = start(client)
    answer = post(client, url, **FIELDS, do="continue")
    assert answer.status_code == 303, answer.get_data(as_text=True)[:3000]
    check = answer.headers["Location"]
    page = client.get(check).get_data(as_text=True)
    assert "€12.00" in page
    assert "€10.20" in page
    answer = post(client, check, email="nube.prat@example.org", agree="yes")
    assert answer.status_code == 303
    assert "standin" in answer.headers["Location"]
    public_id = url.rsplit("/", 1)[1]
    page = client.get(f"/questions/{public_id}").get_data(as_text=True)
    assert "Not paid yet" in page


def test_who_pays_is_spoken_to_in_the_language_they_read(client):
    """A question may be written in another: here by a Catalan reader, for people who read English."""
    url = start(client)
    check = post(client, url, **FIELDS, do="continue").headers["Location"]
    client.get(f"{check}?lang=ca")
    post(client, check, email="nube.prat@example.org", agree="yes")
    with unit() as uow:
        question = uow.session.scalars(select(Question)).one()
        assert question.language == "en"
        assert uow.session.scalars(select(Payment)).one().language == "ca"
        assert uow.session.get(Account, question.asker_id).language == "ca"


def test_home_pages_answer(client):
    for path in ("/", "/how-money-works", "/rights", "/accessibility", "/healthz", "/my-questions"):
        for language in ("en", "es", "ca"):
            assert client.get(f"{path}?lang={language}").status_code == 200, path


def test_a_queued_question_shows_its_promise(app, client):
    asker = person()
    question = question_row(queued(asker))
    sign_in_as(app, client, asker)
    page = client.get(f"/questions/{question.public_id}").get_data(as_text=True)
    assert "Your question waits for an answer" in page
    assert client.get(f"/questions/{question.public_id}/receipt").status_code == 200


def test_the_offer_that_was_agreed_to_is_the_offer_that_is_paid(client):
    url = start(client)
    post(client, url, **FIELDS, do="continue")
    first_tab = hidden_of(client.get(url + "/check").get_data(as_text=True))
    post(client, url, **(FIELDS | {"size": "large"}), do="continue")
    answer = client.post(
        url + "/check", data=first_tab | {"email": "nube.prat@example.org", "agree": "yes"}
    )
    page = answer.get_data(as_text=True)
    assert "Something changed since you opened this page" in page
    assert "€24.00" in page
    assert 'value="nube.prat@example.org"' in page
    assert 'value="yes" checked' not in page


def test_an_offer_that_ended_is_made_anew_and_what_was_typed_stays(client, clock):
    url = start(client)
    post(client, url, **FIELDS, do="continue")
    fields = hidden_of(client.get(url + "/check").get_data(as_text=True))
    fields |= {"email": "nube.prat@example.org", "agree": "yes"}
    clock.advance(timedelta(hours=2))
    page = client.post(url + "/check", data=fields).get_data(as_text=True)
    assert "The offer had ended. This is a new one: the price is the same, and the" in page
    assert 'value="nube.prat@example.org"' in page
    assert 'value="yes" checked' not in page  # the promise is another one
    again = client.post(url + "/check", data=fields | hidden_of(page))
    assert "standin" in again.headers["Location"]


def test_changing_or_throwing_away_what_is_no_longer_there_leads_on(client, clock):
    url = start(client)
    question = url.replace("/ask/", "/questions/")
    post(client, url, **FIELDS, do="continue")
    token = {"csrf_token": hidden_of(client.get(url).get_data(as_text=True))["csrf_token"]}
    # the offer has ended and the question is a draft again, while the page still says "Change"
    assert client.post(f"{question}/edit", data=token).headers["Location"] == url
    assert client.post(f"{url}/discard", data=token).headers["Location"] == "/"
    assert client.post(f"{url}/discard", data=token).headers["Location"] == question
    assert client.get(f"{url}/discard").headers["Location"] == question
    assert "Thrown away" in client.get(question).get_data(as_text=True)


def test_prices_that_differ_by_topic_are_told_from_the_least(client, database):
    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute(
            "UPDATE price SET price_minor = 900 WHERE topic = 'garden' AND size = 'medium'"
        )
    page = client.get(start(client)).get_data(as_text=True)
    assert "from €9.00, depending on the topic" in page
    assert page.count("depending on the topic") == 1


def test_a_double_press_on_paying_leads_to_the_question(client):
    url = start(client)
    post(client, url, **FIELDS, do="continue")
    fields = hidden_of(client.get(url + "/check").get_data(as_text=True))
    fields |= {"email": "nube.prat@example.org", "agree": "yes"}
    assert client.post(url + "/check", data=fields).status_code == 303
    second = client.post(url + "/check", data=fields)
    assert second.headers["Location"] == url.replace("/ask/", "/questions/")


def test_the_first_save_and_its_autosave_may_come_together(app):
    public_id, session = new_public_id(), browser(app)

    def save(number):
        with app.app_context(), unit() as uow:
            asking.save_draft(
                uow,
                public_id=public_id,
                owner=Owner(asker_id=None, session_id=session),
                text=DraftText(
                    title=f"Title {number}", body="", topic=None, size=None, language="en"
                ),
            )
            uow.commit()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(save, range(8)))
    with unit() as uow:
        assert len(uow.session.scalars(select(Question)).all()) == 1


def test_whoever_signs_in_next_sees_nothing_of_the_person_before(app, client):
    first, second = person(), person()
    sign_in_as(app, client, first)
    url = start(client)
    post(client, url, **FIELDS, do="save")
    enter_as(app, client, second)
    assert FIELDS["title"] not in client.get("/my-questions").get_data(as_text=True)
    assert client.get(url.replace("/ask/", "/questions/")).status_code == 404


def test_an_anonymous_draft_stays_with_whoever_signs_in(app, client):
    url = start(client)
    post(client, url, **FIELDS, do="save")
    enter_as(app, client, person())
    assert FIELDS["title"] in client.get("/my-questions").get_data(as_text=True)


def asked_without_signing_in(client, email):
    """Ask anonymously, up to the payment page; the question has its account from then on."""
    url = start(client)
    check = post(client, url, **FIELDS, do="continue").headers["Location"]
    assert post(client, check, email=email, agree="yes").status_code == 303
    return url.replace("/ask/", "/questions/")


def pages_of(question):
    """The pages that show a question, or change it."""
    write = question.replace("/questions/", "/ask/")
    pages = ("", "/receipt", "/withdraw", "/accept")
    return [question + page for page in pages] + [write, f"{write}/check", f"{write}/discard"]


def test_who_signs_in_after_somebody_who_did_not_sees_nothing_of_theirs(app, client):
    """A library's computer: the browser's session is the same, the person is not."""
    question = asked_without_signing_in(client, "ana@example.org")
    assert client.get(question).status_code == 200
    enter_as(app, client, person("berta@example.org"))
    assert [client.get(page).status_code for page in pages_of(question)] == [404] * 7
    listed = client.get("/my-questions").get_data(as_text=True)
    assert FIELDS["title"] not in listed
    token = {
        "csrf_token": hidden_of(client.get(start(client)).get_data(as_text=True))["csrf_token"]
    }
    for deed in ("pay", "edit", "withdraw", "accept"):
        assert client.post(f"{question}/{deed}", data=token).status_code == 404


def test_a_draft_that_went_back_from_paying_is_not_adopted_by_somebody_else(app, client):
    question = asked_without_signing_in(client, "ana@example.org")
    page = client.get(question).get_data(as_text=True)
    client.post(f"{question}/edit", data={"csrf_token": hidden_of(page)["csrf_token"]})
    assert client.get(question.replace("/questions/", "/ask/")).status_code == 200
    enter_as(app, client, person("berta@example.org"))
    assert [client.get(page).status_code for page in pages_of(question)] == [404] * 7


def test_who_asked_and_then_signs_in_keeps_the_question_and_the_drafts(app, client):
    question = asked_without_signing_in(client, "ana@example.org")
    written = client.get("/ask?new=1").headers["Location"]
    post(
        client, written, **(FIELDS | {"title": "May I paint the door of a flat I rent?"}), do="save"
    )
    enter_as(app, client, person("ana@example.org"))
    assert client.get(question).status_code == 200
    assert client.get(f"{question}/receipt").status_code == 200
    assert client.get(written).status_code == 200
    listed = client.get("/my-questions").get_data(as_text=True)
    assert FIELDS["title"] in listed
    assert "May I paint the door" in listed


def test_who_signs_out_leaves_nothing_in_the_browser(app, client):
    question = asked_without_signing_in(client, "ana@example.org")
    written = client.get("/ask?new=1").headers["Location"]
    post(client, written, **FIELDS, do="save")
    enter_as(app, client, person("ana@example.org"))
    before = client.get_cookie(sessions.COOKIE).value
    post(client, "/settings", "/sign-out")
    for cookie in (None, before):  # and the old cookie opens nothing either
        if cookie:
            client.set_cookie(sessions.COOKIE, cookie)
        assert client.get(question).headers["Location"].startswith("/sign-in")
        assert FIELDS["title"] not in client.get("/my-questions").get_data(as_text=True)
        assert FIELDS["title"] not in client.get(written).get_data(as_text=True)


def test_signing_out_everywhere_reaches_the_browsers_where_nobody_signed_in(app, client):
    question = asked_without_signing_in(client, "ana@example.org")
    others = asked_without_signing_in(client, "carla@example.org")
    elsewhere = app.test_client()
    sign_in_as(app, elsewhere, person("ana@example.org"))
    post(elsewhere, "/settings", "/sign-out-everywhere")
    assert client.get(question).headers["Location"].startswith("/sign-in")
    assert client.get(others).status_code == 200  # somebody else's stays where it is
    sign_in_as(app, elsewhere, person("ana@example.org"))
    assert elsewhere.get(question).status_code == 200


def test_a_flood_of_drafts_from_one_network_ends(client):
    for _ in range(30):
        assert post(client, "/ask/" + new_public_id(), do="save").status_code == 303
    answer = post(client, "/ask/" + new_public_id(), **FIELDS, do="save")
    assert answer.status_code == 429
    assert FIELDS["title"] in answer.get_data(as_text=True)


def test_nobody_floods_an_address_with_questions_that_are_not_paid(app, client, monkeypatch):
    monkeypatch.setattr(views_ask, "_FOR_ADDRESS", 1)
    answers = []
    for _ in range(2):
        url = start(client)
        post(client, url, **FIELDS, do="continue")
        unseen = hidden_of(client.get(f"{url}/check").get_data(as_text=True))
        typed = {"email": "victim@example.org", "agree": "yes"}
        answers.append(client.post(f"{url}/check", data={**unseen, **typed}))
    assert [answer.status_code for answer in answers] == [303, 429]
    assert client.get(url).status_code == 200, "the draft is kept"


def test_a_mailed_link_on_another_device_leads_to_the_sign_in(app, client):
    question = question_row(queued(person()))
    path = f"/questions/{question.public_id}"
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(path)


def browser(app):
    """Make a browser's session row, as an anonymous visitor's first form does."""
    with app.test_request_context("/"):
        return sessions.row_id()


def enter_as(app, client, account_id):
    """Sign in within the browser that `client` is, as the mailed link does."""
    cookie = client.get_cookie(sessions.COOKIE)
    headers = {"Cookie": f"{sessions.COOKIE}={cookie.value}"} if cookie else {}
    with app.test_request_context("/", headers=headers):
        sessions.sign_in(account_id, reads_the_books=False)
        client.set_cookie(sessions.COOKIE, sessions.current().fresh_token)


def test_a_missed_promise_says_so_and_offers_the_money_back(app, client, clock):
    asker = person()
    question = question_row(queued(asker))
    sign_in_as(app, client, asker)
    clock.advance(timedelta(hours=80))
    page = client.get(f"/questions/{question.public_id}").get_data(as_text=True)
    assert "We are late, and we are sorry" in page
    assert "usually sooner" not in page
    assert f"/questions/{question.public_id}/withdraw" in page
    assert "We are late" in client.get("/my-questions").get_data(as_text=True)


def test_whoever_asked_without_an_account_finds_the_question_in_the_menu(client):
    assert 'href="/my-questions"' not in client.get("/").get_data(as_text=True)
    post(client, start(client), **FIELDS, do="save")
    assert 'href="/my-questions"' in client.get("/").get_data(as_text=True)


def test_what_cannot_be_promised_is_not_sold(client, database, clock):
    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute("DELETE FROM topic_approval WHERE topic = 'home'")
    url = start(client)
    answer = post(client, url, **FIELDS, do="continue")
    assert answer.headers["Location"] == f"{url}/no-promise"
    page = client.get(f"{url}/no-promise").get_data(as_text=True)
    assert "We cannot promise you an answer now" in page
    assert "nobody is there who answers questions about “Home and repairs”" in page
    assert "nothing was charged" in page
    # Wednesday 12:00 in Madrid: an hour for the offer, and 24; with one topic less 19.2
    assert "Bills and contracts: by Thursday 19 November at 08:30" in page
    assert client.get(f"{url}/check").headers["Location"] == f"{url}/no-promise"
    wrong = post(client, f"{url}/no-promise", email="nobody")
    assert wrong.status_code == 422
    page = wrong.get_data(as_text=True)
    assert '<a href="#email">Write your email address' in page
    assert 'value="nobody"' in page
    for address in ("nube.prat@example.org", "nube.prat@example.org"):
        answer = post(client, f"{url}/no-promise", email=address)
        assert answer.headers["Location"] == f"{url}/no-promise"
    told = client.get(f"{url}/no-promise").get_data(as_text=True)
    assert "We write to nube.prat@example.org once, when an answer can be promised." in told
    assert those_who_wait() == [("home", "en", "nube.prat@example.org")]
    clock.advance(timedelta(days=91))
    with unit() as uow:
        assert tell_waiting(uow) == 0
        uow.commit()
    assert those_who_wait() == []


def those_who_wait():
    with unit() as uow:
        rows = uow.session.execute(select(Waiting.topic, Waiting.language, Waiting.email))
        return [tuple(row) for row in rows]


def test_too_many_wait(client, database):
    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute("UPDATE offpeak_version SET prior_per_hour = 0.001")
    url = start(client)
    post(client, url, **FIELDS, do="continue")
    page = client.get(f"{url}/no-promise").get_data(as_text=True)
    assert "the answer could take more than 7 days" in page
    assert "Choose another topic" not in page


def test_once_a_promise_is_possible_the_page_leads_on(client):
    url = start(client)
    assert client.get(f"{url}/no-promise").status_code == 404
    post(client, url, **(FIELDS | {"topic": ""}), do="continue")
    assert client.get(f"{url}/no-promise").headers["Location"] == url
    post(client, url, **FIELDS, do="continue")
    assert client.get(f"{url}/no-promise").headers["Location"] == f"{url}/check"
    page = client.get(f"{url}/check").get_data(as_text=True)
    assert "The answer comes by Thursday 19 November at 13:00, usually sooner." in page
    assert "All times are those of Spain: Madrid." in page


@pytest.mark.parametrize("deed", ["withdraw", "accept"])
def test_nothing_is_to_be_confirmed_that_is_not_possible(client, deed):
    """A page that is still open from before says how the question stands, and promises no money."""
    question = asked_without_signing_in(client, "ana@example.org")
    answer = client.get(f"{question}/{deed}")
    assert (answer.status_code, answer.headers["Location"]) == (303, question)


@pytest.mark.parametrize(("way", "do"), [("", "save"), ("/autosave", "")])
def test_more_than_is_ever_kept_is_not_cut_in_silence(client, way, do):
    url = start(client)
    fields = FIELDS | {"body": "x" * 200_001, "do": do}
    answer = post(client, url, url + way, **fields)
    assert answer.status_code == 422
    assert "too long to be saved" in answer.get_data(as_text=True)
    if not way:
        assert fields["body"] in answer.get_data(as_text=True)
    assert "x" * 1000 not in client.get(url).get_data(as_text=True)
