"""Fills a new demo: the stories are lived through the ordinary services, some weeks in seconds.

The clock is set back and walks forward from step to step; everything that a person does goes
through the service that the pages call, and every job runs. Nothing is written past them.
"""

from __future__ import annotations

import asyncio
import json
import random
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask import Flask
from sqlalchemy import Select, create_engine, func, select, text, update

from upss.accounts import service as accounts
from upss.accounts.models import Account
from upss.app import create_app
from upss.config import Settings
from upss.db.engine import app_url
from upss.demo import adjusting, declaring, dials, limiting
from upss.demo.place import Place
from upss.demo.stories import ANSWERERS, ASKERS, AUDITORS, ORGANIZERS, STORIES, Plot, Story
from upss.doctor import tasks as doctor_tasks
from upss.forum.rules.ownership import Owner
from upss.forum.service import accepting, answering, asking, claiming
from upss.forum.tasks import run_timers
from upss.jobs import make_worker_app
from upss.kernel.clock import SystemClock
from upss.kernel.ids import AccountId, PaymentId, QuestionId, new_public_id
from upss.kernel.roles import Role
from upss.ledger import tasks as ledger_tasks
from upss.payments import queries as payment_queries
from upss.payments import tasks as payment_tasks
from upss.payouts import service as payouts
from upss.payouts import tasks as payout_tasks
from upss.serving import libpq_address
from upss.site.models import ClockOffset
from upss.web.ports import unit

WEEKS_BACK = timedelta(days=37)
_SETS_THE_DIALS = "aurora.molinet"
_NO_ACCOUNT_YET = "clover.quillfeather"  # this one has not said yet how to be paid
_PAID_AT_ONCE = "4000000000000077"
_REFUND_FAILS = "4000000000005126"
_RUNS = (timedelta(days=13), timedelta(days=6))  # before now

Step = tuple[datetime, Callable[[], object]]


def is_needed(settings: Settings) -> bool:
    """Tell whether nobody lives in this demo yet."""
    return _scalar(settings, select(func.count()).select_from(Account)) == 0


def is_half_done(settings: Settings) -> bool:
    """Tell whether an earlier start stopped while the clock was still in the past."""
    return _scalar(settings, select(ClockOffset.seconds)) < 0


def _scalar(settings: Settings, statement: Select[int]) -> int:
    engine = create_engine(app_url(settings))
    try:
        with engine.connect() as connection:
            return connection.execute(statement).scalar_one()
    finally:
        engine.dispose()


@dataclass(slots=True)
class Marketplace:
    """The people by key, and where each story has got to."""

    settings: Settings
    app: Flask
    now: datetime
    people: dict[str, AccountId] = field(default_factory=dict)

    def at(self, moment: datetime) -> None:
        """Show `moment` on the clock of every process."""
        ahead = int((moment - SystemClock().now()).total_seconds())
        with unit() as uow:
            uow.session.execute(text("UPDATE clock_offset SET seconds = :s"), {"s": ahead})
            uow.commit()

    def standin(self, path: str, **values: object) -> Any:
        """Ask something of the payment stand-in's controls."""
        request = urllib.request.Request(  # noqa: S310 - the stand-in's own loopback address
            f"{self.settings.stripe_api_base}/_standin/{path}",
            json.dumps(values).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.loads(answer.read())

    def drain(self) -> None:
        """Run every job that waits, as a worker would."""
        jobs = make_worker_app(self.app, libpq_address(app_url(self.settings)))

        async def run() -> None:
            async with jobs.open_async():
                await jobs.run_worker_async(
                    wait=False, concurrency=2, install_signal_handlers=False, listen_notify=False
                )

        asyncio.run(run())


def fill(settings: Settings, *, progress: Callable[[int], object]) -> None:
    """Live all stories from some weeks ago until now; `progress` is told of each finished step."""
    app = create_app(settings)
    with app.app_context():
        market = Marketplace(settings, app, SystemClock().now())
        market.standin("webhooks", paused=True)
        market.at(market.now - WEEKS_BACK)
        _invite_people(market)
        day = market.now - WEEKS_BACK
        for moment, act in sorted(_steps(market), key=lambda step: step[0]):
            while moment - day > timedelta(days=1):
                day += timedelta(days=1)
                _end_of_day(market, day)
            market.at(moment)
            act()
            progress(1)
        market.at(market.now)
        _end_of_day(market, market.now)
        dials.end(market.people[_SETS_THE_DIALS])
        doctor_tasks.check_all()
        market.standin("webhooks", paused=False)
        with unit() as uow:
            uow.session.execute(text("UPDATE clock_offset SET seconds = 0"))
            uow.commit()


def _end_of_day(market: Marketplace, moment: datetime) -> None:
    market.at(moment)
    run_timers()
    payment_tasks.poll()
    ledger_tasks.tell_newest_block()
    market.drain()
    ledger_tasks.anchor()


def _invite_people(market: Marketplace) -> None:
    with unit() as uow:
        for person in (*ORGANIZERS.values(), *AUDITORS.values()):
            market.people[person.key] = accounts.invite(
                uow, email=person.address, name=person.name,
                role=Role.AUDITOR if person.key in AUDITORS else Role.ORGANIZER,
                topics=(), language=person.language,
            )  # fmt: skip
        for answerer in ANSWERERS.values():
            number = accounts.invite(
                uow, email=answerer.address, name=answerer.name, role=Role.ANSWERER,
                topics=answerer.topics, language=answerer.language,
            )  # fmt: skip
            accounts.confirm(uow, account_id=number)  # they have answered since
            market.people[answerer.key] = number
            uow.session.execute(
                update(Account).where(Account.id == number).values(experience=answerer.experience)
            )
        for asker in ASKERS.values():
            number = accounts.account_for_email(uow, email=asker.address, language=asker.language)
            accounts.rename(uow, account_id=number, name=asker.name)
            market.people[asker.key] = number
        uow.commit()
    declaring.declare(market.people, site_zone=market.settings.timezone)
    dials.begin(market.people[_SETS_THE_DIALS])
    for key in ANSWERERS:
        if key != _NO_ACCOUNT_YET:
            _onboard(market, market.people[key])
    market.drain()


def _onboard(market: Marketplace, account_id: AccountId) -> None:
    base = market.settings.base_url
    payout_tasks.start_onboarding(account_id, return_url=base, refresh_url=base)
    with unit() as uow:
        recipient = uow.session.execute(
            text("SELECT provider_id FROM recipient WHERE account_id = :a"), {"a": account_id}
        ).scalar_one()
    market.standin(f"accounts/{recipient}", status="active")
    payout_tasks.refresh_recipient(account_id)


def _steps(market: Marketplace) -> Iterator[Step]:
    zone = ZoneInfo(market.settings.timezone)
    for story in STORIES:
        yield from _StorySteps(market, story, random.Random(story.title)).steps(zone)  # noqa: S311
    yield from _payout_steps(market)
    first, second = (market.people[key] for key in ORGANIZERS)
    yield from adjusting.steps(now=market.now, first=first, second=second)
    yield from limiting.steps(now=market.now, people=market.people, zone=zone.key)


def _payout_steps(market: Marketplace) -> Iterator[Step]:
    first, second = (market.people[key] for key in ORGANIZERS)
    for before in _RUNS:
        run: list[Any] = []

        def prepare(run: list[Any] = run) -> None:
            run.append(payout_tasks.prepare_run(first))

        def approve(run: list[Any] = run) -> None:
            with unit() as uow:
                payouts.approve_run(uow, run_id=run[0], organizer_id=second)
                uow.commit()

        yield market.now - before, prepare
        yield market.now - before + timedelta(hours=2), approve


class _StorySteps:
    """The steps of one story, each at its time; what one step learns the next one uses."""

    def __init__(self, market: Marketplace, story: Story, chance: random.Random) -> None:
        self._market = market
        self._story = story
        self._chance = chance
        self._question = QuestionId(0)
        self._payment = PaymentId(0)
        self._asker = market.people[story.asker]
        self._answerer = market.people[story.answerer]

    def steps(self, zone: ZoneInfo) -> Iterator[Step]:
        now = self._market.now
        asked = self._story.asked_at(now.astimezone(zone)).astimezone(UTC)
        plot = self._story.plot
        yield asked, self._write
        if plot is Plot.DRAFT:
            return
        yield asked + timedelta(minutes=3), self._submit
        if plot is Plot.AWAITING_PAYMENT:
            return
        yield asked + timedelta(minutes=5), self._pay
        if plot in {Plot.WITHDRAWN, Plot.REFUND_FAILED}:
            yield asked + timedelta(hours=2), self._withdraw
        if plot is Plot.REFUND_FAILED:
            yield asked + timedelta(hours=30), self._check_refunds
        if plot is Plot.CLAIMED:
            yield max(now - timedelta(minutes=40), asked + timedelta(minutes=8)), self._claim
            yield max(now - timedelta(minutes=15), asked + timedelta(minutes=9)), self._save_half
        if plot in {Plot.ANSWERED, Plot.ACCEPTED, Plot.PAID_OUT}:
            yield from self._answered(asked, zone)

    def _answered(self, asked: datetime, zone: ZoneInfo) -> Iterator[Step]:
        claimed = asked + timedelta(hours=self._chance.uniform(4, 18))
        sent = claimed + timedelta(minutes=self._chance.uniform(20, 70))
        if sent > self._market.now:
            claimed, sent = asked + timedelta(minutes=10), asked + timedelta(minutes=25)
        quiet = dials.quieter(claimed, zone)
        if quiet + timedelta(minutes=75) < self._market.now:
            claimed, sent = quiet, quiet + (sent - claimed)
        yield claimed, self._claim
        yield sent, self._send
        if self._story.plot is not Plot.ANSWERED:
            later = sent + timedelta(hours=self._chance.uniform(2, 30))
            yield min(later, self._market.now - timedelta(minutes=5)), self._accept

    def _write(self) -> None:
        story = self._story
        with unit() as uow:
            self._question = asking.save_draft(
                uow,
                public_id=new_public_id(),
                owner=Owner(asker_id=self._asker, session_id=None),
                text=asking.DraftText(
                    title=story.title, body=story.body, topic=story.topic, size=story.size,
                    language=story.language,
                ),
            )  # fmt: skip
            uow.commit()

    def _submit(self) -> None:
        with unit() as uow:
            asking.make_offer(uow, question_id=self._question)
            uow.commit()
        with unit() as uow:
            self._payment = asking.submit(
                uow,
                question_id=self._question,
                owner=Owner(asker_id=self._asker, session_id=None),
                email=ASKERS[self._story.asker].address,
                language=self._story.language,
            )
            uow.commit()
        payment_tasks.start_checkout(self._payment)

    def _pay(self) -> None:
        with unit() as uow:
            session_id = payment_queries.payment(uow.session, self._payment).session_id
        fails = self._story.plot is Plot.REFUND_FAILED
        card = _REFUND_FAILS if fails else _PAID_AT_ONCE
        self._market.standin(f"checkout/{session_id}/pay", card=card)
        payment_tasks.check_payment(self._payment)

    def _withdraw(self) -> None:
        with unit() as uow:
            asking.withdraw(uow, question_id=self._question)
            uow.commit()
        self._market.drain()

    def _check_refunds(self) -> None:
        """Hear that the bank sent a refund back: webhooks are paused while the demo is filled."""
        with unit() as uow:
            rows = uow.session.execute(
                text("SELECT id FROM refund WHERE question_id = :q"), {"q": self._question}
            ).scalars()
            found = list(rows)
        for refund_id in found:
            payment_tasks.check_refund(refund_id)

    def _claim(self) -> None:
        with unit() as uow:
            claiming.claim(uow, question_id=self._question, answerer_id=self._answerer)
            uow.commit()

    def _save_half(self) -> None:
        half = self._story.answer[: len(self._story.answer) // 2].rsplit(" ", 1)[0]
        with unit() as uow:
            answering.save_draft(
                uow, question_id=self._question, answerer_id=self._answerer, body=half
            )
            uow.commit()

    def _send(self) -> None:
        with unit() as uow:
            answering.send_answer(
                uow,
                question_id=self._question,
                answerer_id=self._answerer,
                body=self._story.answer,
            )
            uow.commit()

    def _accept(self) -> None:
        with unit() as uow:
            accepting.accept(uow, question_id=self._question, actor_id=self._asker)
            uow.commit()


LENGTH = (
    sum(
        {
            Plot.DRAFT: 1,
            Plot.AWAITING_PAYMENT: 2,
            Plot.QUEUED: 3,
            Plot.EXPIRED: 3,
            Plot.WITHDRAWN: 4,
            Plot.REFUND_FAILED: 5,
            Plot.CLAIMED: 5,
            Plot.ANSWERED: 5,
        }.get(story.plot, 6)
        for story in STORIES
    )
    + 2 * len(_RUNS)
    + adjusting.STEPS
    + limiting.STEPS
)


def welcome(place: Place) -> str:
    """Return what the demo prints when it is ready: addresses, and a way in for each role."""
    engine = create_engine(app_url(place.settings))
    with engine.connect() as connection:
        rows = connection.execute(select(Account.email, Account.public_id)).all()
    engine.dispose()
    ids = dict(row.tuple() for row in rows)
    shown = [
        ("asker", ASKERS["nube.prat"]),
        ("answerer", ANSWERERS["salvia.roureda"]),
        *(("organizer", person) for person in ORGANIZERS.values()),
        *(("auditor", person) for person in AUDITORS.values()),
    ]
    links = [
        f"  {role:10} {person.name:18} {place.base_url}/demo/be/{ids[person.address]}"
        for role, person in shown
        if person.address in ids
    ]
    return "\n".join(
        [
            click.style("UPSS is ready (no real money moves here).", bold=True),
            f"  pages      {place.base_url}/",
            f"  mail       {place.base_url}/demo/mail",
            f"  clock      {place.base_url}/demo/clock",
            f"  payments   {place.standin_url}/_standin",
            "Enter as:",
            *links,
            "Stop with Ctrl-C.",
        ]
    )
