"""One snapshot of the ledger, read in constant memory: what every form of the export is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, select

from upss.ledger import queries_chain, walk
from upss.ledger.models import entry

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from upss.ledger.queries_chain import AccountTotals


@dataclass(frozen=True)
class Book:
    """The ledger at one moment. `seen` is called once for each entry that was read."""

    session: Session
    seen: Callable[[], object] = lambda: None

    @property
    def n_entries(self) -> int:
        """How many entries there are, in blocks or not."""
        return self.session.execute(select(func.count()).select_from(entry)).scalar_one()

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last value date, or None for an empty ledger."""
        first, last = self.session.execute(
            select(func.min(entry.c.value_date), func.max(entry.c.value_date))
        ).one()
        return None if first is None else (first, last)

    def entries(self, *, by_value_date: bool = False) -> Iterator[list[Row[Any]]]:
        """Yield the rows of one entry after the other, a row for each line."""
        for rows in walk.entries(self.session, by_value_date=by_value_date):
            yield rows
            self.seen()

    def blocks(self) -> Iterator[list[Row[Any]]]:
        """Yield the rows of one block after the other, a row for each of its entries."""
        return walk.blocks(self.session)

    def accounts(self) -> list[AccountTotals]:
        """Return every account with lines and its totals as the application knows them, by code."""
        return queries_chain.account_totals(self.session)
