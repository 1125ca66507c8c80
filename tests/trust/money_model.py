"""What the books must say, told without any posting: plain facts about questions and movements.

Nothing of the ledger is used here but the form of a line's account code; shares are found cent by
cent, and who bears what is worked out from the handbook's words.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

HELD = "Liabilities:Held:Questions"
UNSETTLED = "Assets:Stripe:Unsettled"
STRIPE = "Assets:Stripe:Balance"
TRANSIT = "Assets:Stripe:InTransit"
BANK = "Assets:Bank:Main"
OUTGOING = "Assets:Bank:Outgoing"
TELCO = "Assets:Receivable:Telco"
DISPUTES = "Assets:Disputes:Held"
PENDING = "Liabilities:Refunds:Pending"
VOUCHERS = "Liabilities:Vouchers:Outstanding"
FUND = "Equity:GuaranteeFund"
SUSPENSE = "Equity:Suspense"
COMMISSION = "Income:Commission:Questions"
BREAKAGE = "Income:Vouchers:Breakage"
STRIPE_FEES = "Expenses:Stripe:Fees"
DISPUTE_FEES = "Expenses:Stripe:DisputeFees"
BANK_FEES = "Expenses:Bank:Fees"
TELCO_SHARE = "Expenses:Telco:Share"
GOODWILL = "Expenses:Goodwill"
CHARGEBACKS = "Expenses:Chargebacks"
WRITE_OFF = "Expenses:WriteOff"
PAYABLE = "Liabilities:Answerer:Payable:A"
IN_PAYOUT = "Liabilities:Answerer:InPayout:A"
RECEIVABLE = "Assets:Receivable:Answerer:A"

# Accounts that are compared question by question; the others as a whole.
BY_QUESTION = (HELD, UNSETTLED, DISPUTES, PENDING, COMMISSION, CHARGEBACKS, PAYABLE, IN_PAYOUT)
NEVER_DEBIT = (HELD, PENDING, VOUCHERS, OUTGOING, PAYABLE, IN_PAYOUT)
NEVER_CREDIT = (UNSETTLED, TRANSIT, TELCO, DISPUTES, RECEIVABLE)


@lru_cache(maxsize=50_000)
def webster(total: int, weights: tuple[int, ...]) -> tuple[int, ...]:
    """Share cents one by one: each to the strongest claim, ties to the first."""
    shares = [0] * len(weights)
    for _ in range(total):
        strongest = 0
        for i, weight in enumerate(weights):
            if weight * (2 * shares[strongest] + 1) > weights[strongest] * (2 * shares[i] + 1):
                strongest = i
        shares[strongest] += 1
    return tuple(shares)


@dataclass
class Case:
    """One question: what was paid, what went back, who has earned what with it."""

    id: int
    price: int
    by_voucher: bool
    commission_bp: int
    fund_bp: int
    returned: int = 0
    held: int = 0
    round: int = 0
    is_split: bool = False
    rebated: bool = False
    answerers: tuple[tuple[int, int], ...] = ()
    earned: Counter[int] = field(default_factory=Counter)  # less what was taken back
    gifts: Counter[int] = field(default_factory=Counter)
    out: Counter[int] = field(default_factory=Counter)  # reserved or paid, less what came back
    reserved: Counter[int] = field(default_factory=Counter)
    unsettled: int = 0
    pending: int = 0
    disputed: int = 0
    chargebacks: int = 0

    @property
    def remaining(self) -> int:
        return self.price - self.returned

    @property
    def commission(self) -> int:
        """What commission and fund have of it together."""
        return self.remaining * self.commission_bp // 10_000 if self.is_split else 0

    @property
    def fund_slice(self) -> int:
        return self.remaining * self.fund_bp // 10_000 if self.is_split else 0

    def payable(self, answerer: int) -> int:
        return self.earned[answerer] + self.gifts[answerer] - self.out[answerer]

    def reclaimable(self, answerer: int) -> int:
        """Gifts are never taken back; what was taken from the earned by hand is gone."""
        earned = self.earned[answerer] + min(0, self.gifts[answerer])
        return max(0, earned - self.out[answerer])

    def people(self) -> set[int]:
        return set(self.earned) | set(self.gifts) | set(self.out)

    def shares(self) -> dict[int, int]:
        """Return what each answerer shall have of what remains."""
        total = self.remaining - self.commission
        weights = tuple(weight for _, weight in self.answerers)
        return dict(zip([a for a, _ in self.answerers], webster(total, weights), strict=True))


@dataclass
class Item:
    """One payout of one answerer, with what it takes from each question."""

    key: str
    answerer: int
    lines: tuple[tuple[int, int], ...]
    state: str = "reserved"  # sent, failed, submitted, booked, back

    @property
    def total(self) -> int:
        return sum(minor for _, minor in self.lines)


@dataclass
class Dispute:
    id: str
    case: Case
    amount: int
    fee: int
    state: str = "open"  # won, lost
    fee_returned: bool = False


@dataclass
class Person:
    """An answerer's statement: earned - paid = what is owed, less what is claimed."""

    earned: int = 0
    paid: int = 0
    claimed: int = 0
    written_off: int = 0


class Facts:
    """All that has happened, and the balances that follow from it."""

    def __init__(self) -> None:
        self.cases: dict[int, Case] = {}
        self.items: list[Item] = []
        self.disputes: list[Dispute] = []
        self.people: dict[int, Person] = {}
        self.charges: list[tuple[Case, int]] = []  # not settled yet
        self.refunds: list[tuple[Case, int]] = []  # owed, not gone yet
        self.refunds_gone: list[tuple[Case, int]] = []
        self.movements: dict[str, int] = {}  # the provider's balance transactions: id -> net
        self.bank_lines: dict[str, int] = {}  # lines of the bank's statement booked by their id
        self.bank_beside = 0  # what else came to the bank and left it
        self.in_transit: list[int] = []
        self.codes: dict[str, int] = {}  # live voucher codes
        self.codes_used: list[tuple[str, int]] = []
        self.telco = 0
        self.spent: Counter[str] = Counter()  # expenses and breakage, by account
        self.fund_beside = 0  # paid in and out, less what the fund has borne
        self.suspense = 0

    @property
    def fund(self) -> int:
        return self.fund_beside + sum(case.fund_slice for case in self.cases.values())

    def person(self, answerer: int) -> Person:
        return self.people.setdefault(answerer, Person())

    def bear(self, rest: int, fund: int, last: str) -> int:
        """Let the fund bear what it can of the rest; return what the organizer bears."""
        covered = min(rest, max(0, fund))
        self.fund_beside -= covered
        self.spent[last] += rest - covered
        return rest - covered

    def expected(self) -> dict[tuple[str, int | None], int]:
        """Return every balance that is not zero, debit above zero."""
        sums: Counter[tuple[str, int | None]] = Counter()
        for case in self.cases.values():
            sums[HELD, case.id] -= case.held
            sums[UNSETTLED, case.id] += case.unsettled
            sums[PENDING, case.id] -= case.pending
            sums[DISPUTES, case.id] += case.disputed
            sums[COMMISSION, case.id] -= case.commission - case.fund_slice
            sums[CHARGEBACKS, case.id] += case.chargebacks
            for answerer in case.people():
                sums[f"{PAYABLE}{answerer:04}", case.id] -= case.payable(answerer)
                sums[f"{IN_PAYOUT}{answerer:04}", case.id] -= case.reserved[answerer]
        sums[STRIPE, None] = sum(self.movements.values())
        sums[BANK, None] = sum(self.bank_lines.values()) + self.bank_beside
        sums[TRANSIT, None] = sum(self.in_transit)
        sums[OUTGOING, None] = -sum(x.total for x in self.items if x.state == "submitted")
        sums[VOUCHERS, None] = -sum(self.codes.values())
        sums[TELCO, None] = self.telco
        sums[FUND, None] = -self.fund
        sums[SUSPENSE, None] = -self.suspense
        for answerer, person in self.people.items():
            sums[f"{RECEIVABLE}{answerer:04}", None] = person.claimed - person.written_off
            sums[WRITE_OFF, None] += person.written_off
        for account, minor in self.spent.items():
            if account != CHARGEBACKS:
                sums[account, None] += minor
        return {place: minor for place, minor in sums.items() if minor}
