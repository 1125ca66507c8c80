"""Typed database ids, and the random public ids that stand in addresses."""

from __future__ import annotations

import secrets
from typing import NewType

AccountId = NewType("AccountId", int)
QuestionId = NewType("QuestionId", int)
ClaimId = NewType("ClaimId", int)
PaymentId = NewType("PaymentId", int)
RefundId = NewType("RefundId", int)
EntryId = NewType("EntryId", int)
PayoutRunId = NewType("PayoutRunId", int)
PayoutItemId = NewType("PayoutItemId", int)

# No vowels and no look-alikes: an id can be read aloud on the phone and spells nothing.
_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
_LENGTH = 16


def new_public_id() -> str:
    """Return a random id of 16 characters (about 76 bits), safe in an address."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def new_token() -> str:
    """Return a secret of 256 bits for links and cookies."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """Return a short code of eight digits for another device."""
    return f"{secrets.randbelow(10**8):08d}"
