"""Money as an exact integer of minor units with its currency."""

from __future__ import annotations

from dataclasses import dataclass

from upss.kernel.errors import BadAmount

# ISO 4217 exponents of the currencies that a site may choose; the schema is ready for
# more, version 1 opens with the euro alone.
EXPONENTS = {"EUR": 2}

# JSON numbers are exact up to 2^53 - 1 in every common reader; nothing larger is money here.
MAX_MINOR = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents for EUR) and its ISO 4217 currency code.

    Raises `BadAmount` for anything but a plain `int` within ±2^53, or an unknown currency.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        check_minor(self.minor)
        if self.currency not in EXPONENTS:
            raise BadAmount(value=self.currency)


def check_minor(value: object) -> int:
    """Return `value` if it is an exact integer of minor units.

    A float or bool is refused here because PostgreSQL would round a float parameter in silence.
    """
    if type(value) is not int or abs(value) > MAX_MINOR:
        raise BadAmount(value=value)
    return value
