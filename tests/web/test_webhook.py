"""The webhook over HTTP: what is verified, what is refused, what is stored once; and NUL in addresses."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from tests.factories import pay_at_standin, person, post, question_row, sign_in_as, submitted
from tests.money import entries, payment_row
from upss.app import create_app
from upss.config import Mode
from upss.payments import tasks
from upss.payments.models import ProviderEvent
from upss.payments.stripe_gateway import StripeGateway
from upss.web.ports import Ports, clock, gateway, mailer, unit

SECRET = "whsec_standin"


def thin(event_id="evt_1", kind="v1.checkout.session.completed", object_id="cs_1", **changes):
    body = {
        "id": event_id,
        "object": "v2.core.event",
        "type": kind,
        "livemode": False,
        "created": "2026-11-18T11:00:00.000Z",
        "related_object": object_id and {"id": object_id, "type": "x", "url": "/v1/x"},
    }
    return body | changes


def snapshot(event_id="evt_1", kind="checkout.session.completed", object_id="cs_1", **changes):
    body = {
        "id": event_id,
        "object": "event",
        "type": kind,
        "livemode": False,
        "created": 1_763_463_600,
        "data": {"object": {"id": object_id, "payment_status": "paid", "amount_total": 1}},
    }
    return body | changes


def sign(body: bytes, *, secret=SECRET, at=None, scheme="v1"):
    stamp = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},{scheme}={digest}"


def send(client, event, **how):
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    signature = how.pop("signature", None)
    header = sign(body, **how) if signature is None else signature
    return client.post("/stripe/webhook", data=body, headers={"Stripe-Signature": header})


def stored():
    with unit() as uow:
        return uow.session.scalars(select(ProviderEvent).order_by(ProviderEvent.id)).all()


def jobs():
    with unit() as uow:
        rows = uow.session.execute(
            text("SELECT lock, args FROM procrastinate_jobs WHERE task_name LIKE '%handle_event'")
        )
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("shape", [thin, snapshot])
def test_an_event_is_stored_once_and_acknowledged(client, clock, shape):
    answers = [send(client, shape()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer.text for answer in answers] == ["stored\n", "known\n", "known\n"]
    [event] = stored()
    assert (event.type, event.object_id) == ("checkout.session.completed", "cs_1")
    assert event.received_at == clock.system_now()
    assert event.handled_at is None
    assert jobs() == [(None, {"event_id": "evt_1"})]


def test_an_event_about_nothing_waits_for_nobody(client):
    assert send(client, thin(object_id=None)).status_code == 200
    assert jobs() == [(None, {"event_id": "evt_1"})]
    tasks.handle_event("evt_1")
    assert stored()[0].handled_at is not None


GENUINE = json.dumps(thin()).encode()
NOW = int(time.time())
FORGERIES = {
    "no signature": {"signature": ""},
    "nonsense": {"signature": "nonsense"},
    "another secret": {"secret": "whsec_other"},
    "the test scheme alone": {"scheme": "v0"},
    "too old": {"at": NOW - 600},
    "to come": {"at": NOW + 3600},
    "no time": {"signature": "v1=" + "0" * 64},
    "a time that is none": {"signature": "t=soon,v1=" + "0" * 64},
    "a very long time": {"signature": "t=" + "9" * 6000 + ",v1=0"},
    "another body's": {"signature": sign(b"{}")},
}


@pytest.mark.parametrize("how", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_event_is_refused(client, how):
    answer = send(client, GENUINE, **how)
    assert answer.status_code == 400
    assert answer.mimetype == "text/plain"
    assert stored() == []
    assert jobs() == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"null", b"1", b'"text"', b"{", b"\xff\xfe", b"\x00",
        json.dumps(thin(object="account")).encode(),
        json.dumps(thin(type=None)).encode(),
        json.dumps(thin(related_object="cs_1")).encode(),
        json.dumps(snapshot(data=None)).encode(),
        json.dumps({"object": "event"}).encode(),
    ],
)  # fmt: skip
def test_a_signed_body_of_another_shape_is_refused(client, body):
    assert send(client, body).status_code == 400
    assert stored() == []


@pytest.mark.parametrize("livemode", [True, None, "false", 0])
def test_only_events_of_this_mode_are_taken(client, livemode):
    expected = 400 if livemode is True else 200
    assert send(client, thin(livemode=livemode)).status_code == expected
    assert len(stored()) == (expected == 200)


def test_production_takes_live_events_alone(app):
    live = replace(_settings(), mode=Mode.PRODUCTION)
    ports = Ports(clock=clock(), gateway=gateway(), mailer=mailer(), queue=None)
    client = create_app(live, ports).test_client()
    assert send(client, thin()).status_code == 400


def _settings():
    from upss.web.ports import settings as installed

    return installed()


def test_a_browser_cannot_call_it(client):
    assert client.get("/stripe/webhook").status_code == 405


def test_a_rolled_secret_signs_twice(client):
    body = json.dumps(thin()).encode()
    both = sign(body, secret="whsec_old") + ",v1=" + sign(body).split("v1=")[1]
    assert send(client, body, signature=both).status_code == 200


@given(st.integers(0, len(GENUINE) - 1), st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_one_changed_byte_breaks_the_signature(place, change):
    here = StripeGateway(api_key="sk_test_x", webhook_secret=SECRET)
    signature = sign(GENUINE)
    assert here.parse_event(GENUINE, signature).id == "evt_1"
    body = bytearray(GENUINE)
    body[place] ^= change
    with pytest.raises(Exception, match="bad_signature"):
        here.parse_event(bytes(body), signature)


@given(st.text(max_size=80))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_header_makes_it_stumble(header):
    here = StripeGateway(api_key="sk_test_x", webhook_secret=SECRET)
    with pytest.raises(Exception, match="bad_signature"):
        here.parse_event(GENUINE, header)


# The way back from the payment page


def back(client, payment):
    return client.get(f"/payments/{payment_row(payment).public_id}/back")


def test_the_redirect_alone_proves_nothing(client):
    question, payment = submitted(person())
    answer = back(client, payment)
    assert answer.status_code == 303
    assert question_row(question).status == "awaiting_payment"
    assert entries() == []
    pay_at_standin(payment)
    assert back(client, payment).status_code == 303
    assert question_row(question).status == "queued"


def test_an_unknown_payment_is_nothing(client):
    assert client.get("/payments/aaaaaaaaaaaaaaaa/back").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/payments/{}/back", "/ask/{}", "/ask/{}/check", "/ask/{}/discard", "/questions/{}",
        "/questions/{}/receipt", "/questions/{}/withdraw", "/questions/{}/accept",
    ],
)  # fmt: skip
def test_a_strange_name_is_nothing(app, client, address):
    sign_in_as(app, client, person())
    for name in ("%00", "a%00b", "%F0%9F%98%80", "a" * 3000, "-1", "%2e%2e", "1 OR 1=1"):
        assert client.get(address.format(name)).status_code in {400, 404}, name


def test_strange_forms_are_kept_or_refused_but_never_break(client):
    url = client.get("/ask").headers["Location"]
    strange = {"title": "\x00", "body": "a" * 100_000, "topic": "x\x00", "size": "\x00"}
    answer = post(client, url, **strange, language="xx", do="continue")
    assert answer.status_code == 422
    assert "100000" in answer.text.replace(",", "").replace(".", "")
    assert answer.text.count("aaaaaaaaaa") > 1000
    good = {"topic": "home", "title": "Why?", "body": "Because.", "size": "small", "language": "en"}
    check = post(client, url, **good, do="continue").headers["Location"]
    for email in ("", "no address", "a\x00@example.org", "a@example.org\nBcc: b@example.org"):
        answer = post(client, check, email=email, agree="yes")
        assert answer.status_code == 422, email
    assert post(client, check, email="a@example.org").status_code == 422  # not agreed
