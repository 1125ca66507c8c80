"""The same event one to five times, in any order, at once and beside the return page: one ledger."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from tests.factories import (
    AT_ONCE,
    control,
    pay_at_standin,
    person,
    question_row,
    queued,
    submitted,
)
from tests.money import entries, payment_row, refund_rows
from upss.db.base import db
from upss.forum.service import asking
from upss.kernel.errors import DomainError, GatewayRefused, GatewayUnavailable
from upss.kernel.ids import RefundId, new_public_id
from upss.kernel.ports import EventNotice
from upss.ledger.verify import verify
from upss.organizer.queries.entries import trail
from upss.payments import queries, tasks
from upss.payments.models import ProviderEvent
from upss.payments.service import inbox
from upss.web.ports import gateway, unit

PAID = ["question_paid", "charge_settled"]
SESSION, INTENT, CHARGE = "session_id", "payment_intent_id", "charge_id"
KINDS = {
    "checkout.session.completed": SESSION,
    "checkout.session.async_payment_succeeded": SESSION,
    "payment_intent.succeeded": INTENT,
    "payment_intent.created": INTENT,
    "charge.succeeded": CHARGE,
    "charge.updated": CHARGE,
}


@pytest.fixture(autouse=True)
def sound(app):
    yield
    with unit() as uow:
        assert verify(uow.session).differences == []


def receive(kind, object_id, event_id=None):
    notice = EventNotice(
        id=event_id or f"evt_{new_public_id()}",
        type=kind,
        object_id=object_id,
        livemode=False,
    )
    with unit() as uow:
        inbox.receive_event(uow, notice=notice)
        uow.commit()
    return notice.id


def handled(event_id):
    with unit() as uow:
        return uow.session.get_one(ProviderEvent, event_id).handled_at is not None


def about(payment):
    """Return the names under which the provider knows a paid payment."""
    state = gateway().read_checkout(payment_row(payment).session_id)
    return {SESSION: state.id, INTENT: state.payment_intent_id, CHARGE: state.charge_id}


def entries_of(question):
    with unit() as uow:
        return [row.kind for row in trail(uow.session, question)]


@given(
    st.lists(st.sampled_from([*KINDS, "return page", "again"]), min_size=1, max_size=8).flatmap(
        st.permutations
    )
)
@settings(
    max_examples=60 if "UPSS_NIGHTLY" in os.environ else 8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_events_in_any_order_and_number(app, order):
    question, payment = submitted(person())
    pay_at_standin(payment)
    names, seen = about(payment), []
    for what in order:
        if what == "return page":
            tasks.check_payment(payment)
        elif what == "again":
            for event_id in seen:
                tasks.handle_event(event_id)
        else:
            seen.append(receive(what, names[KINDS[what]]))
            tasks.handle_event(seen[-1])
    tasks.check_payment(payment)  # what no event told, the poll finds
    assert entries_of(question) == PAID
    assert question_row(question).status == "queued"
    assert all(handled(event_id) for event_id in seen)


@pytest.mark.usefixtures("app")
def test_one_event_many_times():
    question, payment = submitted(person())
    pay_at_standin(payment)
    session_id = about(payment)[SESSION]
    for _ in range(5):
        tasks.handle_event(receive("checkout.session.completed", session_id, "evt_1"))
        assert entries_of(question) == PAID
        with unit() as uow:
            assert len(uow.session.scalars(select(ProviderEvent.id)).all()) == 1


def together(app, actions):
    """Do all at the same moment, each in a thread of its own; return what they raised."""
    start = threading.Barrier(len(actions))

    def run(action):
        with app.app_context():
            start.wait(20)
            try:
                action()
            except Exception as error:  # noqa: BLE001 - the caller looks at every one
                return error
            finally:
                db.session.remove()
        return None

    with ThreadPoolExecutor(len(actions)) as pool:
        return [error for error in pool.map(run, actions) if error is not None]


def test_at_the_same_moment_and_beside_the_return_page(app):
    question, payment = submitted(person())
    pay_at_standin(payment)
    names = about(payment)
    events = [receive(kind, names[name]) for kind, name in KINDS.items()]
    actions = [lambda each=each: tasks.handle_event(each) for each in events]
    actions += [lambda: tasks.check_payment(payment)] * 3
    actions += [lambda: tasks.handle_event(events[0])] * 2
    assert together(app, actions) == []
    assert entries_of(question) == PAID
    assert question_row(question).status == "queued"


def test_the_same_delivery_at_the_same_moment_is_stored_once(app):
    def deliver():
        receive("checkout.session.completed", "cs_1", "evt_1")

    assert together(app, [deliver] * 5) == []
    with unit() as uow:
        count = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE '%handle_event'")
        assert uow.session.scalar(count) == 1


def test_a_refunds_events_in_any_number_at_the_same_moment(app):
    control("top-up")  # or the refund waits for the fee
    question = queued(person(), card=AT_ONCE)
    with unit() as uow:
        asking.withdraw(uow, question_id=question)
        uow.commit()
    refund = RefundId(refund_rows(question)[0].id)
    together(app, [lambda: tasks.send_refund(refund)] * 4)
    provider_id = refund_rows(question)[0].provider_id
    kinds = ("refund.created", "refund.updated", "charge.refund.updated")
    events = [receive(kind, provider_id) for kind in kinds]
    assert together(app, [lambda each=each: tasks.handle_event(each) for each in events * 2]) == []
    assert entries_of(question) == [*PAID, "refund_requested", "refund_settled"]
    assert refund_rows(question)[0].status == "settled"


def test_withdrawn_while_the_payments_events_still_come(app):
    question, payment = submitted(person())
    pay_at_standin(payment)
    names = about(payment)
    tasks.check_payment(payment)
    events = [receive(kind, names[name]) for kind, name in KINDS.items()]

    def withdraw():
        with unit() as uow:
            asking.withdraw(uow, question_id=question)
            uow.commit()

    actions = [lambda each=each: tasks.handle_event(each) for each in events] + [withdraw] * 2
    refused = together(app, actions)
    assert [type(error) for error in refused] == [asking.MoveRefused]  # the second withdrawal
    tasks.send_refund(RefundId(refund_rows(question)[0].id))
    assert entries_of(question) == [*PAID, "refund_requested", "refund_settled"]


@pytest.mark.parametrize("kind", ["customer.created", "invoice.paid", "v2.core.event", "x"])
def test_an_unknown_kind_is_taken_and_changes_nothing(kind):
    _question, payment = submitted(person())
    event_id = receive(kind, payment_row(payment).session_id)
    tasks.handle_event(event_id)
    assert handled(event_id)
    assert entries() == []


@pytest.mark.parametrize(
    ("kind", "object_id"),
    [
        ("checkout.session.completed", "cs_of_nobody"),
        ("refund.updated", "re_of_nobody"),
        ("charge.succeeded", "ch_of_nobody"),
        ("payment_intent.succeeded", "pi_of_nobody"),
    ],
)
def test_an_event_about_what_nobody_knows_is_done_with(kind, object_id):
    event_id = receive(kind, object_id)
    tasks.handle_event(event_id)
    assert handled(event_id)
    assert entries() == []


def test_a_session_that_is_not_ours_is_left_alone(monkeypatch):
    """Another shop on the same Stripe account: its session exists, its reference is not ours."""
    _question, payment = submitted(person())
    pay_at_standin(payment)
    state = gateway().read_checkout(payment_row(payment).session_id)
    import dataclasses

    foreign = dataclasses.replace(state, id="cs_other", upss_id=None)
    monkeypatch.setattr(gateway(), "read_checkout", lambda _id: foreign)
    event_id = receive("checkout.session.completed", "cs_other")
    tasks.handle_event(event_id)
    assert handled(event_id)
    assert entries() == []


def test_an_event_we_could_not_ask_about_is_not_done_with():
    question, payment = submitted(person())
    pay_at_standin(payment)
    event_id = receive("checkout.session.completed", payment_row(payment).session_id)
    control("fail-next", when="before", match="GET /v1/checkout", times="3")
    with pytest.raises(GatewayUnavailable):
        tasks.handle_event(event_id)
    control("fail-next", times="0")
    assert not handled(event_id)
    assert entries() == []
    tasks.handle_event(event_id)
    assert handled(event_id)
    assert entries_of(question) == PAID


def test_a_look_that_is_refused_is_not_taken_for_an_unknown_object(monkeypatch):
    def refuse(_id):
        raise GatewayRefused(reason="parameter_invalid", status=400)

    monkeypatch.setattr(gateway(), "read_checkout", refuse)
    event_id = receive("checkout.session.completed", "cs_1")
    with pytest.raises(GatewayRefused):
        tasks.handle_event(event_id)
    assert not handled(event_id)


def test_a_session_with_another_amount_is_a_persons_to_look_at(monkeypatch):
    import dataclasses

    question, payment = submitted(person())
    pay_at_standin(payment)
    state = gateway().read_checkout(payment_row(payment).session_id)
    other = dataclasses.replace(state, amount_minor=100)
    monkeypatch.setattr(gateway(), "read_checkout", lambda _id: other)
    event_id = receive("checkout.session.completed", state.id)
    with pytest.raises(DomainError, match="payment_mismatch"):
        tasks.handle_event(event_id)
    assert not handled(event_id)
    assert entries() == []
    assert question_row(question).status == "awaiting_payment"


def test_an_event_that_came_before_the_first_answer_finds_its_payment():
    """The page was opened, but the answer was lost: the reference leads to our row."""
    from tests.factories import draft
    from upss.forum.rules.ownership import Owner

    asker = person()
    question = draft(asker)
    with unit() as uow:
        asking.make_offer(uow, question_id=question)
        owner = Owner(asker_id=asker, session_id=None)
        payment = asking.submit(
            uow, question_id=question, owner=owner, email="a@example.org", language="en"
        )
        uow.commit()
    row = payment_row(payment)
    order = tasks._order(row)
    state = gateway().create_checkout(order, idempotency_key=row.idempotency_key)
    control(f"checkout/{state.id}/pay", card="4000000000000077")
    tasks.handle_event(receive("checkout.session.completed", state.id))
    assert payment_row(payment).session_id == state.id
    assert entries_of(question) == PAID
    with unit() as uow:
        assert queries.payment_id_of(uow.session, state.id) == payment
