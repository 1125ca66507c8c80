"""Background work on the ledger: what waits is anchored every few minutes."""

from __future__ import annotations

from upss.ledger.service import anchoring
from upss.web.ports import unit


def anchor() -> int:
    """Seal what waits into blocks, in a unit of its own; return how many entries it were."""
    with unit() as uow:
        anchored = anchoring.anchor(uow)
        uow.commit()
    return anchored.entries if anchored else 0
