"""Events of disputed payments, and what must be refused at any time."""

from __future__ import annotations

from tests.trust import money_model as model
from tests.trust.money_events import ACTIVE, always, cases, eur, event, part, terms
from tests.trust.money_model import Dispute
from tests.trust.money_world import World
from upss.kernel.errors import IdempotencyConflict
from upss.ledger.rules.bearing import NotSplit, RefundTooLarge
from upss.ledger.rules.posting import bank, disputes, refunds
from upss.ledger.service import bearing, posting


def in_state(world: World, *states: str) -> list[Dispute]:
    return [x for x in world.facts.disputes[-ACTIVE:] if x.state in states]


@event(5, lambda world: cases(world, lambda c: not c.by_voucher))
def dispute_opened(world, random):
    case = random.choice(cases(world, lambda c: not c.by_voucher))
    minor = random.choice((case.price, max(1, case.remaining), part(random, case.price + 200)))
    fee = random.choice((0, 2000))
    case.disputed += minor
    world.facts.disputes.append(Dispute(world.name("du"), case, minor, fee))
    world.facts.spent[model.DISPUTE_FEES] += fee
    world.post(
        disputes.dispute_opened,
        question_id=case.id,
        amount=eur(minor),
        fee_minor=fee,
        balance_transaction_id=world.movement(-minor - fee),
    )


@event(3, lambda world: in_state(world, "open"))
def dispute_won(world, random):
    dispute = random.choice(in_state(world, "open"))
    dispute.state = "won"
    dispute.case.disputed -= dispute.amount
    world.post(
        disputes.dispute_won,
        question_id=dispute.case.id,
        amount=eur(dispute.amount),
        balance_transaction_id=world.movement(dispute.amount),
    )


def fee_to_return(world: World) -> list[Dispute]:
    return [x for x in in_state(world, "won") if x.fee and not x.fee_returned]


@event(2, fee_to_return)
def dispute_fee_returned(world, random):
    dispute = random.choice(fee_to_return(world))
    dispute.fee_returned = True
    world.facts.spent[model.DISPUTE_FEES] -= dispute.fee
    world.post(
        disputes.dispute_fee_returned,
        question_id=dispute.case.id,
        amount=eur(dispute.fee),
        balance_transaction_id=world.movement(dispute.fee),
    )


@event(5, lambda world: in_state(world, "open"))
def dispute_lost(world, random):
    dispute = random.choice(in_state(world, "open"))
    case, minor = dispute.case, dispute.amount
    dispute.state = "lost"
    fund, before = world.facts.fund, case.commission
    slice_before = case.fund_slice
    counted = min(minor, case.remaining)
    case.disputed -= minor
    case.returned += counted
    if case.is_split:
        rest = minor - (before - case.commission)
    else:
        case.held -= counted
        rest = minor - counted
    fund -= slice_before - case.fund_slice
    case.chargebacks += world.facts.bear(rest, fund, model.CHARGEBACKS)
    asked = terms(case)
    world.write(
        lambda uow: bearing.lose_dispute(
            uow, question_id=case.id, amount=eur(minor), dispute_id=dispute.id, terms=asked
        )
    )


# --- what must be refused ------------------------------------------------------------------------


@event(3, lambda world: world.facts.cases)
def too_much_back(world, random):
    """More than is left of a price goes back to nobody."""
    case = random.choice(cases(world, always))
    minor = case.remaining + 1

    def ask(uow):
        return bearing.refund_after_split(
            uow, question_id=case.id, amount=eur(minor), refund_key="re_never", terms=terms(case)
        )

    world.refused(RefundTooLarge if case.is_split else NotSplit, ask)
    draft = refunds.refund_requested(
        question_id=case.id, amount=eur(case.held + 1), refund_key="re_never"
    )
    world.refused(posting.Overdrawn, lambda uow: posting.post(uow, draft))


@event(2, lambda world: world.facts.movements)
def movement_booked_twice(world, random):
    """One balance transaction has one entry, whatever it is said to be."""
    name = random.choice(list(world.facts.movements)[-ACTIVE:])
    draft = bank.stripe_payout(amount=eur(10**6), balance_transaction_id=name)
    world.refused(IdempotencyConflict, lambda uow: posting.post(uow, draft))
