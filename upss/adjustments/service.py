"""Adjustments: one organizer proposes, another approves, and one entry is posted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from upss.adjustments import queries
from upss.adjustments.events import AdjustmentProposed
from upss.adjustments.models import Adjustment
from upss.adjustments.rules.proposals import (
    THEIR_PAYABLE,
    THEIR_RECEIVABLE,
    THEIRS,
    BadProposal,
    Proposal,
    Purpose,
    Status,
    Typed,
    account_fault,
    minor_units,
    reason_fault,
    reason_of,
)
from upss.forum.service import caps
from upss.kernel.errors import DomainError, Forbidden, NotFound
from upss.kernel.ids import AccountId
from upss.kernel.money import EXPONENTS, Money
from upss.ledger.rules import chart
from upss.ledger.rules.posting import manual
from upss.ledger.service.posting import Overdrawn, post
from upss.site import queries as site

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork

_LONGEST_NUMBER = 18  # decimal digits that a bigint always holds


class NotAuthor(Forbidden):
    """Only who proposed an adjustment can withdraw it."""

    code = "not_author"


class Decided(DomainError):
    """The proposal was approved, refused or withdrawn before."""

    code = "decided"


class NotReversible(DomainError):
    """This adjustment has no entry, or its entry is reversed or about to be."""

    code = "not_reversible"


class Differs(DomainError):
    """Another proposal stands under this public id; nothing was stored."""

    code = "proposal_differs"


def understand(uow: UnitOfWork, typed: Typed) -> Proposal:
    """Return what a form proposes; raises `BadProposal` with everything that is wrong with it."""
    faults: dict[str, str] = {}
    purpose = Purpose.CORRECTION if typed.purpose == Purpose.CORRECTION else Purpose.GOODWILL
    if typed.purpose != purpose:
        faults["purpose"] = "empty"
    debit, credit = _accounts(purpose, typed, faults)
    question = _question(uow, typed.question, faults)
    concerns_them = debit in THEIRS or credit in THEIRS
    if question is None and concerns_them:
        faults.setdefault("question", "empty")
    if question is not None and concerns_them and question.accepted_at is None:
        faults["question"] = "not_accepted"
    currency = _currency(uow, question)
    minor = minor_units(typed.amount, EXPONENTS[currency])
    if minor is None:
        faults["amount"] = "bad" if typed.amount.strip() else "empty"
    reason = reason_of(typed.reason)
    fault = reason_fault(reason)
    if fault is not None:
        faults["reason"] = fault
    if faults or minor is None:
        raise BadProposal(faults)
    whose = None if question is None else question.answerer_id
    return Proposal(
        purpose=purpose,
        question_id=None if question is None else question.id,
        answerer_id=whose if concerns_them else None,
        debit_account=_code(debit, whose),
        credit_account=_code(credit, whose),
        amount=Money(minor, currency),
        reason=reason,
    )


def propose(
    uow: UnitOfWork, proposal: Proposal, *, public_id: str, organizer_id: AccountId
) -> None:
    """Store a proposal and tell the other organizers; nothing is posted.

    A second call with the same public id (a form sent twice) changes nothing, and raises
    `Differs` if it says anything else than the first one.
    """
    if _add(uow, proposal, public_id, organizer_id) is not None:
        return
    stored = queries.by_public_id(uow.session, public_id)
    if stored is None:
        raise NotReversible(entry=proposal.reverses_id)
    if (queries.proposal_of(stored), stored.proposed_by) != (proposal, organizer_id):
        raise Differs(adjustment=public_id)


def propose_reversal(
    uow: UnitOfWork, *, of_public_id: str, reason: str, public_id: str, organizer_id: AccountId
) -> None:
    """Propose the exact opposite of an approved adjustment; its entry is reversed once at most.

    Raises `BadProposal` for the reason, `NotReversible` where there is nothing to reverse.
    """
    row = queries.by_public_id(uow.session, of_public_id)
    if row is None:
        raise NotFound
    if row.entry_id is None:
        raise NotReversible(status=row.status)
    fault = reason_fault(reason_of(reason))
    if fault is not None:
        raise BadProposal({"reason": fault})
    made = queries.proposal_of(row).opposite(entry_id=row.entry_id, reason=reason_of(reason))
    propose(uow, made, public_id=public_id, organizer_id=organizer_id)


def approve(uow: UnitOfWork, *, public_id: str, organizer_id: AccountId) -> int:
    """Post a proposal and return the number of its entry.

    Raises `SamePerson` (of the ledger's rules) for who proposed it, `Decided` if somebody was
    faster, `Overdrawn` if an account holds less: then the proposal stays.
    """
    row = _lock_open(uow, public_id)
    proposal = queries.proposal_of(row)
    # PostgreSQL looks after the guarded accounts; nothing but this after what a person owes.
    if any(one.is_wrong and not one.is_guarded for one in queries.standings(uow.session, proposal)):
        raise Overdrawn(adjustment=public_id)
    draft = manual.adjustment(
        adjustment_key=row.public_id,
        lines=proposal.lines,
        reason=row.reason,
        author=f"organizer:{row.proposed_by}",
        approver=f"organizer:{organizer_id}",
        reverses_id=row.reverses_id,
    )
    row.entry_id = post(uow, draft).entry_id
    _decide(uow, row, Status.APPROVED, organizer_id)
    _count_in_limits(uow, proposal)
    return row.entry_id


def _count_in_limits(uow: UnitOfWork, proposal: Proposal) -> None:
    """Count what is owed for an answer in the own limits of whoever gave it."""
    if proposal.answerer_id is None or proposal.question_id is None:
        return
    theirs = chart.payable(proposal.answerer_id)
    owed = -sum(line.amount for line in proposal.lines if line.account == theirs)
    if owed:
        caps.adjusted(
            uow,
            question_id=proposal.question_id,
            answerer_id=proposal.answerer_id,
            minor=owed,
        )


def refuse(uow: UnitOfWork, *, public_id: str, organizer_id: AccountId) -> None:
    """Say no to a proposal; raises `SamePerson` for who proposed it, `Decided` if it is too late."""
    row = _lock_open(uow, public_id)
    if row.proposed_by == organizer_id:
        raise manual.SamePerson(adjustment=public_id)
    _decide(uow, row, Status.REFUSED, organizer_id)


def withdraw(uow: UnitOfWork, *, public_id: str, organizer_id: AccountId) -> None:
    """Take a proposal back; raises `NotAuthor` for anybody else, `Decided` if it is too late."""
    row = _lock_open(uow, public_id)
    if row.proposed_by != organizer_id:
        raise NotAuthor(adjustment=public_id)
    _decide(uow, row, Status.WITHDRAWN, organizer_id)


def _accounts(purpose: Purpose, typed: Typed, faults: dict[str, str]) -> tuple[str, str]:
    """Return the chosen accounts; for goodwill they follow from the purpose."""
    if purpose is Purpose.GOODWILL:
        return chart.GOODWILL, THEIR_PAYABLE
    for side, code in (("debit", typed.debit), ("credit", typed.credit)):
        fault = account_fault(code)
        if fault is not None:
            faults[side] = fault
    if typed.debit == typed.credit:
        faults.setdefault("credit", "same")
    return typed.debit, typed.credit


def _question(uow: UnitOfWork, typed: str, faults: dict[str, str]) -> queries.AnyRow | None:
    number = typed.strip().lstrip("#")
    if not number:
        return None
    found = None
    if number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER:
        found = queries.question_by_number(uow.session, int(number))
    if found is None:
        faults["question"] = "unknown"
    return found


def _currency(uow: UnitOfWork, question: queries.AnyRow | None) -> str:
    offered = None if question is None else question.currency
    return str(offered or site.terms(uow.session).currency)


def _code(chosen: str, answerer_id: int | None) -> str:
    if answerer_id is None:
        return chosen
    theirs = {
        THEIR_PAYABLE: chart.payable(answerer_id),
        THEIR_RECEIVABLE: chart.receivable(answerer_id),
    }
    return theirs.get(chosen, chosen)


def _add(
    uow: UnitOfWork, proposal: Proposal, public_id: str, organizer_id: AccountId
) -> int | None:
    """Store the row; None if one of this public id, or of this reversal, is there."""
    now = uow.clock.now()
    made = uow.session.scalar(
        insert(Adjustment)
        .values(
            public_id=public_id,
            purpose=proposal.purpose,
            question_id=proposal.question_id,
            answerer_id=proposal.answerer_id,
            debit_account=proposal.debit_account,
            credit_account=proposal.credit_account,
            amount_minor=proposal.amount.minor,
            currency=proposal.amount.currency,
            reason=proposal.reason,
            reverses_id=proposal.reverses_id,
            proposed_by=organizer_id,
            proposed_at=now,
            status=Status.PROPOSED,
        )
        .on_conflict_do_nothing()
        .returning(Adjustment.id)
    )
    if made is not None:
        uow.emit(AdjustmentProposed(at=now, adjustment_id=made, proposed_by=organizer_id))
    return made


def _lock_open(uow: UnitOfWork, public_id: str) -> Adjustment:
    locked = select(Adjustment).where(Adjustment.public_id == public_id).with_for_update()
    row = uow.session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound
    if row.status != Status.PROPOSED:
        raise Decided(status=row.status)
    return row


def _decide(uow: UnitOfWork, row: Adjustment, status: Status, organizer_id: AccountId) -> None:
    row.status = status
    row.decided_by = organizer_id
    row.decided_at = uow.clock.now()
    uow.session.flush()
