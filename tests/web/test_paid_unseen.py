"""A payment of which nobody has told us yet: the pages ask before they take a draft for unpaid."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from tests.factories import (
    control,
    pay_at_standin,
    person,
    post,
    question_row,
    sign_in_as,
    submitted,
)
from upss.forum.rules.lifecycle import MoveRefused
from upss.forum.service import asking
from upss.forum.tasks import run_timers
from upss.payments import queries
from upss.web.ports import gateway, unit

OFFER_ENDS = timedelta(minutes=61)


def fields(question):
    """What the form of this draft sends when nothing in it is changed."""
    row = question_row(question)
    names = ("title", "body", "topic", "size", "language")
    return {name: getattr(row, name) for name in names} | {"do": "continue"}


@pytest.fixture
def unseen(app, client, clock):
    """A question paid in the last minutes of its offer, which ended before we heard of it."""
    asker = person("asker@example.org")
    question, payment = submitted(asker)
    pay_at_standin(payment)
    clock.advance(OFFER_ENDS)
    run_timers()
    sign_in_as(app, client, asker)
    assert question_row(question).status == "draft"
    return question


@pytest.mark.parametrize("way", ["", "/discard"])
def test_what_was_paid_is_honoured_before_the_draft_goes_on(client, unseen, way):
    public_id = question_row(unseen).public_id
    answer = post(client, f"/ask/{public_id}{way}", **fields(unseen))
    assert answer.headers["Location"] == f"/questions/{public_id}"
    assert question_row(unseen).status == "queued"


@pytest.mark.parametrize("way", ["", "/discard"])
def test_where_nobody_can_be_asked_nothing_is_said_of_the_money_and_nothing_is_lost(
    client, unseen, way
):
    public_id, title = question_row(unseen).public_id, question_row(unseen).title
    control("fail-next", when="before", times=9, match="GET /v1/checkout", style="error")
    try:
        answer = post(client, f"/ask/{public_id}{way}", **fields(unseen))
    finally:
        control("fail-next", times=0)
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 503
    assert "What is paid twice goes back to the card" in shown
    assert "Nothing was charged" not in shown
    assert question_row(unseen).title == title


def test_with_another_text_the_page_shows_it_and_the_paid_one_is_honoured(client, unseen):
    public_id = question_row(unseen).public_id
    changed = "Can I return a fridge which is blue?"
    answer = post(client, f"/ask/{public_id}", **fields(unseen) | {"title": changed})
    assert answer.status_code == 409
    assert changed in answer.get_data(as_text=True)
    assert question_row(unseen).status == "queued"
    assert question_row(unseen).title != changed


def test_a_draft_never_says_that_it_cost_nothing(client, unseen):
    shown = client.get(f"/questions/{question_row(unseen).public_id}").get_data(as_text=True)
    assert "You can go on writing" in shown
    assert "Nothing was charged" not in shown


@pytest.fixture
def being_checked(client, unseen):
    """A draft that was paid, and the money is not confirmed."""
    with unit() as uow:
        queries.newest_payment(uow.session, unseen).status = "checking"
        uow.commit()
    return unseen


def test_a_draft_whose_payment_is_being_checked_says_so(client, being_checked):
    shown = client.get(f"/questions/{question_row(being_checked).public_id}").get_data(as_text=True)
    assert "We are checking your payment" in shown
    listed = client.get("/my-questions").get_data(as_text=True)
    for page in (shown, listed):
        assert "Payment being checked" in page
        assert "Draft<" not in page
        assert "Go on writing" not in page


@pytest.mark.parametrize(("way", "do"), [("/autosave", ""), ("", "save")])
def test_no_change_of_words_lets_a_draft_be_paid_twice_while_its_payment_is_checked(
    client, being_checked, way, do
):
    before = question_row(being_checked)
    changed = fields(being_checked) | {"title": "Another title than the paid one", "do": do}
    opened_before = "/ask/" + "a" * 16
    answer = post(client, opened_before, f"/ask/{before.public_id}{way}", **changed)
    assert answer.status_code == 409
    if not way:
        assert changed["title"] in answer.get_data(as_text=True)
    assert question_row(being_checked).title == before.title
    with unit() as uow:
        assert queries.newest_payment(uow.session, being_checked).status == "checking"


def test_asking_goes_on_with_another_draft_than_the_one_that_is_checked(client, being_checked):
    public_id = question_row(being_checked).public_id
    assert public_id not in client.get("/ask").headers["Location"]
    shown = client.get(f"/ask/{public_id}")
    assert shown.headers["Location"] == f"/questions/{public_id}"


def test_no_offer_is_made_and_no_draft_thrown_away_while_its_payment_is_checked(being_checked):
    for act in (asking.make_offer, asking.discard):
        with unit() as uow, pytest.raises((asking.OfferStale, MoveRefused)):
            act(uow, question_id=being_checked)
    assert question_row(being_checked).status == "draft"


@pytest.fixture
def of_another_amount(app, client, clock, monkeypatch):
    """A question for which a card paid another amount than its price."""
    asker = person("asker@example.org")
    question, payment = submitted(asker)
    pay_at_standin(payment)
    read = gateway().read_checkout
    monkeypatch.setattr(
        gateway(), "read_checkout", lambda key: dataclasses.replace(read(key), amount_minor=1199)
    )
    sign_in_as(app, client, asker)
    return question


def test_who_paid_another_amount_is_told_to_wait_and_not_to_pay_again(client, of_another_amount):
    public_id = question_row(of_another_amount).public_id
    with unit() as uow:
        payment = queries.newest_payment(uow.session, of_another_amount).public_id
    client.get(f"/payments/{payment}/back")
    shown = client.get(f"/questions/{public_id}").get_data(as_text=True)
    assert "We are checking your payment" in shown
    assert "Please do not pay a second time" in shown
    assert "Continue to payment" not in shown
    for page in (shown, client.get("/my-questions").get_data(as_text=True)):
        assert "Payment being checked" in page
        assert "Not paid yet" not in page


@pytest.mark.parametrize("way", ["", "/discard"])
def test_a_draft_with_money_of_another_amount_is_kept_and_says_so(
    client, clock, of_another_amount, way
):
    clock.advance(OFFER_ENDS)
    run_timers()
    assert question_row(of_another_amount).status == "draft"
    public_id = question_row(of_another_amount).public_id
    answer = post(client, f"/ask/{public_id}{way}", **fields(of_another_amount))
    assert answer.headers["Location"] == f"/questions/{public_id}"
    shown = client.get(f"/questions/{public_id}").get_data(as_text=True)
    assert "We are checking your payment" in shown


def test_changing_a_question_with_money_of_another_amount_is_not_possible_yet(
    client, of_another_amount
):
    public_id = question_row(of_another_amount).public_id
    assert post(client, f"/questions/{public_id}/edit").status_code == 303
    assert question_row(of_another_amount).status == "awaiting_payment"
    shown = client.get(f"/questions/{public_id}").get_data(as_text=True)
    assert "We are checking your payment" in shown
