"""Paying on the hosted page, as the real client sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from upss.kernel.errors import GatewayRefused
from upss.kernel.money import Money

OK, DECLINED = "4242424242424242", "4000000000000002"
BANK, AT_ONCE = "4000002760003184", "4000000000000077"


def test_a_card_pays(bench):
    session = bench.open_checkout()
    assert (session.status, session.payment_status, session.charge_id) == ("open", "unpaid", None)
    assert "standin" in session.id
    page = bench.fetch(session.url)
    assert page.status == 200
    assert "€12.00" in page.text
    assert "No real money" in page.text
    answer = bench.fetch(session.url, bench.card_form(OK))
    assert answer.status == 303
    assert answer.headers["Location"] == f"http://localhost:5000/paid?session={session.id}"
    paid = bench.gateway.read_checkout(session.id)
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (paid.amount_minor, paid.currency, paid.upss_id) == (1200, "EUR", "payment1")
    assert paid.balance_transaction.fee_minor == 43  # 1.5 % of 12.00 and 0.25
    assert paid.balance_transaction.net_minor == 1157
    found = bench.gateway._client.v1.checkout.sessions.list(
        {"payment_intent": paid.payment_intent_id}
    )
    assert [each.id for each in found.data] == [paid.id]
    assert "12.00" in bench.fetch(paid.receipt_url).text
    again = bench.fetch(session.url, bench.card_form(OK))  # the button pressed twice
    assert again.headers["Location"] == answer.headers["Location"]
    assert bench.state()["pending"] == {"eur": 1157}


def test_a_declined_card_keeps_what_was_typed_and_the_session(bench):
    session = bench.open_checkout()
    page = bench.fetch(session.url, bench.card_form(DECLINED, name="Ana <b>Asker"))
    assert page.status == 402
    assert "declined" in page.text
    assert 'value="Ana &lt;b&gt;Asker"' in page.text
    assert f'value="{DECLINED}"' in page.text
    state = bench.gateway.read_checkout(session.id)
    assert (state.status, state.payment_status, state.charge_id) == ("open", "unpaid", None)
    assert state.payment_intent_id
    bench.fetch(session.url, bench.card_form(OK))
    assert bench.gateway.read_checkout(session.id).payment_status == "paid"


def test_the_bank_is_asked_and_says_yes_after_a_no(bench):
    session = bench.open_checkout()
    step = bench.fetch(session.url, bench.card_form(BANK))
    assert step.headers["Location"] == f"/pay/{session.id}/bank"
    bank = bench.url + step.headers["Location"]
    assert "Your bank asks" in bench.fetch(bank).text
    assert bench.fetch(bank, {"answer": "refuse"}).status == 402
    assert bench.gateway.read_checkout(session.id).status == "open"
    bench.fetch(session.url, bench.card_form(BANK))
    assert bench.fetch(bank, {"answer": "confirm"}).status == 303
    assert bench.gateway.read_checkout(session.id).payment_status == "paid"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "1234"}, "number"),
        ({"number": "5555555555554444"}, "number"),
        ({"expiry": "13/40"}, "expiry"),
        ({"expiry": "01/20"}, "expiry"),
        ({"cvc": "x"}, "cvc"),
        ({"name": " "}, "name"),
        ({"email": "nobody"}, "email"),
    ],
)
def test_a_wrong_field_is_named_and_linked(bench, changes, field):
    page = bench.fetch(bench.open_checkout().url, bench.card_form(OK) | changes)
    assert page.status == 422
    assert f'href="#{field}"' in page.text
    assert f'id="{field}-error"' in page.text


def test_a_number_that_may_be_a_real_card_is_not_sent_back(bench):
    page = bench.fetch(bench.open_checkout().url, bench.card_form("5555555555554444"))
    assert "5555555555554444" not in page.text


def test_an_abandoned_session_expires_with_the_clock(bench):
    session = bench.open_checkout()
    bench.advance(timedelta(minutes=61))
    page = bench.fetch(session.url, bench.card_form(OK))
    assert page.status == 410
    assert "expired" in page.text
    assert 'href="http://localhost:5000/check"' in page.text
    state = bench.gateway.read_checkout(session.id)
    assert (state.status, state.payment_status, state.url) == ("expired", "unpaid", None)


def test_a_withdrawn_session_cannot_be_paid(bench):
    session = bench.open_checkout()
    assert bench.gateway.expire_checkout(session.id).status == "expired"
    assert bench.fetch(session.url, bench.card_form(OK)).status == 410
    with pytest.raises(GatewayRefused) as caught:
        bench.gateway.expire_checkout(session.id)
    assert caught.value.facts["reason"] == "checkout_session_not_open"


@pytest.mark.parametrize("minutes", [29, 24 * 60 + 1])
def test_an_expiry_out_of_stripes_range_is_refused(bench, minutes):
    with pytest.raises(GatewayRefused):
        bench.open_checkout(expires_at=bench.now() + timedelta(minutes=minutes))


def test_too_small_an_amount_is_refused(bench):
    with pytest.raises(GatewayRefused) as caught:
        bench.open_checkout(amount=Money(49, "EUR"))
    assert caught.value.facts["reason"] == "amount_too_small"


def test_an_unknown_session_is_refused(bench):
    with pytest.raises(GatewayRefused) as caught:
        bench.gateway.read_checkout("cs_standin_nothing")
    assert caught.value.facts == {
        "reason": "resource_missing",
        "status": 404,
        "request_id": caught.value.facts["request_id"],
    }
    unknown = {"payment_intent": "pi_standin_nothing"}
    assert bench.gateway._client.v1.checkout.sessions.list(unknown).data == []
    assert bench.fetch(f"{bench.url}/pay/cs_standin_nothing").status == 404


@pytest.mark.parametrize(
    ("locale", "accepts", "query", "language", "word"),
    [
        ("en", "ca", "", "en", "Pay by card"),
        ("es", "en", "", "es", "Pagar con tarjeta"),
        ("ca", "ca-ES,es;q=0.5", "", "ca", "Pagar amb targeta"),  # not Stripe's: the browser's
        ("en", "en", "?lang=ca", "ca", "Pagar amb targeta"),
    ],
)
def test_the_page_speaks_the_sessions_language(bench, locale, accepts, query, language, word):
    session = bench.open_checkout(locale=locale)
    page = bench.fetch(session.url + query, **{"Accept-Language": accepts})
    assert f'<html lang="{language}">' in page.text
    assert word in page.text


def test_money_becomes_available_at_once_or_after_two_days(bench):
    bench.paid(AT_ONCE)
    assert bench.available() == 1157
    bench.paid(OK)
    assert bench.available() == 1157
    bench.advance(timedelta(days=2, seconds=1))
    assert bench.available() == 2314
    assert bench.available("usd") == 0


def test_a_paid_session_cannot_be_paid_again_by_the_controls(bench):
    payment = bench.paid()
    answer = bench.fetch(f"{bench.url}/_standin/checkout/{payment.id}/pay", {"card": OK})
    assert answer.status == 400
    assert "checkout_session_not_open" in answer.text
    assert bench.available() == 1157


def test_controls_pay_settle_and_show(bench):
    session = bench.open_checkout()
    bench.control(f"checkout/{session.id}/pay", card=OK)
    bench.control("settle")
    assert bench.available() == 1157
    page = bench.fetch(f"{bench.url}/_standin")
    assert session.id in page.text
    assert "every cent accounted for" in page.text
    foreign = bench.fetch(f"{bench.url}/_standin/settle", {}, Origin="http://example.org")
    assert foreign.status == 403
