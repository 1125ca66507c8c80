"""What payouts tell the packages above."""

from __future__ import annotations

from dataclasses import dataclass

from upss.kernel.events import Event
from upss.kernel.ids import AccountId, PayoutItemId


@dataclass(frozen=True, kw_only=True)
class PayoutSent(Event):
    """A transfer to an answerer exists at the provider."""

    item_id: PayoutItemId
    answerer_id: AccountId


@dataclass(frozen=True, kw_only=True)
class PayoutRefused(Event):
    """The provider refused the transfer; the money is payable again."""

    item_id: PayoutItemId
    answerer_id: AccountId
