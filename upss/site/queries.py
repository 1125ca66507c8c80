"""The terms in force: split rule, topics and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from upss.site.models import Price, SiteVersion, Topic

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Terms:
    """Split rule in basis points, and prices in minor units by (topic, size)."""

    version_id: int
    commission_bp: int
    fund_bp: int
    currency: str
    topics: tuple[str, ...]
    prices: Mapping[tuple[str, str], int]


def terms(session: Session) -> Terms:
    """Return the newest terms, with the open topics in their order; one statement."""
    newest = select(func.max(SiteVersion.id)).scalar_subquery()
    rows = session.execute(
        select(
            SiteVersion.id,
            SiteVersion.commission_bp,
            SiteVersion.fund_bp,
            SiteVersion.currency,
            Price.topic,
            Price.size,
            Price.price_minor,
        )
        .join(Price, Price.version_id == SiteVersion.id)
        .join(Topic, Topic.code == Price.topic)
        .where(SiteVersion.id == newest, Topic.is_open)
        .order_by(Topic.position, Price.price_minor)
    ).all()
    first = rows[0]
    return Terms(
        first.id,
        first.commission_bp,
        first.fund_bp,
        first.currency,
        tuple(dict.fromkeys(row.topic for row in rows)),
        {(row.topic, row.size): row.price_minor for row in rows},
    )
