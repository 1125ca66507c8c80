"""A proposal: what was typed, what it means, and the two lines that it would write."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from upss.kernel.errors import DomainError
from upss.kernel.money import Money
from upss.ledger.rules import chart
from upss.ledger.rules.entry import Line

REASON_LEAST, REASON_MOST = 10, 300
# Stand in a form for the accounts of whoever answered the question: a code names nobody there.
THEIR_PAYABLE, THEIR_RECEIVABLE = "payable", "receivable"
THEIRS = (THEIR_PAYABLE, THEIR_RECEIVABLE)
# All that may be put right by hand. Any other account is the sum of rows that we or the provider
# keep (held questions, refunds, codes, payouts, movements): moved by hand it would never again
# agree with them, and money would be stranded or leave twice.
ACCOUNTS = (
    *THEIRS, chart.BANK, chart.GUARANTEE_FUND, chart.OPENING, chart.SUSPENSE, chart.COMMISSION,
    chart.TIP_COMMISSION, chart.STRIPE_FEES, chart.DISPUTE_FEES, chart.BANK_FEES,
    chart.TELCO_SHARE, chart.GOODWILL, chart.CHARGEBACKS, chart.WRITE_OFF,
)  # fmt: skip

_AMOUNT = re.compile(r"(?:€|EUR)?\s*(\d{1,9})(?:[.,](\d+))?\s*(?:€|EUR)?", re.ASCII | re.IGNORECASE)
_EMAIL = re.compile(r"\S@\S+\.\S")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b", re.IGNORECASE)


class Purpose(StrEnum):
    """What an adjustment is for."""

    GOODWILL = "goodwill"
    CORRECTION = "correction"
    REVERSAL = "reversal"


class Status(StrEnum):
    """Where a proposal is; everything but the first is final."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class BadProposal(DomainError):
    """Something typed cannot be understood; fact `faults` says what, by field."""

    code = "bad_proposal"
    status = 422

    def __init__(self, faults: dict[str, str]) -> None:
        self.faults = faults
        super().__init__(faults=faults)


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed:
    """The form as it was sent, word for word."""

    purpose: str = ""
    question: str = ""
    debit: str = ""
    credit: str = ""
    amount: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What one organizer proposes and another one sees: it is never changed afterwards."""

    purpose: Purpose
    question_id: int | None
    answerer_id: int | None
    debit_account: str
    credit_account: str
    amount: Money
    reason: str
    reverses_id: int | None = None

    @property
    def lines(self) -> tuple[Line, Line]:
        """The lines that are posted when it is approved: debit, then credit."""
        minor, currency = self.amount.minor, self.amount.currency
        return (
            Line(self.debit_account, currency, minor, self.question_id),
            Line(self.credit_account, currency, -minor, self.question_id),
        )

    def opposite(self, *, entry_id: int, reason: str) -> Proposal:
        """Return what undoes this proposal's entry: the same amount the other way."""
        return replace(
            self,
            purpose=Purpose.REVERSAL,
            debit_account=self.credit_account,
            credit_account=self.debit_account,
            reason=reason,
            reverses_id=entry_id,
        )


def minor_units(typed: str, exponent: int) -> int | None:
    """Return the amount in minor units, exactly: "2,50", "2.5" and "€ 2" are understood.

    None for anything else, also for more decimals than the currency has, and for 0.
    """
    found = _AMOUNT.fullmatch(typed.replace("\u00a0", " ").strip())
    if found is None:
        return None
    whole, part = found[1], found[2] or ""
    if len(part) > exponent:
        return None
    return int(whole + part.ljust(exponent, "0")) or None


def account_fault(code: str) -> str | None:
    """Return what is wrong with a chosen account; "by_itself" if no hand may move it."""
    if code in ACCOUNTS:
        return None
    return "by_itself" if code in chart.SYSTEM_ACCOUNTS else "empty"


def reason_of(typed: str) -> str:
    """Return the reason on one line, without spaces around it."""
    return " ".join(typed.split())


def reason_fault(reason: str) -> str | None:
    """Return what is wrong with a reason: it is kept for ever, so it must name nobody."""
    if len(reason) < REASON_LEAST:
        return "too_short"
    if len(reason) > REASON_MOST:
        return "too_long"
    return "personal" if _EMAIL.search(reason) or _IBAN.search(reason) else None
