"""Who answered an asker before: read to give a head start.

The asker is never told who that is; the answerer sees that they were asked for, not by whom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, select

from upss.accounts.models import TopicApproval
from upss.forum.models import Answer, Question
from upss.forum.rules.lifecycle import Status
from upss.kernel.ids import AccountId

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def topics(session: Session, asker_id: AccountId) -> list[str]:
    """Return the topics in which somebody may be asked for again; one statement."""
    found = _accepted(asker_id).with_only_columns(Question.topic).distinct()
    return sorted(str(topic) for topic in session.scalars(found.order_by(None)))


def answerer(session: Session, asker_id: int, topic: str) -> AccountId | None:
    """Return who gave the newest accepted answer in a topic and may still answer in it."""
    found = session.scalar(_accepted(asker_id).where(Question.topic == topic).limit(1))
    return None if found is None else AccountId(found)


def _accepted(asker_id: int) -> Select[int]:
    return (
        select(Answer.answerer_id)
        .join(Question, Question.id == Answer.question_id)
        .join(
            TopicApproval,
            (TopicApproval.account_id == Answer.answerer_id)
            & (TopicApproval.topic == Question.topic),
        )
        .where(Question.asker_id == asker_id, Question.status.in_((Status.ACCEPTED, Status.FINAL)))
        .order_by(Question.accepted_at.desc(), Question.id.desc(), Answer.revision.desc())
    )
