"""A simulated week, lived through by the real services too: both promise, release and offer alike."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from tests.simulation.product import Product
from upss.forum.rules.activity import ORGANIZER_PEAKS
from upss.forum.rules.policy import Mode, Policy
from upss.forum.rules.promising import NoCapacity
from upss.forum.rules.queue import Reason, claimable, order_key
from upss.simulation import engine
from upss.simulation.desk import Desk
from upss.simulation.engine import Run
from upss.simulation.lines import Case
from upss.simulation.people import Effort, Worker
from upss.simulation.profile import HOUR, WEEK, Calendar
from upss.simulation.scenario import PLAIN, Scenario
from upss.simulation.world import TAIL, Asked, Person, World, make_world

DAY = timedelta(days=1)
# The clocks of a site begin with its first promises, so that their sums are rounded apart.
NEAR = timedelta(milliseconds=1)
STAGGERED = replace(PLAIN, stagger=Policy().stagger)
SEED = 1


@dataclass
class Story:
    """How often what happened, so that a run in which nothing happened is no proof."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)


class BothDesks(Desk):
    """Does what the simulator's site does with the real one as well, and compares at once."""

    def __init__(self, world: World, scenario: Scenario, product: Product, story: Story) -> None:
        super().__init__(world, scenario)
        self.product, self.story = product, story
        self._apart: dict[tuple[str, str], float] = {}

    def offer(self, asked: Asked) -> Case | NoCapacity:
        case = super().offer(asked)
        mine = self.product.offer(asked, asked.at)
        if isinstance(case, NoCapacity):
            assert mine == case.reason
            self.story.counts["refused"] += 1
            return case
        assert not isinstance(mine, str), (asked, mine, case.quote)
        assert mine.is_express is case.is_express
        self.story.counts["express"] += case.is_express
        if case.is_express:  # the simulator knows of no surcharge
            case.asked = replace(asked, share_minor=self.product.share(asked.id))
        quote, factor = case.quote, self.factors[case.is_express]
        assert mine.by_at == quote.by
        assert self.product.row(asked.id).promise_at == case.due
        assert (mine.n_ahead, mine.n_scores) == (quote.n_ahead, factor.n_scores)
        assert mine.margin == quote.margin
        for name in ("rate", "factor", "base_h"):
            assert getattr(mine, name) == pytest.approx(getattr(quote, name), rel=1e-9), name
        # the clock of a site begins with its first promise: both show the same but for that
        apart = quote.reading - mine.reading
        first = self._apart.setdefault((asked.topic, asked.language), apart)
        assert apart == pytest.approx(first, abs=1e-6)
        return case

    def post(self, case: Case, previous: Person | None = None) -> None:
        super().post(case, previous)
        row = self.product.pay(case.asked.id, case.posted_at)
        assert case.view is not None
        assert row.status == "queued"
        assert row.paid_at == case.view.posted_at
        assert row.released_at == case.view.released_at
        assert row.urgent_at is not None
        assert abs(row.urgent_at - case.view.urgent_from) < NEAR
        self.story.counts["deferred"] += case.view.released_at > case.posted_at

    def take(self, case: Case, person: int, now: datetime) -> None:
        super().take(case, person, now)
        assert self.product.claim(case.asked.id, person, now) == ()
        self.story.counts["claimed"] += 1
        assert case.view is not None
        self.story.counts["urgent"] += self.peaks.is_peak(now) or now < case.view.released_at

    def put_back(self, case: Case, now: datetime) -> None:
        super().put_back(case, now)
        assert self.product.claim_row(case.asked.id).ends_at == now
        self.product.pass_time(now)
        assert self.product.claim_row(case.asked.id).status == "lapsed"
        self.story.counts["lapsed"] += 1

    def answer(self, case: Case, now: datetime) -> None:
        assert case.claimed_by is not None
        self.product.answer(case.asked.id, case.claimed_by, now)
        super().answer(case, now)
        self.story.counts["answered"] += 1

    def give_up(self, case: Case, now: datetime) -> None:
        super().give_up(case, now)
        self.product.pass_time(now)
        assert self.product.row(case.asked.id).status == "refunded"
        self.story.counts["given up"] += 1

    def refresh(self, now: datetime) -> None:
        super().refresh(now)
        self.product.pass_time(now)
        for is_express, known in self.factors.items():
            factor = self.product.factor(is_express=is_express)
            assert factor.at == now
            assert factor.n_scores == known.n_scores
            assert factor.value == pytest.approx(known.value, rel=1e-9)
        for place, rate in self.product.rates().items():
            assert rate == pytest.approx(self.lines[place].rate.per_hour, rel=1e-9), place
        assert self.product.peaks() == self.peaks.cells

    def compare_places(self, workers: Iterable[Worker]) -> None:
        """Compare everybody's place by earnings per declared hour."""
        mine = self.product.percentiles()
        for worker in workers:
            assert mine.get(worker.person.id, 0.0) == worker.percentile
            self.story.counts["placed"] += worker.percentile > 0


class Both(Run):
    """The simulator's people at both desks."""

    desk: BothDesks

    def _claim(self, worker: Worker, now: datetime) -> bool:
        """Compare what somebody finds, and why nothing else, then let them take it."""
        desk, person = self.desk, worker.person
        is_peak, view = desk.peaks.is_peak(now), worker.view(now)
        waiting = desk.waiting(person.topics, person.languages)
        reasons = {
            q.id: claimable(q, view, now, self.policy, is_peak=is_peak).reasons for q in waiting
        }
        found = desk.product.look(person.id, now)
        assert found.reasons == reasons
        may = [q for q in waiting if not reasons[q.id]]
        first = min(may, key=lambda q: order_key(q, view, now), default=None)
        assert found.offered == (first and first.id)
        refused = [q.id for q in waiting if reasons[q.id]]
        for number in refused[:1]:  # opened by its address, the press is refused
            refusal = desk.product.claim(number, person.id, now)
            assert refusal
            assert set(refusal) <= reasons[number]
        desk.story.reasons.update(each for some in reasons.values() for each in some)
        took = super()._claim(worker, now)
        left = {q.id for q in desk.waiting(person.topics, person.languages)}
        assert {q.id for q in waiting} - left == ({found.offered} - {None})
        return took

    def _effort(self, worker: Worker, case: Case, now: datetime) -> Effort:
        done, product = super()._effort(worker, case, now), self.desk.product
        for act in done.acts:
            self._at(act.at, partial(product.act, case.asked.id, worker.person.id, act))
        self.desk.story.counts["saved"] += len(done.acts)
        return done

    def _review(self, worker: Worker, case: Case, now: datetime) -> None:
        """Take a surcharge that went back out of the share; its room was held until now."""
        share = self.desk.product.share(case.asked.id)
        if share != case.asked.share_minor:
            worker.loses(case.asked.share_minor - share)
            case.asked = replace(case.asked, share_minor=share)
            self.desk.story.counts["surcharge back"] += 1
        super()._review(worker, case, now)

    def _end(self, case: Case, how: str, now: datetime) -> None:
        super()._end(case, how, now)
        if how == "accepted":
            self.desk.product.accept(case.asked, self.trace.earned[-1][0])
            self.desk.story.counts["accepted"] += 1

    def _rank(self, now: datetime) -> None:
        """Compare the places once the site has found its own, as it does each night."""
        super()._rank(now)
        self._at(now, lambda _: self.desk.compare_places(self.workers.values()))


@dataclass(frozen=True)
class Replay:
    """A run on both sides: with so many answers timed before, and own limits divided by `poorer`."""

    scenario: Scenario
    timed: int = 0
    poorer: int = 1


KNOWN_PEAKS = Replay(
    Scenario(
        answerers=16,
        per_week=210,
        topics=3,
        languages=2,
        policy=replace(STAGGERED, express=True),
        express_share=0.15,
        quiet_hours=True,
        guess=0.4,
    ),
    timed=190,
    poorer=6,
)
NEW_SITE = Replay(
    Scenario(answerers=10, per_week=210, topics=4, policy=replace(PLAIN, mode=Mode.STRICT))
)
LEARNED = Replay(replace(KNOWN_PEAKS.scenario, learned=True, languages=1), timed=100)
OPEN = Replay(
    Scenario(answerers=10, per_week=150, topics=2, policy=replace(STAGGERED, mode=Mode.OPEN)),
    poorer=5,
)


def replayed(product: Product, replay: Replay, stretch: timedelta) -> Story:
    """Live through the first days of a scenario on both sides."""
    scenario, until = replay.scenario, replay.scenario.start + stretch
    hours = (scenario.end + TAIL - scenario.start) // HOUR + 1
    drawn = make_world(scenario, Calendar(scenario.start, hours, ZoneInfo(scenario.zone)), SEED)
    world, story = product.furnish(_early(drawn, until, replay.poorer), scenario), Story()
    desk, rng = BothDesks(world, scenario, product, story), world.stream("timed before")
    timed = [rng.lognormvariate(-0.5, 0.7) for _ in range(replay.timed)]
    if timed:
        product.warm_up(timed)
        desk.calibrators[False].scores.extend(timed)
    Both(world, scenario, desk).play(until=until)
    return story


def _early(world: World, until: datetime, poorer: int) -> World:
    """Leave out what nobody will ask, and make own limits bite within days."""
    people = (
        replace(each, cap_minor=each.cap_minor and each.cap_minor // poorer)
        for each in world.people
    )
    asked = (each for each in world.asked if each.at < until)
    return replace(world, asked=tuple(asked), people=tuple(people))


@pytest.fixture
def product(app, nobody_rests, clock, monkeypatch):
    """A new site. No answer is rejected: the product does not know it yet."""
    monkeypatch.setattr(engine, "REJECTED", 0.0)
    return Product(clock)


def test_a_day_and_a_half_with_known_peaks_and_quiet_hours(product, caplog):
    """Much of what may happen does: else the comparison would prove little."""
    story = replayed(product, KNOWN_PEAKS, timedelta(hours=36))
    assert not caplog.records
    for what in (
        "deferred", "claimed", "urgent", "saved", "answered", "accepted", "refused", "express",
    ):  # fmt: skip
        assert story.counts[what], (what, story)
    assert story.reasons.keys() >= {
        Reason.PEAK,
        Reason.STAGGER,
        Reason.DAILY,
        Reason.OWN_LIMITS,
    }, story


@pytest.mark.skipif("UPSS_NIGHTLY" not in os.environ, reason="a week takes minutes")
@pytest.mark.parametrize(
    "replay",
    [
        pytest.param(KNOWN_PEAKS, id="known peaks"),
        pytest.param(NEW_SITE, id="a new site, strict"),
        pytest.param(LEARNED, id="learned peaks"),
        pytest.param(OPEN, id="open"),
    ],
)
def test_a_week_and_a_day(product, caplog, replay):
    """A week, with the peaks that it teaches in force on the day after."""
    story = replayed(product, replay, WEEK + DAY)
    assert not caplog.records
    assert story.counts["lapsed"]
    assert story.counts["deferred"] or replay is OPEN
    assert story.counts["surcharge back"] or replay is not LEARNED
    assert product.peaks() != ORGANIZER_PEAKS or replay is not LEARNED
