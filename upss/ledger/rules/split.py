"""The split of a price: the answerer's share, the organizer's part and the guarantee fund's."""

from __future__ import annotations

from dataclasses import dataclass

from upss.kernel.errors import BadAmount, DomainError
from upss.kernel.money import check_minor

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


def check_rates(commission_bp: int, fund_bp: int) -> None:
    """Raise `BadRate` unless 0 <= fund <= commission <= 2,500 basis points, in exact ints."""
    exact = type(commission_bp) is int and type(fund_bp) is int
    if not (exact and 0 <= fund_bp <= commission_bp <= MAX_COMMISSION_BP):
        raise BadRate(commission_bp=commission_bp, fund_bp=fund_bp)
