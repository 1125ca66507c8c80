"""Money in and money back against the stand-in: honoured, returned, refused, refunded, looked up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from tests.factories import (
    AT_ONCE,
    GOOD,
    control,
    draft,
    pay_at_standin,
    person,
    question_row,
    queued,
    said_paid,
    submitted,
)
from tests.money import balances, count, entries, figures_of, payment_row, refund_rows
from upss.db.base import db
from upss.forum.rules.ownership import Owner
from upss.forum.service import asking
from upss.forum.tasks import run_timers
from upss.kernel.errors import GatewayError, GatewayRefused, GatewayUnavailable, NotFound
from upss.kernel.ids import PaymentId, QuestionId, RefundId
from upss.kernel.ports import BalanceTransaction, EventNotice, RefundState
from upss.ledger.verify import verify
from upss.notices.models import Notice
from upss.payments import queries, tasks
from upss.payments.models import Payment, ProviderEvent, Refund
from upss.payments.rules.lifecycle import PaymentMismatch
from upss.payments.service import charging, inbox, refunding
from upss.web.ports import gateway, unit

FEE = 43  # what the stand-in keeps of 12.00
DECLINED = "4000000000000002"
REFUND_FAILS = "4000000000005126"


@pytest.fixture(autouse=True)
def sober(app, monkeypatch):
    """Calls to the provider must find no transaction open; at the end the ledger must hold."""
    here = gateway()
    for name in dir(here):
        if name.startswith(("create_", "read_", "find_", "expire_")):
            monkeypatch.setattr(here, name, watched(getattr(here, name)))
    control("top-up")  # the organizer's own money, or a first refund waits for the fee
    yield
    control("fail-next", times="0")
    with unit() as uow:
        assert verify(uow.session).differences == []


def watched(call):
    def run(*args, **kwargs):
        assert not db.session().in_transaction(), f"a transaction is open during {call.__name__}"
        return call(*args, **kwargs)

    return run


def withdrawn(question_id):
    with unit() as uow:
        asking.withdraw(uow, question_id=question_id)
        uow.commit()
    return RefundId(refund_rows(question_id)[-1].id)


def state_of(payment_id, **changes):
    """What the provider would say of a payment, with changes; nothing of its fee."""
    name = payment_row(payment_id).session_id or "cs_hand"
    return replace(said_paid(payment_id), **{"id": name, "balance_transaction": None} | changes)


def told(payment_id, **changes):
    return tasks._apply(payment_id, state_of(payment_id, **changes))


# Opening the page


def test_an_open_page_is_used_again():
    question, payment = submitted(person())
    row = payment_row(payment)
    assert tasks.start_checkout(payment) == row.checkout_url
    assert row.expires_at == question_row(question).offer_ends_at
    assert gateway().read_checkout(row.session_id).expires_at == row.expires_at
    assert entries() == []


def unopened():
    """A payment whose page was never opened."""
    asker = person()
    question = draft(asker)
    with unit() as uow:
        asking.make_offer(uow, question_id=question)
        payment = asking.submit(
            uow,
            question_id=question,
            owner=Owner(asker_id=asker, session_id=None),
            email="asker@example.org",
            language="en",
        )
        uow.commit()
    return question, payment


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_page_that_could_not_be_opened_is_opened_by_the_next_try(when):
    _question, payment = unopened()
    control("fail-next", when=when, match="POST /v1/checkout", times="1")
    with pytest.raises(GatewayUnavailable):
        tasks.start_checkout(payment)
    assert payment_row(payment).status == "new"
    assert tasks.check_payment(payment) == "new"
    first = tasks.start_checkout(payment)
    assert tasks.start_checkout(payment) == first
    assert payment_row(payment).status == "open"


def test_a_page_is_opened_only_while_31_minutes_remain(clock):
    _question, payment = unopened()
    clock.advance(timedelta(minutes=29))
    assert tasks.start_checkout(payment)
    _question, payment = unopened()
    clock.advance(timedelta(minutes=29, seconds=1))
    with pytest.raises(tasks.OfferTooOld):
        tasks.start_checkout(payment)


def test_a_closed_offer_opens_no_page():
    question, payment = unopened()
    with unit() as uow:
        charging.close_offer(uow, question_id=question)
        uow.commit()
    with pytest.raises(tasks.OfferTooOld):
        tasks.start_checkout(payment)


def test_an_unknown_payment():
    with pytest.raises(NotFound):
        tasks.check_payment(PaymentId(4711))
    with pytest.raises(NotFound), unit() as uow:
        charging.apply_checkout(uow, payment_id=PaymentId(4711), state=None)


# What the provider says


def test_a_paid_question_is_held_with_its_fee():
    question = queued(person(), card=AT_ONCE)
    assert entries() == ["question_paid", "charge_settled"]
    money = money_of(question)
    assert (money.paid, money.held, money.fee) == (1200, 1200, FEE)
    assert balances()["Assets:Stripe:Balance"] == 1200 - FEE
    [line] = receipt(question)
    assert (line.status, line.amount_minor, line.fee_minor, line.refunds) == (
        "paid", 1200, FEE, (),
    )  # fmt: skip


def money_of(question):
    with unit() as uow:
        return figures_of(uow.session, [question])[question]


def receipt(question):
    with unit() as uow:
        return queries.receipt(uow.session, question)


def test_a_declined_card_changes_nothing_and_another_card_pays():
    question, payment = submitted(person())
    pay_at_standin(payment, DECLINED)
    assert tasks.check_payment(payment) == "open"
    assert entries() == []
    assert question_row(question).status == "awaiting_payment"
    pay_at_standin(payment, GOOD)
    assert tasks.check_payment(payment) == "paid"
    assert question_row(question).status == "queued"


def test_an_abandoned_page_expires_and_the_text_is_a_draft_again(clock):
    question, payment = submitted(person())
    clock.advance(timedelta(minutes=61))
    control("settle")  # lets the stand-in grow older
    assert tasks.check_payment(payment) == "expired"
    assert question_row(question).status == "awaiting_payment"  # the timer's to move
    run_timers()
    assert question_row(question).status == "draft"
    assert entries() == []


def test_a_late_payment_is_honoured_until_the_last_moment(clock):
    question, payment = submitted(person())
    pay_at_standin(payment)
    clock.advance(timedelta(minutes=61))
    run_timers()
    assert question_row(question).status == "draft"
    clock.instant = payment_row(payment).honour_until
    assert tasks.check_payment(payment) == "paid"
    row = question_row(question)
    assert row.status == "queued"
    assert row.paid_at == payment_row(payment).honour_until
    assert row.promise_at - row.paid_at == timedelta(hours=2)


def returned(question, payment, clock):
    """The payment goes back in full; nothing is held for the question."""
    assert tasks.check_payment(payment) == "returned"
    [refund] = refund_rows(question)
    assert (refund.cause, refund.status, refund.amount_minor) == ("returned", "requested", 1200)
    tasks.send_refund(RefundId(refund.id))
    assert refund_rows(question)[0].status == "settled"
    assert money_of(question).held == 0
    assert count(entries()) == {"payment_returned": 1, "charge_settled": 1, "refund_settled": 1}
    assert balances()["Assets:Stripe:Balance"] == -FEE  # the fee is the organizer's


def test_a_payment_after_the_last_moment_goes_back(clock):
    question, payment = submitted(person())
    pay_at_standin(payment)
    clock.instant = payment_row(payment).honour_until + timedelta(seconds=1)
    run_timers()
    returned(question, payment, clock)
    assert question_row(question).status == "draft"


@pytest.mark.parametrize("how", ["edit", "discard", "offer", "change"])
def test_a_payment_on_a_closed_offer_goes_back(how, clock):
    asker = person()
    question, payment = submitted(asker)
    pay_at_standin(payment)
    if how == "edit":
        with unit() as uow:
            asking.edit_again(uow, question_id=question)
            uow.commit()
    else:
        clock.advance(timedelta(minutes=61))
        run_timers()
        with unit() as uow:
            if how == "discard":
                asking.discard(uow, question_id=question)
            elif how == "offer":
                asking.make_offer(uow, question_id=question)
            else:
                row = question_row(question)
                asking.save_draft(
                    uow,
                    public_id=row.public_id,
                    owner=Owner(asker_id=asker, session_id=None),
                    text=asking.DraftText(
                        title=row.title, body=row.body, topic="home", size="large", language="en"
                    ),
                )
            uow.commit()
    before = question_row(question).status
    returned(question, payment, clock)
    assert question_row(question).status == before


def test_a_second_payment_goes_back():
    question = queued(person(), card=AT_ONCE)
    with unit() as uow:
        first = queries.newest_payment(uow.session, question)
        again = charging.open_payment(
            uow,
            question_id=question,
            amount=charging.Money(1200, "EUR"),
            expires_at=first.expires_at,
            honour_until=first.honour_until,
            email="asker@example.org",
            language="en",
        )
        uow.commit()
    tasks.start_checkout(again)
    pay_at_standin(again)
    assert tasks.check_payment(again) == "returned"
    assert tasks.check_payment(PaymentId(first.id)) == "paid"
    [refund] = refund_rows(question)
    tasks.send_refund(RefundId(refund.id))
    money = money_of(question)
    assert (money.paid, money.paid_again, money.held, money.refunded) == (1200, 1200, 1200, 1200)
    assert [line.status for line in receipt(question)] == ["paid", "returned"]


@pytest.mark.parametrize(
    "difference", [{"upss_id": "x"}, {"upss_id": "x", "amount_minor": 1199}, {"amount_minor": 1201}]
)
def test_another_reference_or_an_unpaid_page_of_another_amount_changes_nothing(difference):
    question, payment = submitted(person())
    if "upss_id" not in difference:
        difference |= {"status": "open", "payment_status": "unpaid"}
    with pytest.raises(PaymentMismatch):
        told(payment, **difference)
    assert entries() == []
    assert payment_row(payment).status == "open"
    assert question_row(question).status == "awaiting_payment"


@pytest.mark.parametrize(
    "difference", [{"amount_minor": 1199}, {"amount_minor": 1201}, {"currency": "USD"}]
)
def test_money_of_another_amount_or_currency_waits_for_organizers_and_is_not_paid_again(
    difference, clock
):
    question, payment = submitted(person())
    for _ in range(2):
        with pytest.raises(PaymentMismatch):
            told(payment, **difference)
    assert entries() == []
    assert payment_row(payment).status == "checking"
    clock.advance(timedelta(hours=5))  # the offer has ended
    run_timers()
    assert question_row(question).status == "awaiting_payment"
    with pytest.raises(asking.MoveRefused), unit() as uow:
        asking.edit_again(uow, question_id=question)
    assert told(payment) == "paid"  # an organizer mended the cause
    assert question_row(question).status == "queued"


def test_what_was_settled_stays_settled_whatever_is_said_later():
    _question, payment = submitted(person())
    assert told(payment) == "paid"
    with pytest.raises(PaymentMismatch):
        told(payment, amount_minor=1199)
    assert payment_row(payment).status == "paid"
    assert entries() == ["question_paid"]


def test_complete_but_unpaid_is_checked_and_waits(clock):
    question, payment = submitted(person())
    assert told(payment, payment_status="unpaid") == "checking"
    clock.advance(timedelta(hours=5))
    run_timers()
    assert question_row(question).status == "awaiting_payment"
    with pytest.raises(asking.MoveRefused), unit() as uow:
        asking.edit_again(uow, question_id=question)
    assert payment_row(payment).closed_at is None
    assert told(payment) == "paid"
    assert question_row(question).status == "queued"


def test_complete_but_unpaid_waits_seven_days_at_most(clock):
    question, payment = submitted(person())
    told(payment, payment_status="unpaid")
    clock.advance(timedelta(days=7))
    run_timers()
    assert question_row(question).status == "awaiting_payment"
    clock.advance(timedelta(hours=1))
    run_timers()
    assert question_row(question).status == "draft"
    assert told(payment) == "returned"  # later than honour_until


def test_the_fee_is_booked_once_when_it_is_known():
    question, payment = submitted(person())
    assert told(payment) == "paid"
    assert entries() == ["question_paid"]
    fee = BalanceTransaction(
        id="txn_hand", amount_minor=1200, fee_minor=50, net_minor=1150, currency="EUR"
    )
    for _ in range(3):
        assert told(payment, balance_transaction=fee) == "paid"
    assert entries() == ["question_paid", "charge_settled"]
    assert money_of(question).fee == 50


@pytest.mark.parametrize("difference", [{"amount_minor": 1199}, {"currency": "USD"}])
def test_a_charge_that_settles_as_something_else_is_an_alarm_but_blocks_nobody(difference):
    question, payment = submitted(person())
    told_of = {"id": "txn_other", "amount_minor": 1200, "fee_minor": 0, "currency": "EUR"}
    told_of |= difference
    fee = BalanceTransaction(net_minor=told_of["amount_minor"], **told_of)
    for _ in range(2):
        with pytest.raises(PaymentMismatch):
            told(payment, balance_transaction=fee)
    assert payment_row(payment).status == "paid"
    assert question_row(question).status == "queued"
    assert entries() == ["question_paid"]


def test_a_page_is_closed_before_the_text_is_edited():
    _question, payment = submitted(person())
    assert tasks.close_checkout(payment) == "expired"
    _question, payment = submitted(person())
    pay_at_standin(payment)
    assert tasks.close_checkout(payment) == "paid"  # too late: what is paid is taken over
    _question, payment = unopened()
    assert tasks.close_checkout(payment) == "new"


# Money back


def test_withdrawn_requested_sent_settled_and_on_the_receipt(clock):
    question = queued(person(), card=AT_ONCE)
    requested_at = clock.now()
    refund = withdrawn(question)
    assert question_row(question).status == "withdrawn"
    money = money_of(question)
    assert (money.held, money.refund_pending, money.refunded) == (0, 1200, 0)
    [line] = receipt(question)
    [back] = line.refunds
    assert (back.status, back.minor) == ("requested", 1200)
    clock.advance(timedelta(minutes=1))
    tasks.send_refund(refund)
    money = money_of(question)
    assert (money.refund_pending, money.refunded) == (0, 1200)
    [back] = receipt(question)[0].refunds
    assert back.status == "settled"
    assert (back.requested_at, back.settled_at) == (requested_at, clock.now())
    tasks.send_refund(refund)
    assert count(entries())["refund_settled"] == 1


def test_nothing_is_withdrawn_twice():
    question = queued(person(), card=AT_ONCE)
    withdrawn(question)
    with pytest.raises(asking.MoveRefused), unit() as uow:
        asking.withdraw(uow, question_id=question)
    assert len(refund_rows(question)) == 1


def test_a_part_goes_back_once_for_its_cause_and_the_rest_with_the_question():
    question = queued(person(), card=AT_ONCE)

    def part(cause):
        with unit() as uow:
            refunding.refund_part(uow, question_id=question, amount_minor=401, cause=cause)
            uow.commit()

    part("express_missed")
    with pytest.raises(IntegrityError):
        part("express_missed")
    money = money_of(question)
    assert (money.held, money.refund_pending) == (799, 401)
    tasks.send_refund(RefundId(refund_rows(question)[0].id))
    refund = withdrawn(question)
    tasks.send_refund(refund)
    tasks.send_refund(refund)
    assert [row.amount_minor for row in refund_rows(question)] == [401, 799]
    money = money_of(question)
    assert (money.held, money.refund_pending, money.refunded) == (0, 0, 1200)
    assert [(back.status, back.minor) for back in receipt(question)[0].refunds] == [
        ("settled", 401), ("settled", 799),
    ]  # fmt: skip
    sent = {each["id"]: each["amount"] for each in control_objects("refund")}
    assert [sent[row.provider_id] for row in refund_rows(question)] == [401, 799]
    with pytest.raises(refunding.NothingToRefund), unit() as uow:
        refunding.refund_in_full(uow, question_id=question, cause="expired")


def test_nothing_paid_is_nothing_to_refund():
    question, _payment = submitted(person())
    with pytest.raises(refunding.NothingToRefund), unit() as uow:
        refunding.refund_in_full(uow, question_id=question, cause="withdrawn")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_refund_of_unknown_outcome_is_looked_up_and_sent_once(when, clock):
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    control("fail-next", when=when, match="POST /v1/refunds", times="1")
    with pytest.raises(GatewayUnavailable):
        tasks.send_refund(refund)
    assert refund_rows(question)[0].first_sent_at is not None
    assert money_of(question).refund_pending == 1200
    clock.advance(timedelta(hours=30))  # the provider has forgotten the key by now
    tasks.check_refund(refund)
    assert refund_rows(question)[0].status == "settled"
    made = [
        each for each in control_objects("refund") if each["metadata"]["upss_id"] == key(refund)
    ]
    assert len(made) == 1


def key(refund):
    with unit() as uow:
        return uow.session.get_one(Refund, refund).public_id


def control_objects(kind):
    import json
    import urllib.request

    with urllib.request.urlopen(f"{gateway()._base}/_standin/objects/{kind}", timeout=10) as page:
        return json.load(page)


def test_the_first_try_sends_without_looking():
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    control("fail-next", when="before", match="GET /v1/refunds", times="1")
    tasks.send_refund(refund)
    assert refund_rows(question)[0].status == "settled"


def test_a_repeat_looks_before_it_sends():
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    control("fail-next", when="after", match="POST /v1/refunds", times="1")
    with pytest.raises(GatewayUnavailable):
        tasks.send_refund(refund)
    control("fail-next", when="before", match="POST /v1/refunds", times="9")
    tasks.send_refund(refund)  # nothing more is posted
    assert refund_rows(question)[0].status == "settled"


def test_a_sent_refund_is_read_by_its_own_id():
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    tasks.send_refund(refund)
    control("fail-next", when="before", match="GET /v1/refunds?", times="9")
    with unit() as uow:
        uow.session.get_one(Refund, refund).status = "sent"
        uow.commit()
    tasks.send_refund(refund)
    tasks.check_refund(refund)
    assert refund_rows(question)[0].status == "settled"
    assert count(entries())["refund_settled"] == 1


def test_a_refused_refund_is_owed_and_organizers_are_told(monkeypatch):
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)

    def refuse(*_args, **_kwargs):
        raise GatewayRefused(reason="charge_disputed", status=400)

    monkeypatch.setattr(gateway(), "create_refund", refuse)
    tasks.send_refund(refund)
    [row] = refund_rows(question)
    assert (row.status, row.failure_reason) == ("failed", "charge_disputed")
    assert money_of(question).refund_pending == 1200
    tasks.send_refund(refund)  # a failed one is a person's to decide
    assert refund_rows(question)[0].status == "failed"


def test_a_refund_that_fails_later_is_owed_again(clock):
    question = queued(person(), card=REFUND_FAILS)
    refund = withdrawn(question)
    tasks.send_refund(refund)
    assert refund_rows(question)[0].status == "settled"
    clock.advance(timedelta(minutes=2))
    control("settle")  # lets the stand-in grow older
    for _ in range(2):
        tasks.check_refund(refund)
    [row] = refund_rows(question)
    assert (row.status, row.failure_reason) == ("failed", "expired_or_canceled_card")
    money = money_of(question)
    assert (money.refund_pending, money.refunded) == (1200, 0)
    assert count(entries())["refund_failed"] == 1
    assert balances()["Assets:Stripe:Balance"] == 1200 - FEE


MOVED = BalanceTransaction(
    id="txn_out", amount_minor=-1200, fee_minor=0, net_minor=-1200, currency="EUR"
)
BACK = BalanceTransaction(
    id="txn_back", amount_minor=1200, fee_minor=0, net_minor=1200, currency="EUR"
)


def refund_told(refund, status, *, out=None, back=None, reason=None, attempt=1):
    state = RefundState(
        id=f"re_hand_{attempt}",
        status=status,
        amount_minor=1200,
        currency="EUR",
        payment_intent_id=None,
        upss_id=key(refund),
        attempt=attempt,
        failure_reason=reason,
        balance_transaction=out,
        failure_balance_transaction=back,
    )
    with unit() as uow:
        after = refunding.apply_refund(uow, refund_id=refund, state=state)
        uow.commit()
    return after


def test_what_is_told_of_a_refund_late_or_twice_never_goes_back():
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    assert refund_told(refund, "pending") == "sent"
    assert refund_told(refund, "succeeded", out=MOVED) == "settled"
    assert refund_told(refund, "pending") == "settled"
    assert refund_told(refund, "succeeded", out=MOVED) == "settled"
    assert refund_told(refund, "failed", out=MOVED, reason="lost_or_stolen_card") == "failed"
    assert refund_told(refund, "succeeded", out=MOVED) == "failed"
    assert refund_told(refund, "failed", out=MOVED, back=BACK) == "failed"
    assert refund_told(refund, "failed", out=MOVED, back=BACK) == "failed"
    assert refund_rows(question)[0].failure_reason == "lost_or_stolen_card"
    assert entries()[-2:] == ["refund_settled", "refund_failed"]
    assert money_of(question).refund_pending == 1200


def test_a_cancelled_refund_moved_nothing():
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    assert refund_told(refund, "canceled") == "failed"
    assert refund_rows(question)[0].failure_reason == "canceled"
    assert money_of(question).refund_pending == 1200


def told_asker():
    """The mails about money back that the asker gets, in their order."""
    about = ("withdrawn", "refund_settled", "refund_failed_asker")
    with unit() as uow:
        return list(
            uow.session.scalars(
                select(Notice.template).where(Notice.template.in_(about)).order_by(Notice.id)
            )
        )


def test_a_refund_that_fails_is_told_to_the_asker_once_for_each_failure(clock):
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    for _ in range(2):
        refund_told(refund, "failed")
    assert told_asker() == ["withdrawn", "refund_failed_asker"]
    with unit() as uow:
        refunding.refuse_refund(uow, refund_id=refund, attempt=1, reason="late")
        uow.commit()
    assert told_asker() == ["withdrawn", "refund_failed_asker"]
    clock.advance(timedelta(hours=1))
    again(refund)
    refund_told(refund, "failed", attempt=2)
    assert told_asker() == ["withdrawn", "refund_failed_asker", "refund_failed_asker"]


def again(refund):
    with unit() as uow:
        refunding.send_again(uow, refund_id=refund)
        uow.commit()


def test_what_the_bank_sent_back_is_sent_again_and_settles(clock):
    question = queued(person(), card=REFUND_FAILS)
    refund = withdrawn(question)
    tasks.send_refund(refund)
    clock.advance(timedelta(minutes=2))
    control("settle")  # lets the stand-in grow older
    tasks.check_refund(refund)
    [failed] = refund_rows(question)
    assert told_asker() == ["withdrawn", "refund_settled", "refund_failed_asker"]
    again(refund)
    assert jobs("payments.send_refund")[-1] == {"refund_id": refund}
    [row] = refund_rows(question)
    assert (row.status, row.attempt, row.provider_id, row.failure_reason, row.settled_at) == (
        "requested", 2, None, None, None,
    )  # fmt: skip
    assert row.idempotency_key == f"re-{row.public_id}-a2"
    tasks.send_refund(refund)
    [row] = refund_rows(question)
    assert row.status == "settled"
    assert row.provider_id != failed.provider_id
    money = money_of(question)
    assert (money.refund_pending, money.refunded) == (0, 1200)
    assert count(entries())["refund_settled"] == 2
    tasks.check_refund(refund)
    assert told_asker()[2:] == ["refund_failed_asker", "refund_settled"]


def test_what_the_provider_refused_is_sent_again_under_another_key(monkeypatch):
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)

    def refuse(*_args, **_kwargs):
        raise GatewayRefused(reason="charge_disputed", status=400)

    with monkeypatch.context() as moment:
        moment.setattr(gateway(), "create_refund", refuse)
        tasks.send_refund(refund)
    again(refund)
    control("fail-next", when="after", match="POST /v1/refunds", times="1")
    with pytest.raises(GatewayUnavailable):
        tasks.send_refund(refund)
    control("fail-next", when="before", match="POST /v1/refunds", times="9")
    tasks.send_refund(refund)  # it looks first: nothing more is posted
    assert refund_rows(question)[0].status == "settled"
    assert money_of(question).refund_pending == 0


def test_only_a_failed_refund_whose_money_is_back_is_sent_again(clock):
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    for told_of in ({}, {"status": "pending"}, {"status": "succeeded", "out": MOVED},
                    {"status": "failed", "out": MOVED}):  # fmt: skip
        if told_of:
            refund_told(refund, **told_of)
        with pytest.raises(refunding.RefundNotFailed):
            again(refund)
    clock.advance(timedelta(minutes=3))
    assert tasks.poll() == 1  # the money is to come back
    refund_told(refund, "failed", out=MOVED, back=BACK)
    assert tasks.poll() == 0
    again(refund)
    with pytest.raises(refunding.RefundNotFailed):
        again(refund)


def test_late_words_of_an_attempt_before_move_money_only():
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    refund_told(refund, "failed")
    again(refund)
    late = {"out": MOVED, "back": BACK}
    assert refund_told(refund, "failed", **late) == "requested"
    with unit() as uow:
        refunding.refuse_refund(uow, refund_id=refund, attempt=1, reason="too late")
        uow.commit()
    [row] = refund_rows(question)
    assert (row.status, row.provider_id, row.balance_transaction_id) == ("requested", None, None)
    assert entries()[-2:] == ["refund_settled", "refund_failed"]
    moved = replace(MOVED, id="txn_out_2")
    assert refund_told(refund, "succeeded", out=moved, attempt=2) == "settled"
    assert refund_told(refund, "failed", **late) == "settled"
    assert money_of(question).refund_pending == 0


def test_a_settled_refund_is_not_refused_afterwards():
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    refund_told(refund, "succeeded", out=MOVED)
    with unit() as uow:
        refunding.refuse_refund(uow, refund_id=refund, attempt=1, reason="late")
        uow.commit()
    assert refund_rows(question)[0].status == "settled"


def test_a_fee_of_a_refund_leaves_nothing_owed():
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    refund_told(refund, "succeeded", out=replace(MOVED, fee_minor=30, net_minor=-1230))
    money = money_of(question)
    assert (money.refund_pending, money.refunded, money.fee) == (0, 1200, FEE + 30)


def test_a_refund_of_another_amount_is_an_alarm():
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    for change in ({"amount_minor": -1199, "net_minor": -1199}, {"currency": "USD"}):
        with pytest.raises(PaymentMismatch):
            refund_told(refund, "succeeded", out=replace(MOVED, **change))
    assert money_of(question).refund_pending == 1200


def event_about(object_id, kind="refund.created"):
    notice = EventNotice(id=f"evt_{object_id}", type=kind, object_id=object_id, livemode=False)
    with unit() as uow:
        inbox.receive_event(uow, notice=notice)
        uow.commit()
    return notice.id


def refund_at_the_provider(payment_intent_id, **metadata):
    """What somebody does on the provider's own pages."""
    made = gateway()._client.v1.refunds.create(
        {"payment_intent": payment_intent_id, "amount": 100, "metadata": metadata}
    )
    return made.id


def test_a_refund_that_we_did_not_make_is_an_alarm():
    question, payment = submitted(person())
    pay_at_standin(payment)
    tasks.check_payment(payment)
    event = event_about(refund_at_the_provider(payment_row(payment).payment_intent_id))
    with pytest.raises(tasks.UnknownRefund, match="unknown_refund"):
        tasks.handle_event(event)
    with unit() as uow:
        assert uow.session.get_one(ProviderEvent, event).handled_at is None
    assert entries() == ["question_paid", "charge_settled"]
    assert question_row(question).status == "queued"


def test_a_refund_of_what_is_not_ours_is_nobodys_business(bare_payment):
    event = event_about(refund_at_the_provider(bare_payment))
    tasks.handle_event(event)
    with unit() as uow:
        assert uow.session.get_one(ProviderEvent, event).handled_at is not None


@pytest.fixture
def bare_payment():
    """A payment that another shop took through the same account at the provider."""
    _question, payment = submitted(person())
    pay_at_standin(payment)
    tasks.check_payment(payment)
    intent = payment_row(payment).payment_intent_id
    with unit() as uow:
        uow.session.get_one(Payment, payment).payment_intent_id = None
        uow.commit()
    return intent


def test_an_unknown_refund():
    with pytest.raises(NotFound), unit() as uow:
        refunding.mark_sent(uow, refund_id=RefundId(4711))


# Asking again about what no event told


def jobs(name):
    with unit() as uow:
        statement = "SELECT args FROM procrastinate_jobs WHERE task_name = :n ORDER BY id"
        return list(uow.session.scalars(db.text(statement), {"n": name}))


def test_the_poll_asks_about_what_is_unknown_once(clock):
    _question, waiting = submitted(person())
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    assert tasks.poll() == 0  # young: an event may still come
    clock.advance(timedelta(minutes=3))
    assert tasks.poll() == 2
    assert tasks.poll() == 2
    assert jobs("payments.check_payment") == [{"payment_id": waiting}]
    assert jobs("payments.check_refund") == [{"refund_id": refund}]
    tasks.check_refund(refund)
    tasks.close_checkout(waiting)
    assert tasks.poll() == 0


def test_the_poll_asks_for_a_fee_that_is_unknown(clock):
    _question, payment = submitted(person())
    told(payment)
    clock.advance(timedelta(minutes=3))
    assert tasks.poll() == 1


def gave_up(name):
    """The jobs of this name failed for good."""
    with unit() as uow:
        statement = "UPDATE procrastinate_jobs SET status = 'failed' WHERE task_name = :n"
        uow.session.execute(db.text(statement), {"n": name})
        uow.commit()


def test_the_poll_leaves_dead_letters_to_a_person(clock, monkeypatch):
    monkeypatch.setattr(tasks, "_POLL_BATCH", 1)
    _question, hopeless = submitted(person())
    refund = withdrawn(queued(person(), card=AT_ONCE))
    clock.advance(timedelta(minutes=3))
    assert tasks.poll() == 2
    gave_up("payments.check_payment")
    gave_up("payments.check_refund")
    _question, waiting = submitted(person())
    other = withdrawn(queued(person(), card=AT_ONCE))
    clock.advance(timedelta(minutes=3))
    assert tasks.poll() == 2
    assert jobs("payments.check_payment") == [{"payment_id": hopeless}, {"payment_id": waiting}]
    assert jobs("payments.check_refund") == [{"refund_id": refund}, {"refund_id": other}]


def test_an_unreachable_provider_changes_nothing():
    question, payment = submitted(person())
    pay_at_standin(payment, AT_ONCE)
    control("fail-next", when="before", match="GET /v1/checkout", times="3")
    with pytest.raises(GatewayError):
        tasks.check_payment(payment)
    assert question_row(question).status == "awaiting_payment"
    assert entries() == []
    control("fail-next", times="0")
    assert tasks.check_payment(payment) == "paid"


def test_a_job_is_added_for_every_refund():
    question = queued(person(), card=AT_ONCE)
    refund = withdrawn(question)
    assert jobs("payments.send_refund") == [{"refund_id": refund}]
    with unit() as uow:
        assert uow.session.scalar(select(func.count(Refund.id))) == 1
    assert QuestionId(refund_rows(question)[0].question_id) == question
