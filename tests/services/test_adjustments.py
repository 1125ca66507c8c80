"""Adjustments: what may be proposed, who decides, what is booked, and that it is booked once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, permutations

import psycopg
import pytest
from sqlalchemy import select, text

from tests import factories
from tests.kept import kept
from tests.money import figures_of, payable_lines
from upss.adjustments import queries, service
from upss.adjustments.models import Adjustment
from upss.adjustments.rules.proposals import (
    ACCOUNTS,
    BadProposal,
    Typed,
    minor_units,
    reason_fault,
)
from upss.db.base import db
from upss.doctor.queries.examination import examine
from upss.forum.service import accepting
from upss.kernel.errors import NotFound
from upss.kernel.ids import new_public_id
from upss.kernel.roles import Role
from upss.ledger import queries as ledger
from upss.ledger.rules import chart
from upss.ledger.rules.posting import manual
from upss.ledger.rules.posting.manual import SamePerson
from upss.ledger.service.posting import Overdrawn, post
from upss.notices.models import Notice
from upss.organizer.forms_audit import EntryFilter
from upss.organizer.queries.entries import journal
from upss.web.ports import unit

REASON = "The answer helped twice, once more by telephone."


@pytest.fixture
def begun(app, database):
    """The people, and an accepted answer of 12.00: 10.20 is owed for it."""
    return kept("adjustments of services", database, begin)


def begin():
    made = {
        "asker": factories.person("asker@example.org"),
        "answerer": factories.person("josep@example.org", role=Role.ANSWERER, topics=("home",)),
        **{
            name: factories.person(f"{name}@example.org", role=Role.ORGANIZER)
            for name in ("first", "second", "third")
        },
    }
    return made, earn(made)


@pytest.fixture
def people(begun):
    """An asker, a person who answers and three organizers."""
    return begun[0]


@pytest.fixture
def question(begun):
    """The number of the question that was answered and accepted."""
    return begun[1]


def earn(people):
    question_id = factories.answered(people["asker"], people["answerer"])
    with unit() as uow:
        accepting.accept(uow, question_id=question_id, actor_id=people["asker"])
        uow.commit()
    return question_id


def goodwill(question, **changes):
    """A form as somebody types it."""
    fields = {"purpose": "goodwill", "question": str(question), "amount": "2,50", "reason": REASON}
    return Typed(**(fields | changes))


def take_back(question, amount):
    """A correction that takes from what is owed for the question."""
    return goodwill(
        question, purpose="correction", debit="payable", credit=chart.COMMISSION, amount=amount
    )


def propose(typed, organizer_id, public_id=None):
    public_id = public_id or new_public_id()
    with unit() as uow:
        proposal = service.understand(uow, typed)
        service.propose(uow, proposal, public_id=public_id, organizer_id=organizer_id)
        uow.commit()
    return public_id


def decide(act, public_id, organizer_id):
    with unit() as uow:
        made = act(uow, public_id=public_id, organizer_id=organizer_id)
        uow.commit()
    return made


def reverse(of_public_id, organizer_id, reason="It was booked for the wrong question."):
    public_id = new_public_id()
    with unit() as uow:
        service.propose_reversal(
            uow,
            of_public_id=of_public_id,
            reason=reason,
            public_id=public_id,
            organizer_id=organizer_id,
        )
        uow.commit()
    return public_id


def row_of(public_id):
    with unit() as uow:
        return uow.session.scalars(
            select(Adjustment).where(Adjustment.public_id == public_id)
        ).one_or_none()


def entries(kind="adjustment"):
    with unit() as uow:
        wanted = EntryFilter(typed={}, errors=[], kind=kind)
        return journal(uow.session, wanted, before=None, limit=100)


def owed(people, question):
    with unit() as uow:
        lines = payable_lines(uow.session, answerer_id=people["answerer"])
        return {line.question_id: line.minor for line in lines}.get(question, 0)


def faults(typed):
    with unit() as uow, pytest.raises(BadProposal) as caught:
        service.understand(uow, typed)
    return caught.value.faults


# --- what is typed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("2,50", 250), ("2.50", 250), ("2.5", 250), ("2", 200), ("0,01", 1), (" 10.01 ", 1001),
        ("€ 2.50", 250), ("2,50 €", 250), ("2,50\u00a0EUR", 250), ("999999999.99", 99_999_999_999),
        ("007", 700),
    ],
)  # fmt: skip
def test_an_amount_is_understood_to_the_cent(typed, minor):
    assert minor_units(typed, 2) == minor


@pytest.mark.parametrize(
    "typed",
    [
        "", "0", "0,00", "-2", "+2", "2.505", "1.234", "1.234,50", "1,234.50", "2,", ",50", "1e3",
        "two", "2 50", "٢", "1" * 10, "2.50.1", "nan", "2$",
    ],
)  # fmt: skip
def test_no_other_amount_is(typed):
    assert minor_units(typed, 2) is None


def test_a_currency_without_decimals_takes_none():
    assert minor_units("250", 0) == 250
    assert minor_units("2.5", 0) is None


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        ("too short", "too_short"), ("          x", "too_short"), ("exactly 10", None),
        ("x" * 300, None), ("x" * 301, "too_long"),
        ("Ask pep@example.org about it", "personal"),
        ("To ES91 2100 0418 4502 0005 1332", "personal"), ("To ES9121000418450200051332", "personal"),
        ("Transfer txn_1QabcDEF of question 1030 came in twice.", None),
    ],
)  # fmt: skip
def test_a_reason_explains_and_names_nobody(reason, fault):
    assert reason_fault(reason.strip()) == fault


def test_everything_wrong_is_said_at_once(people, question):
    assert faults(Typed()) == {
        "purpose": "empty", "question": "empty", "amount": "empty", "reason": "too_short",
    }  # fmt: skip
    assert faults(goodwill("x", amount="2.505")) == {"question": "unknown", "amount": "bad"}
    assert faults(goodwill("9" * 40)) == {"question": "unknown"}
    assert faults(goodwill(7)) == {"question": "unknown"}
    both = goodwill("", purpose="correction", debit="x", credit="")
    assert faults(both) == {"debit": "empty", "credit": "empty"}
    same = goodwill("", purpose="correction", debit=chart.GOODWILL, credit=chart.GOODWILL)
    assert faults(same) == {"credit": "same"}


def test_a_persons_account_cannot_be_typed(people, question):
    for code in (chart.payable(people["answerer"]), chart.in_payout(people["answerer"])):
        typed = goodwill(question, purpose="correction", debit=code, credit=chart.GOODWILL)
        assert faults(typed) == {"debit": "empty"}


BY_ITSELF = [code for code in chart.SYSTEM_ACCOUNTS if code not in ACCOUNTS]


def test_what_follows_payments_by_itself_is_kept_apart():
    assert set(BY_ITSELF) == {
        chart.STRIPE_BALANCE, chart.STRIPE_UNSETTLED, chart.STRIPE_IN_TRANSIT, chart.BANK_OUTGOING,
        chart.TELCO_RECEIVABLE, chart.DISPUTES_HELD, chart.HELD, chart.REFUNDS_PENDING,
        chart.VOUCHERS, chart.BREAKAGE,
    }  # fmt: skip


@pytest.mark.parametrize("code", BY_ITSELF)
def test_no_hand_moves_an_account_that_follows_payments(people, question, code):
    debit = goodwill(question, purpose="correction", debit=code, credit=chart.GOODWILL)
    assert faults(debit) == {"debit": "by_itself"}
    credit = goodwill(question, purpose="correction", debit=chart.GOODWILL, credit=code)
    assert faults(credit) == {"credit": "by_itself"}


def test_no_adjustment_raises_an_alarm(people, question, clock):
    """One of each account, each way: what is kept of payments, refunds and payouts still agrees."""
    decide(
        service.approve, propose(goodwill(question, amount="50"), people["first"]), people["second"]
    )
    for debit, credit in pairwise((*ACCOUNTS[1:], *ACCOUNTS[:2])):
        typed = goodwill(question, purpose="correction", debit=debit, credit=credit)
        decide(service.approve, propose(typed, people["first"]), people["second"])
    alarms = [r for r in examine(db.engine, now=clock.now(), quick=False) if r.is_error]
    assert [(r.check.code, list(map(str, r.findings))) for r in alarms] == []


@pytest.mark.parametrize("code", ["payable", "receivable"])
def test_what_is_owed_for_a_question_needs_the_question(people, code):
    typed = goodwill("", purpose="correction", debit=code, credit=chart.SUSPENSE)
    assert faults(typed) == {"question": "empty"}


def test_nothing_is_owed_before_an_answer_is_accepted(people):
    waiting = factories.queued(people["asker"])
    answered = factories.answered(people["asker"], people["answerer"])
    for number in (waiting, answered, factories.draft(people["asker"])):
        assert faults(goodwill(number)) == {"question": "not_accepted"}


# --- two people ---------------------------------------------------------------------------------


def test_goodwill_is_proposed_by_one_and_booked_by_another(people, question, clock):
    public_id = propose(goodwill(f"#{question}"), people["first"])
    assert entries() == []
    assert owed(people, question) == 1020
    clock.advance(timedelta(hours=1))
    entry_id = decide(service.approve, public_id, people["second"])
    (entry,) = entries()
    assert (entry.id, entry.key, entry.reason) == (entry_id, f"adj:{public_id}", REASON)
    assert (entry.actor, entry.approver) == (
        f"organizer:{people['first']}", f"organizer:{people['second']}",
    )  # fmt: skip
    assert [(line.account, line.amount, line.question_id) for line in entry.lines] == [
        (chart.GOODWILL, 250, question), (chart.payable(people["answerer"]), -250, question),
    ]  # fmt: skip
    assert owed(people, question) == 1270
    row = row_of(public_id)
    assert (row.status, row.decided_by, row.entry_id) == ("approved", people["second"], entry_id)
    assert row.decided_at == clock.now()


def test_who_proposed_can_neither_approve_nor_refuse(people, question):
    public_id = propose(goodwill(question), people["first"])
    for act in (service.approve, service.refuse):
        with pytest.raises(SamePerson) as caught:
            decide(act, public_id, people["first"])
        assert caught.value.code == "same_person"
    assert row_of(public_id).status == "proposed"
    assert entries() == []


def test_only_who_proposed_can_withdraw(people, question):
    public_id = propose(goodwill(question), people["first"])
    with pytest.raises(service.NotAuthor):
        decide(service.withdraw, public_id, people["second"])
    decide(service.withdraw, public_id, people["first"])
    assert row_of(public_id).status == "withdrawn"


ENDINGS = {
    "approved": (service.approve, "second"),
    "refused": (service.refuse, "second"),
    "withdrawn": (service.withdraw, "first"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_decision_is_final(people, question, ending):
    public_id = propose(goodwill(question), people["first"])
    act, who = ENDINGS[ending]
    decide(act, public_id, people[who])
    for later, by in (*ENDINGS.values(), (service.approve, "third")):
        with pytest.raises(service.Decided):
            decide(later, public_id, people[by])
    assert row_of(public_id).status == ending
    assert len(entries()) == (ending == "approved")


def test_an_unknown_proposal_is_not_found(people):
    for act in (service.approve, service.refuse, service.withdraw):
        with pytest.raises(NotFound):
            decide(act, "nosuchproposal00", people["first"])


def test_a_form_sent_twice_proposes_once(people, question):
    public_id = propose(goodwill(question), people["first"])
    propose(goodwill(question), people["first"], public_id)
    with unit() as uow:
        assert len(queries.proposals(uow.session, status=None, before=None, limit=9)) == 1


@pytest.mark.parametrize(
    ("changes", "who"),
    [
        ({"amount": "99"}, "first"), ({"reason": "Another reason altogether."}, "first"),
        ({"purpose": "correction", "debit": chart.SUSPENSE, "credit": "payable"}, "first"),
        ({}, "second"),
    ],
)  # fmt: skip
def test_a_form_that_says_something_else_the_second_time_is_refused(people, question, changes, who):
    public_id = propose(goodwill(question), people["first"])
    with pytest.raises(service.Differs) as caught:
        propose(goodwill(question, **changes), people[who], public_id)
    assert caught.value.code == "proposal_differs"
    row = row_of(public_id)
    assert (row.amount_minor, row.debit_account, row.reason) == (250, chart.GOODWILL, REASON)


# --- balances -----------------------------------------------------------------------------------


def test_what_is_not_there_cannot_be_taken_and_the_proposal_stays(people, question):
    public_id = propose(take_back(question, "10.21"), people["first"])
    with pytest.raises(Overdrawn) as caught:
        decide(service.approve, public_id, people["second"])
    assert caught.value.code == "overdrawn"
    assert row_of(public_id).status == "proposed"
    assert entries() == []
    # once there is enough, the same proposal can be approved
    more = propose(goodwill(question, amount="0.01"), people["first"])
    decide(service.approve, more, people["second"])
    decide(service.approve, public_id, people["second"])
    assert owed(people, question) == 0


def test_the_balances_before_and_after_are_those_of_the_books(people, question):
    earn(people)  # owed to the same person, but for another question
    with unit() as uow:
        proposal = service.understand(uow, take_back(question, "10.21"))
        shown = queries.standings(uow.session, proposal)
    assert [(one.account, one.before, one.after, one.is_wrong) for one in shown] == [
        (chart.payable(people["answerer"]), -1020, 1, True),
        (chart.COMMISSION, -288, -1309, False),
    ]
    with unit() as uow:
        suspense = service.understand(
            uow,
            goodwill(question, purpose="correction", debit=chart.SUSPENSE, credit="receivable"),
        )
        shown = queries.standings(uow.session, suspense)
    assert [(one.before, one.after, one.is_wrong) for one in shown] == [
        (0, 250, False), (0, -250, True),
    ]  # fmt: skip


def test_a_debt_is_never_taken_below_nothing(people, question):
    owes = goodwill(question, purpose="correction", debit="receivable", credit=chart.GOODWILL)
    less = replace(owes, debit=chart.WRITE_OFF, credit="receivable")
    given_up = propose(less, people["first"])
    with pytest.raises(Overdrawn):
        decide(service.approve, given_up, people["second"])
    assert (row_of(given_up).status, entries()) == ("proposed", [])
    decide(service.approve, propose(owes, people["first"]), people["second"])
    decide(service.approve, given_up, people["second"])
    with unit() as uow:
        assert ledger.account_balance(uow.session, chart.receivable(people["answerer"])) == 0


# --- at once ------------------------------------------------------------------------------------


def at_once(app, *works):
    """Run each work in a thread and context of its own, released together."""
    start = threading.Barrier(len(works))

    def run(work):
        with app.app_context():
            start.wait(timeout=60)
            try:
                return work()
            except Exception as error:  # noqa: BLE001 - the error is the result
                return type(error)

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_two_organizers_who_approve_at_once_book_once(app, people, question):
    for _ in range(5):
        public_id = propose(goodwill(question, amount="0.01"), people["first"])
        outcomes = at_once(
            app,
            *(
                lambda who=who: decide(service.approve, public_id, people[who])  # noqa: B023
                for who in ("second", "third")
            ),
        )
        assert service.Decided in outcomes
        assert [made for made in outcomes if isinstance(made, int)] == [row_of(public_id).entry_id]
    assert len(entries()) == 5
    assert owed(people, question) == 1025


def test_approving_and_withdrawing_at_once_ends_in_one_of_both(app, people, question):
    for _ in range(5):
        public_id = propose(goodwill(question), people["first"])
        outcomes = at_once(
            app,
            lambda: decide(service.approve, public_id, people["second"]),  # noqa: B023
            lambda: decide(service.withdraw, public_id, people["first"]),  # noqa: B023
        )
        assert outcomes.count(service.Decided) == 1
        row = row_of(public_id)
        assert (row.status == "approved") == (row.entry_id is not None)
        assert (f"adj:{public_id}" in {entry.key for entry in entries()}) == bool(row.entry_id)


# --- undoing ------------------------------------------------------------------------------------


def test_a_reversal_books_the_opposite_once(people, question):
    wrong = propose(goodwill(question), people["first"])
    with pytest.raises(service.NotReversible):
        reverse(wrong, people["first"])
    number = decide(service.approve, wrong, people["second"])
    back = reverse(wrong, people["second"])
    with pytest.raises(service.NotReversible):
        reverse(wrong, people["third"])
    with pytest.raises(SamePerson):
        decide(service.approve, back, people["second"])
    decide(service.approve, back, people["first"])
    newest, first = entries()
    assert first.id == number
    assert {(line.account, -line.amount, line.question_id) for line in newest.lines} == {
        (line.account, line.amount, line.question_id) for line in first.lines
    }
    with unit() as uow:
        reverses = uow.session.execute(
            text("SELECT reverses_id FROM ledger.entry WHERE id = :id"), {"id": newest.id}
        ).scalar_one()
        shown = queries.by_public_id(uow.session, wrong)
        other = queries.by_public_id(uow.session, back)
    assert reverses == number
    assert (shown.reversed_by, shown.reversal_status, other.reverses) == (back, "approved", wrong)
    assert owed(people, question) == 1020
    with pytest.raises(service.NotReversible):
        reverse(wrong, people["third"])


def test_a_reversal_that_came_to_nothing_can_be_proposed_again(people, question):
    wrong = propose(goodwill(question), people["first"])
    decide(service.approve, wrong, people["second"])
    decide(service.withdraw, reverse(wrong, people["first"]), people["first"])
    decide(service.refuse, reverse(wrong, people["first"]), people["second"])
    decide(service.approve, reverse(wrong, people["first"]), people["second"])
    assert len(entries()) == 2


def test_a_reversal_needs_a_reason_and_an_adjustment(people, question):
    wrong = propose(goodwill(question), people["first"])
    decide(service.approve, wrong, people["second"])
    with pytest.raises(BadProposal) as caught:
        reverse(wrong, people["first"], reason="oops")
    assert caught.value.faults == {"reason": "too_short"}
    with pytest.raises(NotFound):
        reverse("nosuchproposal00", people["first"])


# --- the mail, and what the database refuses ----------------------------------------------------


def test_the_other_organizers_are_told_once(people, question):
    public_id = propose(goodwill(question), people["first"])
    propose(goodwill(question), people["first"], public_id)
    with unit() as uow:
        told = uow.session.scalars(
            select(Notice.email).where(Notice.template == "adjustment_waits").order_by(Notice.email)
        ).all()
    assert told == ["second@example.org", "third@example.org"]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("status = 'approved', decided_by = proposed_by, decided_at = now(), entry_id = 1", "two_people"),
        ("status = 'refused', decided_by = proposed_by, decided_at = now()", "two_people"),
        ("status = 'approved', decided_by = {second}, decided_at = now()", "posted"),
        ("status = 'approved', entry_id = 1", "two_people"),
        ("status = 'withdrawn', decided_by = {second}, decided_at = now()", "two_people"),
        ("entry_id = 1", "posted"),
        ("reason = 'short'", "permission denied"),
        ("amount_minor = 1", "permission denied"),
        ("proposed_by = {second}", "permission denied"),
        ("credit_account = 'Equity:Suspense'", "permission denied"),
    ],
)  # fmt: skip
def test_postgresql_itself_keeps_two_people_and_what_was_proposed(
    people, question, database, change, refused
):
    propose(goodwill(question), people["first"])
    statement = f"UPDATE adjustment SET {change.format(**people)}"
    with (
        psycopg.connect(database.app_conninfo) as connection,
        pytest.raises(psycopg.Error, match=refused),
    ):
        connection.execute(statement)
    with (
        psycopg.connect(database.app_conninfo) as connection,
        pytest.raises(psycopg.Error, match="permission denied"),
    ):
        connection.execute("DELETE FROM adjustment")


# --- the figures of a question ------------------------------------------------------------------


def test_the_figures_of_a_question_add_up_after_any_adjustment(people, question):
    with unit() as uow:
        plenty = service.understand(uow, goodwill(question, amount="100000"))
        lines = list(plenty.lines)
        post(uow, by_hand("plenty", lines))
        for number, (debit, credit) in enumerate(permutations(ACCOUNTS, 2)):
            typed = goodwill(question, purpose="correction", debit=debit, credit=credit)
            proposal = service.understand(uow, replace(typed, amount=f"0.{number % 97 + 1:02}"))
            post(uow, by_hand(f"pair{number}", proposal.lines))
            if number % 20 == 0:
                check_figures(uow, question)
        check_figures(uow, question)


def by_hand(key, lines):
    return manual.adjustment(
        adjustment_key=key, lines=lines, reason=REASON, author="organizer:1", approver="organizer:2"
    )


def check_figures(uow, question):
    money = figures_of(uow.session, [question])[question]
    became = money.held + money.share + money.organizer + money.fund + money.lost
    back = money.refund_pending + money.refunded
    assert money.paid + money.paid_again + money.borne == became + back
    assert money.share + money.extra == money.payable + money.in_payout + money.paid_out
