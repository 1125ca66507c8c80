"""The provider's own figures of each movement of its balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects.postgresql import insert

from upss.payments.models import BalanceTransactionRow

if TYPE_CHECKING:
    from upss.db.work import UnitOfWork
    from upss.kernel.ports import BalanceTransaction


def record_movement(uow: UnitOfWork, *, kind: str, movement: BalanceTransaction) -> bool:
    """Keep the provider's own figures of one movement; False if they were kept before."""
    kept = uow.session.execute(
        insert(BalanceTransactionRow)
        .values(
            id=movement.id,
            kind=kind,
            amount_minor=movement.amount_minor,
            fee_minor=movement.fee_minor,
            net_minor=movement.net_minor,
            currency=movement.currency,
            seen_at=uow.clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(BalanceTransactionRow.id)
    )
    return kept.first() is not None
