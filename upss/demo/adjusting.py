"""The adjustments of the demo's books: one that two organizers agreed on, one that still waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import text

from upss.adjustments import service
from upss.adjustments.rules.proposals import Typed
from upss.kernel.ids import AccountId, new_public_id
from upss.ledger.rules import chart
from upss.web.ports import unit

STEPS = 3

# The first question ever accepted: by then there is one, and its share was paid out long ago.
_FIRST = text("SELECT id FROM question WHERE accepted_at IS NOT NULL ORDER BY accepted_at LIMIT 1")

# Each in the language of who wrote it.
_THANKS = "Va tornar a trucar per ajudar una segona vegada, fora de l'encàrrec."
_FEES = "Comisión de noviembre de la cuenta del banco, según el extracto."


def steps(
    *, now: datetime, first: AccountId, second: AccountId
) -> Iterator[tuple[datetime, Callable[[], object]]]:
    """Yield what the two organizers do, each act with its time."""
    goodwill, fees = new_public_id(), new_public_id()

    def thank() -> None:
        with unit() as uow:
            number = uow.session.execute(_FIRST).scalar_one()
        typed = Typed(purpose="goodwill", question=str(number), amount="2,50", reason=_THANKS)
        _propose(typed, goodwill, first)

    def approve() -> None:
        with unit() as uow:
            service.approve(uow, public_id=goodwill, organizer_id=second)
            uow.commit()

    def claim_fees() -> None:
        typed = Typed(
            purpose="correction",
            debit=chart.BANK_FEES,
            credit=chart.BANK,
            amount="1,80",
            reason=_FEES,
        )
        _propose(typed, fees, second)

    yield now - timedelta(days=4, hours=3), thank
    yield now - timedelta(days=4), approve
    yield now - timedelta(hours=5), claim_fees


def _propose(typed: Typed, public_id: str, organizer_id: AccountId) -> None:
    with unit() as uow:
        proposal = service.understand(uow, typed)
        service.propose(uow, proposal, public_id=public_id, organizer_id=organizer_id)
        uow.commit()
