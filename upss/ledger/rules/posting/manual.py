"""Entries by hand: with a reason, an author and a second person who approved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from upss.kernel.errors import DomainError, Forbidden
from upss.kernel.money import Money
from upss.ledger.rules import chart
from upss.ledger.rules.entry import EntryDraft, Fact, Line
from upss.ledger.rules.posting.kinds import draft, move

MIN_REASON = 10


class ReasonTooShort(DomainError):
    """A reason of fewer than ten characters explains nothing to an auditor."""

    code = "reason_too_short"
    status = 422


class SamePerson(Forbidden):
    """Who wrote an adjustment cannot approve it."""

    code = "same_person"


def adjustment(
    *,
    adjustment_key: str,
    lines: Sequence[Line],
    reason: str,
    author: str,
    approver: str,
    reverses_id: int | None = None,
) -> EntryDraft:
    """Put something right; `lines` balance, every account stands in the chart.

    Raises `ReasonTooShort`, `SamePerson`, `UnknownAccount`, `BadEntry`.
    """
    for line in lines:
        chart.check(line.account)
    facts: dict[str, Fact] = {
        "lines": sorted(
            (line.account, line.currency, line.amount, line.question_id or 0) for line in lines
        ),
        "reverses": reverses_id or 0,
    }
    made = replace(draft("adjustment", adjustment_key, lines, facts), reverses_id=reverses_id)
    return _by_hand(made, reason, author, approver)


def write_off(
    *, write_off_key: str, answerer_id: int, amount: Money, reason: str, author: str, approver: str
) -> EntryDraft:
    """Give up what an answerer owes after proven fraud; raises like `adjustment`."""
    accounts = {"debit": chart.WRITE_OFF, "credit": chart.receivable(answerer_id)}
    made = move("write_off", write_off_key, None, amount, **accounts)
    return _by_hand(made, reason, author, approver)


def _by_hand(made: EntryDraft, reason: str, author: str, approver: str) -> EntryDraft:
    reason = reason.strip()
    if len(reason) < MIN_REASON:
        raise ReasonTooShort(length=len(reason))
    if author == approver:
        raise SamePerson(author=author)
    return replace(made, reason=reason, actor=author, approver=approver)
