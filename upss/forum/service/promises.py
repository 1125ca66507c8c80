"""By when an answer is promised, or that nothing can be promised and so nothing is charged."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self

from sqlalchemy.dialects.postgresql import insert

from upss.forum import queries_offpeak as queries
from upss.forum.models import Question
from upss.forum.models_offpeak import QuestionPromise, TopicDesk, Waiting
from upss.forum.queries_offpeak import Declarations, Desk, Factor, Place
from upss.forum.rules.dials import Dials
from upss.forum.rules.promising import AHEAD_EXTRA, NoCapacity, Quote, quote
from upss.kernel.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from upss.db.work import UnitOfWork
    from upss.forum.rules.capacity import CapacityClock


class NoPromise(DomainError):
    """Nothing can be promised, so nothing is charged; facts `reason` (`WhyNot`), topic, language."""

    code = "no_promise"


@dataclass(frozen=True, slots=True)
class Quoter:
    """What promises in some topics and languages are calculated from, as it is now."""

    session: Session
    dials: Dials
    factor: Factor
    desks: dict[Place, Desk]
    declared: Declarations

    @classmethod
    def load(cls, uow: UnitOfWork, places: Iterable[Place]) -> Self:
        """Read it; six statements, whatever the number of places."""
        session, now, wanted = uow.session, uow.clock.now(), tuple(places)
        known = queries.desks(session, wanted)
        desks = {each: known.get(each) or queries.new_desk(each, now) for each in wanted}
        since = min(desk.clock_start for desk in desks.values())
        declared = queries.declarations(session, since, uow.zone)
        return cls(session, queries.dials(session), queries.factor(session), desks, declared)

    def quote(self, place: Place, at: datetime) -> Quote | NoCapacity:
        """Return the promise of a question whose time begins at `at`; one statement."""
        desk, policy = self.desks[place], self.dials.policy
        clock, rate = self.declared.clock(desk, at), desk.rate(self.dials)
        most = self._most_ahead(clock, rate.per_hour, at)
        return quote(
            now=at,
            clock=clock,
            n_ahead=queries.waiting(self.session, place, most),
            rate=rate,
            factor=self.factor.value,
            n_scores=self.factor.n_scores,
            policy=policy,
        )

    def _most_ahead(self, clock: CapacityClock, per_hour: float, at: datetime) -> int:
        """Return how many questions ahead are too many for any promise: no more need counting.

        A site that has measured nothing yet promises what fits without the factor.
        """
        reachable = clock.cum(at + self.dials.policy.max_promise) - clock.cum(at)
        return max(1, int(per_hour * reachable / min(1.0, self.factor.value)) - AHEAD_EXTRA + 2)


def give(uow: UnitOfWork, question: Question, *, at: datetime) -> Quote:
    """Promise an answer to a locked question whose time begins at `at`, and note from what.

    Raises `NoPromise`.
    """
    assert question.topic is not None
    place = (question.topic, question.language)
    quoter = Quoter.load(uow, (place,))
    found = quoter.quote(place, at)
    if isinstance(found, NoCapacity):
        raise NoPromise(reason=found.reason, topic=question.topic, language=question.language)
    _open_desk(uow, quoter.desks[place])
    figures = {name: value for name, value in asdict(found).items() if name != "by"}
    noted = figures | {
        "offered_at": uow.clock.now(),
        "by_at": found.by,
        "n_scores": quoter.factor.n_scores,
    }
    uow.session.execute(
        insert(QuestionPromise)
        .values(question_id=question.id, **noted)
        .on_conflict_do_update(index_elements=["question_id"], set_=noted)
    )
    return found


def _open_desk(uow: UnitOfWork, desk: Desk) -> None:
    """Store a desk with its first promise."""
    topic, language = desk.place
    figures = {name: value for name, value in asdict(desk).items() if name != "place"}
    uow.session.execute(
        insert(TopicDesk)
        .values(topic=topic, language=language, **figures)
        .on_conflict_do_nothing(index_elements=["topic", "language"])
    )


def wait_for(uow: UnitOfWork, *, place: Place, email: str, reads: str) -> None:
    """Put an address on the list of those who hear when a promise is possible; once is enough.

    `reads` is the language of the mail.
    """
    topic, language = place
    uow.session.execute(
        insert(Waiting)
        .values(
            topic=topic, language=language, email=email, reads=reads, created_at=uow.clock.now()
        )
        .on_conflict_do_nothing(index_elements=["topic", "language", "email"])
    )
