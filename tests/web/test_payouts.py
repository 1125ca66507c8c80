"""The pages of the person who answers: what was earned, and how it reaches them."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from tests import factories
from tests.counting import statements_of
from tests.money import payable_lines
from upss.forum.service import accepting
from upss.kernel.roles import Role
from upss.ledger.rules import chart
from upss.ledger.rules.entry import Line
from upss.ledger.rules.posting import manual, payouts
from upss.ledger.service.posting import post
from upss.payouts import queries
from upss.payouts.rules.schedule import HOLD
from upss.web import paging
from upss.web.ports import unit


@pytest.fixture
def josep(app, client):
    """Somebody who answers, signed in."""
    factories.control("fail-next", times=0)
    account_id = factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",))
    factories.sign_in_as(app, client, account_id)
    return account_id


@pytest.fixture
def short_pages(monkeypatch):
    """Pages of three rows: enough to see a statement for each row."""
    monkeypatch.setattr(paging, "SIZE", 3)
    monkeypatch.setitem(paging.page.__kwdefaults__, "size", 3)
    return 3


def earn(answerer_id, how_often=1, **changes):
    asker = factories.person()
    for _ in range(how_often):
        question_id = factories.answered(asker, answerer_id, **changes)
        with unit() as uow:
            accepting.accept(uow, question_id=question_id, actor_id=asker)
            uow.commit()


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def test_before_the_first_accepted_answer(client, josep):
    text = page(client, "/earnings")
    assert "No accepted answer yet" in text
    assert "Your money waits for an account to go to" in text


def test_earnings_show_share_hold_and_state(client, josep, clock):
    earn(josep, title="<b>A damaged fridge</b>")
    text = page(client, "/earnings")
    assert text.count("€10.20") == 3  # to come, on hold, the row
    assert "On hold until 25 Nov 2026" in text
    assert "&lt;b&gt;A damaged fridge&lt;/b&gt;" in text
    clock.advance(HOLD)
    assert "With the next payout" in page(client, "/earnings")


def test_each_part_of_a_share_says_where_it_is(client, josep, clock):
    earn(josep)
    clock.advance(HOLD)
    with unit() as uow:
        (line,) = payable_lines(uow.session, answerer_id=josep)
        paid = {"answerer_id": josep, "currency": "EUR", "lines": [(line.question_id, 1000)]}
        post(uow, payouts.payout_reserved(item_key="one", **paid))
        post(uow, payouts.bank_batch_submitted(item_key="one", **paid))
        uow.commit()
    said = re.sub(r"<[^>]+>|\s+", " ", page(client, "/earnings"))
    assert re.search(r"€10\.20\s+With the next payout\s+€0\.20\s+✓\s+Paid\s+€10\.00", said)


def test_a_share_that_was_taken_back_is_not_called_paid(client, josep):
    earn(josep)
    with unit() as uow:
        (line,) = payable_lines(uow.session, answerer_id=josep)
        taken = [Line(chart.payable(josep), "EUR", line.minor, line.question_id)]
        taken.append(Line(chart.SUSPENSE, "EUR", -line.minor, line.question_id))
        post(uow, manual.adjustment(
            adjustment_key="all", lines=taken, reason="Given by mistake.", author="organizer:1",
            approver="organizer:2",
        ))  # fmt: skip
        uow.commit()
    html = page(client, "/earnings")
    assert "Taken back" in html
    assert ">Paid<" not in html


def test_a_stranger_is_sent_to_sign_in_and_an_asker_is_refused(app, client):
    assert client.get("/earnings").status_code == 303
    factories.sign_in_as(app, client, factories.person())
    for path in ("/earnings", "/how-you-are-paid", "/how-you-are-paid/back"):
        assert client.get(path).status_code == 403, path


def test_nobody_sees_the_earnings_of_others(app, client, josep):
    earn(factories.person("remei@example.org", role=Role.ANSWERER, topics=("home",)))
    assert "No accepted answer yet" in page(client, "/earnings")


def test_earnings_are_paged_with_the_same_number_of_statements(client, josep, short_pages):
    few = statements_of(client, "/earnings")
    earn(josep, short_pages + 1)
    many = statements_of(client, "/earnings")
    assert len(few) == len(many) <= 3, "\n".join(many)
    first = page(client, "/earnings")
    assert first.count("On hold until") == short_pages
    address = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = page(client, address)
    assert second.count("On hold until") == 1
    assert 'rel="prev"' in second


def test_onboarding_goes_to_the_provider_and_back(client, josep):
    assert "Your money waits for an account" in page(client, "/how-you-are-paid")
    answer = factories.post(client, "/how-you-are-paid")
    assert answer.status_code == 303
    assert urlsplit(answer.headers["Location"]).netloc != "localhost"
    with unit() as uow:
        provider_id = queries.recipient_of(uow.session, josep).provider_id

    # coming back proves nothing: the account is read again, and is not ready
    client.get("/how-you-are-paid/back")
    assert "Your account is ready" not in page(client, "/how-you-are-paid")
    factories.control(f"accounts/{provider_id}", status="active")
    assert client.get("/how-you-are-paid/back").headers["Location"] == "/how-you-are-paid"
    assert "Your account is ready" in page(client, "/how-you-are-paid")
    assert "waits for an account" not in page(client, "/earnings")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("pending", "Your details are being checked"),
        ("restricted", "Something is still missing"),
        ("unsupported", "This account cannot receive money"),
    ],
)
def test_every_state_of_the_account_is_said_plainly(client, josep, status, words):
    factories.post(client, "/how-you-are-paid")
    with unit() as uow:
        provider_id = queries.recipient_of(uow.session, josep).provider_id
    factories.control(f"accounts/{provider_id}", status=status)
    client.get("/how-you-are-paid/back")
    assert words in page(client, "/how-you-are-paid")


def test_a_silent_provider_gives_words_and_no_error(client, josep):
    factories.control("fail-next", when="before", times=9, match="POST /v2", style="error")
    answer = factories.post(client, "/how-you-are-paid")
    assert answer.headers["Location"] == "/how-you-are-paid"
    assert "does not answer" in page(client, "/how-you-are-paid")
    factories.control("fail-next", times=0)
    factories.post(client, "/how-you-are-paid")
    factories.control("fail-next", when="before", times=9, match="GET /v2", style="error")
    client.get("/how-you-are-paid/back")
    assert "We will ask again" in page(client, "/how-you-are-paid")
    factories.control("fail-next", times=0)


def test_starting_without_a_token_is_refused(client, josep):
    assert client.post("/how-you-are-paid").status_code == 400


@pytest.mark.parametrize("language", ["es", "ca"])
def test_the_pages_speak_every_language(client, josep, language, clock):
    earn(josep)
    clock.advance(timedelta(days=1))
    for path in ("/earnings", "/how-you-are-paid"):
        assert f'<html lang="{language}"' in page(client, f"{path}?lang={language}")
