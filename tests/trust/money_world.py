"""Where the events meet the real ledger: writing with replays, and the invariants in SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.trust.money_model import (
    BY_QUESTION,
    IN_PAYOUT,
    NEVER_CREDIT,
    NEVER_DEBIT,
    PAYABLE,
    RECEIVABLE,
    Case,
    Facts,
)
from upss.db.queue import ProcrastinateQueue
from upss.db.work import OwnSession, UnitOfWork
from upss.kernel.clock import FixedClock
from upss.kernel.errors import IdempotencyConflict
from upss.ledger.rules.entry import EntryDraft
from upss.ledger.service import posting

BEGINNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Ask = Callable[[UnitOfWork], posting.Posted]

_LINES = text("""
    SELECT a.code, p.question_id, sum(p.amount)::bigint
      FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id
     GROUP BY 1, 2""")
_BAD_ENTRIES = text("""
    SELECT e.id FROM ledger.entry e LEFT JOIN ledger.posting p ON p.entry_id = e.id
     GROUP BY e.id HAVING count(p.amount) < 2 OR sum(p.amount) <> 0 OR bool_or(p.amount = 0)""")
_MOVEMENTS = text("""
    SELECT (SELECT count(*) FROM ledger.entry), (SELECT count(*) FROM ledger.seal),
           array(SELECT external_ref FROM ledger.entry WHERE external_ref IS NOT NULL)""")
_KEPT = text("""
    SELECT a.code, coalesce(p.question_id, b.question_id), p.minor, b.balance
      FROM (SELECT account_id, question_id, sum(amount) AS minor FROM ledger.posting GROUP BY 1, 2) p
      FULL JOIN ledger.balance b
        ON b.account_id = p.account_id AND b.question_id = p.question_id
      JOIN ledger.account a ON a.id = coalesce(p.account_id, b.account_id)
     WHERE a.guarded AND p.minor IS DISTINCT FROM b.balance""")
_AT_COMMIT = text("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


class World:
    """The facts, and the ledger that is asked to tell the same; `random` decides on replays."""

    def __init__(self, session: Session, random: Random | None = None) -> None:
        self.session = session
        self.clock = FixedClock(BEGINNING)
        self.uow = OwnSession(session, self.clock, ProcrastinateQueue())
        self.random = random or Random(0)
        self.facts = Facts()
        self.entries = 0
        self.replays = 0
        self.numbers: Counter[str] = Counter()
        self.recent: list[tuple[Ask, int]] = []
        self.adjusted: list[tuple[int, Case, int, int]] = []  # entry, whose and how much

    def name(self, what: str) -> str:
        """Return a name that was never given before: txn_1, po_1, ..."""
        self.numbers[what] += 1
        return f"{what}_{self.numbers[what]}"

    def movement(self, net: int) -> str:
        """Let the provider move money on our balance; return the id of its balance transaction."""
        name = self.name("txn")
        self.facts.movements[name] = net
        return name

    def bank_line(self, net: int) -> str:
        """Let the bank show a line on its statement; return its id."""
        name = self.name("line")
        self.facts.bank_lines[name] = net
        return name

    def post(self, make: Callable[..., EntryDraft], **asked: Any) -> int:
        """Write an event; the same key for something else is refused. Returns the entry.

        Whoever asks again drafts it again: a key must follow from the cause, not from the attempt.
        """
        entry_id = self.write(lambda uow: posting.post(uow, make(**asked)))
        if self.random.randint(0, 9) == 0:
            draft = make(**asked)
            other = replace(draft, facts={**draft.facts, "amount": -2})
            self.refused(IdempotencyConflict, lambda uow: posting.post(uow, other))
        return entry_id

    def write(self, ask: Ask) -> int:
        """Ask for something new, and now and then for something old once more."""
        posted = ask(self.uow)
        assert not posted.replayed, "something new was taken for a replay"
        self.entries += 1
        self.clock.advance(timedelta(minutes=11))
        self.recent = [*self.recent[-30:], (ask, posted.entry_id)]
        if self.random.randint(0, 9) == 0:
            again, entry_id = self.random.choice(self.recent)
            assert again(self.uow) == posting.Posted(entry_id, replayed=True), "no replay"
            self.replays += 1
        return posted.entry_id

    def refused(self, error: type[Exception], ask: Ask) -> None:
        """Ask for what must be refused, and leave no trace of it."""
        with pytest.raises(error), self.session.begin_nested():
            ask(self.uow)

    # --- the invariants ---------------------------------------------------------------------------

    def check(self) -> None:
        """Compare the ledger with the facts: I1 to I12 and I15 of the handbook."""
        self.session.execute(_AT_COMMIT)
        assert self.session.scalars(_BAD_ENTRIES).all() == [], "I1"
        entries, seals, refs = self.session.execute(_MOVEMENTS).one()
        assert (entries, seals) == (self.entries, self.entries), "I11: a replay adds nothing"
        moved = [*self.facts.movements, *self.facts.bank_lines]
        assert sorted(refs) == sorted(moved), "I4b: each movement once"
        lines = self.session.execute(_LINES).all()
        assert sum(minor for *_, minor in lines) == 0, "I2"
        self._check_sides(lines)
        assert _found(lines) == self.facts.expected()  # I4 to I10
        assert self.session.execute(_KEPT).all() == [], "I12"
        self._check_questions(lines)
        self._check_people(lines)

    def _check_sides(self, lines):
        whole: Counter[str] = Counter()
        for code, _, minor in lines:
            whole[code] += minor
            if code.startswith(BY_QUESTION):
                assert not (code.startswith(NEVER_DEBIT) and minor > 0), ("I3", code, minor)
                assert not (code.startswith(NEVER_CREDIT) and minor < 0), ("I3", code, minor)
        for code, minor in whole.items():
            assert not (code.startswith(NEVER_DEBIT) and minor > 0), ("I3", code, minor)
            assert not (code.startswith(NEVER_CREDIT) and minor < 0), ("I3", code, minor)

    def _check_questions(self, lines):
        """I6 and I7 from the ledger's own figures: nothing of a price is lost or invented."""
        held = {question: -minor for code, question, minor in lines if "Held:Questions" in code}
        for case in self.facts.cases.values():
            if not case.is_split:
                assert held.get(case.id, 0) == case.remaining, ("I6", case)
                continue
            assert held.get(case.id, 0) == 0, ("I6", case)
            shares = case.shares()
            assert case.commission + sum(shares.values()) == case.remaining, ("I7", case)
            assert all(case.payable(a) >= 0 for a in case.people()), ("I7", case)

    def _check_people(self, lines):
        owed: Counter[int] = Counter()
        for code, _, minor in lines:
            if code.startswith((PAYABLE, IN_PAYOUT, RECEIVABLE)):
                owed[int(code[-4:])] -= minor
        for answerer, person in self.facts.people.items():
            right = owed[answerer] - person.written_off
            assert person.earned - person.claimed - person.paid == right, ("I15", answerer)


def _found(lines):
    """Return the ledger's balances that are not zero, in the form of `Facts.expected`."""
    sums: Counter[tuple[str, int | None]] = Counter()
    for code, question, minor in lines:
        sums[code, question if code.startswith(BY_QUESTION) else None] += minor
    return {place: minor for place, minor in sums.items() if minor}
