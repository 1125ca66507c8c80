"""Every background job under its name, how often it is tried again, and what runs by the clock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import procrastinate
from flask import Flask
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from typing_extensions import override

from upss.accounts import tasks as account_tasks
from upss.doctor import tasks as doctor_tasks
from upss.forum import tasks as forum_tasks
from upss.kernel.errors import MailRefused
from upss.ledger import tasks as ledger_tasks
from upss.notices import tasks as notice_tasks
from upss.organizer import tasks as organizer_tasks
from upss.payments import tasks as payment_tasks
from upss.payments.rules.lifecycle import PaymentMismatch
from upss.payouts import tasks as payout_tasks
from upss.web import tasks as web_tasks

_log = logging.getLogger(__name__)

# Trying again is of no use: the next answer would be the same.
_HOPELESS = (MailRefused, PaymentMismatch, payment_tasks.UnknownRefund)


class _Patient(procrastinate.RetryStrategy):
    """Tries again after 4, 16, 64, 256, 1024, 4096 and 16384 seconds: six hours in all.

    What still fails then, or is hopeless, stays as a dead letter on the organizer's page. A job
    that waits for its next try holds up later jobs of its lock: so only jobs that do the very
    same thing (look, then send) share one, and each event of the provider stands by itself.
    """

    @override
    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        if isinstance(exception, _HOPELESS):
            return None
        return super().get_retry_decision(exception=exception, job=job)


RETRY = _Patient(max_attempts=7, exponential_wait=4)

TASKS: dict[str, Callable[..., object]] = {
    "payments.handle_event": payment_tasks.handle_event,
    "payments.check_payment": payment_tasks.check_payment,
    "payments.send_refund": payment_tasks.send_refund,
    "payments.check_refund": payment_tasks.check_refund,
    "forum.invite_to_express": forum_tasks.invite_to_express,
    "payouts.send_item": payout_tasks.send_item,
    "payouts.refresh_recipient": payout_tasks.refresh_recipient,
    "doctor.run": doctor_tasks.run,
    "organizer.try_dials": organizer_tasks.try_dials,
    "notices.send": notice_tasks.send,
    "notices.send_sign_in": notice_tasks.send_sign_in,
}

# cron, in UTC -> what runs; the application's own clock decides what is due
PERIODIC: dict[str, tuple[str, Callable[[], object]]] = {
    "forum.run_timers": ("* * * * *", forum_tasks.run_timers),
    "forum.reach_out": ("*/5 * * * *", forum_tasks.reach_out),
    "ledger.anchor": ("*/5 * * * *", ledger_tasks.anchor),
    "ledger.tell_newest_block": ("23 * * * *", ledger_tasks.tell_newest_block),
    "payments.poll": ("*/5 * * * *", payment_tasks.poll),
    "payouts.resume": ("*/5 * * * *", payout_tasks.resume),
    "doctor.check_recent": ("3-59/10 * * * *", doctor_tasks.check_recent),
    "doctor.check_all": ("41 3 * * *", doctor_tasks.check_all),
    "accounts.forget_requests": ("7 3 * * *", account_tasks.forget_requests),
    "web.tidy": ("17 3 * * *", web_tasks.tidy),
}

STALLED_AFTER_SECONDS = 30


class _Manager(JobManager):
    """Gives back a job whose key waits already without stumbling over it."""

    @override
    async def retry_job(self, job: Job, *rest: Any, **options: Any) -> None:
        try:
            await super().retry_job(job, *rest, **options)
        except UniqueViolation:
            # The waiting job does the same work. Were this one left, it would keep its lock for
            # ever, and the rescue of all others would end here each time.
            await self.finish_job(job, status=Status.ABORTED, delete_job=False)


def make_worker_app(app: Flask, conninfo: str) -> procrastinate.App:
    """Return procrastinate's app with every task bound to the Flask application `app`."""
    jobs = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo))
    jobs.job_manager = _Manager(jobs.connector)
    for name, work in TASKS.items():
        jobs.task(name=name, retry=RETRY)(_in_context(app, work))
    for name, (cron, work) in PERIODIC.items():
        task = jobs.task(name=name, queueing_lock=name, lock=name, pass_context=False)(
            _timed(app, work)
        )
        jobs.periodic(cron=cron)(task)
    _add_rescue(jobs)
    return jobs


def _in_context(app: Flask, work: Callable[..., object]) -> Callable[..., None]:
    def run(**ids: Any) -> None:
        with app.app_context():
            work(**ids)

    return run


def _timed(app: Flask, work: Callable[[], object]) -> Callable[[int], None]:
    def run(timestamp: int) -> None:
        del timestamp
        with app.app_context():
            work()

    return run


def _add_rescue(jobs: procrastinate.App) -> None:
    """Give back, each minute, the jobs of workers that died in the middle of them."""

    @jobs.periodic(cron="* * * * *")
    @jobs.task(name="jobs.rescue", queueing_lock="jobs.rescue")
    async def rescue(timestamp: int) -> None:
        del timestamp
        await rescue_stalled(jobs)


async def rescue_stalled(jobs: procrastinate.App) -> int:
    """Put every job of a dead worker back into the queue; return how many."""
    stalled = await jobs.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS)
    count = 0
    for job in stalled:
        await jobs.job_manager.retry_job(job)
        _log.warning("rescued job %s %s", job.id, job.task_name)
        count += 1
    return count
