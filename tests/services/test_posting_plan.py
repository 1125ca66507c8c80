"""What makes posting and reading balances fast: one prepared statement, and a plan made once."""

from __future__ import annotations

import pytest

from upss.db.base import db
from upss.kernel.money import Money
from upss.ledger import queries
from upss.ledger.rules import chart
from upss.ledger.rules.posting.questions import question_paid
from upss.ledger.service.posting import post
from upss.organizer.queries.entries import trail

# As many times as PostgreSQL plans a prepared statement anew before it compares.
TRIED = 5
AMOUNTS = (1, 300, 70_000, 5_000_000_000)


@pytest.fixture(autouse=True)
def nothing_prepared(app):
    """A connection that no test before has prepared statements on."""
    db.engine.dispose()


def pay(uow, number, amount):
    draft = question_paid(
        question_id=number, amount=Money(amount, "EUR"), session_id=f"cs_plan_{number}"
    )
    return post(uow, draft)


def plans(uow, part):
    """Return (generic plans, custom plans) of each prepared statement with this in its text."""
    raw = uow.session.connection().connection.driver_connection
    return raw.execute(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
        " WHERE strpos(statement, %s) > 0 AND strpos(statement, 'pg_prepared') = 0",
        [part],
    ).fetchall()


def test_amounts_of_every_size_share_one_statement_and_its_plan(uow):
    for number in range(1, 41):
        pay(uow, number, AMOUNTS[number % len(AMOUNTS)])
    ((generic, custom),) = plans(uow, "INSERT INTO ledger.seal")
    assert custom <= TRIED
    # the first entry was tried twice: its accounts had to be opened
    assert generic + custom == 41


@pytest.mark.parametrize(
    "read",
    [
        lambda session: queries.account_balance(session, chart.HELD),
        queries.trial_balance,
        lambda session: trail(session, 1),
    ],
)
def test_a_balance_and_a_trail_are_not_planned_anew_each_time(uow, read):
    pay(uow, 1, 1000)
    for _ in range(40):
        read(uow.session)
    custom = [custom for _, custom in plans(uow, "ledger.account.code")]
    assert custom
    assert max(custom) <= TRIED
