"""Asking in a browser without JavaScript: write, check, pay, follow."""

from __future__ import annotations

from tests.factories import (
    person,
    post,
    question_row,
    queued,
    sign_in_as,
)

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
