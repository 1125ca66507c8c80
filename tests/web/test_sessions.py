"""How long a browser's session lives: as long as it is used, and the books' readers' no longer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, text

from tests.factories import person, post, sign_in_as
from upss.db.base import db
from upss.kernel.roles import READS_THE_BOOKS, Role
from upss.web import sessions
from upss.web.ports import unit

FIELDS = {"topic": "home", "title": "May I paint my door?", "body": "", "size": "medium"}
DAY = timedelta(days=1)


def cookie_again(answer):
    """The session's cookie as an answer sets it; None if it does not."""
    sent = [each for each in answer.headers.getlist("Set-Cookie") if sessions.COOKIE in each]
    return sent[0] if sent else None


def written(client, path):
    """Open a page; return its answer and what it wrote."""
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        answer = client.get(path)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return answer, [each for each in seen if not each.strip().startswith("SELECT")]


@pytest.fixture
def stranger(client):
    """A browser in which nobody signed in, with a draft."""
    client.draft = client.get("/ask").headers["Location"]
    post(client, client.draft, **FIELDS, language="en", do="save")
    return client


def test_a_draft_is_there_as_long_as_its_browser_comes_back(stranger, clock):
    for _ in range(4):
        clock.advance(20 * DAY)
        page = stranger.get(stranger.draft)
        assert FIELDS["title"] in page.get_data(as_text=True)
    clock.advance(30 * DAY)
    assert FIELDS["title"] not in stranger.get(stranger.draft).get_data(as_text=True)


def test_who_is_signed_in_and_comes_back_stays_signed_in(app, client, clock):
    sign_in_as(app, client, person())
    for _ in range(4):
        clock.advance(20 * DAY)
        assert client.get("/settings").status_code == 200
    clock.advance(30 * DAY)
    assert client.get("/settings").status_code == 303


def test_a_session_is_lengthened_once_a_day_and_its_cookie_with_it(stranger, clock):
    token = stranger.get_cookie(sessions.COOKIE).value
    clock.advance(timedelta(hours=23))
    assert cookie_again(stranger.get("/")) is None
    clock.advance(timedelta(hours=2))
    answer, writes = written(stranger, "/")
    assert len(writes) == 1
    assert cookie_again(answer).startswith(f"{sessions.COOKIE}={token};")
    assert "Max-Age=2592000;" in cookie_again(answer)
    assert "HttpOnly" in cookie_again(answer)
    answer, writes = written(stranger, "/")
    assert (cookie_again(answer), writes) == (None, [])
    clock.advance(timedelta(hours=23))
    assert cookie_again(stranger.get("/")) is None


def test_signing_out_on_the_day_of_a_longer_session_still_ends_it(app, client, clock):
    sign_in_as(app, client, person())
    client.get("/settings")
    clock.advance(2 * DAY)
    token = client.get_cookie(sessions.COOKIE).value
    post(client, "/settings", "/sign-out")
    assert client.get_cookie(sessions.COOKIE) is None
    client.set_cookie(sessions.COOKIE, token)
    clock.advance(2 * DAY)
    assert client.get("/settings").status_code == 303


@pytest.mark.parametrize("role", sorted(READS_THE_BOOKS))
def test_who_reads_the_books_signs_in_every_twelve_hours_however_busy(app, client, clock, role):
    sign_in_as(app, client, person(role=Role(role)), organizer=True)
    for _ in range(6):
        clock.advance(timedelta(minutes=119))
        answer = client.get("/organizer")
        assert (answer.status_code, cookie_again(answer)) == (200, None)
    clock.advance(timedelta(minutes=6))
    assert client.get("/organizer").status_code == 303


def test_a_session_that_began_short_stays_short_also_without_its_role(app, client, clock):
    sign_in_as(app, client, person(role=Role.ORGANIZER), organizer=True)
    with unit() as uow:
        uow.session.execute(text("DELETE FROM account_role"))
        uow.commit()
    clock.advance(timedelta(hours=11))
    answer = client.get("/settings")
    assert (answer.status_code, cookie_again(answer)) == (200, None)
    clock.advance(timedelta(hours=1))
    assert client.get("/settings").status_code == 303


def test_who_comes_to_read_the_books_loses_the_long_session(app, client, clock):
    """They signed in as an asker: nothing lengthens that sign-in once they are an organizer."""
    account = person("ana@example.org")
    sign_in_as(app, client, account)
    clock.advance(2 * DAY)
    assert client.get("/settings").status_code == 200
    person("ana@example.org", role=Role.ORGANIZER)
    assert client.get("/settings").status_code == 303
