"""Statements against real books: every path of the money, and the proof that a stranger checks."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from tests import factories
from upss.kernel.money import Money
from upss.kernel.roles import Role
from upss.ledger import walk
from upss.ledger.rules import chart
from upss.ledger.rules.entry import Line
from upss.ledger.rules.posting import manual, payouts, questions
from upss.ledger.rules.split import Terms
from upss.ledger.service import anchoring, bearing
from upss.ledger.service.posting import post
from upss.payouts import proof
from upss.payouts import queries_statement as queries
from upss.payouts.rules.statement import (
    MONTH,
    YEAR,
    Group,
    Period,
    group_of,
    payments,
    quarters,
    statement,
)
from upss.web.ports import unit

OCTOBER, NOVEMBER = Period(date(2026, 10, 1), MONTH), Period(date(2026, 11, 1), MONTH)
THIS_YEAR = Period(date(2026, 1, 1), YEAR)
LAST_OF_OCTOBER = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)  # already November in Madrid
NOON = datetime(2026, 11, 18, 11, tzinfo=UTC)


def eur(minor):
    return Money(minor, "EUR")


@pytest.fixture
def people(app):
    """Two who answer, with the ids by which the books know them."""
    return [
        factories.person(f"{name}@example.org", role=Role.ANSWERER, topics=("home",))
        for name in ("josep", "remei")
    ]


def book(*drafts):
    with unit() as uow:
        for draft in drafts:
            post(uow, draft)
        uow.commit()


def terms(*answerers):
    """15 % commission, 3 % of it for the fund, equal parts."""
    shares = tuple((person, 1) for person in answerers)
    return Terms(commission_bp=1500, fund_bp=300, answerers=shares)


def accept(question_id, *answerers, price=1001):
    """A paid and accepted question, shared in equal parts."""
    book(
        questions.question_paid(
            question_id=question_id, amount=eur(price), session_id=f"cs_{question_id}"
        ),
        questions.answer_accepted(
            question_id=question_id, amount=eur(price), terms=terms(*answerers)
        ),
    )


def item(person, *lines, key="po_1"):
    return {"item_key": key, "answerer_id": person, "currency": "EUR", "lines": lines}


def read(person, period):
    with unit() as uow:
        sums = queries.month_sums(uow.session, person, until=period.ends)
        lines = queries.lines(uow.session, person, period, limit=1000)
    made = statement(period, sums)
    assert made.adds_up
    # the lines of the page add up to its figures
    earned = sum(line.owed for line in lines if group_of(line.kind) is not Group.PAID)
    if period.months == MONTH:
        assert earned == made.earned
        assert sum(payment.minor for payment in payments(lines)) == made.paid
    return made, lines


def kept(person):
    """What the guarded balances say, and what the person owes."""
    with unit() as uow:
        codes = list(queries.codes_of(person))
        return uow.session.execute(
            text(
                "SELECT coalesce(-sum(amount), 0)::bigint FROM ledger.posting"
                " JOIN ledger.account a ON a.id = account_id WHERE a.code = ANY(:codes)"
            ),
            {"codes": codes},
        ).scalar_one()


def test_a_reservation_over_the_end_of_a_month(people, clock):
    josep, _ = people
    factories.at(clock, LAST_OF_OCTOBER)
    accept(1, josep)
    accept(2, josep, price=500)
    book(payouts.payout_reserved(**item(josep, (1, 851))))
    factories.at(clock, datetime(2026, 11, 1, tzinfo=UTC))
    book(payouts.transfer_created(**item(josep, (1, 851)), balance_transaction_id="txn_1"))

    october, lines = read(josep, OCTOBER)
    assert (october.opening, october.earned, october.paid) == (0, 851 + 425, 0)
    assert (october.payable, october.in_payout, october.closing) == (425, 851, 1276)
    assert (october.price, october.commission, october.answers) == (1501, 225, 2)
    assert [(line.question_id, line.state) for line in lines] == [
        (1, "on_its_way"), (2, "remaining"),
    ]  # fmt: skip
    november, lines = read(josep, NOVEMBER)
    assert (november.opening, november.earned, november.paid) == (1276, 0, 851)
    assert (november.payable, november.in_payout, november.closing) == (425, 0, 425)
    assert [(made.reference, made.minor) for made in payments(lines)] == [("txn_1", 851)]
    year, lines = read(josep, THIS_YEAR)
    assert [line.state for line in lines] == ["paid", "remaining", "paid"]
    assert (year.opening, year.earned, year.paid, year.closing) == (0, 1276, 851, 425)
    assert year.closing == kept(josep)


def test_a_refund_after_the_split_is_taken_back(people):
    josep, _ = people
    accept(1, josep)
    with unit() as uow:
        bearing.refund_after_split(
            uow, question_id=1, amount=eur(401), refund_key="re_1", terms=terms(josep)
        )
        uow.commit()
    made, lines = read(josep, NOVEMBER)
    assert (made.share, made.taken_back, made.closing) == (851, -341, 510)
    assert [(line.kind, line.owed, line.state) for line in lines] == [
        ("answer_accepted", 851, "remaining"),
        ("refund_requested", -341, "remaining"),
    ]


def test_a_refused_payout_pays_nothing_and_is_told(people):
    josep, _ = people
    accept(1, josep)
    book(
        payouts.payout_reserved(**item(josep, (1, 851))),
        payouts.transfer_failed(**item(josep, (1, 851))),
    )
    made, lines = read(josep, NOVEMBER)
    assert (made.paid, made.payable, made.in_payout) == (0, 851, 0)
    assert [(one.kind, one.minor, one.refused) for one in payments(lines)] == [
        ("transfer_failed", 0, 851)
    ]


def test_money_that_came_back_remains(people):
    josep, _ = people
    accept(1, josep)
    accept(2, josep)
    book(
        payouts.payout_reserved(**item(josep, (1, 851))),
        payouts.transfer_created(**item(josep, (1, 851)), balance_transaction_id="txn_1"),
        payouts.transfer_reversed(**item(josep, (1, 851)), balance_transaction_id="txn_2"),
        payouts.payout_reserved(**item(josep, (2, 851), key="po_2")),
        payouts.bank_batch_submitted(**item(josep, (2, 851), key="po_2")),
        payouts.payout_returned(**item(josep, (2, 851), key="po_2"), fee_minor=300),
    )
    made, lines = read(josep, NOVEMBER)
    assert (made.earned, made.paid, made.closing) == (1702, 0, 1702)
    assert {line.state for line in lines} == {"remaining"}
    assert [one.minor for one in payments(lines)] == [851, -851, 851, -851]


def test_a_shared_answer_shows_each_their_own_part(people):
    josep, remei = people
    accept(1, josep, remei, price=1003)
    (made, (mine,)), (_hers, (her_line,)) = read(josep, NOVEMBER), read(remei, NOVEMBER)
    assert mine.owed + mine.commission + mine.others == made.price == 1003
    assert (mine.owed, mine.others) == (her_line.others, her_line.owed)
    assert mine.commission == 150


def test_tips_corrections_debts_and_what_is_written_off(people):
    josep, _ = people
    accept(1, josep)
    by_two = {"reason": "A good reason for it.", "author": "person:1", "approver": "person:2"}
    book(
        questions.tip_paid(question_id=1, answerer_id=josep, amount=eur(200), session_id="cs_tip"),
        manual.adjustment(
            adjustment_key="1",
            lines=[
                Line(chart.GOODWILL, "EUR", 250, 1),
                Line(chart.payable(josep), "EUR", -250, 1),
            ],
            **by_two,
        ),
        manual.adjustment(
            adjustment_key="2",
            lines=[
                Line(chart.receivable(josep), "EUR", 100, None),
                Line(chart.CHARGEBACKS, "EUR", -100, None),
            ],
            **by_two,
        ),
        manual.write_off(write_off_key="1", answerer_id=josep, amount=eur(60), **by_two),
    )
    made, lines = read(josep, NOVEMBER)
    assert (made.share, made.tips, made.corrections, made.other) == (851, 200, 210, 0)
    assert (made.payable, made.receivable, made.closing) == (1301, 40, 1261)
    assert (made.price, made.commission, made.answers) == (1201, 150, 1)
    assert len(lines) == 5
    assert made.closing == kept(josep)


def test_quarters_by_the_day_of_the_books(people, clock):
    josep, _ = people
    for number, moment in enumerate(
        (datetime(2026, 3, 31, 23, 59, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC), NOON), 1
    ):
        factories.at(clock, moment)
        accept(number, josep)
    with unit() as uow:
        sums = queries.month_sums(uow.session, josep, until=THIS_YEAR.ends)
    found = [(one.earned, one.answers, one.commission) for one in quarters(THIS_YEAR, sums)]
    assert found == [(851, 1, 150), (851, 1, 150), (0, 0, 0), (851, 1, 150)]


def test_nobody_reads_the_lines_of_another(people):
    josep, remei = people
    accept(1, josep)
    made, lines = read(remei, NOVEMBER)
    assert (made.earned, list(lines)) == (0, [])
    # A0001 is not the beginning of A00010: ids of people are compared as wholes
    assert read(josep * 10, NOVEMBER)[0].closing == 0


def test_people_are_listed_once_with_what_remains(people):
    josep, remei = people
    accept(1, josep)
    accept(2, remei)
    book(payouts.payout_reserved(**item(josep, (1, 500))))
    with unit() as uow:
        first = queries.people(uow.session, after=None, limit=1)
        rest = queries.people(uow.session, after=first[0].id, limit=9)
    book(
        payouts.payout_reserved(**item(josep, (1, 351), key="po_2")),
        payouts.transfer_created(
            **item(josep, (1, 351), key="po_2"), balance_transaction_id="txn_2"
        ),
        payouts.transfer_created(**item(josep, (1, 500)), balance_transaction_id="txn_1"),
    )
    with unit() as uow:
        (paid, _) = queries.people(uow.session, after=None, limit=9)
    assert (paid.id, paid.remaining) == (josep, 0)  # nothing remains, but still listed
    assert [(row.id, row.remaining) for row in (*first, *rest)] == [(josep, 851), (remei, 851)]


# -- proof -------------------------------------------------------------------------------


def anchor():
    with unit() as uow:
        made = anchoring.anchor(uow)
        uow.commit()
    return made


def proof_file(person, folder, **asked):
    path = folder / "proof.jsonl"
    with unit() as uow:
        walk.as_of_one_moment(uow.session)
        path.write_text("".join(proof.proof_lines(uow.session, person, **asked)), "utf-8")
    return path


def check(path, *more):
    """Run the program that knows nothing of UPSS."""
    script = "upss/ledger/offline/verify_proof.py"
    done = subprocess.run(
        [sys.executable, script, str(path), *more], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_a_proof_holds_with_the_hash_of_any_later_block(people, tmp_path):
    josep, remei = people
    for number in range(1, 9):
        accept(number, josep if number % 3 else remei)
        if number % 2 == 0:
            anchor()
    accept(20, remei)
    newest = anchor()
    accept(21, josep)
    path = proof_file(josep, tmp_path)
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert rows[0] == {"format": "upss-proof", "version": 1, "not_anchored": 1}
    entries = [row for row in rows if "entry" in row]
    assert [row["entry"]["lines"][0][3] for row in entries] == [1, 2, 4, 5, 7, 8]
    assert chart.payable(remei) not in path.read_text("utf-8")
    assert check(path, "--anchor", newest.hash)[0] == 0
    code, said = check(path)
    assert code == 0
    assert "6 entries" in said


def test_a_proof_up_to_a_block_holds_with_the_hash_of_that_one(people, tmp_path):
    josep, _ = people
    hashes = []
    for number in range(1, 5):
        accept(number, josep)
        hashes.append(anchor().hash)
    whole = proof_file(josep, tmp_path).read_text("utf-8")
    path = proof_file(josep, tmp_path, up_to=2)
    head, *rows = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert head["not_anchored"] == 2
    assert ["entry" in row for row in rows] == [True, True, False, False]
    assert [check(path, "--anchor", one)[0] for one in hashes] == [1, 0, 1, 1]
    assert proof_file(josep, tmp_path, up_to=4).read_text("utf-8") == whole
    assert proof_file(josep, tmp_path, up_to=2**63 - 1).read_text("utf-8") == whole
    assert proof_file(josep, tmp_path, up_to=0).read_text("utf-8").count("\n") == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [('"EUR",-851', '"EUR",-951'), ('"pos":1', '"pos":0'), ('"seq":1', '"seq":2')],
)
def test_a_changed_proof_is_noticed(people, tmp_path, before, after):
    accept(1, people[0])
    anchor()
    path = proof_file(people[0], tmp_path)
    changed = path.read_text("utf-8").replace(before, after)
    assert changed != path.read_text("utf-8")
    path.write_text(changed, "utf-8")
    assert check(path)[0] == 1


def test_a_history_written_anew_does_not_hold_with_the_old_hash(people, tmp_path):
    accept(1, people[0])
    anchor()
    assert check(proof_file(people[0], tmp_path), "--anchor", "0" * 64)[0] == 1
