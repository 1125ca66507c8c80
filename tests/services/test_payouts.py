"""Money out: hold, two organizers, one transfer per item whatever fails, and what is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.request import urlopen

import psycopg
import pytest
from sqlalchemy import select, text

from tests import factories
from tests.money import figures_of, payable_lines
from upss.forum.service import accepting
from upss.kernel.clock import FixedClock
from upss.kernel.errors import GatewayRefused, GatewayUnavailable, NotFound
from upss.kernel.roles import Role
from upss.ledger import queries as ledger
from upss.ledger import queries_chain
from upss.ledger import tasks as ledger_tasks
from upss.ledger.rules import chart
from upss.ledger.rules.entry import Line
from upss.ledger.rules.posting import manual, payouts
from upss.ledger.service.posting import post
from upss.payments.models import BalanceTransactionRow
from upss.payments.stripe_gateway import StripeGateway
from upss.payouts import queries, queries_earnings, queries_items, queries_payables, service, tasks
from upss.payouts.models import PayoutItem, PayoutRun, Recipient
from upss.payouts.rules.schedule import HOLD, KEY_TRUSTED, Payable, gather, is_ready
from upss.web.ports import gateway, unit

SHARE = 1020  # 12.00 less 15 %


@pytest.fixture
def people(app):
    """An asker, a person who answers and two organizers; no fault of the stand-in is left over."""
    factories.control("fail-next", times=0)
    return {
        "asker": factories.person("asker@example.org"),
        "answerer": factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",)),
        "first": factories.person("first@example.org", role=Role.ORGANIZER),
        "second": factories.person("second@example.org", role=Role.ORGANIZER),
    }


def earn(people, answerer="answerer"):
    """An accepted answer of the person who answers."""
    question_id = factories.answered(people["asker"], people[answerer], card=factories.AT_ONCE)
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=people["asker"])
        uow.commit()
    return question_id


def onboard(account_id, status="active"):
    """An account at the provider, as far as `status`."""
    address = tasks.start_onboarding(
        account_id, return_url="http://localhost/back", refresh_url="http://localhost/again"
    )
    assert address.startswith("http")
    with unit() as uow:
        provider_id = queries.recipient_of(uow.session, account_id).provider_id
    factories.control(f"accounts/{provider_id}", status=status)
    assert tasks.refresh_recipient(account_id) == status
    return provider_id


def prepare(organizer_id):
    return tasks.prepare_run(organizer_id)


def approve(run_id, organizer_id):
    with unit() as uow:
        service.approve_run(uow, run_id=run_id, organizer_id=organizer_id)
        uow.commit()


def reserved_item(people, clock):
    """An item of an approved run, ready to be sent."""
    earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    approve(run_id, people["second"])
    return item_of(run_id)


def item_of(run_id):
    with unit() as uow:
        return uow.session.scalars(select(PayoutItem).where(PayoutItem.run_id == run_id)).one()


def status_of(run_id):
    with unit() as uow:
        return uow.session.scalars(select(PayoutRun.status).where(PayoutRun.id == run_id)).one()


def jobs(name="payouts.send_item"):
    with unit() as uow:
        found = uow.session.execute(
            text("SELECT args FROM procrastinate_jobs WHERE task_name = :n AND status = 'todo'"),
            {"n": name},
        )
        return [row.args for row in found]


def payable():
    with unit() as uow:
        return sum(line.minor for line in payable_lines(uow.session))


def transfers(item):
    """How many transfers of this item exist at the provider."""
    client = gateway()._client
    return len(client.v1.transfers.list({"transfer_group": f"payout-{item.public_id}"}).data)


def test_money_leaves_seven_days_after_acceptance_and_not_while_frozen(clock):
    line = Payable(
        answerer_id=1, question_id=2, minor=5, currency="EUR", accepted_at=clock.now(), frozen=False
    )
    frozen = Payable(
        answerer_id=1, question_id=3, minor=5, currency="EUR", accepted_at=clock.now(), frozen=True
    )
    assert not is_ready(line, clock.now() + HOLD - timedelta(seconds=1))
    assert is_ready(line, clock.now() + HOLD)
    assert not is_ready(frozen, clock.now() + 10 * HOLD)
    assert [item.lines for item in gather([line, frozen], clock.now() + HOLD)] == [((2, 5),)]


def test_two_organizers_pay_an_answerer(people, clock):
    first, second = earn(people), earn(people)
    destination = onboard(people["answerer"])
    with pytest.raises(service.NothingToPay):
        prepare(people["first"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    item = item_of(run_id)
    assert (item.status, item.amount_minor, item.destination) == (
        "prepared",
        2 * SHARE,
        destination,
    )
    assert jobs() == []
    assert payable() == 2 * SHARE

    approve(run_id, people["second"])
    assert jobs() == [{"item_id": item.id}]
    assert payable() == 0

    tasks.send_item(item.id)
    item = item_of(run_id)
    assert (item.status, status_of(run_id)) == ("sent", "done")
    found = gateway().find_transfer(
        transfer_group=f"payout-{item.public_id}", upss_id=item.public_id
    )
    assert (found.id, found.amount_minor, found.destination) == (
        item.provider_id, 2 * SHARE, destination,
    )  # fmt: skip
    with unit() as uow:
        money = figures_of(uow.session, [first, second])
        movement = uow.session.get_one(BalanceTransactionRow, item.balance_transaction_id)
        assert sum(row.balance for row in ledger.trial_balance(uow.session)) == 0
    assert {(m.paid_out, m.in_payout, m.payable) for m in money.values()} == {(SHARE, 0, 0)}
    assert (movement.kind, movement.net_minor) == ("transfer", -2 * SHARE)


def prepare_without_anchoring(organizer_id):
    with unit() as uow:
        run_id = service.prepare_run(uow, organizer_id=organizer_id)
        uow.commit()
    return run_id


def test_what_no_block_holds_is_not_paid_out(people, clock):
    earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    with pytest.raises(service.NothingToPay):
        prepare_without_anchoring(people["first"])
    assert ledger_tasks.anchor() > 0
    assert item_of(prepare_without_anchoring(people["first"])).amount_minor == SHARE


def test_one_entry_that_waits_stops_the_payable_that_it_touches_and_no_other(people, clock):
    """The payable itself is anchored; what came back to it a moment ago is not."""
    touched = earn(people)
    other = earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    ledger_tasks.anchor()
    terms = {
        "item_key": "po_planted",
        "answerer_id": people["answerer"],
        "currency": "EUR",
        "lines": ((touched, SHARE),),
    }
    with unit() as uow:
        post(uow, payouts.payout_reserved(**terms))
        post(uow, payouts.transfer_failed(**terms))
        uow.commit()
    item = item_of(prepare_without_anchoring(people["first"]))
    with unit() as uow:
        assert queries_items.lines_of(uow.session, item.id) == ((other, SHARE),)


def test_preparing_anchors_first_in_a_unit_of_its_own(people, clock):
    with pytest.raises(service.NothingToPay):
        prepare(people["first"])
    earn(people)
    onboard(people["answerer"])
    with pytest.raises(service.NothingToPay):  # the hold is not over; the block stays all the same
        prepare(people["first"])
    with unit() as uow:
        assert queries_chain.newest_block(uow.session).seq == 1
        assert queries_chain.waiting(uow.session).entries == 0


def test_who_prepared_cannot_approve(people, clock):
    earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    with pytest.raises(service.SamePerson):
        approve(run_id, people["first"])
    assert (status_of(run_id), payable(), jobs()) == ("prepared", SHARE, [])


def test_a_second_run_waits_for_the_first(people, clock):
    earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    with pytest.raises(service.RunOpen) as refused:
        prepare(people["second"])
    with unit() as uow:
        assert refused.value.facts["run"] == queries.public_id_of_run(uow.session, run_id)


def test_a_cancelled_run_moves_nothing_and_cannot_be_approved(people, clock):
    earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    with unit() as uow:
        service.cancel_run(uow, run_id=run_id)
        uow.commit()
    with pytest.raises(service.RunClosed):
        approve(run_id, people["second"])
    assert (item_of(run_id).status, payable()) == ("cancelled", SHARE)
    assert prepare(people["first"]) != run_id


def test_approving_twice_reserves_once(people, clock):
    item = reserved_item(people, clock)
    with pytest.raises(service.RunClosed):
        approve(item.run_id, people["second"])
    assert len(jobs()) == 1


def test_an_unknown_run_is_not_found(people):
    with pytest.raises(NotFound):
        approve(4711, people["second"])


def test_a_run_whose_money_is_gone_is_refused_as_a_whole(people, clock):
    question_id = earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    with unit() as uow:
        taken = payouts.payout_reserved(
            item_key="other",
            answerer_id=people["answerer"],
            currency="EUR",
            lines=[(question_id, 1)],
        )
        post(uow, taken)
        uow.commit()
    with pytest.raises(service.RunOutdated):
        approve(run_id, people["second"])
    assert (status_of(run_id), item_of(run_id).status, jobs()) == ("prepared", "prepared", [])


def put_right(people, question_id, minor, key):
    """Two organizers add to what is payable for a question, or take from it; in no block yet."""
    lines = [
        Line(chart.GOODWILL, "EUR", minor, question_id),
        Line(chart.payable(people["answerer"]), "EUR", -minor, question_id),
    ]
    with unit() as uow:
        draft = manual.adjustment(
            adjustment_key=key,
            lines=lines,
            reason="Put right because of a mistake.",
            author=f"organizer:{people['first']}",
            approver=f"organizer:{people['second']}",
        )
        post(uow, draft)
        uow.commit()


def test_a_payout_takes_no_money_that_came_into_no_block_since_it_was_prepared(people, clock):
    question_id = earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    put_right(people, question_id, -SHARE, "away")
    ledger_tasks.anchor()
    put_right(people, question_id, SHARE, "back")
    with pytest.raises(service.RunOutdated):
        approve(run_id, people["second"])
    assert (status_of(run_id), payable(), jobs()) == ("prepared", SHARE, [])
    ledger_tasks.anchor()
    approve(run_id, people["second"])
    assert payable() == 0


def test_one_cent_that_no_block_holds_is_one_too_many(people, clock):
    question_id = earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    put_right(people, question_id, -1, "away")
    ledger_tasks.anchor()
    put_right(people, question_id, 100, "more")
    with pytest.raises(service.RunOutdated):
        approve(run_id, people["second"])


def test_what_waits_for_a_block_beside_the_anchored_money_stops_nothing(people, clock):
    question_id = earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    put_right(people, question_id, 250, "more")
    approve(run_id, people["second"])
    assert payable() == 250


@pytest.mark.parametrize(
    "change", ["status = 'in_complaint'", "accepted_at = accepted_at + interval '1 second'"]
)
def test_what_was_stopped_since_it_was_prepared_is_not_paid(people, clock, change):
    first, second = earn(people), earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    with unit() as uow:
        uow.session.execute(text(f"UPDATE question SET {change} WHERE id = :id"), {"id": second})
        uow.commit()
    with pytest.raises(service.RunOutdated) as refused:
        approve(run_id, people["second"])
    assert refused.value.facts["questions"] == [second]
    assert first != second
    assert (status_of(run_id), payable(), jobs()) == ("prepared", 2 * SHARE, [])


def test_nothing_is_stopped_while_a_run_is_being_approved(people, clock, database):
    question_id = earn(people)
    onboard(people["answerer"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    with unit() as uow:
        service.approve_run(uow, run_id=run_id, organizer_id=people["second"])
        stop = "UPDATE question SET status = 'in_complaint' WHERE id = %s"
        with psycopg.connect(database.app_conninfo) as other:
            other.execute("SET lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(stop, [question_id])
        uow.commit()
    assert status_of(run_id) == "approved"


def earned(people, clock):
    """The sums, and of each question what is open, in a payout and paid."""
    with unit() as uow:
        sums = queries_earnings.earnings(uow.session, people["answerer"], clock.now())
        rows = queries_earnings.earned_questions(
            uow.session, people["answerer"], now=clock.now(), before=None, limit=9
        )
    return sums, [(row.open_minor, row.in_payout_minor, row.paid_minor) for row in rows]


def test_goodwill_after_the_payout_is_shown_beside_what_was_paid(people, clock):
    item = reserved_item(people, clock)
    (question_id,) = questions_of(item)
    assert earned(people, clock)[1] == [(0, SHARE, 0)]
    tasks.send_item(item.id)
    put_right(people, question_id, 250, "more")
    sums, rows = earned(people, clock)
    assert rows == [(250, 0, SHARE)]
    assert (sums.ready_minor, sums.on_hold_minor, sums.paid_out_minor) == (250, 0, SHARE)


def test_what_came_back_was_not_paid(people, clock):
    item = reserved_item(people, clock)
    tasks.send_item(item.id)
    terms = {"answerer_id": people["answerer"], "currency": "EUR"}
    lines = [(question_id, SHARE) for question_id in questions_of(item)]
    with unit() as uow:
        post(uow, payouts.transfer_reversed(
            item_key="back", lines=lines, balance_transaction_id="txn_back", **terms
        ))  # fmt: skip
        uow.commit()
    sums, rows = earned(people, clock)
    assert (sums.ready_minor, sums.paid_out_minor, rows) == (SHARE, 0, [(SHARE, 0, 0)])
    # by bank, and back from there
    with unit() as uow:
        post(uow, payouts.payout_reserved(item_key="bank", lines=lines, **terms))
        post(uow, payouts.bank_batch_submitted(item_key="bank", lines=lines, **terms))
        uow.commit()
    sums, rows = earned(people, clock)
    assert (sums.to_come_minor, sums.paid_out_minor, rows) == (0, SHARE, [(0, 0, SHARE)])
    with unit() as uow:
        post(uow, payouts.payout_returned(item_key="bank", lines=lines, fee_minor=30, **terms))
        uow.commit()
    sums, rows = earned(people, clock)
    assert (sums.ready_minor, sums.paid_out_minor, rows) == (SHARE, 0, [(SHARE, 0, 0)])


def questions_of(item):
    with unit() as uow:
        return [question_id for question_id, _ in queries_items.lines_of(uow.session, item.id)]


def test_without_an_active_account_money_waits(people, clock):
    earn(people)
    clock.advance(HOLD)
    with pytest.raises(service.NothingToPay):
        prepare(people["first"])
    onboard(people["answerer"], status="pending")
    with pytest.raises(service.NothingToPay):
        prepare(people["first"])
    with unit() as uow:
        (waiting,) = queries_payables.ready_people(uow.session, clock.now())
    assert (waiting.can_receive, waiting.total, waiting.people) == (False, SHARE, 1)


def test_many_who_wait_do_not_hide_who_can_be_paid(people, clock, monkeypatch):
    monkeypatch.setattr(queries_payables, "_LISTED", 1)
    others = [factories.person(role=Role.ANSWERER, topics=("home",)) for _ in range(2)]
    onboard(people["answerer"])
    for answerer in (people["answerer"], *others):
        earn(people | {"answerer": answerer})
    clock.advance(HOLD)
    with unit() as uow:
        waiting, ready = queries_payables.ready_people(uow.session, clock.now())
    assert (waiting.can_receive, waiting.total, waiting.people) == (False, 2 * SHARE, 2)
    assert (ready.can_receive, ready.total, ready.people) == (True, SHARE, 1)


def test_sending_twice_pays_once(people, clock):
    item = reserved_item(people, clock)
    tasks.send_item(item.id)
    tasks.send_item(item.id)
    assert transfers(item) == 1


@pytest.mark.parametrize(
    ("when", "style", "pause"),
    [
        ("before", "silence", timedelta(minutes=1)),
        ("after", "silence", timedelta(minutes=1)),
        ("after", "error", timedelta(minutes=1)),
        ("after", "silence", timedelta(hours=30)),
        ("after", "error", timedelta(hours=30)),
        ("before", "error", timedelta(hours=30)),
    ],
)
def test_an_unknown_outcome_is_looked_up_before_the_repeat(people, clock, when, style, pause):
    item = reserved_item(people, clock)
    factories.control("fail-next", when=when, times=3, match="POST /v1/transfers", style=style)
    with pytest.raises(GatewayUnavailable):
        tasks.send_item(item.id)
    assert item_of(item.run_id).status == "reserved"
    factories.control("fail-next", times=0)
    clock.advance(pause)
    tasks.send_item(item.id)
    assert (transfers(item), item_of(item.run_id).status) == (1, "sent")


def test_a_failure_that_the_provider_keeps_is_left_behind_with_its_key(people, clock):
    item = reserved_item(people, clock)
    factories.control("fail-next", when="before", times=2, match="POST /v1/transfers")
    for _ in range(2):
        with pytest.raises(GatewayUnavailable):
            tasks.send_item(item.id)
    assert item_of(item.run_id).idempotency_key == item.idempotency_key
    clock.advance(KEY_TRUSTED + timedelta(minutes=1))
    tasks.send_item(item.id)
    sent = item_of(item.run_id)
    assert (sent.status, sent.idempotency_key) == ("sent", f"po-{item.public_id}-a2")


def test_a_transfer_that_exists_is_booked_even_if_the_account_was_closed_since(people, clock):
    item = reserved_item(people, clock)
    factories.control("fail-next", when="after", times=3, match="POST /v1/transfers", style="error")
    with pytest.raises(GatewayUnavailable):
        tasks.send_item(item.id)
    factories.control(f"accounts/{item.destination}", status="restricted")
    tasks.refresh_recipient(people["answerer"])
    tasks.send_item(item.id)
    assert (item_of(item.run_id).status, payable()) == ("sent", 0)


def test_what_the_provider_refuses_is_payable_again(people, clock):
    item = reserved_item(people, clock)
    factories.control(f"accounts/{item.destination}", status="restricted")
    tasks.send_item(item.id)
    refused = item_of(item.run_id)
    assert (refused.status, status_of(item.run_id), payable()) == ("refused", "done", SHARE)
    assert refused.failure_reason == "insufficient_capabilities_for_transfer"

    factories.control(f"accounts/{item.destination}", status="active")
    again = prepare(people["second"])
    approve(again, people["first"])
    new = item_of(again)
    assert new.idempotency_key != item.idempotency_key
    tasks.send_item(new.id)
    assert (item_of(again).status, transfers(item), transfers(new)) == ("sent", 0, 1)


def test_an_account_that_was_closed_before_sending_is_refused_without_a_call(people, clock):
    item = reserved_item(people, clock)
    factories.control(f"accounts/{item.destination}", status="pending")
    tasks.refresh_recipient(people["answerer"])
    tasks.send_item(item.id)
    assert item_of(item.run_id).failure_reason == "recipient_not_active"
    assert payable() == SHARE


def with_the_key(key, monkeypatch):
    """From now on the product calls the provider with this key."""
    here = gateway()
    other = StripeGateway(api_key=key, webhook_secret="whsec_standin", api_base=here._base)
    monkeypatch.setattr(here, "_client", other._client)


def unsure(item):
    """The answer to the first request was lost."""
    factories.control("fail-next", when="after", times=3, match="POST /v1/transfers", style="error")
    with pytest.raises(GatewayUnavailable):
        tasks.send_item(item.id)
    factories.control("fail-next", times=0)


def test_with_a_wrong_key_nothing_is_refused(people, clock, monkeypatch):
    item = reserved_item(people, clock)
    with monkeypatch.context() as moment:
        with_the_key("sk_test_somebody_elses", moment)
        for _ in range(2):  # the first sends, the second looks
            with pytest.raises(GatewayUnavailable):
                tasks.send_item(item.id)
    assert (item_of(item.run_id).status, payable()) == ("reserved", 0)
    tasks.send_item(item.id)
    assert (item_of(item.run_id).status, transfers(item)) == ("sent", 1)


def test_a_look_that_is_refused_releases_nothing(people, clock, monkeypatch):
    item = reserved_item(people, clock)
    unsure(item)

    def refuse(**_):
        raise GatewayRefused(reason="parameter_invalid", status=400)

    with monkeypatch.context() as moment:
        moment.setattr(gateway(), "find_transfer", refuse)
        with pytest.raises(GatewayUnavailable):
            tasks.send_item(item.id)
    assert (item_of(item.run_id).status, payable()) == ("reserved", 0)
    tasks.send_item(item.id)
    assert (item_of(item.run_id).status, transfers(item)) == ("sent", 1)


def test_a_closed_account_releases_nothing_while_a_request_may_be_on_its_way(
    people, clock, monkeypatch
):
    item = reserved_item(people, clock)
    unsure(item)
    factories.control(f"accounts/{item.destination}", status="restricted")
    tasks.refresh_recipient(people["answerer"])
    # the look comes too early to see the transfer; the same key gives back what it made
    monkeypatch.setattr(gateway(), "find_transfer", lambda **_: None)
    tasks.send_item(item.id)
    assert (item_of(item.run_id).status, payable(), transfers(item)) == ("sent", 0, 1)


def test_a_reserved_item_without_a_job_gets_one(people, clock):
    item = reserved_item(people, clock)
    assert tasks.resume() == 0
    with unit() as uow:
        uow.session.execute(text("DELETE FROM procrastinate_jobs"))
        uow.commit()
    assert tasks.resume() == 1
    assert jobs() == [{"item_id": item.id}]
    tasks.send_item(item.id)
    with unit() as uow:
        uow.session.execute(text("DELETE FROM procrastinate_jobs"))
        uow.commit()
    assert tasks.resume() == 0


def test_the_run_is_done_with_its_last_item(people, clock):
    people["other"] = factories.person("remei@example.org", role=Role.ANSWERER, topics=("home",))
    earn(people)
    earn(people, "other")
    onboard(people["answerer"])
    onboard(people["other"])
    clock.advance(HOLD)
    run_id = prepare(people["first"])
    approve(run_id, people["second"])
    with unit() as uow:
        one, two = uow.session.scalars(select(PayoutItem.id).order_by(PayoutItem.id)).all()
    tasks.send_item(one)
    assert status_of(run_id) == "approved"
    tasks.send_item(two)
    assert status_of(run_id) == "done"


def test_onboarding_twice_opens_one_account(people):
    assert onboard(people["answerer"]) == onboard(people["answerer"])


def test_onboarding_survives_an_unknown_outcome(people):
    factories.control(
        "fail-next", when="after", times=1, match="POST /v2/core/accounts", style="error"
    )
    with pytest.raises(GatewayUnavailable):
        onboard(people["answerer"])
    provider_id = onboard(people["answerer"])
    with unit() as uow:
        mine = uow.session.get_one(Recipient, people["answerer"])
    address = f"{gateway()._base}/_standin/objects/v2.core.account"
    with urlopen(address, timeout=10) as answer:
        known = json.load(answer)
    ours = [a["id"] for a in known if a["metadata"].get("upss_id") == mine.public_id]
    assert ours == [provider_id]


def test_onboarding_goes_on_after_the_provider_forgot_the_key(people, clock):
    lost = {"when": "after", "times": 1, "match": "POST /v2/core/accounts", "style": "error"}
    factories.control("fail-next", **lost)
    with pytest.raises(GatewayUnavailable):
        onboard(people["answerer"])
    clock.advance(timedelta(hours=30))
    provider_id = onboard(people["answerer"])
    other = gateway().create_recipient(
        upss_id="x", email="x@example.org", country="ES", idempotency_key="rc-other"
    )
    with unit() as uow:
        service.record_recipient(
            uow, account_id=people["answerer"], state=other, read_at=clock.now()
        )
        uow.commit()
        found = queries.recipient_of(uow.session, people["answerer"])
    assert (found.provider_id, found.transfers) == (provider_id, "active")
    assert onboard(people["answerer"]) == provider_id


def test_a_key_grows_old_by_the_machines_time_not_by_the_demos(people, clock, monkeypatch):
    item = reserved_item(people, clock)
    machine = clock.now()
    monkeypatch.setattr(FixedClock, "system_now", lambda _self: machine)
    factories.control("fail-next", when="before", times=1, match="POST /v1/transfers")
    with pytest.raises(GatewayUnavailable):
        tasks.send_item(item.id)
    clock.advance(timedelta(hours=30))
    tasks.send_item(item.id)
    sent = item_of(item.run_id)
    assert (sent.status, sent.idempotency_key) == ("sent", item.idempotency_key)


def test_an_older_reading_does_not_replace_a_newer_one(people, clock):
    onboard(people["answerer"])
    with unit() as uow:
        state = gateway().read_recipient(
            queries.recipient_of(uow.session, people["answerer"]).provider_id
        )
    stale = type(state)(id=state.id, transfers="restricted")
    with unit() as uow:
        service.record_recipient(
            uow, account_id=people["answerer"], state=stale,
            read_at=clock.now() - timedelta(seconds=1),
        )  # fmt: skip
        uow.commit()
        assert queries.recipient_of(uow.session, people["answerer"]).transfers == "active"
