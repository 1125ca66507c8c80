"""Who gets a mail that questions wait: by the rules, or as the naive ways would."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

from upss.forum.rules.invite import (
    AHEAD,
    FORGOTTEN,
    P_RESPONSE,
    Call,
    Invite,
    Invitee,
    coming,
    expected_work,
    express_invitations,
    invitations,
    may_invite,
    people_needed,
    pressing_minutes,
)
from upss.forum.rules.queue import QuestionView, waits
from upss.simulation.desk import Desk
from upss.simulation.lines import Case
from upss.simulation.people import Worker
from upss.simulation.profile import HOUR, Calendar
from upss.simulation.scenario import Scenario

_MINUTE = timedelta(minutes=1)


class Inviting:
    """Chooses whom to invite; `declared` are everybody's minutes in each hour of the run."""

    def __init__(
        self,
        desk: Desk,
        workers: Mapping[int, Worker],
        scenario: Scenario,
        rng: Random,
        calendar: Calendar,
        declared: list[float],
    ) -> None:
        self.desk, self.workers, self.scenario, self.rng = desk, workers, scenario, rng
        self._calendar, self._declared = calendar, declared
        self._until = calendar.start + (len(calendar.cells) - AHEAD) * HOUR
        self._was_peak = False
        self._sent: list[datetime] = []

    def paced(self, now: datetime) -> list[Worker]:
        """Return whom the rules invite in this quarter of an hour."""
        waiting = list(self.desk.every_waiting())
        is_peak = self.desk.peaks.is_peak(now)
        ready = [q for q in waiting if not waits(q, now, self.desk.policy, is_peak=is_peak)]
        if not ready or now >= self._until:
            return []
        free = [who for who in self._invitees(now) if may_invite(who, now, self.desk.policy)]
        need = self._need(waiting, now) if free else 0.0
        if need <= 0:
            return []
        found = invitations(
            now,
            free,
            ready,
            Call(need, P_RESPONSE),
            self.desk.policy,
            self.rng,
            is_peak=is_peak,
        )
        self._sent += [now] * len(found)
        return self._named(found, now)

    def _need(self, waiting: list[QuestionView], now: datetime) -> float:
        """Return how many more people should come; for what cannot wait, in peaks too."""
        hour = self._calendar.hour(now)
        cells = self._calendar.cells[hour : hour + AHEAD]
        self._sent = [at for at in self._sent if now - at < FORGOTTEN]
        busy = sum(worker.is_busy for worker in self.workers.values())
        return people_needed(
            backlog=sum(q.minutes for q in waiting),
            urgent=pressing_minutes(now, waiting, self.desk.pressing_from),
            forecast=expected_work(self.desk.minutes_an_hour(now), self.desk.expected(), cells),
            capacity=self._declared[hour : hour + AHEAD],
            active=coming(now, self._sent) + busy,
        )

    def _invitees(self, now: datetime) -> list[Invitee]:
        return [
            worker.invitee(now)
            for worker in self.workers.values()
            if not worker.held and worker.is_open(now)
        ]

    def _named(self, invites: list[Invite], now: datetime) -> list[Worker]:
        found = [self.workers[invite.answerer_id] for invite in invites]
        for worker in found:
            worker.was_invited(now)
        return found

    def express(self, case: Case, now: datetime) -> list[Worker]:
        """Return the few who are told of an express question at once."""
        assert case.view is not None
        policy = self.desk.policy
        found = express_invitations(now, case.view, self._invitees(now), policy, self.rng)
        return self._named(found, now)

    def everybody(self, case: Case, now: datetime) -> list[Worker]:
        """Return all who could answer and are in their declared hours: push to all."""
        asked = case.asked
        return [
            self.workers[who.answerer.id]
            for who in self._invitees(now)
            if asked.topic in who.answerer.topics and asked.language in who.answerer.languages
        ]

    def digest(self, now: datetime) -> list[Worker]:
        """Return all who could answer something that waits, at the end of a peak."""
        is_peak = self.desk.peaks.is_peak(now)
        opens, self._was_peak = self._was_peak and not is_peak, is_peak
        if not opens:
            return []
        found = [
            self.workers[who.answerer.id]
            for who in self._invitees(now)
            if may_invite(who, now, self.desk.policy)
        ]
        found = [w for w in found if self.desk.waiting(w.person.topics, w.person.languages)]
        for worker in found:
            worker.was_invited(now)
        return found


def declared_minutes(workers: Mapping[int, Worker], calendar: Calendar) -> list[float]:
    """Return the minutes that all people together declared for each hour of the run."""
    minutes = [0.0] * len(calendar.cells)
    for worker in workers.values():
        for interval in worker.person.open:
            for number, start, end in calendar.cut(interval.start, interval.end):
                minutes[number] += (end - start) / _MINUTE
    return minutes
