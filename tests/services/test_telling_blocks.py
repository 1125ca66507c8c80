"""The newest hash reaches who keeps it: each week the organizers, with each payout who is paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests import factories
from upss.jobs import PERIODIC
from upss.kernel.roles import Role
from upss.ledger import queries_chain
from upss.ledger import tasks as ledger
from upss.notices import tasks as notices
from upss.notices.models import Notice
from upss.web.ports import unit

MONDAY = datetime(2026, 11, 23, 5, 59, tzinfo=UTC)  # 6:59 in Madrid


@pytest.fixture
def people(app):
    return {
        "asker": factories.person("asker@example.org"),
        "first": factories.person("first@example.org", role=Role.ORGANIZER),
        "second": factories.person("second@example.org", role=Role.ORGANIZER),
    }


def told():
    """Who is told the newest hash, with the week, in the order of telling."""
    with unit() as uow:
        rows = uow.session.execute(
            select(Notice.email, Notice.fact)
            .where(Notice.template == "books_anchored")
            .order_by(Notice.id)
        )
        return [(email.split("@")[0], fact) for email, fact in rows]


def test_both_jobs_run_by_the_clock():
    assert PERIODIC["ledger.anchor"] == ("*/5 * * * *", ledger.anchor)
    assert PERIODIC["ledger.tell_newest_block"][1] is ledger.tell_newest_block


def test_each_organizer_gets_one_mail_in_each_week_from_monday_at_seven(people, clock):
    factories.at(clock, MONDAY)
    ledger.tell_newest_block()
    assert told() == []  # there is no block yet
    factories.queued(people["asker"])
    ledger.anchor()
    ledger.tell_newest_block()
    of_last_week = [("first", "books:202647:"), ("second", "books:202647:")]
    assert told() == of_last_week
    clock.advance(timedelta(minutes=1))
    for _ in range(3):  # each hour, and again after a restart
        ledger.tell_newest_block()
        clock.advance(timedelta(hours=40))
    this_week = [("first", "books:202648:"), ("second", "books:202648:")]
    assert told() == of_last_week + this_week
    factories.person("third@example.org", role=Role.ORGANIZER)
    ledger.tell_newest_block()
    assert told() == [*of_last_week, *this_week, ("third", "books:202648:")]


def test_a_server_that_was_down_on_monday_makes_up_for_it(people, clock):
    factories.queued(people["asker"])
    ledger.anchor()
    factories.at(clock, MONDAY + timedelta(days=3))
    ledger.tell_newest_block()
    assert told() == [("first", "books:202648:"), ("second", "books:202648:")]


def test_the_first_days_of_a_year_belong_to_the_week_of_the_old_one(people, clock):
    factories.queued(people["asker"])
    ledger.anchor()
    for day in (datetime(2026, 12, 31, 12, tzinfo=UTC), datetime(2027, 1, 2, 12, tzinfo=UTC)):
        factories.at(clock, day)
        ledger.tell_newest_block()
    assert told() == [("first", "books:202653:"), ("second", "books:202653:")]


def test_the_mail_tells_number_hash_and_count(people, clock, post_office):
    factories.queued(people["asker"])
    ledger.anchor()
    post_office.messages.clear()
    ledger.tell_newest_block()
    with unit() as uow:
        newest = queries_chain.newest_block(uow.session)
        waiting = uow.session.scalars(
            select(Notice.id).where(Notice.template == "books_anchored").order_by(Notice.id)
        ).all()
    for notice_id in waiting:
        notices.send(notice_id)
        notices.send(notice_id)
    assert [mail["To"] for mail in post_office.messages] == [
        "first@example.org",
        "second@example.org",
    ]
    mail = post_office.messages[0]
    assert mail["Subject"] == "Keep this mail: block 1 of the books"
    for part in mail.iter_parts():
        said = part.get_content()
        assert newest.hash in said
        assert f"{newest.n_entries} entries" in said
        assert "http://localhost/books" in said
