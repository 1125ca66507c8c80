"""What came of offering a question: how often it was passed over or refused, and why; no names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, literal, select, union_all

from upss.forum.models_offers import Refusal, Skip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Untaken:
    """How often a question was not taken for one reason: passed over, or a refused claim."""

    is_refusal: bool
    reason: str
    times: int


def untaken(session: Session, question_id: int) -> Sequence[Untaken]:
    """Return why a question was not taken, the most frequent first; one statement."""
    skips = (
        select(literal(False).label("is_refusal"), Skip.reason, func.count().label("times"))  # noqa: FBT003
        .where(Skip.question_id == question_id)
        .group_by(Skip.reason)
    )
    refusals = select(literal(True), Refusal.reason, Refusal.times).where(  # noqa: FBT003
        Refusal.question_id == question_id
    )
    rows = union_all(skips, refusals).subquery()
    found = session.execute(select(rows).order_by(rows.c.times.desc(), rows.c.reason))
    return [Untaken(*row) for row in found]
