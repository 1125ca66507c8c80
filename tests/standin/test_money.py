"""Refunds and transfers: what goes back, what goes out, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from upss.kernel.errors import GatewayRefused

OK, REFUND_FAILS = "4242424242424242", "4000000000005126"


def reason(caught) -> str:
    return caught.value.facts["reason"]


def test_a_full_refund_returns_the_amount_but_not_the_fee(bench):
    payment = bench.paid()
    refund = bench.refund(payment, 1200)
    assert (refund.status, refund.amount_minor, refund.currency) == ("pending", 1200, "EUR")
    # The fee is gone, so the money of this charge alone is not enough: the refund waits.
    assert refund.balance_transaction is None
    bench.paid()
    settled = bench.gateway.read_refund(refund.id)
    assert settled.status == "succeeded"
    assert settled.balance_transaction.amount_minor == -1200
    assert settled.balance_transaction.fee_minor == 0
    assert bench.available() == 2 * 1157 - 1200


def test_the_organizers_own_money_lets_a_waiting_refund_go(bench):
    refund = bench.refund(bench.paid(), 1200)
    bench.control("top-up", amount=43)
    assert bench.gateway.read_refund(refund.id).status == "succeeded"
    assert bench.available() == 0


def test_a_charge_that_is_pending_itself_pays_for_its_refund(bench):
    refund = bench.refund(bench.paid(OK), 1200)
    assert refund.status == "succeeded"
    assert bench.state()["pending"] == {"eur": -43}


def test_partial_refunds_up_to_the_amount_and_not_a_cent_more(bench):
    payment = bench.paid(OK)
    assert bench.refund(payment, 700, upss_id="first").status == "succeeded"
    with pytest.raises(GatewayRefused) as caught:
        bench.refund(payment, 501)
    assert reason(caught) == "amount_too_large"
    assert bench.refund(payment, 500, upss_id="second").status == "succeeded"
    with pytest.raises(GatewayRefused) as caught:
        bench.refund(payment, 1)
    assert reason(caught) == "charge_already_refunded"
    intent = payment.payment_intent_id
    found = bench.gateway.find_refund(payment_intent_id=intent, upss_id="first", attempt=1)
    assert (found.amount_minor, found.upss_id) == (700, "first")
    assert bench.gateway.find_refund(payment_intent_id=intent, upss_id="third", attempt=1) is None


def test_what_was_not_paid_cannot_be_refunded(bench):
    session = bench.open_checkout()
    bench.fetch(session.url, bench.card_form("4000000000000002"))
    with pytest.raises(GatewayRefused) as caught:
        bench.refund(bench.gateway.read_checkout(session.id), 100)
    assert reason(caught) == "charge_not_refundable"


def test_a_refund_fails_later_and_the_money_is_back(bench):
    payment = bench.paid(REFUND_FAILS)
    refund = bench.refund(payment, 1200)
    assert refund.status == "succeeded"
    bench.advance(timedelta(minutes=2))
    failed = bench.gateway.read_refund(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert failed.failure_balance_transaction.amount_minor == 1200
    assert bench.state()["pending"] == {"eur": 1157}
    again = bench.refund(payment, 1200, attempt="2")
    assert again.status == "succeeded"
    for attempt, sent in ((1, failed), (2, again), (3, None)):
        found = bench.gateway.find_refund(
            payment_intent_id=payment.payment_intent_id, upss_id="refund1", attempt=attempt
        )
        assert found == sent


def test_a_control_lets_a_refund_fail(bench):
    refund = bench.refund(bench.paid(OK), 300)
    bench.control(f"refunds/{refund.id}/fail")
    assert bench.gateway.read_refund(refund.id).status == "failed"


def test_a_transfer_needs_an_account_that_is_ready(bench):
    bench.paid()
    account = bench.recipient(onboarded=False)
    assert account.transfers == "restricted"
    assert bench.asked_of(account)
    with pytest.raises(GatewayRefused) as caught:
        bench.transfer(account, 500)
    assert reason(caught) == "insufficient_capabilities_for_transfer"


def test_onboarding_finished_left_and_linked_once(bench):
    account = bench.recipient(onboarded=False)
    link = bench.onboarding(account)
    page = bench.fetch(link, **{"Accept-Language": "es"})
    assert '<html lang="es">' in page.text
    left = bench.fetch(link, {"answer": "later"})
    assert left.headers["Location"] == "http://localhost:5000/back"
    assert bench.gateway.read_recipient(account.id).transfers == "restricted"
    assert bench.fetch(link).headers["Location"] == "http://localhost:5000/again"  # spent
    stale = bench.onboarding(account)
    bench.advance(timedelta(minutes=6))
    assert bench.fetch(stale).headers["Location"] == "http://localhost:5000/again"
    bench.fetch(bench.onboarding(account), {"answer": "finish"})
    ready = bench.gateway.read_recipient(account.id)
    assert (ready.transfers, bench.asked_of(ready)) == ("active", [])
    assert bench.fetch(f"{bench.url}/connect/{account.id}/wrong").status == 404


def test_a_transfer_moves_what_is_available(bench):
    bench.paid()
    account = bench.recipient()
    sent = bench.transfer(account, 1000)
    assert (sent.amount_minor, sent.currency, sent.destination) == (1000, "EUR", account.id)
    assert sent.balance_transaction.amount_minor == -1000
    assert bench.available() == 157
    assert bench.gateway.find_transfer(transfer_group="run-1", upss_id="payout1") == sent
    assert bench.gateway.find_transfer(transfer_group="run-2", upss_id="payout1") is None
    assert bench.gateway.find_transfer(transfer_group="run-1", upss_id="payout2") is None


def test_pending_money_cannot_be_transferred(bench):
    bench.paid(OK)
    account = bench.recipient()
    with pytest.raises(GatewayRefused) as caught:
        bench.transfer(account, 1)
    assert reason(caught) == "balance_insufficient"
    bench.advance(timedelta(days=3))
    assert bench.transfer(account, 1157).amount_minor == 1157
    with pytest.raises(GatewayRefused):
        bench.transfer(account, 1)


def test_an_account_restricted_later_gets_nothing(bench):
    bench.paid()
    account = bench.recipient()
    bench.control(f"accounts/{account.id}", status="restricted")
    assert bench.gateway.read_recipient(account.id).transfers == "restricted"
    with pytest.raises(GatewayRefused):
        bench.transfer(account, 100)


def test_more_transfers_than_a_page_are_all_looked_through(bench):
    bench.paid()
    account = bench.recipient()
    first = bench.transfer(account, 1)
    for index in range(101):
        bench.gateway._client.v1.transfers.create(
            {
                "amount": 1,
                "currency": "eur",
                "destination": account.id,
                "transfer_group": "run-1",
                "metadata": {"upss_id": f"other{index}"},
            }
        )
    assert bench.gateway.find_transfer(transfer_group="run-1", upss_id="payout1") == first


def test_lists_filters_and_events_of_the_interface(bench):
    payment = bench.paid()
    client = bench.gateway._client
    charges = client.v1.charges.list({"payment_intent": payment.payment_intent_id})
    assert [each.id for each in charges.data] == [payment.charge_id]
    assert client.v1.charges.retrieve(payment.charge_id).receipt_url == payment.receipt_url
    assert client.v1.payment_intents.retrieve(payment.payment_intent_id).status == "succeeded"
    moved = client.v1.balance_transactions.list({"type": "charge", "created": {"gte": 1}})
    assert moved.data[0].id == payment.balance_transaction.id
    assert client.v1.balance_transactions.retrieve(moved.data[0].id).fee == 43
    assert client.v1.transfers.list().data == []
    names = [each.type for each in client.v1.events.list({"limit": 100}).auto_paging_iter()]
    assert names[0] == "checkout.session.completed"
    with pytest.raises(Exception, match="limit"):
        client.v1.events.list({"limit": 101})
    page = client.v1.events.list({"limit": 1})
    older = client.v1.events.list({"limit": 5, "starting_after": page.data[0].id})
    newer = client.v1.events.list({"limit": 5, "ending_before": older.data[0].id})
    assert [each.id for each in newer.data] == [page.data[0].id]
