"""The real services and database, driven by what happens in a simulated run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import insert, select

from tests.factories import ANSWER, draft, person, question_row
from upss.forum import queries_caps, queries_desk, queries_offpeak, queries_queue
from upss.forum.models import Claim, Question
from upss.forum.models_offpeak import AnswererRank, PromiseScore, QuestionPromise
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import CapRule, Metric
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.ownership import Owner
from upss.forum.rules.pricing import MINUTES
from upss.forum.rules.queue import ClaimRefused, Reason, claimable
from upss.forum.service import (
    accepting,
    answering,
    asking,
    claiming,
    dialing,
    hours,
    own_limits,
    promises,
)
from upss.forum.service.hours import Whose
from upss.forum.tasks import run_timers
from upss.kernel.clock import FixedClock
from upss.kernel.ids import AccountId, PaymentId, QuestionId, new_public_id
from upss.kernel.ports import CheckoutState
from upss.kernel.roles import Role
from upss.ledger.rules.split import split
from upss.payments import queries as payments
from upss.payments.service import charging
from upss.simulation.people import Act
from upss.simulation.profile import PEAK_CELLS
from upss.simulation.scenario import Scenario
from upss.simulation.world import CAP_DAYS, CURRENCY, Asked, Person, World
from upss.site import queries as site
from upss.web.ports import unit

SITE_ZONE = "Europe/Madrid"
_SIZES = {minutes: size for size, minutes in MINUTES.items()}
_PRIOR_PER_HOUR = 0.1  # the simulator's, unless somebody guesses


@dataclass(slots=True)
class Seen:
    """What an answerer finds: every reason against each waiting question, and which one is offered."""

    reasons: dict[int, frozenset[Reason]]
    offered: int | None


@dataclass(slots=True)
class Product:
    """The site at the time of the events; questions are named by their number in the run."""

    clock: FixedClock
    questions: dict[int, QuestionId] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    payments: dict[int, PaymentId] = field(default_factory=dict)
    claims: dict[int, int] = field(default_factory=dict)

    # before the run

    def furnish(self, world: World, scenario: Scenario) -> World:
        """Declare people, hours, limits and dials; return the world with this site's menu."""
        self.clock.instant = scenario.start
        with unit() as uow:
            terms = site.terms(uow.session)
            dialing.turn(uow, organizer_id=None, **_dials(scenario))
            uow.commit()
        topics = {f"topic-{number}": code for number, code in enumerate(terms.topics, start=1)}
        shares = {
            minutes: split(
                terms.prices[terms.topics[0], size],
                commission_bp=terms.commission_bp,
                fund_bp=terms.fund_bp,
            ).share_minor
            for minutes, size in _SIZES.items()
        }
        askers = {number: person() for number in sorted({each.asker_id for each in world.asked})}
        people = [self._declare(each, topics) for each in world.people]
        asked = (
            replace(
                each,
                topic=topics[each.topic],
                share_minor=shares[each.minutes],
                asker_id=askers[each.asker_id],
            )
            for each in world.asked
        )
        return replace(world, asked=tuple(asked), people=tuple(people))

    def _declare(self, person_: Person, names: Mapping[str, str]) -> Person:
        topics = tuple(names[each] for each in person_.topics)
        account_id = person(role=Role.ANSWERER, topics=topics)
        own, whose = person_.hours, Whose(account_id, SITE_ZONE)
        with unit() as uow:
            languages = frozenset(person_.languages)
            hours.set_week(uow, whose, windows=own.windows, zone_name=own.zone)
            hours.set_day(
                uow,
                whose,
                quiet=(own.quiet_start_min, own.quiet_end_min),
                rest_days=own.rest_days,
                daily_minutes=own.daily_minutes,
                daily_answers=own.daily_answers,
            )
            hours.set_work(uow, whose, languages=languages, topics_off=frozenset())
            if person_.cap_minor is not None:
                rule = CapRule(
                    metric=Metric.MONEY,
                    period=Period.ROLLING,
                    days=CAP_DAYS,
                    limit=person_.cap_minor,
                    currency=CURRENCY,
                )
                own_limits.add(
                    uow, account_id=account_id, rule=rule, currency=CURRENCY, zone=own.zone
                )
            uow.commit()
        return replace(person_, id=account_id, topics=topics)

    def warm_up(self, values: Sequence[float]) -> None:
        """Have so many answers timed before the run, with these scores."""
        asker = person()
        with unit() as uow:
            now = uow.clock.now()
            empty = {
                "asker_id": asker,
                "status": "draft",
                "language": "es",
                "title": "",
                "body": "",
            }
            rows = [
                empty | {"public_id": new_public_id(), "created_at": now, "updated_at": now}
                for _ in values
            ]
            added = uow.session.scalars(insert(Question).returning(Question.id), rows).all()
            scores = zip(sorted(added), values, strict=True)
            uow.session.execute(
                insert(PromiseScore),
                [{"question_id": number, "at": now, "value": value} for number, value in scores],
            )
            uow.commit()

    # the asker

    def offer(self, asked: Asked, now: datetime) -> QuestionPromise | str:
        """Draft a question, have it offered and go to pay; a text is the reason for no promise."""
        self.clock.instant = now
        asker = AccountId(asked.asker_id)
        question_id = draft(
            asker, topic=asked.topic, size=_SIZES[asked.minutes], language=asked.language
        )
        try:
            self._offer(question_id, is_express=asked.wants_express)
        except promises.NoExpress:
            self._offer(question_id, is_express=False)
        except promises.NoPromise as refusal:
            return str(refusal.facts["reason"])
        with unit() as uow:
            self.payments[asked.id] = asking.submit(
                uow,
                question_id=question_id,
                owner=Owner(asker_id=asker, session_id=None),
                email="asker@example.org",
                language="en",
            )
            uow.commit()
        self.questions[asked.id], self.numbers[question_id] = question_id, asked.id
        with unit() as uow:
            return uow.session.get_one(QuestionPromise, question_id)

    def _offer(self, question_id: QuestionId, *, is_express: bool) -> None:
        with unit() as uow:
            asking.make_offer(uow, question_id=question_id, is_express=is_express)
            uow.commit()

    def share(self, number: int) -> int:
        """Return what the answer would earn."""
        with unit() as uow:
            question = uow.session.get_one(Question, self.questions[number])
            assert question.shared_minor is not None
            assert question.commission_bp is not None
            assert question.fund_bp is not None
            return split(
                question.shared_minor,
                commission_bp=question.commission_bp,
                fund_bp=question.fund_bp,
            ).share_minor

    def pay(self, number: int, now: datetime) -> Question:
        """Have the provider say that it is paid."""
        self.clock.instant = now
        with unit() as uow:
            payment = payments.payment(uow.session, self.payments[number])
            state = CheckoutState(
                id=f"cs_{number}",
                url=None,
                status="complete",
                payment_status="paid",
                amount_minor=payment.amount_minor,
                currency=payment.currency,
                expires_at=payment.expires_at,
                upss_id=payment.public_id,
                payment_intent_id=f"pi_{number}",
                charge_id=f"ch_{number}",
                receipt_url=None,
                balance_transaction=None,
            )
            charging.apply_checkout(uow, payment_id=self.payments[number], state=state)
            uow.commit()
        return self.row(number)

    def accept(self, asked: Asked, now: datetime) -> None:
        """Accept the answer."""
        self.clock.instant = now
        with unit() as uow:
            accepting.accept(
                uow, question_id=self.questions[asked.id], actor_id=AccountId(asked.asker_id)
            )
            uow.commit()

    def row(self, number: int) -> Question:
        """Return the question as it is now."""
        return question_row(self.questions[number])

    # the answerer

    def look(self, who: int, now: datetime) -> Seen:
        """Return what somebody finds in their queue, and what is kept from them and why."""
        self.clock.instant = now
        answerer_id = AccountId(who)
        with unit() as uow:
            session, month = uow.session, now - timedelta(days=30)
            view = queries_queue.facts(session, answerer_id, now, uow.zone).answerer
            no_paid_work, limits = queries_caps.limits(session, answerer_id, now)
            view = replace(view, caps=limits, no_paid_work=no_paid_work)
            desk = queries_desk.desk(
                session,
                answerer_id=answerer_id,
                now=now,
                month_start=month,
                site_zone=uow.zone,
            )
            assert replace(desk.person, caps=None) == replace(view, caps=None)
            policy = desk.dials.policy
            is_peak = desk.dials.peak_map(uow.zone).is_peak(now)
            shown = queries_desk.queue(session, desk=desk, now=now, is_peak=is_peak)
            waiting = session.scalars(
                select(Question).where(
                    Question.status == Status.QUEUED,
                    Question.topic.in_(view.topics),
                    Question.language.in_(view.languages),
                )
            )
            reasons = {
                self.numbers[each.id]: claimable(
                    queries_queue.question_view(each), view, now, policy, is_peak=is_peak
                ).reasons
                for each in waiting
            }
        # who can take nothing may still read what comes next
        is_offered = shown.offer is not None and desk.refusal is None
        return Seen(reasons, self.numbers[shown.offer.id] if is_offered else None)

    def claim(self, number: int, who: int, now: datetime) -> Sequence[Reason]:
        """Press "I will answer this"; return the reasons against it, none when it worked."""
        self.clock.instant = now
        try:
            with unit() as uow:
                self.claims[number] = claiming.claim(
                    uow, question_id=self.questions[number], answerer_id=AccountId(who)
                )
                uow.commit()
        except ClaimRefused as refusal:
            return tuple(refusal.facts["reasons"])  # type: ignore[arg-type]
        return ()

    def act(self, number: int, who: int, act: Act, now: datetime) -> None:
        """Press "keep it", or save a change."""
        self.clock.instant = now
        which = {"question_id": self.questions[number], "answerer_id": AccountId(who)}
        with unit() as uow:
            if act.is_press:
                claiming.extend(uow, **which, claim_id=self.claims[number])  # type: ignore[arg-type]
            else:
                answering.save_draft(uow, **which, body=f"Written until {now}")  # type: ignore[arg-type]
            uow.commit()

    def answer(self, number: int, who: int, now: datetime) -> None:
        """Send the answer."""
        self.clock.instant = now
        with unit() as uow:
            answering.send_answer(
                uow,
                question_id=self.questions[number],
                answerer_id=AccountId(who),
                body=ANSWER,
            )
            uow.commit()

    def claim_row(self, number: int) -> Claim:
        """Return the newest claim of a question."""
        with unit() as uow:
            return uow.session.get_one(Claim, self.claims[number])

    # the site

    def pass_time(self, now: datetime) -> None:
        """Run everything that a worker does at this instant."""
        self.clock.instant = now
        run_timers()

    def factor(self, *, is_express: bool) -> queries_offpeak.Factor:
        """Return the factor in force."""
        with unit() as uow:
            return queries_offpeak.factor(uow.session, is_express=is_express)

    def rates(self) -> dict[queries_offpeak.Place, float]:
        """Return the answers per answerer-hour of each desk that there is."""
        with unit() as uow:
            dials = queries_offpeak.dials(uow.session)
            desks = queries_offpeak.desks(uow.session)
        return {place: desk.rate(dials).per_hour for place, desk in desks.items()}

    def percentiles(self) -> dict[int, float]:
        """Return everybody's place among the others by earnings per declared hour."""
        with unit() as uow:
            return {
                row.account_id: row.percentile for row in uow.session.scalars(select(AnswererRank))
            }

    def peaks(self) -> frozenset[int]:
        """Return the peaks in force."""
        with unit() as uow:
            return queries_offpeak.dials(uow.session).peaks


def _dials(scenario: Scenario) -> dict[str, object]:
    policy = scenario.policy
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    dials: dict[str, object] = {
        "mode": policy.mode,
        "urgency": policy.urgency,
        "margin": policy.margin,
        "max_promise_hours": policy.max_promise // hour,
        "stagger_minutes": policy.stagger // minute,
        "prior_per_hour": scenario.guess or _PRIOR_PER_HOUR,
        "express": policy.express,
    }
    if not scenario.learned:
        dials |= {"peak_source": "fixed", "fixed_cells": sorted(PEAK_CELLS)}
    return dials
