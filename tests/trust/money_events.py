"""Every event of the handbook: what happens among the facts, and what the ledger is asked for.

Each event says when it can happen and how often it shall; rare paths are given more weight than
life gives them. `random` makes every choice, so that Hypothesis can play the same events.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.trust import money_model as model
from tests.trust.money_model import Case
from tests.trust.money_world import World
from upss.kernel.errors import IdempotencyConflict
from upss.kernel.money import Money
from upss.ledger.rules.posting import questions, refunds
from upss.ledger.rules.split import Terms
from upss.ledger.service import bearing

PRICES = (1, 2, 7, 60, 101, 500, 600, 1001, 2000)
RATES = ((1500, 300), (1500, 300), (1500, 0), (2500, 2500), (0, 0), (999, 333))
ACTIVE = 12  # only the newest take part: much happens to each, and a long walk stays fast


@dataclass(frozen=True)
class Event:
    weight: int
    can: Callable[[World], object]
    act: Callable[[World, Random], None]


EVENTS: dict[str, Event] = {}


def always(_: object) -> bool:
    return True


def event(weight: int, can: Callable[[World], object] = always):
    """Register a function as an event that happens while `can` says something true."""

    def register(act):
        EVENTS[act.__name__] = Event(weight, can, act)
        return act

    return register


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def terms(case: Case) -> Terms:
    return Terms(case.commission_bp, case.fund_bp, case.answerers)


def cases(world: World, which: Callable[[Case], object]) -> list[Case]:
    newest = list(world.facts.cases)[-ACTIVE:]
    return [world.facts.cases[key] for key in newest if which(world.facts.cases[key])]


def part(random: Random, whole: int) -> int:
    """Return all of it or any part: at least one cent, often little."""
    return random.choice((whole, random.randint(1, whole), random.randint(1, min(whole, 5))))


def new_case(world: World, random: Random, price: int, *, by_voucher: bool) -> Case:
    number = len(world.facts.cases) + 1
    commission_bp, fund_bp = random.choice(RATES)
    case = Case(number, price, by_voucher, commission_bp, fund_bp, held=price)
    world.facts.cases[number] = case
    return case


def charge(world: World, case: Case, minor: int) -> None:
    case.unsettled += minor
    world.facts.charges.append((case, minor))


def owe_back(world: World, case: Case, minor: int) -> None:
    case.pending += minor
    world.facts.refunds.append((case, minor))


# --- money in -----------------------------------------------------------------------------------


@event(10)
def question_paid(world, random):
    price = random.choice(PRICES) if random.randint(0, 1) else random.randint(1, 3000)
    case = new_case(world, random, price, by_voucher=False)
    charge(world, case, price)
    world.post(
        questions.question_paid, question_id=case.id, amount=eur(price), session_id=world.name("cs")
    )


@event(2, lambda world: cases(world, lambda c: not c.by_voucher))
def second_payment(world, random):
    case = random.choice(cases(world, lambda c: not c.by_voucher))
    charge(world, case, case.price)
    owe_back(world, case, case.price)
    world.post(
        questions.payment_returned,
        question_id=case.id,
        amount=eur(case.price),
        session_id=world.name("cs"),
    )


@event(4, lambda world: cases(world, lambda c: c.is_split))
def tip(world, random):
    case = random.choice(cases(world, lambda c: c.is_split))
    answerer, _ = random.choice(case.answerers)
    give_tip(world, case, answerer, random.choice((1, 50, 200)))


def give_tip(world: World, case: Case, answerer: int, minor: int) -> None:
    charge(world, case, minor)
    case.gifts[answerer] += minor
    world.facts.person(answerer).earned += minor
    world.post(
        questions.tip_paid,
        question_id=case.id,
        answerer_id=answerer,
        amount=eur(minor),
        session_id=world.name("tip"),
    )


@event(14, lambda world: world.facts.charges)
def charge_settled(world, random):
    waiting = world.facts.charges
    case, minor = waiting.pop(random.randrange(len(waiting)))
    fee = random.choice((0, 1, 25, 40, minor, minor + 7))
    case.unsettled -= minor
    world.facts.spent[model.STRIPE_FEES] += fee
    world.post(
        questions.charge_settled,
        question_id=case.id,
        gross=eur(minor),
        fee_minor=fee,
        balance_transaction_id=world.movement(minor - fee),
    )


# --- the answer ---------------------------------------------------------------------------------


@event(10, lambda world: cases(world, lambda c: c.held))
def accept(world, random):
    case = random.choice(cases(world, lambda c: c.held))
    first = random.randint(1, 9)
    known = case.people()  # a redo goes to people who have not answered before
    people = [20 * case.round + first + i for i in range(random.choice((1, 2, 3, 4, 4)))]
    assert not known & set(people)
    case.answerers = tuple((person, random.choice((1, 1, 1, 9, 5))) for person in people)
    case.round += 1
    held, case.held, case.is_split = case.held, 0, True
    for answerer, share in case.shares().items():
        case.earned[answerer] += share
        world.facts.person(answerer).earned += share
    world.post(
        questions.answer_accepted,
        question_id=case.id,
        amount=eur(held),
        terms=terms(case),
        round_no=case.round,
    )


@event(4, lambda world: cases(world, can_be_redone))
def redo(world, random):
    case = random.choice(cases(world, can_be_redone))
    fund = world.facts.fund - case.fund_slice
    rest = take_back(world, case, case.shares())
    case.is_split, case.held = False, case.remaining
    world.facts.bear(rest, fund, model.GOODWILL)
    number, asked = case.round, terms(case)
    world.write(
        lambda uow: bearing.rehold(
            uow, question_id=case.id, round_no=number, currency="EUR", terms=asked
        )
    )


def can_be_redone(case: Case) -> bool:
    return case.is_split and case.remaining > 0 and case.round < 3


def take_back(world: World, case: Case, wanted: dict[int, int]) -> int:
    """Take shares back from what is there; return what is not."""
    missing = 0
    for answerer, minor in wanted.items():
        taken = min(minor, case.reclaimable(answerer))
        case.earned[answerer] -= taken
        world.facts.person(answerer).earned -= taken
        missing += minor - taken
    return missing


# --- money back ---------------------------------------------------------------------------------


@event(5, lambda world: cases(world, lambda c: c.held))
def refund_before_the_split(world, random):
    case = random.choice(cases(world, lambda c: c.held))
    minor = part(random, case.held)
    case.held -= minor
    case.returned += minor
    give_back(world, case, minor)
    world.post(
        refunds.refund_requested,
        question_id=case.id,
        amount=eur(minor),
        refund_key=world.name("re"),
        as_voucher=case.by_voucher,
    )


@event(2, lambda world: cases(world, can_be_rebated))
def rebate(world, random):
    case = random.choice(cases(world, can_be_rebated))
    minor = part(random, case.held)
    case.rebated = True
    case.held -= minor
    case.returned += minor
    owe_back(world, case, minor)
    world.post(refunds.rebate, question_id=case.id, amount=eur(minor))


def can_be_rebated(case: Case) -> bool:
    return case.held > 0 and not case.rebated and not case.by_voucher


def give_back(world: World, case: Case, minor: int) -> None:
    """Owe money back, or a new code where a code had paid."""
    if case.by_voucher:
        world.facts.codes[world.name("code")] = minor
    else:
        owe_back(world, case, minor)


def refundable(case: Case) -> bool:
    return case.is_split and case.remaining > 0


def paid_out_people(case: Case) -> list[int]:
    """Return who has got what a refund would take back."""
    if not refundable(case):
        return []
    return [who for who, share in case.shares().items() if case.reclaimable(who) < share]


@event(8, lambda world: cases(world, refundable))
def refund_after_the_split(world, random):
    case = random.choice(cases(world, refundable))
    give_back_split(world, case, part(random, case.remaining))


@event(4, lambda world: cases(world, refundable))
def refunds_bit_by_bit(world, random):
    """Several small refunds of the question with the most answerers."""
    case = max(cases(world, refundable), key=lambda c: len(c.answerers))
    for _ in range(3):
        if case.remaining:
            give_back_split(world, case, random.randint(1, min(9, case.remaining)))


@event(3, lambda world: cases(world, paid_out_people))
def refund_beside_a_gift(world, random):
    """Who was paid out gets a tip, then the price goes back: the tip is no part of it."""
    case = random.choice(cases(world, paid_out_people))
    give_tip(world, case, random.choice(paid_out_people(case)), 200)
    give_back_split(world, case, part(random, case.remaining))


def give_back_split(world: World, case: Case, minor: int) -> None:
    before, slice_before = case.shares(), case.fund_slice
    fund = world.facts.fund - slice_before
    case.returned += minor
    lost = {answerer: share - case.shares()[answerer] for answerer, share in before.items()}
    rest = take_back(world, case, lost)
    world.facts.bear(rest, fund + case.fund_slice, model.GOODWILL)
    give_back(world, case, minor)
    key, asked = world.name("re"), terms(case)
    world.write(
        lambda uow: bearing.refund_after_split(
            uow,
            question_id=case.id,
            amount=eur(minor),
            refund_key=key,
            terms=asked,
            as_voucher=case.by_voucher,
        )
    )
    world.refused(
        IdempotencyConflict,
        lambda uow: bearing.refund_after_split(
            uow, question_id=case.id, amount=eur(minor + 1), refund_key=key, terms=asked
        ),
    )


@event(1, lambda world: cases(world, lambda c: c.is_split and not c.by_voucher))
def refund_at_the_organizers_cost(world, random):
    case = random.choice(cases(world, lambda c: c.is_split and not c.by_voucher))
    world.facts.spent[model.GOODWILL] += case.price
    owe_back(world, case, case.price)
    world.post(
        refunds.refund_by_organizer,
        question_id=case.id,
        amount=eur(case.price),
        case_key=world.name("case"),
    )


@event(10, lambda world: world.facts.refunds)
def refund_settled(world, random):
    waiting = world.facts.refunds
    case, minor = waiting.pop(random.randrange(len(waiting)))
    fee = random.choice((0, 0, 5))
    case.pending -= minor
    world.facts.spent[model.STRIPE_FEES] += fee
    world.facts.refunds_gone.append((case, minor))
    world.post(
        refunds.refund_settled,
        question_id=case.id,
        amount=eur(minor),
        balance_transaction_id=world.movement(-minor - fee),
        fee_minor=fee,
    )


@event(3, lambda world: world.facts.refunds_gone)
def refund_failed(world, random):
    gone = world.facts.refunds_gone[-ACTIVE:]
    case, minor = random.choice(gone)
    world.facts.refunds_gone.remove((case, minor))
    fee = random.choice((0, -5, 3))
    owe_back(world, case, minor)
    world.facts.spent[model.STRIPE_FEES] += fee
    world.post(
        refunds.refund_failed,
        question_id=case.id,
        amount=eur(minor),
        balance_transaction_id=world.movement(minor - fee),
        fee_minor=fee,
    )
