"""The limits that people of the demo set for themselves: two that are partly used, one removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import Action, CapRule, Metric
from upss.forum.service import own_limits
from upss.kernel.ids import AccountId
from upss.web.ports import unit

STEPS = 2

# Generous: no story of the demo is refused for them. The figures are invented.
_MOST = CapRule(metric=Metric.MONEY, period=Period.ROLLING, days=30, limit=12_000, currency="EUR")
_NEAR = CapRule(
    metric=Metric.MONEY,
    period=Period.ROLLING,
    days=30,
    limit=5_500,
    currency="EUR",
    action=Action.WARN,
    note="Per saber quan n'he de parlar amb la gestora.",
)
_TIME = CapRule(metric=Metric.MINUTES, period=Period.WEEK, limit=20 * 60)


def steps(
    *, now: datetime, people: Mapping[str, AccountId], zone: str
) -> Iterator[tuple[datetime, Callable[[], object]]]:
    """Yield what two people do, each act with its time."""

    def limit(who: str, *rules: CapRule, is_removed: bool = False) -> None:
        me = people[who]
        with unit() as uow:
            for rule in rules:
                made = own_limits.add(uow, account_id=me, rule=rule, currency="EUR", zone=zone)
                if is_removed:
                    own_limits.remove(uow, account_id=me, public_id=made)
            uow.commit()

    yield now - timedelta(days=15), lambda: limit("salvia.roureda", _MOST, _NEAR)
    yield now - timedelta(days=2), lambda: limit("teix.boixeda", _TIME, is_removed=True)
