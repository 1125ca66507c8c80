"""The split of a price: the answerers' shares, the organizer's part and the guarantee fund's."""

from __future__ import annotations

from dataclasses import dataclass

from upss.kernel.errors import BadAmount, DomainError
from upss.kernel.money import check_minor
from upss.ledger.rules.allocate import allocate

WHOLE_BP = 10_000
MAX_COMMISSION_BP = 2_500


class BadRate(DomainError):
    """A commission above a quarter of the price, or a fund larger than the commission."""

    code = "bad_rate"
    status = 422


@dataclass(frozen=True, slots=True)
class Split:
    """Parts of one price in minor units: share + commission = price, fund + organizer = commission."""

    share_minor: int
    commission_minor: int
    fund_minor: int
    organizer_minor: int


@dataclass(frozen=True, slots=True)
class Terms:
    """The rates frozen with the offer, in basis points, and who answered with which weight."""

    commission_bp: int
    fund_bp: int
    answerers: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What remains of a price in minor units, for everybody: the target of every refund."""

    organizer_minor: int
    fund_minor: int
    shares: dict[int, int]  # answerer id -> minor units


def split(amount_minor: int, *, commission_bp: int, fund_bp: int) -> Split:
    """Divide a price; rates in basis points, each part rounded down in the answerer's favour.

    The odd cent is the answerer's. The fund's part is taken out of the commission.
    Raises `BadAmount` below one minor unit and `BadRate` above the ceiling.
    """
    if check_minor(amount_minor) < 1:
        raise BadAmount(value=amount_minor)
    check_rates(commission_bp, fund_bp)
    commission = amount_minor * commission_bp // WHOLE_BP
    fund = amount_minor * fund_bp // WHOLE_BP
    parts = Split(
        share_minor=amount_minor - commission,
        commission_minor=commission,
        fund_minor=fund,
        organizer_minor=commission - fund,
    )
    assert parts.share_minor + parts.fund_minor + parts.organizer_minor == amount_minor
    assert min(parts.share_minor - 1, parts.fund_minor, parts.organizer_minor) >= 0
    return parts


def parts_of(remaining_minor: int, terms: Terms) -> Parts:
    """Divide what remains of a price after refunds (0 or more minor units) between everybody.

    It depends on what remains alone, never on the steps that led there.
    """
    answerers = [answerer for answerer, _ in terms.answerers]
    if remaining_minor == 0:
        check_rates(terms.commission_bp, terms.fund_bp)
        return Parts(0, 0, dict.fromkeys(answerers, 0))
    made = split(remaining_minor, commission_bp=terms.commission_bp, fund_bp=terms.fund_bp)
    shares = allocate(made.share_minor, [weight for _, weight in terms.answerers])
    return Parts(made.organizer_minor, made.fund_minor, dict(zip(answerers, shares, strict=True)))


def check_rates(commission_bp: int, fund_bp: int) -> None:
    """Raise `BadRate` unless 0 <= fund <= commission <= 2,500 basis points, in exact ints."""
    exact = type(commission_bp) is int and type(fund_bp) is int
    if not (exact and 0 <= fund_bp <= commission_bp <= MAX_COMMISSION_BP):
        raise BadRate(commission_bp=commission_bp, fund_bp=fund_bp)
