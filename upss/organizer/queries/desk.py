"""What waits for a person: runs to approve, jobs that gave up, refunds and mails that failed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    AnyRow = Row[*tuple[Any, ...]]

# A mail that is younger is simply on its way.
_MAIL_PATIENCE = timedelta(minutes=15)

_WAITING = text("""
    SELECT (SELECT public_id FROM payout_run WHERE status = 'prepared') AS run,
           (SELECT prepared_by FROM payout_run WHERE status = 'prepared') AS run_prepared_by,
           (SELECT count(*) FROM adjustment WHERE status = 'proposed') AS adjustments,
           (SELECT count(DISTINCT check_code) FROM self_check_finding
             WHERE resolved_at IS NULL AND severity = 'error') AS self_checks,
           (SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed') AS jobs,
           (SELECT count(*) FROM refund WHERE status = 'failed') AS refunds,
           (SELECT count(*) FROM notice
             WHERE sent_at IS NULL AND created_at < :mail_before
               AND (send_until IS NULL OR send_until > :now)) AS mails,
           (SELECT count(*) FROM question WHERE status = 'queued' AND promise_at < :now) AS promises,
           (SELECT count(*) FROM question WHERE status = 'queued') AS queued""")

_FAILED_JOBS = text("""
    SELECT j.id, j.task_name, j.args, j.attempts, max(e.at) AS failed_at
      FROM (SELECT * FROM procrastinate_jobs
             WHERE status = 'failed' AND (CAST(:before AS bigint) IS NULL OR id < :before)
             ORDER BY id DESC LIMIT :limit) j
      LEFT JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'failed'
     GROUP BY j.id, j.task_name, j.args, j.attempts
     ORDER BY j.id DESC""")

# Refunds that failed and mails that stay, the newest fifty of each, in one statement. A mail that
# comes too late was not wished any more; that somebody set limits is private.
_UNDONE = text("""
    (SELECT 'refund' AS what, r.id, r.question_id, r.amount_minor, r.currency,
            r.failure_reason AS detail, r.requested_at AS since
       FROM refund r WHERE r.status = 'failed' ORDER BY r.id DESC LIMIT 50)
    UNION ALL
    (SELECT 'mail', n.id, n.question_id, NULL, NULL,
            CASE n.template WHEN 'cap_near' THEN 'to_an_answerer' ELSE n.template END, n.created_at
       FROM notice n WHERE n.sent_at IS NULL AND n.created_at < :mail_before
        AND (n.send_until IS NULL OR n.send_until > :now)
      ORDER BY n.id DESC LIMIT 50)""")


def waiting(session: Session, *, now: datetime) -> AnyRow:
    """Return how many things wait: run, jobs, refunds, mails, promises; one statement."""
    return session.execute(_WAITING, {"now": now, "mail_before": now - _MAIL_PATIENCE}).one()


def failed_jobs(session: Session, *, before: int | None, limit: int) -> Sequence[AnyRow]:
    """Return the newest jobs that gave up, or those older than job `before`."""
    return session.execute(_FAILED_JOBS, {"before": before, "limit": limit}).all()


def undone(session: Session, *, now: datetime) -> Sequence[AnyRow]:
    """Return refunds that failed and mails that were not sent."""
    return session.execute(_UNDONE, {"now": now, "mail_before": now - _MAIL_PATIENCE}).all()
