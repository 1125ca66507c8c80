"""What a visitor sees when something goes wrong behind the page."""

from __future__ import annotations

import io
import threading
import time

import psycopg
import pytest
from sqlalchemy import text

from tests.factories import csrf_of
from upss.web.access import for_everyone
from upss.web.ports import unit

FIRST, SECOND = "SELECT pg_advisory_xact_lock(1)", "SELECT pg_advisory_xact_lock(2)"
WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
WRITTEN = "A long text that somebody has just written."


def by_session(uow, statement):
    uow.session.execute(text(statement))


def by_driver(uow, statement):
    """As a posting does."""
    uow.session.connection().connection.driver_connection.execute(statement)


def form_to(app, view):
    """Return what sends a form with a text to `view`."""
    app.add_url_rule("/sent", "sent", for_everyone(view), methods=["POST"])
    client = app.test_client()
    token = csrf_of(client.get("/sign-in").get_data(as_text=True))
    return lambda: client.post("/sent", data={"csrf_token": token, "body": WRITTEN})


@pytest.mark.parametrize("ask", [by_session, by_driver])
def test_two_at_once_are_told_to_look_again_and_keep_what_they_wrote(own_app, database, ask):
    holds = threading.Event()

    def other():
        with (
            psycopg.connect(database.superuser_conninfo) as connection,
            psycopg.connect(database.app_conninfo, autocommit=True) as watcher,
        ):
            connection.execute(
                "SET deadlock_timeout = '60s'"
            )  # who looks first is undone: the visitor
            connection.execute(SECOND)
            holds.set()
            while not watcher.execute(WAITING).fetchall():
                time.sleep(0.02)
            connection.execute(FIRST)

    def view():
        with unit() as uow:
            ask(uow, FIRST)
            thread.start()
            assert holds.wait(20)
            ask(uow, SECOND)
        return "both"

    thread = threading.Thread(target=other)
    answer = form_to(own_app, view)()
    thread.join()
    assert answer.status_code == 409
    assert "Open the page again" in answer.get_data(as_text=True)
    assert WRITTEN in answer.get_data(as_text=True)


def test_our_own_mistake_keeps_what_was_written(own_app):
    def view():
        raise LookupError("of ours")

    answer = form_to(own_app, view)()
    assert answer.status_code == 500
    assert WRITTEN in answer.get_data(as_text=True)


@pytest.fixture
def token(client):
    """What a form of this browser carries along unseen."""
    return csrf_of(client.get("/sign-in").get_data(as_text=True))


def test_a_part_of_a_form_without_a_name_is_refused_in_words(client, token):
    answer = client.post(
        "/sign-in",
        data=b"--X\r\nContent-Disposition: form-data\r\n\r\nhello\r\n--X--\r\n",
        content_type="multipart/form-data; boundary=X",
    )
    assert answer.status_code == 400
    assert "</h1>" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("page", "sent"),
    [
        ("/sign-in", {"email": 5}),
        ("/sign-in", {"email": "a@example.org", "next": 5}),
        ("/sign-in", [1]),
        ("/sign-in/code", {"code": 5}),
    ],
)
def test_a_form_is_no_json(client, token, page, sent):
    assert client.post(page, json=sent, headers={"X-CSRFToken": token}).status_code == 400


def test_no_form_takes_a_file(client, token):
    upload = {"csrf_token": token, "email": (io.BytesIO(b"a@example.org"), "email.txt")}
    assert client.post("/sign-in", data=upload).status_code == 400


@pytest.mark.parametrize("referrer", ["https://[", "https://localhost:99999/"])
def test_an_address_before_that_is_none_is_refused(client, token, referrer):
    form = {"csrf_token": token, "email": "a@example.org"}
    assert client.post("/sign-in", data=form, headers={"Referer": referrer}).status_code == 400
    assert client.get("/", headers={"Referer": referrer}).status_code == 200


def test_a_cookie_of_somebody_else_breaks_no_page(client):
    client.set_cookie("remember_token", "x|\xe9")
    assert client.get("/").status_code == 200
    assert client.get("/not-there").status_code == 404
