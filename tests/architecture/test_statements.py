"""How many SQL statements each page costs, whatever the number of rows it shows.

The numbers include the one statement that reads the session and its person. A page is counted
when it is opened the second time: the first stores the token of its forms in the session.
"""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.counting import statements
from tests.factories import answered, draft, person, question_row, queued, sign_in_as
from upss.accounts.models import Account
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import CapRule, Metric
from upss.forum.service import accepting, own_limits
from upss.kernel.ids import AccountId
from upss.kernel.roles import Role
from upss.web.ports import unit

# page -> most statements; {waiting} and {done} are ids of the asker's own questions
ASKER = {
    "/": 2,
    "/how-money-works": 2,
    "/rights": 2,
    "/accessibility": 1,
    "/books": 3,
    "/settings": 1,
    "/my-questions": 2,
    "/ask/{draft}": 6,  # with the menu: version, topics, prices; who answered before
    "/ask/{draft}/check": 3,
    "/ask/{draft}/discard": 2,
    "/questions/{waiting}": 3,
    "/questions/{waiting}/withdraw": 2,
    "/questions/{answered}": 3,
    "/questions/{answered}/accept": 2,
    "/questions/{done}": 3,
    "/questions/{waiting}/receipt": 3,
    "/questions/{done}/receipt": 3,
}
ANSWERER = {
    "/queue": 3,
    "/queue/{waiting}": 3,  # with the desk: whether they can take anything today
    "/hours": 5,  # with what the site has learned and, once it has, when everybody is there
    "/hours/week": 3,
    "/hours/day": 3,
    "/hours/away": 3,
    "/hours/work": 3,
    "/limits": 3,
    "/limits/new": 1,
    "/limits/{limit}": 5,
    "/limits/{limit}.csv": 5,
    "/limits/{limit}/change": 2,
    "/earnings": 3,
    "/earnings/statements": 2,
    "/earnings/statements/2026": 4,
    "/earnings/statements/2026-11": 5,
    "/earnings/statements/2026-11.csv": 4,
    "/earnings/proof.jsonl": 5,  # and two for each block, or each hundred entries
    "/how-you-are-paid": 2,
}
ORGANIZER = {
    "/organizer": 2,
    "/organizer/payouts": 3,
    "/organizer/payouts.csv": 3,
    "/organizer/payouts/runs": 3,
    "/organizer/questions": 1,
    "/organizer/questions/{number}": 5,
    "/organizer/trial-balance": 3,
    "/organizer/trial-balance?on=2026-11-18": 3,
    "/organizer/entries/1": 2,
    "/organizer/books": 3,
    "/organizer/books/accounts": 3,
    "/organizer/books/accounts/Liabilities:Held:Questions": 4,
    "/organizer/books/accounts/Liabilities:Held:Questions/entries.csv": 4,
    "/organizer/books/blocks": 3,
    "/organizer/books/journal": 3,
    "/organizer/books/journal.csv": 2,
    "/organizer/books/open-items": 2,
    "/organizer/books/over-time": 2,
    "/organizer/books/waiting": 2,
    "/organizer/books/export/csv": 9,
    "/organizer/adjustments": 2,
    "/organizer/adjustments/new": 2,
    "/organizer/statements": 2,
    "/organizer/statements/{answerer}": 3,
    "/organizer/statements/{answerer}/2026-11": 6,
    "/organizer/statements/{answerer}/2026-11.csv": 5,
    "/organizer/week": 14,  # with who takes no paid work
    "/organizer/week/changes": 2,
    "/organizer/week/positions": 4,
    "/organizer/week/dials": 4,
    "/organizer/week/peaks": 4,
    "/organizer/week/closed": 4,
    "/organizer/jobs": 3,
    "/organizer/self-checks": 4,
}
# What can be opened and is not counted here, and why; a new page stands above or here.
NOT_COUNTED = {
    "accounts.link": "for strangers with a mailed link",
    "accounts.sign_in": "for strangers: its form alone",
    "accounts.sign_in_sent": "for strangers: its form alone",
    "adjustments.adjustment": "counted in tests/web/test_adjustments.py",
    "adjustments.reverse": "the same, with a form",
    "answering.check": "the same as the page where it is written",
    "answering.write": "counted in tests/web/test_answering.py",
    "books.published_format": "a file",
    "books.verify_ledger": "a file",
    "books.verify_proof": "a file",
    "forum.ask": "leads on to a draft",
    "forum.back": "asks the provider and leads on",
    "forum.no_promise": "leads on where something can be promised",
    "health.healthz": "for machines",
    "organizer.item": "counted in tests/web/test_organizer.py",
    "organizer.run": "counted in tests/web/test_organizer.py",
    "payouts.back": "asks the provider and leads on",
    "static": "files",
}


def counted(client: FlaskClient, path: str) -> list[str]:
    assert client.get(path).status_code < 400, path
    with statements() as seen:
        answer = client.get(path)
        answer.get_data()
    assert answer.status_code == 200, path
    return seen


def signed_in(app: Flask, account: AccountId, *, organizer: bool = False) -> FlaskClient:
    client = app.test_client()
    sign_in_as(app, client, account, organizer=organizer)
    return client


def public_id_of(account: AccountId) -> str:
    with unit() as uow:
        return uow.session.get_one(Account, account).public_id


def a_round(asker: AccountId, answerer: AccountId) -> dict[str, str]:
    """A draft, a question in the queue, an answered and an accepted one; their ids."""
    written, waiting = draft(asker), queued(asker)
    done = answered(asker, answerer)
    with unit() as uow:
        accepting.accept(uow, question_id=done, actor_id=asker)
        uow.commit()
    return {
        "draft": question_row(written).public_id,
        "waiting": question_row(waiting).public_id,
        "done": question_row(done).public_id,
        "number": str(done),
        "answerer": public_id_of(answerer),
    }


def a_limit(answerer: AccountId) -> str:
    """Two limits with much room; the id of one."""
    rule = CapRule(metric=Metric.MONEY, period=Period.MONTH, limit=900_000, currency="EUR")
    with unit() as uow:
        ids = [
            own_limits.add(uow, account_id=answerer, rule=rule, currency="EUR", zone="UTC")
            for _ in range(2)
        ]
        uow.commit()
    return ids[0]


@pytest.fixture
def world(app):
    """Three people and two rounds of questions."""
    asker = person()
    answerer = person(role=Role.ANSWERER, topics=("home",))
    organizer = person(role=Role.ORGANIZER)
    a_round(asker, answerer)
    ids = a_round(asker, answerer) | {
        "limit": a_limit(answerer),
        "answered": question_row(answered(asker, answerer)).public_id,
    }
    visits = [
        (signed_in(app, asker), ASKER),
        (signed_in(app, answerer), ANSWERER),
        (signed_in(app, organizer, organizer=True), ORGANIZER),
    ]
    return asker, answerer, ids, visits


def test_no_page_costs_more_than_its_statements_nor_more_with_more_rows(world):
    asker, answerer, ids, visits = world
    few = {path: counted(client, path.format(**ids)) for client, pages in visits for path in pages}
    most = {path: most for _client, pages in visits for path, most in pages.items()}
    assert {path: seen for path, seen in few.items() if len(seen) > most[path]} == {}
    for _ in range(3):
        a_round(asker, answerer)
    many = {path: counted(client, path.format(**ids)) for client, pages in visits for path in pages}
    assert {path: len(seen) for path, seen in many.items()} == {
        path: len(seen) for path, seen in few.items()
    }


def test_every_page_is_counted_or_says_why_not(app, world):
    ids = world[2]
    address = app.url_map.bind("localhost")
    paths = [path for pages in (ASKER, ANSWERER, ORGANIZER) for path in pages]
    counted_ones = {address.match(path.format(**ids).partition("?")[0])[0] for path in paths}
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert counted_ones | NOT_COUNTED.keys() == pages
    assert not counted_ones & NOT_COUNTED.keys()


@pytest.mark.parametrize(("path", "most"), [("/", 1), ("/rights", 1), ("/accessibility", 0)])
def test_a_stranger_who_only_reads_gets_no_session(app, path, most):
    with statements() as seen:
        answer = app.test_client().get(path)
    assert answer.status_code == 200
    assert len(seen) <= most
    assert [statement for statement in seen if not statement.startswith("SELECT")] == []
    assert "Set-Cookie" not in answer.headers


def test_a_static_file_costs_nothing(app, world):
    client = world[3][0][0]
    with statements() as seen, client.get("/static/upss.css") as answer:
        assert answer.status_code == 200
    assert seen == []


def test_an_unchanged_session_is_not_written(world):
    client = world[3][0][0]
    seen = counted(client, "/my-questions")
    assert [statement for statement in seen if not statement.startswith("SELECT")] == []
