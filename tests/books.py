"""A ledger of random lives of questions, every kind of entry among them, the same for each seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from upss.db.queue import ProcrastinateQueue
from upss.db.work import OwnSession, UnitOfWork
from upss.kernel.clock import FixedClock
from upss.kernel.money import Money
from upss.ledger.rules import chart
from upss.ledger.rules.entry import EntryDraft, Line
from upss.ledger.rules.posting import bank, disputes, manual, payouts, questions, refunds, vouchers
from upss.ledger.rules.split import Terms, parts_of
from upss.ledger.service import bearing
from upss.ledger.service.anchoring import anchor
from upss.ledger.service.posting import post

BEGINNING = datetime(2026, 1, 5, 8, 0, 0, 250_000, tzinfo=UTC)
# Words that an accountant may write, and that must break neither form of the export.
REASON = 'Café: "half" \\ of; it,\nreally\tdate:2020-13-45 ^q-1 ~ 0 \u2028 {USD} 1,00 €'
BY = {"author": "account:1", "approver": "account:2", "reason": REASON}

Step = Callable[[UnitOfWork], object]


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def fill(engine: Engine, n_entries: int, *, seed: int = 1) -> None:
    """Write random entries as the application does, in commits of 200, a block with each."""
    write(engine, islice(lives(random.Random(seed)), n_entries), per_commit=200)


def write(engine: Engine, steps: Iterable[Step], *, per_commit: int) -> None:
    """Take the steps; each commit ends with a block."""
    clock = FixedClock(BEGINNING)
    waiting = iter(steps)
    with Session(engine) as session:
        uow = OwnSession(session, clock, ProcrastinateQueue())
        while page := list(islice(waiting, per_commit)):
            for step in page:
                step(uow)
                clock.advance(timedelta(minutes=37))
            anchor(uow)
            uow.commit()


def by_hand(name: str, *, reverses_id: int | None = None) -> Step:
    """Return an adjustment that two people stand for, with a reason full of odd marks."""
    lines = [Line(chart.SUSPENSE, "EUR", -7, None), Line(chart.GOODWILL, "EUR", 7, None)]
    return booked(
        manual.adjustment(adjustment_key=name, lines=lines, reverses_id=reverses_id, **BY)
    )


def lives(chance: random.Random) -> Iterator[Step]:
    """Yield steps without end; several questions are on their way at the same time."""
    number, running = 0, [_own_money(chance)]
    while True:
        while len(running) < 12:
            number += 1
            running.append(_question(chance, number))
        at = chance.randrange(len(running))
        step = next(running[at], None)
        if step is None:
            running.pop(at)
        else:
            yield step


def booked(draft: EntryDraft, *, value_date: date | None = None) -> Step:
    dated = replace(draft, value_date=value_date) if value_date else draft
    return lambda uow: post(uow, dated)


def _question(chance: random.Random, number: int) -> Iterator[Step]:
    """Yield one question from the payment to its end."""
    ids = (f"{number}_{place}" for place in range(1000))
    price = chance.choice((200, 1001, 1500, 2999, chance.randint(100, 200_000)))
    terms = Terms(1500, 300, tuple((chance.randint(1, 40) * 3 + who, who + 1) for who in range(3)))
    terms = replace(terms, answerers=terms.answerers[: chance.choice((1, 1, 1, 2, 3))])
    on = {"question_id": number, "amount": eur(price)}
    yield from _paid(chance, number, price, ids)
    match chance.randrange(12):
        case 0:
            yield from _refunded(chance, number, price, ids)
            return
        case 1:
            yield booked(refunds.rebate(question_id=number, amount=eur(price // 3)))
            yield from _refund_leaves(chance, number, price // 3, ids)
            on["amount"] = eur(price - price // 3)
        case 2:
            lost = {"question_id": number, "amount": eur(price + 7)}
            yield from _disputed(number, price + 7, ids)
            dispute = f"dp_{number}"
            yield lambda uow: bearing.lose_dispute(uow, **lost, dispute_id=dispute, terms=terms)
            return
        case 3:
            again = {"question_id": number, "amount": eur(price)}
            yield booked(questions.payment_returned(**again, session_id=f"again_{number}"))
            yield from _refund_leaves(chance, number, price, ids)
    yield booked(questions.answer_accepted(**on, terms=terms))
    yield from _after(chance, number, on["amount"].minor, terms, ids)


def _paid(chance: random.Random, number: int, price: int, ids: Iterator[str]) -> Iterator[Step]:
    if chance.random() < 0.15:
        face, code = eur(price), f"code_{number}"
        yield booked(vouchers.vouchers_sold(batch_key=code, face=face, operator_minor=price // 4))
        yield booked(vouchers.voucher_redeemed(question_id=number, face=face, code_hash=code))
        remitted = {"amount": eur(price - price // 4), "remittance": code}
        yield booked(vouchers.telco_remitted(**remitted))
        return
    paid = {"question_id": number, "amount": eur(price)}
    yield booked(questions.question_paid(**paid, session_id=f"cs_{number}"))
    yield _settled(chance, number, price, next(ids))


def _settled(chance: random.Random, number: int, price: int, name: str) -> Step:
    fee = 0 if chance.random() < 0.05 else price * 15 // 1000 + 25
    draft = questions.charge_settled(
        question_id=number, gross=eur(price), fee_minor=fee, balance_transaction_id=f"txn_{name}"
    )
    # The provider's day, not the day of booking.
    return booked(draft, value_date=date(2026, 1, 4) + timedelta(days=number // 9))


def _refunded(chance: random.Random, number: int, price: int, ids: Iterator[str]) -> Iterator[Step]:
    part = chance.randint(1, price)
    for minor in filter(None, (part, price - part)):
        on = {"question_id": number, "amount": eur(minor), "refund_key": f"re_{next(ids)}"}
        as_voucher = chance.random() < 0.2
        yield booked(refunds.refund_requested(**on, as_voucher=as_voucher))
        if as_voucher:
            yield booked(vouchers.voucher_expired(face=eur(minor), code_hash=f"new_{next(ids)}"))
        else:
            yield from _refund_leaves(chance, number, minor, ids)


def _refund_leaves(
    chance: random.Random, number: int, minor: int, ids: Iterator[str]
) -> Iterator[Step]:
    on = {"question_id": number, "amount": eur(minor)}
    yield booked(refunds.refund_settled(**on, balance_transaction_id=f"txn_{next(ids)}"))
    if chance.random() < 0.2:
        yield booked(
            refunds.refund_failed(**on, balance_transaction_id=f"txn_{next(ids)}", fee_minor=30)
        )
        yield booked(refunds.refund_settled(**on, balance_transaction_id=f"txn_{next(ids)}"))


def _disputed(number: int, minor: int, ids: Iterator[str]) -> Iterator[Step]:
    opened = {"question_id": number, "amount": eur(minor), "fee_minor": 2000}
    yield booked(disputes.dispute_opened(**opened, balance_transaction_id=f"txn_{next(ids)}"))


def _after(
    chance: random.Random, number: int, price: int, terms: Terms, ids: Iterator[str]
) -> Iterator[Step]:
    """Yield what may follow the acceptance."""
    on = {"question_id": number}
    due = parts_of(price, terms).shares
    match chance.randrange(8):
        case 0:
            tip = {"answerer_id": terms.answerers[0][0], "amount": eur(200)}
            yield booked(questions.tip_paid(**on, **tip, session_id=f"tip_{number}"))
            yield _settled(chance, number, 200, next(ids))
        case 1:
            back = {"amount": eur(price // 2), "refund_key": f"late_{number}", "terms": terms}
            yield lambda uow: bearing.refund_after_split(uow, **on, **back)
            yield from _refund_leaves(chance, number, price // 2, ids)
            due = parts_of(price - price // 2, terms).shares
        case 2:
            yield lambda uow: bearing.rehold(uow, **on, round_no=1, currency="EUR", terms=terms)
            again = questions.answer_accepted(**on, amount=eur(price), terms=terms, round_no=2)
            yield booked(again)
        case 3:
            yield from _disputed(number, price, ids)
            won = on | {"amount": eur(price)}
            yield booked(disputes.dispute_won(**won, balance_transaction_id=f"txn_{next(ids)}"))
            fee = on | {"amount": eur(2000)}
            yield booked(
                disputes.dispute_fee_returned(**fee, balance_transaction_id=f"txn_{next(ids)}")
            )
        case 4:
            case = on | {"amount": eur(150), "case_key": f"case_{number}"}
            yield booked(refunds.refund_by_organizer(**case))
            yield from _refund_leaves(chance, number, 150, ids)
    for answerer, minor in due.items():
        if minor:
            yield from _paid_out(chance, number, answerer, minor, ids)


def _paid_out(
    chance: random.Random, number: int, answerer: int, minor: int, ids: Iterator[str]
) -> Iterator[Step]:
    def item() -> dict:
        lines = ((number, minor),)
        return {
            "item_key": f"po_{next(ids)}",
            "answerer_id": answerer,
            "currency": "EUR",
            "lines": lines,
        }

    first = item()
    yield booked(payouts.payout_reserved(**first))
    match chance.randrange(6):
        case 0:
            yield booked(payouts.transfer_failed(**first))
            return
        case 1 | 2:
            line = f"camt_{next(ids)}"
            yield booked(payouts.bank_batch_submitted(**first))
            yield booked(
                payouts.bank_batch_booked(total=eur(minor), fee_minor=15, statement_line=line)
            )
            if chance.random() < 0.3:
                yield booked(payouts.payout_returned(**first, fee_minor=min(30, minor - 1)))
            return
    txn = f"txn_{next(ids)}"
    yield booked(payouts.transfer_created(**first, balance_transaction_id=txn))
    if chance.random() < 0.1:
        back = f"txn_{next(ids)}"
        yield booked(payouts.transfer_reversed(**first, balance_transaction_id=back))


def _own_money(chance: random.Random) -> Iterator[Step]:
    """Yield the organizer's own movements, without end."""
    for turn in range(10**9):
        minor = eur(chance.randint(1, 50_000))
        yield booked(bank.fund_paid_in(amount=minor, payment_key=f"in_{turn}"))
        yield booked(bank.stripe_payout(amount=minor, balance_transaction_id=f"txn_out_{turn}"))
        yield booked(bank.stripe_payout_arrived(amount=minor, statement_line=f"arrived_{turn}"))
        yield booked(bank.fund_paid_out(amount=minor, payment_key=f"out_{turn}"))
        odd = {"amount": eur(-7), "fee_minor": 0, "balance_transaction_id": f"txn_odd_{turn}"}
        yield booked(bank.movement_unexplained(**odd))
        yield by_hand(f"a_{turn}")
        who = chance.randint(1, 40)
        owed = [Line(chart.receivable(who), "EUR", 900, None), Line(chart.BANK, "EUR", -900, None)]
        yield booked(manual.adjustment(adjustment_key=f"b_{turn}", lines=owed, **BY))
        gone = {"write_off_key": str(turn), "answerer_id": who, "amount": eur(900)}
        yield booked(manual.write_off(**gone, **BY))
