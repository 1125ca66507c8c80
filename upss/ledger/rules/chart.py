"""The chart of accounts: each code, and what follows from the code alone."""

from __future__ import annotations

from upss.kernel.errors import DomainError


class UnknownAccount(DomainError):
    """A code that does not stand in the chart of accounts."""

    code = "unknown_account"
    status = 422


STRIPE_BALANCE = "Assets:Stripe:Balance"
STRIPE_UNSETTLED = "Assets:Stripe:Unsettled"
STRIPE_IN_TRANSIT = "Assets:Stripe:InTransit"
BANK = "Assets:Bank:Main"
BANK_OUTGOING = "Assets:Bank:Outgoing"
TELCO_RECEIVABLE = "Assets:Receivable:Telco"
DISPUTES_HELD = "Assets:Disputes:Held"

HELD = "Liabilities:Held:Questions"
REFUNDS_PENDING = "Liabilities:Refunds:Pending"
VOUCHERS = "Liabilities:Vouchers:Outstanding"

GUARANTEE_FUND = "Equity:GuaranteeFund"
OPENING = "Equity:Opening"
SUSPENSE = "Equity:Suspense"

COMMISSION = "Income:Commission:Questions"
TIP_COMMISSION = "Income:Commission:Tips"
BREAKAGE = "Income:Vouchers:Breakage"

STRIPE_FEES = "Expenses:Stripe:Fees"
DISPUTE_FEES = "Expenses:Stripe:DisputeFees"
BANK_FEES = "Expenses:Bank:Fees"
TELCO_SHARE = "Expenses:Telco:Share"
GOODWILL = "Expenses:Goodwill"
CHARGEBACKS = "Expenses:Chargebacks"
WRITE_OFF = "Expenses:WriteOff"

PAYABLE_PREFIX = "Liabilities:Answerer:Payable:A"
IN_PAYOUT_PREFIX = "Liabilities:Answerer:InPayout:A"
RECEIVABLE_PREFIX = "Assets:Receivable:Answerer:A"

# Every account that belongs to nobody in particular; those of a person begin with a prefix above.
SYSTEM_ACCOUNTS = (
    STRIPE_BALANCE, STRIPE_UNSETTLED, STRIPE_IN_TRANSIT, BANK, BANK_OUTGOING, TELCO_RECEIVABLE,
    DISPUTES_HELD, HELD, REFUNDS_PENDING, VOUCHERS, GUARANTEE_FUND, OPENING, SUSPENSE, COMMISSION,
    TIP_COMMISSION, BREAKAGE, STRIPE_FEES, DISPUTE_FEES, BANK_FEES, TELCO_SHARE, GOODWILL,
    CHARGEBACKS, WRITE_OFF,
)  # fmt: skip

# The side on which an account must stand: +1 never on the credit side, -1 never on the debit side.
# PostgreSQL refuses it per question for the guarded ones; `upss doctor` looks after all.
SIDES = {
    STRIPE_UNSETTLED: 1,
    STRIPE_IN_TRANSIT: 1,
    BANK_OUTGOING: -1,
    TELCO_RECEIVABLE: 1,
    DISPUTES_HELD: 1,
    HELD: -1,
    REFUNDS_PENDING: -1,
    VOUCHERS: -1,
}
_PERSONAL_SIDES = {PAYABLE_PREFIX: -1, IN_PAYOUT_PREFIX: -1, RECEIVABLE_PREFIX: 1}

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
    """Return the account of what is reserved for an answerer's payout."""
    return f"{IN_PAYOUT_PREFIX}{answerer_id:04d}"


def receivable(answerer_id: int) -> str:
    """Return the account of what an answerer owes, after fraud that two people have judged."""
    return f"{RECEIVABLE_PREFIX}{answerer_id:04d}"


def answerer_of(code: str) -> int:
    """Return the answerer's id from one of a person's accounts."""
    return int(code.rpartition(":A")[2])


def kind_of(code: str) -> str:
    """Return asset, liability, income, expense or equity; raises KeyError for another root."""
    return _KINDS[code.partition(":")[0]]


def is_known(code: str) -> bool:
    """Return whether the code stands in this chart, in its one spelling."""
    if code in SYSTEM_ACCOUNTS:
        return True
    number = code.rpartition(":A")[2]
    spelled = number.isascii() and number.isdecimal() and number == f"{int(number):04d}"
    return spelled and any(code == prefix + number for prefix in _PERSONAL_SIDES)


def check(code: str) -> str:
    """Return the code; raises `UnknownAccount` if it does not stand in the chart."""
    if not is_known(code):
        raise UnknownAccount(account=code)
    return code


def is_guarded(code: str) -> bool:
    """Return whether the account owes somebody: per question it never goes to the debit side."""
    return code == HELD or code.startswith((PAYABLE_PREFIX, IN_PAYOUT_PREFIX))


def side_of(code: str) -> int:
    """Return 1 for never on the credit side, -1 for never on the debit side, 0 for either."""
    for prefix, side in _PERSONAL_SIDES.items():
        if code.startswith(prefix):
            return side
    return SIDES.get(code, 0)
