"""Signed thin webhooks: delivered, redelivered, doubled, lost; and what the adapter accepts."""

from __future__ import annotations

import json
import time

import pytest
import stripe

from upss.kernel.errors import BadSignature

OK = "4242424242424242"
SECRET = "whsec_standin"
COMPLETED = "v1.checkout.session.completed"


def delivered(receiver, bench, kind: str):
    """Return the notices of one kind, as the adapter reads them."""
    notices = [bench.gateway.parse_event(body, header) for body, header in receiver.taken]
    return [each for each in notices if kind in {f"v1.{each.type}", each.type}]


def test_a_payment_is_told(bench, receiver, wait_for):
    payment = bench.paid()
    wait_for(lambda: COMPLETED in receiver.types())
    (notice,) = delivered(receiver, bench, COMPLETED)
    assert notice.type == "checkout.session.completed"
    assert notice.object_id == payment.id
    assert notice.livemode is False
    assert notice.id.startswith("evt_thin_standin_")
    assert receiver.types() == [
        "v1.payment_intent.created",
        "v1.charge.succeeded",
        "v1.payment_intent.succeeded",
        COMPLETED,
    ]


def test_the_client_itself_reads_the_notice_and_its_object(bench, receiver, wait_for):
    payment = bench.paid()
    wait_for(lambda: COMPLETED in receiver.types())
    body, header = receiver.taken[receiver.types().index(COMPLETED)]
    notification = bench.gateway._client.parse_event_notification(body, header, SECRET)
    assert type(notification) is stripe.events.V1CheckoutSessionCompletedEventNotification
    assert notification.fetch_related_object().id == payment.id
    event = notification.fetch_event()
    assert event.type == COMPLETED
    assert (
        bench.gateway._client.v1.events.retrieve(event.snapshot_event).data.object.id == payment.id
    )


def test_an_account_is_told(bench, receiver, wait_for):
    account = bench.recipient()
    kind = "v2.core.account[configuration.recipient].capability_status_updated"
    wait_for(lambda: receiver.types().count(kind) == 2)
    assert {each.object_id for each in delivered(receiver, bench, kind)} == {account.id}


def test_a_refused_delivery_is_repeated_under_the_same_id(bench, receiver, wait_for):
    receiver.statuses += [500, 503]
    bench.paid()
    wait_for(lambda: len(receiver.taken) == 6)
    ids = [json.loads(body)["id"] for body, _ in receiver.taken]
    assert len(set(ids)) == 4
    wait_for(lambda: bench.state()["deliveries"] == {"delivered": 4})


def test_it_gives_up_at_last_and_the_list_knows(bench, receiver, wait_for):
    receiver.statuses += [500] * 8  # two events, each tried four times
    session = bench.open_checkout()
    bench.fetch(session.url, bench.card_form("4000002760003184"))  # one event
    bench.gateway.expire_checkout(session.id)  # another
    wait_for(lambda: bench.state()["deliveries"] == {"given_up": 2})
    missed = bench.gateway._client.v1.events.list({"delivery_success": False})
    assert {each.type for each in missed.data} == {
        "payment_intent.created",
        "checkout.session.expired",
    }
    bench.control("webhooks/resend")
    wait_for(lambda: bench.state()["deliveries"] == {"given_up": 2, "delivered": 2})
    assert bench.gateway._client.v1.events.list({"delivery_success": False}).data == []


def test_switches_double_reorder_hold_and_lose(bench, receiver, wait_for):
    bench.control("webhooks", paused=True, duplicate=True, reorder=True)
    bench.paid()
    time.sleep(0.2)
    assert receiver.taken == []
    bench.control("webhooks", paused=False)
    wait_for(lambda: len(receiver.taken) == 8)
    assert receiver.types()[0] == COMPLETED
    assert receiver.types().count(COMPLETED) == 2
    bench.control("webhooks", duplicate=False, reorder=False, drop=4)
    bench.paid()
    wait_for(lambda: bench.state()["deliveries"].get("lost") == 4)
    assert bench.state()["switches"]["webhooks_drop"] == 0
    assert len(receiver.taken) == 8


def test_a_delayed_delivery_waits(bench, receiver, wait_for):
    bench.control("webhooks", delay=1)
    begun = time.monotonic()
    bench.paid()
    wait_for(lambda: len(receiver.taken) == 4)
    assert time.monotonic() - begun > 0.9


def signed(body: bytes, *, at: float = 0, secret: str = SECRET) -> str:
    return stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, int(time.time() + at)
    )


THIN = json.dumps(
    {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": COMPLETED,
        "livemode": False,
        "created": "2026-11-01T10:00:00.000Z",
        "related_object": {"id": "cs_1", "type": "checkout.session", "url": "/v1/x"},
    }
).encode()
SNAPSHOT = json.dumps(
    {
        "id": "evt_2",
        "object": "event",
        "type": "refund.failed",
        "livemode": True,
        "created": 1793527200,
        "data": {"object": {"id": "re_1"}},
    }
).encode()


def test_thin_and_snapshot_are_read_alike(bench):
    thin = bench.gateway.parse_event(THIN, signed(THIN))
    assert (thin.id, thin.type, thin.object_id) == ("evt_1", "checkout.session.completed", "cs_1")
    snapshot = bench.gateway.parse_event(SNAPSHOT, signed(SNAPSHOT))
    assert (snapshot.type, snapshot.object_id, snapshot.livemode) == ("refund.failed", "re_1", True)


@pytest.mark.parametrize("at", [-290, 290])
def test_a_clock_that_differs_a_little_is_accepted(bench, at):
    assert bench.gateway.parse_event(THIN, signed(THIN, at=at)).id == "evt_1"


@pytest.mark.parametrize(
    "header",
    [
        lambda: "",
        lambda: "t=,v1=",
        lambda: "t=1",
        lambda: signed(THIN, secret="whsec_forged"),
        lambda: signed(SNAPSHOT),
        lambda: signed(THIN, at=-310),
        lambda: signed(THIN, at=310),
    ],
    ids=["missing", "empty", "unsigned", "forged", "of another body", "stale", "future"],
)
def test_what_stripe_did_not_sign_is_refused(bench, header):
    with pytest.raises(BadSignature):
        bench.gateway.parse_event(THIN, header())


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[1]", b"not json", b'{"object": "event", "data": {"object": "x"}}'],
    ids=["empty", "list", "not json", "odd"],
)
def test_a_signed_body_of_another_shape_is_refused(bench, body):
    with pytest.raises(BadSignature):
        bench.gateway.parse_event(body, signed(body))


def test_a_body_that_is_no_text_is_refused(bench):
    with pytest.raises(BadSignature):
        bench.gateway.parse_event(b"\xff", "t=1,v1=x")
