"""What the ledger refuses has a code that stays and a status that fits: pages and logs name them."""

from __future__ import annotations

import pytest

from upss.kernel.errors import BadAmount, DomainError, Forbidden, IdempotencyConflict, UpssError
from upss.ledger.rules.bearing import NothingLeft, NotSplit, RefundTooLarge
from upss.ledger.rules.chart import UnknownAccount
from upss.ledger.rules.entry import BadEntry
from upss.ledger.rules.posting.manual import ReasonTooShort, SamePerson
from upss.ledger.rules.split import BadRate

CODES = {
    BadAmount: ("bad_amount", 422),
    BadRate: ("bad_rate", 422),
    IdempotencyConflict: ("idempotency_conflict", 409),
    NothingLeft: ("nothing_left", 409),
    NotSplit: ("not_split", 409),
    ReasonTooShort: ("reason_too_short", 422),
    RefundTooLarge: ("refund_too_large", 409),
    SamePerson: ("same_person", 403),
    UnknownAccount: ("unknown_account", 422),
}


@pytest.mark.parametrize("error", CODES)
def test_a_refusal_has_its_code_and_status(error):
    assert (error.code, error.status) == CODES[error]
    assert issubclass(error, DomainError)
    assert str(error(left=1)).startswith(error.code)


def test_an_entry_that_does_not_balance_is_our_own_mistake():
    assert BadEntry.code == "bad_entry"
    assert issubclass(BadEntry, UpssError)
    assert not issubclass(BadEntry, DomainError)


def test_who_may_not_approve_is_forbidden():
    assert issubclass(SamePerson, Forbidden)
