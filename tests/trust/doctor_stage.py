"""A marketplace that has seen everything, for the self-checks to look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from tests import factories
from upss.adjustments import service as adjustments
from upss.adjustments.rules.proposals import Proposal, Purpose
from upss.forum.service import accepting, asking
from upss.kernel.ids import AccountId, PaymentId, PayoutItemId, QuestionId, new_public_id
from upss.kernel.money import Money
from upss.kernel.roles import Role
from upss.ledger.rules import chart
from upss.ledger.service.anchoring import anchor
from upss.payments import queries as payment_queries
from upss.payments import tasks as payment_tasks
from upss.payments.models import Refund
from upss.payments.service import charging
from upss.payouts import queries as payout_queries
from upss.payouts import service as payouts
from upss.payouts import tasks as payout_tasks
from upss.payouts.models import PayoutItem
from upss.payouts.rules.schedule import HOLD
from upss.web.ports import gateway, unit

if TYPE_CHECKING:
    from upss.kernel.clock import FixedClock

REFUND_FAILS = "4000000000005126"


@dataclass(frozen=True)
class Cast:
    """The people of the stage."""

    asker: AccountId
    josep: AccountId
    maria: AccountId
    first: AccountId
    second: AccountId


def cast() -> Cast:
    """Make the people, and give the organizer's balance something to pay fees from."""
    factories.control("fail-next", times=0)
    factories.control("top-up")
    answering = {"role": Role.ANSWERER, "topics": ("home",)}
    return Cast(
        factories.person("asker@example.org"),
        factories.person("josep@example.org", **answering),
        factories.person("maria@example.org", **answering),
        factories.person("first@example.org", role=Role.ORGANIZER),
        factories.person("second@example.org", role=Role.ORGANIZER),
    )


def earn(people: Cast, answerer: AccountId) -> QuestionId:
    """An accepted answer."""
    question_id = factories.answered(people.asker, answerer, card=factories.AT_ONCE)
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=people.asker)
        uow.commit()
    return question_id


def onboard(account_id: AccountId) -> None:
    """An account at the provider that can receive transfers."""
    payout_tasks.start_onboarding(
        account_id, return_url="http://localhost/back", refresh_url="http://localhost/again"
    )
    with unit() as uow:
        provider_id = payout_queries.recipient_of(uow.session, account_id).provider_id
    factories.control(f"accounts/{provider_id}", status="active")
    payout_tasks.refresh_recipient(account_id)


def withdrawn(people: Cast, card: str = factories.AT_ONCE) -> int:
    """A question that was withdrawn, its refund sent."""
    question_id = factories.queued(people.asker, card=card)
    with unit() as uow:
        asking.withdraw(uow, question_id=question_id)
        uow.commit()
    with unit() as uow:
        refund_id = uow.session.scalars(
            select(Refund.id).where(Refund.question_id == question_id)
        ).one()
    payment_tasks.send_refund(refund_id)
    return refund_id


def paid_twice(people: Cast) -> None:
    """A question with a second payment, which went back."""
    question_id = factories.queued(people.asker, card=factories.AT_ONCE)
    with unit() as uow:
        first = payment_queries.newest_payment(uow.session, question_id)
        again = charging.open_payment(
            uow,
            question_id=question_id,
            amount=Money(1200, "EUR"),
            expires_at=first.expires_at,
            honour_until=first.honour_until,
            email="asker@example.org",
            language="en",
        )
        uow.commit()
    payment_tasks.start_checkout(again)
    factories.pay_at_standin(again)
    assert payment_tasks.check_payment(again) == "returned"
    with unit() as uow:
        [refund_id] = uow.session.scalars(
            select(Refund.id).where(Refund.question_id == question_id)
        )
    payment_tasks.send_refund(refund_id)


def unsettled(people: Cast) -> QuestionId:
    """A question whose charge has no balance transaction yet."""
    question_id, payment_id = factories.submitted(people.asker)
    factories.pay_at_standin(payment_id)
    with unit() as uow:
        session_id = payment_queries.payment(uow.session, payment_id).session_id
    state = replace(gateway().read_checkout(session_id), balance_transaction=None)
    with unit() as uow:
        charging.apply_checkout(uow, payment_id=PaymentId(payment_id), state=state)
        uow.commit()
    return question_id


def run(people: Cast) -> list[int]:
    """An approved payout run; the ids of its items."""
    run_id = payout_tasks.prepare_run(people.first)
    with unit() as uow:
        payouts.approve_run(uow, run_id=run_id, organizer_id=people.second)
        uow.commit()
    with unit() as uow:
        of_run = select(PayoutItem.id).where(PayoutItem.run_id == run_id)
        return list(uow.session.scalars(of_run.order_by(PayoutItem.answerer_id)))


def anchored() -> None:
    """Put every entry into a block."""
    with unit() as uow:
        anchor(uow)
        uow.commit()


def adjusted(people: Cast, question_id: QuestionId) -> None:
    """Something given to an answerer by two organizers."""
    public_id = new_public_id()
    proposal = Proposal(
        purpose=Purpose.GOODWILL,
        question_id=question_id,
        answerer_id=people.maria,
        debit_account=chart.GOODWILL,
        credit_account=chart.payable(people.maria),
        amount=Money(250, "EUR"),
        reason="The page was down for an hour",
    )
    with unit() as uow:
        adjustments.propose(uow, proposal, public_id=public_id, organizer_id=people.first)
        uow.commit()
    with unit() as uow:
        adjustments.approve(uow, public_id=public_id, organizer_id=people.second)
        uow.commit()


def build(clock: FixedClock) -> Cast:
    """Live through it all: paid, split, sent, refused, reserved, refunded, failed, paid twice."""
    people = cast()
    for _ in range(2):
        earn(people, people.josep)
    earn(people, people.maria)
    onboard(people.josep)
    onboard(people.maria)
    withdrawn(people)
    failing = withdrawn(people, card=REFUND_FAILS)
    clock.advance(timedelta(minutes=2))
    factories.control("settle")
    for _ in range(2):
        payment_tasks.check_refund(failing)
    anchored()
    clock.advance(HOLD)
    sent, refused = run(people)
    payout_tasks.send_item(sent)
    with unit() as uow:
        payouts.record_refused(uow, item_id=PayoutItemId(refused), reason="no such account")
        uow.commit()
    earn(people, people.josep)
    anchored()
    clock.advance(HOLD)
    assert len(run(people)) == 2  # both wait to be sent
    paid_twice(people)
    factories.answered(people.asker, people.josep)
    adjusted(people, earn(people, people.maria))
    factories.submitted(people.asker)
    factories.draft(people.asker)
    anchored()
    unsettled(people)
    factories.queued(people.asker)  # the newest entries wait for their block
    with unit() as uow:
        assert uow.session.scalar(text("SELECT count(*) FROM ledger.pending")) > 0
    return people
