"""The commission that a statement names is what was kept, whoever bore what went back."""

from __future__ import annotations

from datetime import date

import pytest

from tests import factories
from upss.forum.service import accepting
from upss.kernel.money import Money
from upss.kernel.roles import Role
from upss.ledger.rules.posting import disputes, payouts, questions, refunds
from upss.ledger.rules.split import Terms
from upss.ledger.service import bearing
from upss.ledger.service.posting import post
from upss.payouts import queries_statement as queries
from upss.payouts.rules.statement import YEAR, Period, quarters, statement
from upss.web.ports import unit

THIS_YEAR = Period(date(2026, 1, 1), YEAR)
PRICE, COMMISSION, SHARE = 1200, 180, 1020


@pytest.fixture
def josep(app):
    return factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",))


@pytest.fixture
def question(josep):
    asker = factories.person("asker@example.org")
    question_id = factories.answered(asker, josep)
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=asker)
        uow.commit()
    return question_id


def terms(person):
    return Terms(1500, 300, ((person, 1),))


def refund(question, person, minor, key="re_1"):
    with unit() as uow:
        amount = Money(minor, "EUR")
        bearing.refund_after_split(
            uow, question_id=question, amount=amount, refund_key=key, terms=terms(person)
        )
        uow.commit()


def pay(question, person):
    lines = [(question, SHARE)]
    item = {"item_key": "po_1", "answerer_id": person, "currency": "EUR", "lines": lines}
    with unit() as uow:
        post(uow, payouts.payout_reserved(**item))
        post(uow, payouts.transfer_created(**item, balance_transaction_id="txn_1"))
        uow.commit()


def year(person):
    """The statement of the year; its lines and its quarters say the same of the commission."""
    with unit() as uow:
        sums = queries.month_sums(uow.session, person, until=THIS_YEAR.ends)
        lines = queries.lines(uow.session, person, THIS_YEAR, limit=100)
    made = statement(THIS_YEAR, sums)
    assert made.adds_up
    assert made.commission == sum(line.commission for line in lines)
    assert made.commission == sum(quarter.commission for quarter in quarters(THIS_YEAR, sums))
    assert made.price == sum(line.price for line in lines)
    return made


def test_all_the_money_back_leaves_no_commission(josep, question):
    assert year(josep).commission == COMMISSION
    refund(question, josep, PRICE)
    made = year(josep)
    assert (made.earned, made.price, made.commission) == (0, 0, 0)


def test_what_the_fund_bears_after_the_payout_is_no_commission(josep, question):
    pay(question, josep)
    other = factories.answered(factories.person(), josep)  # so that the fund has money of its own
    with unit() as uow:
        post(uow, questions.answer_accepted(
            question_id=other, amount=Money(PRICE, "EUR"), terms=terms(josep)
        ))  # fmt: skip
        uow.commit()
    refund(question, josep, 401)
    made = year(josep)
    assert (made.price, made.commission) == (
        2 * PRICE - 401,
        COMMISSION + (PRICE - 401) * 15 // 100,
    )
    assert (made.earned, made.taken_back) == (2 * SHARE, 0)
    refund(question, josep, PRICE - 401, key="re_2")
    assert (year(josep).price, year(josep).commission) == (PRICE, COMMISSION)


def test_many_small_refunds_take_every_cent_of_it(josep, question):
    for number, minor in enumerate((1, 33, 7, 160, 999)):
        refund(question, josep, minor, key=f"re_{number}")
        left = PRICE - sum((1, 33, 7, 160, 999)[: number + 1])
        made = year(josep)
        assert (made.price, made.commission) == (left, left * 15 // 100)
        assert made.earned == left - made.commission


def test_what_was_held_and_went_back_before_is_not_counted_twice(josep):
    asker = factories.person("asker@example.org")
    question = factories.answered(asker, josep)
    left = Money(PRICE - 200, "EUR")
    with unit() as uow:
        back = Money(200, "EUR")
        post(uow, refunds.refund_requested(question_id=question, amount=back, refund_key="re_0"))
        post(uow, questions.answer_accepted(
            question_id=question, amount=left, terms=terms(josep)
        ))  # fmt: skip
        uow.commit()
    made = year(josep)
    assert (made.price, made.commission, made.earned) == (1000, 150, 850)


@pytest.mark.parametrize("disputed", [300, PRICE, PRICE + 30])
def test_a_lost_dispute_takes_the_commission_and_leaves_the_share(josep, question, disputed):
    amount = Money(disputed, "EUR")
    opened = {"question_id": question, "amount": amount, "fee_minor": 0}
    with unit() as uow:
        post(uow, disputes.dispute_opened(**opened, balance_transaction_id="txn_d"))
        bearing.lose_dispute(
            uow, question_id=question, amount=amount, dispute_id="du_1", terms=terms(josep)
        )
        uow.commit()
    left = max(0, PRICE - disputed)
    made = year(josep)
    assert (made.price, made.commission, made.earned) == (left, left * 15 // 100, SHARE)


def test_whoever_answers_anew_takes_the_commission_over(josep, question):
    pay(question, josep)  # nothing of it is touched by what follows
    remei = factories.person("remei@example.org", role=Role.ANSWERER, topics=("home",))
    with unit() as uow:
        bearing.rehold(uow, question_id=question, round_no=1, currency="EUR", terms=terms(josep))
        post(uow, questions.answer_accepted(
            question_id=question, amount=Money(PRICE, "EUR"), terms=terms(remei), round_no=2
        ))  # fmt: skip
        uow.commit()
    refund(question, remei, 400)
    first, second = year(josep), year(remei)
    assert (first.price, first.commission, first.answers, first.earned) == (0, 0, 0, SHARE)
    assert (second.price, second.commission, second.answers, second.earned) == (800, 120, 1, 680)
