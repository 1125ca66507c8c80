"""Eight processes post at once, on the same keys and the same money, while one of them anchors.

What they do overlaps on purpose: all race for the same few questions, each event of which has one
key for all of them. No entry is lost, doubled or unbalanced, no error reaches a caller but the ones
that tell the truth, and every entry ends in exactly one block of one chain.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter, defaultdict
from random import Random

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from tests.trust.money_world import BEGINNING
from upss.db.queue import ProcrastinateQueue
from upss.db.work import OwnSession
from upss.kernel.clock import FixedClock
from upss.kernel.errors import IdempotencyConflict
from upss.kernel.money import Money
from upss.ledger import verify
from upss.ledger.rules import chart
from upss.ledger.rules.bearing import NotSplit, RefundTooLarge
from upss.ledger.rules.posting import disputes, payouts, questions, refunds
from upss.ledger.rules.split import Terms, parts_of
from upss.ledger.service import bearing
from upss.ledger.service.anchoring import anchor
from upss.ledger.service.posting import Overdrawn, post

PROCESSES = 8
SECONDS = 60 if os.environ.get("UPSS_NIGHTLY") else 10
PATIENCE = 90
PRICE = 1001
TERMS = Terms(1500, 300, ((7, 2), (8, 1)))
SHARES = {7: 567, 8: 284}
# What a caller may be told: the money is elsewhere by now, or the key stands for another amount.
TRUE_ERRORS = (Overdrawn, IdempotencyConflict, NotSplit, RefundTooLarge)


def eur(minor):
    return Money(minor, "EUR")


def event(random, process, question):
    """Return one thing to do with a question; `None` in a name is the same for all processes."""
    asked = {"question_id": question, "amount": eur(PRICE)}
    answerer = random.choice((7, 8))
    item = {
        # the same item for all, or a rival of each process that wants the same payable
        "item_key": f"po_{question}_{answerer}_{random.choice(('all', process))}",
        "answerer_id": answerer,
        "currency": "EUR",
        "lines": ((question, SHARES[answerer]),),
    }
    part = random.choice((1, 100, 401))
    key = f"re_{question}_{random.choice((1, 2, process * 10 + random.randint(0, 9)))}"
    txn = {"balance_transaction_id": f"txn_{question}"}
    return random.choice(
        [
            lambda uow: post(
                uow,
                questions.charge_settled(
                    question_id=question, gross=eur(PRICE), fee_minor=40, **txn
                ),
            ),
            # the same movement, said to be something else
            lambda uow: post(uow, disputes.dispute_opened(**asked, fee_minor=0, **txn)),
            lambda uow: post(uow, questions.answer_accepted(**asked, terms=TERMS)),
            lambda uow: post(
                uow,
                refunds.refund_requested(question_id=question, amount=eur(part), refund_key=key),
            ),
            lambda uow: bearing.refund_after_split(
                uow, question_id=question, amount=eur(part), refund_key=key, terms=TERMS
            ),
            lambda uow: bearing.rehold(
                uow, question_id=question, round_no=1, currency="EUR", terms=TERMS
            ),
            lambda uow: post(uow, payouts.payout_reserved(**item)),
            lambda uow: post(uow, payouts.transfer_failed(**item)),
            lambda uow: post(
                uow,
                payouts.transfer_created(
                    **item, balance_transaction_id=f"txn_out_{question}_{answerer}"
                ),
            ),
        ]
    )


def work(url, process, start, told):
    """Post for some seconds on questions that all processes meet; tell what came of it."""
    engine = create_engine(url)
    random, outcome, ids = Random(process), Counter(), set()
    clock = FixedClock(BEGINNING)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    start.wait(PATIENCE)
    began, step = time.monotonic(), 0
    while time.monotonic() - began < SECONDS:
        step += 1
        # Everybody is at the same question at about the same time.
        question = 1 + int((time.monotonic() - began) * 8) + random.randint(0, 1)
        paid = questions.question_paid(
            question_id=question, amount=eur(PRICE), session_id=f"cs_{question}"
        )
        with Session(engine) as session:
            uow = OwnSession(session, clock, ProcrastinateQueue())
            try:
                done = [post(uow, paid)]
                for _ in range(random.randint(1, 3)):
                    done.append(event(random, process, question)(uow))
                    session.commit()
                if process == 0 and step % 5 == 0:
                    outcome["blocks"] += bool(anchor(uow))
                session.commit()
                outcome["written"] += sum(not posted.replayed for posted in done)
                outcome["replayed"] += sum(posted.replayed for posted in done)
                ids |= {posted.entry_id for posted in done}
            except TRUE_ERRORS as error:
                outcome[type(error).__name__] += 1
            except Exception as error:  # noqa: BLE001 - it is what the test looks for
                outcome[f"unexpected {type(error).__name__}: {str(error)[:300]}"] += 1
    engine.dispose()
    told.put((outcome, ids))


def race(url):
    """Let all processes begin at one moment; return what was done and the entries they were told."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["psycopg", "upss.ledger.service.bearing"])  # import once
    start, told = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=work, args=(url, number, start, told)) for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    results = [told.get(timeout=PATIENCE + SECONDS) for _ in processes]
    for process in processes:
        process.join(PATIENCE)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    return sum((outcome for outcome, _ in results), Counter()), [ids for _, ids in results]


@pytest.fixture
def session(database):
    engine = create_engine(database.app_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def rows(session, statement):
    return session.execute(text(statement)).all()


def by_question(session):
    """Return each question's balances by account, and `out`: what has left for its answerers."""
    found = defaultdict(Counter)
    for question, code, kind, minor in rows(
        session,
        """SELECT p.question_id, a.code, e.kind, sum(p.amount)::bigint FROM ledger.posting p
             JOIN ledger.account a ON a.id = p.account_id JOIN ledger.entry e ON e.id = p.entry_id
            GROUP BY 1, 2, 3""",
    ):
        found[question][code] += minor
        if (code, kind) == (chart.STRIPE_BALANCE, "transfer_created"):
            found[question]["out"] -= minor
    return found


def check_question(question, sums):
    """Each cent of a price is held, owed, earned or gone, and nothing was counted twice."""
    people = [code for code in sums if code.startswith("Liabilities:Answerer")]
    parts = [chart.HELD, chart.REFUNDS_PENDING, chart.COMMISSION, chart.GUARANTEE_FUND]
    told = {code: sums[code] for code in (*parts, chart.GOODWILL, *people)}
    assert -sum(told.values()) == PRICE - sums["out"], (question, sums)
    assert max(told[code] for code in (chart.HELD, chart.REFUNDS_PENDING, *people)) <= 0
    left = PRICE + sums[chart.REFUNDS_PENDING]
    assert left >= 0, (question, sums)
    split = parts_of(left, TERMS)
    is_split = sums[chart.HELD] == 0 and left > 0
    expected = split.organizer_minor if is_split else 0
    assert -sums[chart.COMMISSION] == expected, (question, sums)


def test_eight_processes_post_and_anchor_at_once(database, session):
    outcome, told = race(database.app_url)
    assert not [what for what in outcome if what.startswith("unexpected")], outcome
    for what in ("written", "replayed", "blocks", "Overdrawn", "IdempotencyConflict"):
        assert outcome[what] > 0, outcome

    # Nobody was told of an entry that is not there.
    entries = {id_ for (id_,) in rows(session, "SELECT id FROM ledger.entry")}
    assert set().union(*told) <= entries
    # No key and no movement twice, no balance that its lines do not make.
    assert rows(session, "SELECT 1 FROM ledger.posting HAVING sum(amount) <> 0") == []
    for column in ("idempotency_key", "external_ref"):
        twice = f"SELECT {column} FROM ledger.entry GROUP BY 1 HAVING count({column}) > 1"
        assert rows(session, twice) == []
    for question, sums in by_question(session).items():
        check_question(question, sums)

    uow = OwnSession(session, FixedClock(BEGINNING), ProcrastinateQueue())
    while anchor(uow):
        session.commit()
    assert rows(session, "SELECT count(*), count(DISTINCT entry_id) FROM ledger.block_entry") == [
        (len(entries), len(entries))
    ]
    assert rows(session, "SELECT prev_hash FROM ledger.block GROUP BY 1 HAVING count(*) > 1") == []
    assert verify.verify(session).differences == []
