"""The chart of accounts: each code, and what follows from the code alone."""

from __future__ import annotations

STRIPE_BALANCE = "Assets:Stripe:Balance"
STRIPE_UNSETTLED = "Assets:Stripe:Unsettled"
HELD = "Liabilities:Held:Questions"
REFUNDS_PENDING = "Liabilities:Refunds:Pending"
GUARANTEE_FUND = "Equity:GuaranteeFund"
COMMISSION = "Income:Commission:Questions"
STRIPE_FEES = "Expenses:Stripe:Fees"

PAYABLE_PREFIX = "Liabilities:Answerer:Payable:A"
IN_PAYOUT_PREFIX = "Liabilities:Answerer:InPayout:A"

_KINDS = {
    "Assets": "asset",
    "Liabilities": "liability",
    "Income": "income",
    "Expenses": "expense",
    "Equity": "equity",
}


def payable(answerer_id: int) -> str:
    """Return the account of what an answerer has earned and is in no payout."""
    return f"{PAYABLE_PREFIX}{answerer_id:04d}"


def in_payout(answerer_id: int) -> str:
    """Return the account of what is reserved for an answerer's transfer."""
    return f"{IN_PAYOUT_PREFIX}{answerer_id:04d}"


def answerer_of(code: str) -> int:
    """Return the answerer's id from a payable or in-payout account."""
    return int(code.rpartition(":A")[2])


def kind_of(code: str) -> str:
    """Return asset, liability, income, expense or equity; raises KeyError for another root."""
    return _KINDS[code.partition(":")[0]]


def is_guarded(code: str) -> bool:
    """Return whether the account owes somebody: per question it never goes to the debit side."""
    return code == HELD or code.startswith((PAYABLE_PREFIX, IN_PAYOUT_PREFIX))
