"""Why claims on a question were refused, counted for organizers; who was refused is not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy.dialects.postgresql import insert

from upss.forum.models_offers import Refusal
from upss.forum.rules.queue import ClaimRefused, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upss.db.work import UnitOfWork
    from upss.kernel.ids import QuestionId


def note(uow: UnitOfWork, *, question_id: QuestionId, error: ClaimRefused) -> None:
    """Count a refused claim under each of its reasons, as an organizer may read them.

    The claim's own unit of work is gone with the refusal: the caller gives another one.
    """
    reasons = frozenset(cast("Iterable[Reason]", error.facts["reasons"]))
    now = uow.clock.now()
    for reason in sorted(Verdict(reasons).for_organizer):
        uow.session.execute(
            insert(Refusal)
            .values(question_id=question_id, reason=reason.value, times=1, last_at=now)
            .on_conflict_do_update(
                index_elements=["question_id", "reason"],
                set_={"times": Refusal.times + 1, "last_at": now},
            )
        )
