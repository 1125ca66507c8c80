"""By when an answer is promised, or that nothing can be promised and so nothing is charged."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from sqlalchemy.dialects.postgresql import insert

from upss.forum import queries_offpeak as queries
from upss.forum.models import Question
from upss.forum.models_offpeak import QuestionPromise, TopicDesk, Waiting
from upss.forum.queries_offpeak import Declarations, Desk, Factor, Place
from upss.forum.rules.dials import Dials
from upss.forum.rules.express import express_policy, is_express_offered
from upss.forum.rules.promising import AHEAD_EXTRA, NoCapacity, Quote, quote
from upss.kernel.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from upss.db.work import UnitOfWork
    from upss.forum.rules.policy import Policy

WEEK = timedelta(weeks=1)


class NoPromise(DomainError):
    """Nothing can be promised, so nothing is charged; facts `reason` (`WhyNot`), topic, language."""

    code = "no_promise"


class NoExpress(DomainError):
    """A quicker answer cannot be sold now; facts topic and language."""

    code = "no_express"


@dataclass(frozen=True, slots=True)
class Express:
    """A quicker promise, how many scores stand behind it, and the ordinary one beside it."""

    quote: Quote
    n_scores: int
    ordinary_by: datetime


@dataclass(frozen=True, slots=True)
class Quoter:
    """What promises in some topics and languages are calculated from, as it is now."""

    session: Session
    now: datetime
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
        return cls(session, now, queries.dials(session), queries.factor(session), desks, declared)

    def quote(self, place: Place, at: datetime) -> Quote | NoCapacity:
        """Return the promise of a question whose time begins at `at`; one statement."""
        return self._calculate(place, at, self.factor, self.dials.policy, is_express=False)

    def express(self, place: Place, at: datetime, beside: Quote) -> Express | None:
        """Return the express promise that may be sold `beside` the ordinary one, if one may.

        Three statements where express is switched on, none elsewhere.
        """
        policy = self.dials.policy
        if not policy.express:
            return None
        factor = queries.factor(self.session, is_express=True)
        own = self._calculate(place, at, factor, express_policy(policy), is_express=True)
        express_week, all_week = queries.sold_since(self.session, self.now - WEEK)
        is_offered = is_express_offered(
            ordinary=beside,
            express=own,
            now=at,
            express_week=express_week,
            all_week=all_week,
            policy=policy,
        )
        if not is_offered or isinstance(own, NoCapacity):
            return None
        return Express(own, factor.n_scores, beside.by)

    def _calculate(
        self, place: Place, at: datetime, factor: Factor, policy: Policy, *, is_express: bool
    ) -> Quote | NoCapacity:
        desk = self.desks[place]
        clock, rate = self.declared.clock(desk, at), desk.rate(self.dials)
        # How many questions ahead are too many for any promise: no more need counting. A site that
        # has measured nothing yet promises what fits without the factor.
        reachable = clock.cum(at + policy.max_promise) - clock.cum(at)
        most = max(1, int(rate.per_hour * reachable / min(1.0, factor.value)) - AHEAD_EXTRA + 2)
        return quote(
            now=at,
            clock=clock,
            n_ahead=queries.waiting(self.session, place, most, is_express=is_express),
            rate=rate,
            factor=factor.value,
            n_scores=factor.n_scores,
            policy=policy,
        )


def give(uow: UnitOfWork, question: Question, *, at: datetime, is_express: bool = False) -> Quote:
    """Promise an answer to a locked question whose time begins at `at`, and note from what.

    Raises `NoPromise`, or `NoExpress` where only the ordinary promise can be given.
    """
    assert question.topic is not None
    place = (question.topic, question.language)
    quoter = Quoter.load(uow, (place,))
    found = quoter.quote(place, at)
    if isinstance(found, NoCapacity):
        raise NoPromise(reason=found.reason, topic=question.topic, language=question.language)
    n_scores, ordinary_by = quoter.factor.n_scores, None
    if is_express:
        express = quoter.express(place, at, found)
        if express is None:
            raise NoExpress(topic=question.topic, language=question.language)
        found, n_scores, ordinary_by = express.quote, express.n_scores, express.ordinary_by
    _open_desk(uow, quoter.desks[place])
    figures = {name: value for name, value in asdict(found).items() if name != "by"}
    noted = figures | {
        "offered_at": uow.clock.now(),
        "by_at": found.by,
        "n_scores": n_scores,
        "is_express": is_express,
        "ordinary_by": ordinary_by,
    }
    uow.session.execute(
        insert(QuestionPromise)
        .values(question_id=question.id, **noted)
        .on_conflict_do_update(index_elements=["question_id"], set_=noted)
    )
    return found


def express_beside(uow: UnitOfWork, question: Question, *, at: datetime) -> Express | None:
    """Return the quicker promise that this draft could have instead, if one may be sold."""
    if question.topic is None or not queries.dials(uow.session).policy.express:
        return None
    place = (question.topic, question.language)
    quoter = Quoter.load(uow, (place,))
    ordinary = quoter.quote(place, at)
    return None if isinstance(ordinary, NoCapacity) else quoter.express(place, at, ordinary)


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
