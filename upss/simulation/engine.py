"""The event loop: lives through a scenario from the first question to the end of the last one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from random import Random

from upss.forum.rules.hours import is_quiet
from upss.forum.rules.promising import NoCapacity
from upss.forum.rules.queue import next_question, percentiles
from upss.forum.rules.slots import quietness
from upss.forum.rules.timers import GRACE
from upss.simulation import slots
from upss.simulation.desk import Desk
from upss.simulation.inviting import Inviting, declared_minutes
from upss.simulation.lines import Case
from upss.simulation.people import REJECTED, REVIEW, REVIEW_MOST, Effort, Worker, effort
from upss.simulation.profile import HOUR, WEEK
from upss.simulation.scenario import Dispatch, Scenario
from upss.simulation.trace import Trace, Work
from upss.simulation.world import TAIL, Person, World

Action = Callable[[datetime], None]
_QUARTER = timedelta(minutes=15)
_TOO_LONG = 52 * WEEK
_FAIRNESS_DAYS = timedelta(days=28)


class Run:
    """One scenario with one seed; `play` gives what happened."""

    def __init__(self, world: World, scenario: Scenario, desk: Desk | None = None) -> None:
        self.world, self.scenario, self.policy = world, scenario, scenario.policy
        self.desk = desk or Desk(world, scenario)
        self.workers = {person.id: Worker.make(person, world) for person in world.people}
        self.trace = Trace()
        self.inviting = Inviting(
            self.desk,
            self.workers,
            scenario,
            world.stream("invitations"),
            world.calendar,
            declared_minutes(self.workers, world.calendar),
        )
        self._heap: list[tuple[datetime, int, Action]] = []
        self._count = 0
        self._open = 0
        self._week = 0
        self._cases: dict[int, Case] = {}
        self._rngs: dict[int, Random] = {}
        self._pieces = [
            (worker, _by_week(slots.pieces(worker.person.open, world.calendar), world))
            for worker in self.workers.values()
        ]
        self._last_answerer: dict[tuple[int, str], int] = {}  # by asker and topic

    def play(
        self, seen: Callable[[datetime], object] = lambda _: None, *, until: datetime | None = None
    ) -> Trace:
        """Run to the end, or `until` then; `seen` is called once for each week."""
        for asked in self.world.asked:
            self._at(asked.at, partial(self._offer, asked.id - 1))
        self._each_week(self.scenario.start, seen)
        self._each(HOUR, self.desk.refresh)
        if self.policy.stagger:
            self._each(timedelta(days=1), self._rank)
        self._each(_QUARTER, self._invite)
        latest = self.scenario.end + _TOO_LONG
        while self._heap and (self._open or self._heap[0][0] < self.scenario.end):
            at, _, action = heappop(self._heap)
            assert at < latest, "a question has no end"
            if until is not None and at >= until:
                break
            action(at)
        return self.trace

    def _at(self, at: datetime, action: Action) -> None:
        self._count += 1
        heappush(self._heap, (at, self._count, action))

    def _each(self, step: timedelta, action: Action, at: datetime | None = None) -> None:
        at = self.scenario.start if at is None else at

        def act(now: datetime) -> None:
            action(now)
            self._at(now + step, act)

        self._at(at, act)

    # the week

    def _each_week(self, now: datetime, seen: Callable[[datetime], object]) -> None:
        seen(now)
        self.desk.new_week()
        of_week = [pieces.get(self._week, []) for _, pieces in self._pieces]
        quiet = quietness(self.desk.expected(), slots.declared(of_week))
        for (worker, _), mine in zip(self._pieces, of_week, strict=True):
            for follows, where in worker.person.visits[self._week]:
                weights = quiet if follows < self.scenario.slots else None
                at = slots.place(mine, weights, where)
                if at is not None:
                    self._at(at, partial(self._visit, worker))
        self._week += 1
        if now + WEEK < self.scenario.end + TAIL:
            self._at(now + WEEK, partial(self._each_week, seen=seen))

    def _rank(self, now: datetime) -> None:
        """Place everybody by what they earned per declared hour lately, as each night."""
        since = now - _FAIRNESS_DAYS
        rates: dict[int, float] = {}
        for worker in self.workers.values():
            worker.earned = [one for one in worker.earned if one[0] >= since]
            hours = worker.declared_hours(max(since, self.scenario.start), now)
            rates[worker.person.id] = sum(share for _, share in worker.earned) / max(1.0, hours)
        for person_id, place in percentiles(rates).items():
            self.workers[person_id].place(place)

    def _invite(self, now: datetime) -> None:
        if self.scenario.dispatch is Dispatch.PACED:
            self._mail(self.inviting.paced(now), now)
        elif self.scenario.dispatch is Dispatch.DIGEST:
            self._mail(self.inviting.digest(now), now)

    def _mail(self, invited: list[Worker], now: datetime) -> None:
        for worker in invited:
            self.trace.invitations.append((now, worker.person.id))
            self.trace.quiet_invitations += is_quiet(worker.person.hours, now)
            after = worker.answers_invitation()
            if after is not None:
                self._at(now + after, partial(self._visit, worker))

    # the asker

    def _offer(self, index: int, now: datetime) -> None:
        case = self.desk.offer(self.world.asked[index])
        if isinstance(case, NoCapacity):
            self.trace.refused.append((now, self.world.asked[index].topic))
            return
        self._open += 1
        self._cases[case.asked.id] = case
        self._rngs[case.asked.id] = self.world.stream(f"question:{case.asked.id}")
        self.trace.cases.append(case)
        self._at(case.posted_at, partial(self._post, case))

    def _post(self, case: Case, now: datetime) -> None:
        self.desk.post(case, self._previous(case) if case.asked.wants_previous else None)
        self._at(case.due + GRACE, partial(self._grace_ends, case))
        if case.is_express:
            self._mail(self.inviting.express(case, now), now)
        elif self.scenario.dispatch is Dispatch.ALL:
            self._mail(self.inviting.everybody(case, now), now)

    def _previous(self, case: Case) -> Person | None:
        """Return whose answer the asker last accepted in this topic, if they know the language."""
        found = self._last_answerer.get((case.asked.asker_id, case.asked.topic))
        person = self.workers[found].person if found else None
        return person if person and case.asked.language in person.languages else None

    def _grace_ends(self, case: Case, now: datetime) -> None:
        """Refund a question that nobody answered; one that is claimed ends with its claim."""
        if case.ended or case.answered_at is not None:
            return
        if now < case.due + GRACE:  # its due moved meanwhile
            self._at(case.due + GRACE, partial(self._grace_ends, case))
        elif case.claimed_by is None:
            self.desk.give_up(case, now)
            self._end(case, "refunded", now)

    def _end(self, case: Case, how: str, now: datetime) -> None:
        assert not case.ended, case
        case.ended, case.ended_at = how, now
        self._open -= 1

    # the answerer

    def _visit(self, worker: Worker, now: datetime) -> None:
        away = self.scenario.away
        is_gone = away and worker.person.is_away and away.covers(self.scenario.judged_week(now))
        if worker.is_busy or is_gone:
            return
        worker.sits_down(now)
        self.trace.visits.append((now, self._claim(worker, now)))

    def _claim(self, worker: Worker, now: datetime) -> bool:
        """Let somebody take the question that the rules offer, if there is one."""
        is_peak = self.desk.peaks.is_peak(now)
        candidates = self.desk.waiting(worker.person.topics, worker.person.languages)
        view = (
            next_question(worker.view(now), candidates, now, self.policy, is_peak=is_peak)
            if candidates
            else None
        )
        if view is None:
            return False
        case, person = self._cases[view.id], worker.person
        self.desk.take(case, person.id, now)
        worker.claims(view, now)
        done = self._effort(worker, case, now)
        self._at(min(done.stops, done.lease_ends), partial(self._stop, worker, case, done, now))
        if not done.is_finished:
            self._at(done.lease_ends, partial(self._lapse, worker, case, done))
        return True

    def _effort(self, worker: Worker, case: Case, now: datetime) -> Effort:
        """Draw what the person will do with a question that they have just claimed."""
        rng, pace = self._rngs[case.asked.id], worker.person.pace
        return effort(rng, case.asked.minutes, pace, now, self.policy, case.due)

    def _stop(
        self, worker: Worker, case: Case, done: Effort, since: datetime, now: datetime
    ) -> None:
        """Stop working: an answer is sent, or the person goes away."""
        self.trace.works.append(Work(worker.person.id, since, now))
        worker.stops()
        if not done.is_finished:
            return
        worker.answers(case.asked.id, now)
        self.trace.answers.append(now)
        self.desk.answer(case, now)
        self.trace.same_answerer += self._previous(case) is worker.person
        after = min(REVIEW_MOST, REVIEW * self._rngs[case.asked.id].expovariate(1.0))
        self._at(now + after, partial(self._review, worker, case))
        if worker.goes_on(now):
            self._claim(worker, now)

    def _lapse(self, worker: Worker, case: Case, done: Effort, now: datetime) -> None:
        """Take the claim away from somebody who saved nothing for too long."""
        is_over = now >= case.due + GRACE
        self.trace.false_lapses += done.is_honest and not is_over
        self.trace.cut_at_refund += done.is_honest and is_over
        worker.lapses(case.asked.id, case.asked.share_minor)
        self.desk.put_back(case, now)
        if is_over:
            self.desk.give_up(case, now)
            self._end(case, "refunded", now)

    def _review(self, worker: Worker, case: Case, now: datetime) -> None:
        """Let the asker accept the answer, or have it done anew by somebody else."""
        if self._rngs[case.asked.id].random() < REJECTED:
            worker.loses(case.asked.share_minor)
            self.desk.redo(case, now)
            self._at(case.due + GRACE, partial(self._grace_ends, case))
            return
        self._last_answerer[case.asked.asker_id, case.asked.topic] = worker.person.id
        self.trace.earned.append((now, worker.person.id, case.asked.share_minor))
        worker.earns(case.asked.share_minor, now)
        self._end(case, "accepted", now)


def _by_week(pieces: list[slots.Piece], world: World) -> dict[int, list[slots.Piece]]:
    weeks: dict[int, list[slots.Piece]] = {}
    for piece in pieces:
        weeks.setdefault((piece[1] - world.scenario.start) // WEEK, []).append(piece)
    return weeks
