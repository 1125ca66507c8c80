"""Keyset paging: a page begins after the last key of the page before, never at an offset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request

Row = TypeVar("Row")
SIZE = 20
_BIGINT_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of rows; `next_key` is None on the last one."""

    rows: Sequence[Row]
    next_key: int | None
    is_first: bool


def cursor(name: str = "after") -> int | None:
    """Return the key in the address, or None on the first page or when it is not a key."""
    value = request.args.get(name, "")
    if not (value.isascii() and value.isdecimal()):
        return None
    return min(int(value[:20]), _BIGINT_MAX)


def page(
    rows: Sequence[Row], *, keys: Sequence[int], after: int | None, size: int = SIZE
) -> Page[Row]:
    """Cut a page from `size + 1` fetched rows, whose keyset values are `keys`."""
    more = len(rows) > size
    return Page(rows[:size], keys[size - 1] if more else None, after is None)
