"""The two statements of a claim that lock and that write.

Between them stands the one that reads what the rules ask, `queries_queue.FACTS`. It is a statement
of its own because PostgreSQL shows a statement that has waited for a lock the other tables as they
were when it began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upss.db import driver
from upss.forum.service.moves import by, target_of
from upss.kernel.errors import NotFound
from upss.kernel.ids import AccountId, ClaimId, QuestionId

if TYPE_CHECKING:
    from datetime import datetime

    from upss.db.work import UnitOfWork
    from upss.forum.models import Question
    from upss.forum.rules.lease import Lease

# What the rules ask of the question, which is locked first, then the person, as everywhere: rows
# are locked in the order of the clauses. The person's lock leaves foreign keys alone.
LOCK = """
    SELECT q.id, q.status, q.asker_id, q.topic, q.language, q.size,
           q.price_minor, q.express_minor, q.express_returned_at, q.currency, q.commission_bp, q.fund_bp,
           q.promise_at, q.paid_at, q.released_at, q.urgent_at, q.reserved_for, q.reserved_until
      FROM question q CROSS JOIN account a
     WHERE q.id = %(question)s AND a.id = %(answerer)s
       FOR UPDATE OF q
       FOR NO KEY UPDATE OF a"""

# Nothing is written where somebody holds the question: the unique index has the last word.
TAKE = """
    WITH taken AS (
      INSERT INTO claim (question_id, answerer_id, status, claimed_at, last_saved, ends_at)
      VALUES (%(question)s, %(answerer)s, 'active', %(claimed_at)s, %(last_saved)s, %(ends_at)s)
      ON CONFLICT (question_id) WHERE status = 'active' DO NOTHING
      RETURNING id, question_id
    ), moved AS (
      INSERT INTO question_move (question_id, event, from_status, to_status, actor, at)
      SELECT question_id, %(event)s, %(from_status)s, %(to_status)s, %(actor)s, %(claimed_at)s
        FROM taken
    )
    UPDATE question q SET status = %(to_status)s, updated_at = %(claimed_at)s
      FROM taken WHERE q.id = taken.question_id
    RETURNING taken.id"""


def lock(uow: UnitOfWork, question_id: QuestionId, answerer_id: AccountId) -> Any:
    """Lock the question and then the person; return what is asked of the question now.

    Two claims of one person at once count each other so, and a pause that is declared at the same
    time is seen or waits. Raises `NotFound`.
    """
    found = driver.one(
        uow.session, LOCK, {"question": str(question_id), "answerer": str(answerer_id)}
    )
    if found is None:
        raise NotFound(question_id=question_id)
    return found


def take(
    uow: UnitOfWork, question: Question, answerer_id: AccountId, lease: Lease, ends_at: datetime
) -> ClaimId | None:
    """Write claim, move and state of a locked question; None: somebody holds it.

    Raises `MoveRefused` where the table knows no claim.
    """
    taken = driver.one(
        uow.session,
        TAKE,
        {
            "question": str(question.id),
            "answerer": str(answerer_id),
            "claimed_at": lease.claimed_at,
            "last_saved": lease.last_saved,
            "ends_at": ends_at,
            "event": "claim",
            "from_status": question.status,
            "to_status": target_of(question.status, "claim"),
            "actor": by(answerer_id),
        },
    )
    return None if taken is None else ClaimId(taken.id)
