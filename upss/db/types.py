"""Column types that refuse what PostgreSQL would bend: floats as money, times without a zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

from upss.kernel.money import check_minor


class MinorUnits(TypeDecorator[int]):
    """An exact integer of minor units; PostgreSQL alone would round 10.5 without a word."""

    impl = BigInteger
    cache_ok = True

    @override
    def process_bind_param(self, value: int | None, dialect: Any) -> int | None:
        """Refuse anything but an int."""
        return None if value is None else check_minor(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, stored with its zone and always read as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Refuse a time that names no zone."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored time needs a zone")
        return value

    @override
    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Read as UTC, whatever zone the connection speaks."""
        return None if value is None else value.astimezone(UTC)
