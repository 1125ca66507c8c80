"""Who bears it when money goes back after the split, or a dispute is lost.

The commission and the fund's slice give back their part; the answerer gives back only what this
very question has earned and not paid out; what is left over is borne by the guarantee fund as far
as it reaches, then by the organizer. Gifts (tips, goodwill) are never taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from upss.kernel.errors import DomainError
from upss.ledger.rules import chart
from upss.ledger.rules.split import Parts, Terms, parts_of


class RefundTooLarge(DomainError):
    """More shall go back than is left of the price after earlier refunds."""

    code = "refund_too_large"


class NotSplit(DomainError):
    """The price is still held: nothing has been earned that could be taken back."""

    code = "not_split"


class NothingLeft(DomainError):
    """All of the price has gone back: there is nothing to hold again."""

    code = "nothing_left"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger says of one question, in minor units.

    `returned` is what has gone back of `paid` so far, by refunds, rebates and lost disputes, not
    at the organizer's own cost; `reclaimable` what each answerer has earned with it and not got.
    """

    paid: int
    returned: int
    held: int
    is_split: bool
    reclaimable: Mapping[int, int]

    @property
    def remaining(self) -> int:
        """What is left of the price."""
        return self.paid - self.returned


# Account -> minor units, debit above zero: one entry's lines of one question.
Amounts = dict[str, int]


def refund(standing: Standing, minor: int, terms: Terms, *, fund_minor: int, owed: str) -> Amounts:
    """Return the lines of a refund after the split; `owed` is the account that it goes to.

    `fund_minor` is what the guarantee fund holds. Raises `RefundTooLarge` and `NotSplit`.
    """
    _check(standing)
    if minor > standing.remaining:
        raise RefundTooLarge(asked=minor, left=standing.remaining)
    lines = _given_back(standing, minor, terms)
    rest = _reclaim(lines, standing, _shares_lost(standing, minor, terms))
    _bear(lines, rest, fund_minor, last=chart.GOODWILL)
    return lines | {owed: -minor}


def lost_dispute(standing: Standing, minor: int, terms: Terms, *, fund_minor: int) -> Amounts:
    """Return the lines of a lost dispute; it may be larger or smaller than what is left.

    Before the split it takes what is held; after it the answerers keep what they have earned.
    """
    counted = min(minor, standing.remaining if standing.is_split else standing.held)
    if standing.is_split:
        lines = _given_back(standing, counted, terms)
        rest = minor - sum(lines.values())
    else:
        lines = {chart.HELD: counted}
        rest = minor - counted
    _bear(lines, rest, fund_minor, last=chart.CHARGEBACKS)
    return lines | {chart.DISPUTES_HELD: -minor}


def hold_again(standing: Standing, terms: Terms, *, fund_minor: int) -> Amounts:
    """Return the lines that undo a split, so that another person can answer.

    Raises `NotSplit` while the price is held, `NothingLeft` after a full refund.
    """
    _check(standing)
    minor = standing.remaining
    if minor == 0:
        raise NothingLeft
    lines = _given_back(standing, minor, terms)
    rest = _reclaim(lines, standing, parts_of(minor, terms).shares)
    _bear(lines, rest, fund_minor, last=chart.GOODWILL)
    return lines | {chart.HELD: -minor}


def _check(standing: Standing) -> None:
    if not standing.is_split:
        raise NotSplit


def _before_and_after(standing: Standing, minor: int, terms: Terms) -> tuple[Parts, Parts]:
    left = standing.remaining
    return parts_of(left, terms), parts_of(left - minor, terms)


def _given_back(standing: Standing, minor: int, terms: Terms) -> Amounts:
    """Return what commission and fund give back: the difference to the new target."""
    before, after = _before_and_after(standing, minor, terms)
    return {
        chart.COMMISSION: before.organizer_minor - after.organizer_minor,
        chart.GUARANTEE_FUND: before.fund_minor - after.fund_minor,
    }


def _shares_lost(standing: Standing, minor: int, terms: Terms) -> dict[int, int]:
    before, after = _before_and_after(standing, minor, terms)
    return {answerer: share - after.shares[answerer] for answerer, share in before.shares.items()}


def _reclaim(lines: Amounts, standing: Standing, wanted: Mapping[int, int]) -> int:
    """Take from each answerer what is still there of the question; return what is missing."""
    missing = 0
    for answerer, minor in wanted.items():
        taken = min(minor, standing.reclaimable.get(answerer, 0))
        lines[chart.payable(answerer)] = taken
        missing += minor - taken
    return missing


def _bear(lines: Amounts, rest: int, fund_minor: int, *, last: str) -> None:
    """Let the fund bear the rest as far as it reaches, then the organizer."""
    slice_minor = lines.get(chart.GUARANTEE_FUND, 0)
    covered = min(rest, max(0, fund_minor - slice_minor))
    lines[chart.GUARANTEE_FUND] = slice_minor + covered
    lines[last] = rest - covered
