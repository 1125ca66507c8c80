"""What an answerer can give back of a question, read from the books."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests.money import payable_lines
from tests.trust.money_world import BEGINNING
from upss.db.queue import ProcrastinateQueue
from upss.db.work import OwnSession
from upss.kernel.clock import FixedClock
from upss.kernel.money import Money
from upss.ledger import queries
from upss.ledger.rules import chart
from upss.ledger.rules.bearing import NothingLeft
from upss.ledger.rules.entry import EntryDraft, Line
from upss.ledger.rules.posting import manual, payouts, questions
from upss.ledger.rules.split import Terms, parts_of
from upss.ledger.service import bearing
from upss.ledger.service.posting import post
from upss.organizer.queries.entries import trail

TERMS = Terms(1500, 300, ((7, 1),))


def eur(minor):
    return Money(minor, "EUR")


@pytest.fixture
def uow(database):
    engine = create_engine(database.app_url)
    with Session(engine) as session:
        work = OwnSession(session, FixedClock(BEGINNING), ProcrastinateQueue())
        post(work, questions.question_paid(question_id=1, amount=eur(1001), session_id="cs_1"))
        post(work, questions.answer_accepted(question_id=1, amount=eur(1001), terms=TERMS))
        yield work
    engine.dispose()


def adjusted(uow, minor, key="1"):
    """Give the answerer so much, or take it, by hand."""
    lines = [
        Line(chart.GOODWILL, "EUR", minor, 1),
        Line(chart.payable(7), "EUR", -minor, 1),
    ]
    people = {"author": "organizer:1", "approver": "organizer:2"}
    draft = manual.adjustment(adjustment_key=key, lines=lines, reason="Put right here", **people)
    return post(uow, draft)


def reclaimable(uow):
    return queries.standing(uow.session, 1).reclaimable


def refund_all(uow):
    asked = {"question_id": 1, "amount": eur(1001), "refund_key": "re_1", "terms": TERMS}
    bearing.refund_after_split(uow, **asked)
    return {line.account: line.amount for line in trail(uow.session, 1)[-1].lines}


def test_what_an_adjustment_has_taken_cannot_be_taken_again(uow):
    """Before, such a question could never be refunded: it was always overdrawn."""
    adjusted(uow, -300)
    assert reclaimable(uow) == {7: 551}
    lines = refund_all(uow)
    assert lines[chart.payable(7)] == 551
    assert lines[chart.GOODWILL] == 300


def test_a_gift_is_not_taken_back(uow):
    adjusted(uow, 250)
    assert reclaimable(uow) == {7: 851}
    assert refund_all(uow)[chart.payable(7)] == 851
    assert payable_lines(uow.session)[0].minor == 250


def test_a_gift_that_was_taken_back_by_hand_leaves_what_was_earned(uow):
    adjusted(uow, 250)
    adjusted(uow, -250, "2")
    assert reclaimable(uow) == {7: 851}


def test_what_was_paid_out_with_a_gift_beside_it_is_not_reclaimable(uow):
    adjusted(uow, 250)
    item = {"item_key": "po_1", "answerer_id": 7, "currency": "EUR", "lines": ((1, 1101),)}
    post(uow, payouts.payout_reserved(**item))
    adjusted(uow, 250, "2")
    assert reclaimable(uow) == {7: 0}
    assert chart.payable(7) not in refund_all(uow)


def test_a_decision_waits_for_the_one_before_it(uow, database):
    """Two refunds that both counted on the same cents would give the commission back twice."""
    uow.session.commit()
    asked = {"question_id": 1, "amount": eur(401), "terms": TERMS}
    bearing.refund_after_split(uow, refund_key="re_1", **asked)
    engine = create_engine(database.app_url)

    def second():
        with Session(engine) as session:
            work = OwnSession(session, FixedClock(BEGINNING), ProcrastinateQueue())
            bearing.refund_after_split(work, refund_key="re_2", **asked)
            session.commit()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second)
        assert not wait([waiting], timeout=0.5).done
        uow.session.commit()
        waiting.result(60)
    engine.dispose()
    left = parts_of(1001 - 802, TERMS)
    assert -queries.account_balance(uow.session, chart.COMMISSION) == left.organizer_minor
    assert -queries.account_balance(uow.session, chart.GUARANTEE_FUND) == left.fund_minor
    assert reclaimable(uow) == left.shares


def test_a_question_of_which_nothing_is_left_is_not_held_again(uow):
    refund_all(uow)
    with pytest.raises(NothingLeft):
        bearing.rehold(uow, question_id=1, round_no=1, currency="EUR", terms=TERMS)


def test_an_account_outside_the_chart_is_never_opened(uow):
    lines = (Line("Assets:Cash", "EUR", 5, 1), Line(chart.STRIPE_BALANCE, "EUR", -5, 1))
    odd = EntryDraft(kind="charge_settled", key="bt:odd", facts={}, external_ref="odd", lines=lines)
    with pytest.raises(chart.UnknownAccount):
        post(uow, odd)
    assert len(trail(uow.session, 1)) == 2
