"""Keys, repeated calls, lost answers, strangers, and what the adapter makes of each."""

from __future__ import annotations

import socket
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import stripe

from upss.kernel.clock import SystemClock
from upss.kernel.errors import GatewayRefused, GatewayUnavailable
from upss.payments.stripe_gateway import StripeGateway
from upss.standin import create_app

OK = "4242424242424242"


def other_gateway(bench, key: str) -> StripeGateway:
    return StripeGateway(api_key=key, webhook_secret="whsec_x", api_base=bench.url)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("sk_live_anything", "live_key_refused"),
        ("rk_live_anything", "live_key_refused"),
        ("sk_test_somebody_elses", "api_key_unknown"),
    ],
)
def test_a_live_or_foreign_key_says_nothing_of_the_order(bench, key, reason):
    with pytest.raises(GatewayUnavailable) as caught:
        other_gateway(bench, key).read_checkout("cs_1")
    assert caught.value.facts["reason"] == reason
    assert caught.value.facts["status"] == 401


def test_it_does_not_start_with_a_live_key():
    with pytest.raises(ValueError, match="live keys"):
        create_app(SystemClock(), webhook_url=None, webhook_secret="x", secret_key="sk_live_x")


def test_the_adapter_knows_a_stand_in():
    assert not StripeGateway(api_key="sk_test_x", webhook_secret="w").is_stand_in
    real = StripeGateway(api_key="sk_test_x", webhook_secret="w", api_base="https://api.stripe.com")
    assert not real.is_stand_in
    local = StripeGateway(api_key="k", webhook_secret="w", api_base="http://127.0.0.1:12111/")
    assert local.is_stand_in
    look_alike = StripeGateway(
        api_key="k", webhook_secret="w", api_base="https://api.stripe.com.example.org"
    )
    assert look_alike.is_stand_in


def test_another_clients_version_is_refused(bench):
    client = bench.gateway._client
    with pytest.raises(stripe.InvalidRequestError, match="contract"):
        client.v1.balance.retrieve(options={"stripe_version": "2020-08-27"})


def test_an_unbuilt_call_says_so(bench):
    with pytest.raises(stripe.InvalidRequestError, match="has no GET /v1/customers"):
        bench.gateway._client.v1.customers.list()
    with pytest.raises(stripe.InvalidRequestError, match="not built: customer_creation"):
        bench.gateway._client.v1.checkout.sessions.create({"customer_creation": "always"})


def test_an_unknown_field_to_expand_is_refused(bench):
    payment = bench.paid()
    for path in ("payment_intent.nothing", "currency", "a.b.c.d.e"):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            bench.gateway._client.v1.checkout.sessions.retrieve(payment.id, {"expand": [path]})
        assert caught.value.param == "expand"


def test_a_repeated_key_is_answered_as_before(bench):
    expires_at = bench.now() + timedelta(hours=1)
    first = bench.open_checkout(key="once", expires_at=expires_at)
    assert bench.open_checkout(key="once", expires_at=expires_at) == first
    assert bench.open_checkout(key="twice", expires_at=expires_at).id != first.id


def test_a_key_is_forgotten_after_a_day(bench):
    payment = bench.paid(OK)
    first = bench.refund(payment, 300, key="r1")
    bench.advance(timedelta(hours=25))
    assert bench.refund(payment, 300, key="r1").id != first.id


def test_a_repeated_refund_returns_money_once(bench):
    payment = bench.paid(OK)
    first = bench.refund(payment, 300, key="r1")
    assert bench.refund(payment, 300, key="r1") == first
    assert bench.state()["pending"] == {"eur": 1157 - 300}


def test_a_refusal_is_repeated_too(bench):
    payment = bench.paid(OK)
    account = bench.recipient()
    for _ in range(2):
        with pytest.raises(GatewayRefused) as caught:
            bench.transfer(account, 500, key="t1")
        assert caught.value.facts["reason"] == "balance_insufficient"
        bench.control("settle")  # the money is there the second time, the kept answer is not new
    assert bench.transfer(account, 500, key="t2").amount_minor == 500
    assert payment.charge_id


def test_a_key_used_for_something_else_is_a_mistake(bench):
    payment = bench.paid(OK)
    bench.refund(payment, 300, key="r1")
    with pytest.raises(GatewayRefused) as caught:
        bench.refund(payment, 301, key="r1")
    assert caught.value.facts["reason"] == "idempotency_error"


def test_a_call_fails_before_its_effect(bench):
    payment = bench.paid(OK)
    bench.control("fail-next", when="before", match="POST /v1/refunds")
    with pytest.raises(GatewayUnavailable):
        bench.refund(payment, 300, key="r1")
    intent = payment.payment_intent_id
    assert bench.gateway.find_refund(payment_intent_id=intent, upss_id="refund1", attempt=1) is None
    assert bench.refund(payment, 300, key="r1").status == "succeeded"


def test_an_answer_is_lost_after_its_effect(bench):
    payment = bench.paid(OK)
    bench.control("fail-next", when="after", match="POST /v1/refunds")
    with pytest.raises(GatewayUnavailable):
        bench.refund(payment, 300, key="r1")
    intent = payment.payment_intent_id
    found = bench.gateway.find_refund(payment_intent_id=intent, upss_id="refund1", attempt=1)
    assert found is not None
    assert bench.refund(payment, 300, key="r1") == found
    assert bench.state()["pending"] == {"eur": 1157 - 300}


def test_a_cut_line_is_bridged_by_the_clients_own_retry(bench):
    payment = bench.paid(OK)
    bench.control("fail-next", when="after", style="silence", match="POST /v1/refunds")
    assert bench.refund(payment, 300, key="r1").status == "succeeded"
    assert bench.state()["pending"] == {"eur": 1157 - 300}
    assert bench.state()["fault"] is None


def test_nobody_answers():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gateway = StripeGateway(
        api_key="sk_test_standin", webhook_secret="w", api_base=f"http://127.0.0.1:{port}"
    )
    with pytest.raises(GatewayUnavailable):
        gateway.read_checkout("cs_1")


def test_another_name_for_this_machine_is_refused(bench):
    assert bench.fetch(f"{bench.url}/_standin", Host="shop.example.org").status == 403
    port = urllib.parse.urlsplit(bench.url).port
    assert bench.fetch(f"http://localhost:{port}/_standin").status == 200


def test_a_caller_from_elsewhere_is_refused():
    app = create_app(SystemClock(), webhook_url=None, webhook_secret="x")
    answer = app.test_client().get("/_standin", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 403
    app.extensions["upss.standin"][0].store.close()


def together(action, times: int = 6) -> list:
    """Call at the same moment from several threads."""
    barrier = threading.Barrier(times)

    def run(_index: int):
        barrier.wait()
        return action()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_the_same_key_at_the_same_moment_has_one_effect(bench):
    payment = bench.paid(OK)
    refunds = together(lambda: bench.refund(payment, 100, key="r1"))
    assert len({each.id for each in refunds}) == 1
    assert bench.state()["pending"] == {"eur": 1157 - 100}


def test_a_form_sent_many_times_at_once_charges_once(bench):
    session = bench.open_checkout()
    pages = together(lambda: bench.fetch(session.url, bench.card_form(OK)))
    assert {page.status for page in pages} == {303}
    assert bench.state()["pending"] == {"eur": 1157}


def test_two_refunds_at_once_never_return_more_than_was_paid(bench):
    payment = bench.paid(OK)

    def refund() -> str:
        try:
            return bench.refund(payment, 700).status
        except GatewayRefused as refused:
            return str(refused.facts["reason"])

    assert sorted(together(refund)) == ["amount_too_large"] * 5 + ["succeeded"]
