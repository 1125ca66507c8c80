"""Events beside the question's path: payouts, vouchers, our own money, entries by hand."""

from __future__ import annotations

from collections import defaultdict

from tests.trust import money_model as model
from tests.trust.money_events import ACTIVE, always, cases, eur, event, new_case, part
from tests.trust.money_model import Item
from tests.trust.money_world import World
from upss.kernel.errors import IdempotencyConflict
from upss.ledger.rules.entry import Line
from upss.ledger.rules.posting import bank, manual, payouts, vouchers
from upss.ledger.service import posting

# --- payouts ------------------------------------------------------------------------------------


def payables(world: World) -> dict[int, list[tuple[int, int]]]:
    """Return what can be paid out now: answerer -> (question, minor units)."""
    found = defaultdict(list)
    for case in cases(world, always):
        for answerer in sorted(case.people()):
            if case.payable(answerer) > 0:
                found[answerer].append((case.id, case.payable(answerer)))
    return found


def asked(item: Item) -> dict[str, object]:
    return {
        "item_key": item.key,
        "answerer_id": item.answerer,
        "currency": "EUR",
        "lines": item.lines,
    }


def items(world: World, *states: str) -> list[Item]:
    return [item for item in world.facts.items[-ACTIVE:] if item.state in states]


def move(world: World, item: Item, state: str, *, reserved: int = 0, out: int = 0, paid: int = 0):
    """Give an item its new state; the factors say what becomes of its money."""
    item.state = state
    for question, minor in item.lines:
        case = world.facts.cases[question]
        case.reserved[item.answerer] += reserved * minor
        case.out[item.answerer] += out * minor
    world.facts.person(item.answerer).paid += paid * item.total


@event(9, payables)
def payout_reserved(world, random):
    found = payables(world)
    answerer = random.choice(sorted(found))
    chosen = found[answerer][: random.randint(1, len(found[answerer]))]
    item = Item(world.name("po"), answerer, tuple(chosen))
    world.facts.items.append(item)
    move(world, item, "reserved", reserved=1, out=1)
    world.post(payouts.payout_reserved, **asked(item))
    again = asked(item) | {"item_key": world.name("po_again")}
    draft = payouts.payout_reserved(**again)
    world.refused(posting.Overdrawn, lambda uow: posting.post(uow, draft))


@event(6, lambda world: items(world, "reserved"))
def transfer_created(world, random):
    item = random.choice(items(world, "reserved"))
    move(world, item, "sent", reserved=-1, paid=1)
    txn = world.movement(-item.total)
    world.post(payouts.transfer_created, **asked(item), balance_transaction_id=txn)


@event(3, lambda world: items(world, "reserved"))
def transfer_failed(world, random):
    item = random.choice(items(world, "reserved"))
    move(world, item, "failed", reserved=-1, out=-1)
    world.post(payouts.transfer_failed, **asked(item))


@event(3, lambda world: items(world, "sent"))
def transfer_reversed(world, random):
    item = random.choice(items(world, "sent"))
    move(world, item, "back", out=-1, paid=-1)
    txn = world.movement(item.total)
    world.post(payouts.transfer_reversed, **asked(item), balance_transaction_id=txn)


@event(5, lambda world: items(world, "reserved"))
def bank_batch_submitted(world, random):
    item = random.choice(items(world, "reserved"))
    move(world, item, "submitted", reserved=-1, paid=1)
    world.post(payouts.bank_batch_submitted, **asked(item))


@event(4, lambda world: items(world, "submitted"))
def bank_batch_booked(world, random):
    waiting = items(world, "submitted")
    batch = waiting[: random.randint(1, len(waiting))]
    total, fee = sum(item.total for item in batch), random.choice((0, 150))
    for item in batch:
        item.state = "booked"
    world.facts.spent[model.BANK_FEES] += fee
    line = world.bank_line(-total - fee)
    world.post(payouts.bank_batch_booked, total=eur(total), fee_minor=fee, statement_line=line)


@event(4, lambda world: items(world, "booked"))
def payout_returned(world, random):
    item, fee = random.choice(items(world, "booked")), random.choice((0, 300))
    move(world, item, "back", out=-1, paid=-1)
    world.facts.spent[model.BANK_FEES] += fee
    world.facts.bank_beside += item.total - fee
    world.post(payouts.payout_returned, **asked(item), fee_minor=fee)


# --- entries by hand ----------------------------------------------------------------------------


def by_hand(world: World, lines, reverses_id=None):
    """Return what an adjustment is asked with: its lines, a reason and two people."""
    return {
        "adjustment_key": world.name("adj"),
        "lines": [Line(account, "EUR", minor, question) for account, minor, question in lines],
        "reason": "Put right by hand",
        "author": "organizer:1",
        "approver": "organizer:2",
        "reverses_id": reverses_id,
    }


def adjust(world: World, case, answerer, minor, reverses_id=None):
    """Move goodwill to an answerer's payable, or back; return the entry."""
    case.gifts[answerer] += minor
    world.facts.person(answerer).earned += minor
    world.facts.spent[model.GOODWILL] += minor
    lines = [
        (model.GOODWILL, minor, case.id),
        (f"{model.PAYABLE}{answerer:04}", -minor, case.id),
    ]
    return world.post(manual.adjustment, **by_hand(world, lines, reverses_id))


@event(3, lambda world: cases(world, lambda c: c.people()))
def adjustment(world, random):
    """Add to somebody's payable, or take of it, with a reason and a second person."""
    case = random.choice(cases(world, lambda c: c.people()))
    answerer = random.choice(sorted(case.people()))
    minor = random.choice((250, 1))
    if case.payable(answerer) and random.randint(0, 1):
        minor = -part(random, case.payable(answerer))
    entry_id = adjust(world, case, answerer, minor)
    world.adjusted.append((entry_id, case, answerer, minor))


def reversible(world: World):
    return [x for x in world.adjusted[-ACTIVE:] if x[1].payable(x[2]) >= x[3]]


@event(3, reversible)
def adjustment_reversed(world, random):
    found = random.choice(reversible(world))
    world.adjusted.remove(found)
    entry_id, case, answerer, minor = found
    adjust(world, case, answerer, -minor, reverses_id=entry_id)
    lines = [(model.GOODWILL, 5, None), (model.SUSPENSE, -5, None)]
    twice = manual.adjustment(**by_hand(world, lines, reverses_id=entry_id))
    world.refused(IdempotencyConflict, lambda uow: posting.post(uow, twice))


@event(1, lambda world: world.facts.suspense)
def suspense_cleared(world, random):
    minor, world.facts.suspense = world.facts.suspense, 0
    world.facts.spent[model.GOODWILL] -= minor
    world.post(
        manual.adjustment,
        **by_hand(world, [(model.SUSPENSE, minor, None), (model.GOODWILL, -minor, None)]),
    )


@event(1, lambda world: world.facts.people)
def claimed_after_fraud(world, random):
    answerer, minor = random.choice(sorted(world.facts.people)), random.randint(1, 500)
    world.facts.person(answerer).claimed += minor
    world.facts.spent[model.GOODWILL] -= minor
    owed = f"{model.RECEIVABLE}{answerer:04}"
    world.post(
        manual.adjustment, **by_hand(world, [(owed, minor, None), (model.GOODWILL, -minor, None)])
    )


def debtors(world: World) -> list[int]:
    return sorted(a for a, x in world.facts.people.items() if x.claimed > x.written_off)


@event(2, debtors)
def write_off(world, random):
    answerer = random.choice(debtors(world))
    person = world.facts.person(answerer)
    minor = part(random, person.claimed - person.written_off)
    person.written_off += minor
    world.post(
        manual.write_off,
        write_off_key=world.name("wo"),
        answerer_id=answerer,
        amount=eur(minor),
        reason="Cannot be got back",
        author="organizer:1",
        approver="organizer:2",
    )


# --- vouchers -----------------------------------------------------------------------------------


@event(2)
def vouchers_sold(world, random):
    number, face = random.randint(1, 4), random.choice((60, 500, 1001))
    kept = number * face * random.choice((0, 40, 100)) // 100
    for _ in range(number):
        world.facts.codes[world.name("code")] = face
    world.facts.telco += number * face - kept
    world.facts.spent[model.TELCO_SHARE] += kept
    world.post(
        vouchers.vouchers_sold,
        batch_key=world.name("batch"),
        face=eur(number * face),
        operator_minor=kept,
    )


@event(4, lambda world: world.facts.codes)
def voucher_redeemed(world, random):
    code = random.choice(list(world.facts.codes)[-ACTIVE:])
    face = world.facts.codes.pop(code)
    world.facts.codes_used.append((code, face))
    case = new_case(world, random, face, by_voucher=True)
    world.post(vouchers.voucher_redeemed, question_id=case.id, face=eur(face), code_hash=code)


@event(2, lambda world: world.facts.codes_used)
def used_voucher_again(world, random):
    """A code that has paid a question pays no other one."""
    code, face = random.choice(world.facts.codes_used[-ACTIVE:])
    other = vouchers.voucher_redeemed(question_id=10**9, face=eur(face), code_hash=code)
    world.refused(IdempotencyConflict, lambda uow: posting.post(uow, other))


@event(2, lambda world: world.facts.codes)
def voucher_expired(world, random):
    code = random.choice(list(world.facts.codes)[-ACTIVE:])
    face = world.facts.codes.pop(code)
    world.facts.spent[model.BREAKAGE] -= face
    world.post(vouchers.voucher_expired, face=eur(face), code_hash=code)


@event(1, lambda world: world.facts.telco)
def telco_remitted(world, random):
    minor = part(random, world.facts.telco)
    world.facts.telco -= minor
    world.facts.bank_beside += minor
    world.post(vouchers.telco_remitted, amount=eur(minor), remittance=world.name("tr"))


# --- the organizer's own money ------------------------------------------------------------------


@event(1)
def stripe_payout(world, random):
    minor = random.randint(1, 5000)
    world.facts.in_transit.append(minor)
    world.post(bank.stripe_payout, amount=eur(minor), balance_transaction_id=world.movement(-minor))


@event(2, lambda world: world.facts.in_transit)
def stripe_payout_arrived(world, random):
    minor = world.facts.in_transit.pop(random.randrange(len(world.facts.in_transit)))
    line = world.bank_line(minor)
    world.post(bank.stripe_payout_arrived, amount=eur(minor), statement_line=line)


@event(1)
def fund_paid_in(world, random):
    minor = random.randint(1, 2000)
    world.facts.fund_beside += minor
    world.facts.bank_beside += minor
    world.post(bank.fund_paid_in, amount=eur(minor), payment_key=world.name("in"))


@event(1, lambda world: world.facts.fund > 0)
def fund_paid_out(world, random):
    minor = part(random, world.facts.fund)
    world.facts.fund_beside -= minor
    world.facts.bank_beside -= minor
    world.post(bank.fund_paid_out, amount=eur(minor), payment_key=world.name("out"))


@event(2)
def movement_unexplained(world, random):
    minor, fee = random.choice((-700, -1, 0, 1, 700)), random.choice((0, 12))
    if not minor and not fee:
        minor = 5
    world.facts.suspense += minor
    world.facts.spent[model.STRIPE_FEES] += fee
    world.post(
        bank.movement_unexplained,
        amount=eur(minor),
        fee_minor=fee,
        balance_transaction_id=world.movement(minor - fee),
    )
