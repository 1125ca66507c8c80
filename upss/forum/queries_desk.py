"""An answerer's own desk, and the one question that comes next for them.

The desk is one statement with all that the rules ask of the person; what comes next is another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, true
from sqlalchemy.orm import aliased

from upss.accounts.models import Account, TopicApproval
from upss.forum import queries_caps
from upss.forum.models import Answer, AnswerDraft, Claim, Question
from upss.forum.models_caps import AnswererFlag
from upss.forum.models_hours import HoursVersion
from upss.forum.models_offers import Skip
from upss.forum.models_offpeak import AnswererRank, OffpeakVersion, PeakVersion
from upss.forum.queries_answer import OFFER, Offer, offered
from upss.forum.queries_hours import declared_of
from upss.forum.queries_offpeak import DIALS_IN_FORCE, PEAKS_IN_FORCE, dials_of
from upss.forum.queries_queue import question_view
from upss.forum.queries_search import AT_ONCE, Search
from upss.forum.rules.declared import Declared
from upss.forum.rules.dials import Dials
from upss.forum.rules.hours import is_away, local_day
from upss.forum.rules.pricing import MINUTES, Size
from upss.forum.rules.queue import (
    AnswererView,
    Reason,
    as_reader,
    is_kept_for,
    next_question,
    takes_nothing,
)
from upss.ledger.models import account, entry, posting
from upss.ledger.rules import chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Select, Subquery
    from sqlalchemy.orm import Session

    from upss.kernel.ids import AccountId

_LOOKS_BACK = timedelta(days=2)  # longer than any day of a person


@dataclass(frozen=True, kw_only=True, slots=True)
class Held(Offer):
    """A question that the answerer has claimed; `saved_at` None: nothing written yet."""

    claim_id: int
    ends_at: datetime
    saved_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """An answerer's month so far, the questions that wait for their answer, and what counts now.

    `declared` are their hours, languages and topics; `dials` the organizer's; `person` is what the
    rules of the queue ask of them, with what they passed over today as skipped.
    """

    answers: int
    earned_minor: int
    currency: str | None
    held: Sequence[Held]
    declared: Declared
    dials: Dials
    person: AnswererView

    @property
    def refusal(self) -> Reason | None:
        """Why they can take nothing at all now, whatever waits; None if they can."""
        return takes_nothing(self.person, self.dials.policy)

    @property
    def skips_left(self) -> int:
        """How many more questions they may pass over today."""
        return max(0, self.dials.policy.skips_a_day - len(self.person.skipped))

    @property
    def minutes_left(self) -> int | None:
        """How many minutes they may still take on today; None if any question fits."""
        left = self.person.daily_minutes - self.person.minutes_today
        return left if left < max(MINUTES.values()) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """The one question that comes next, and how much else waits, counted up to `MOST_TOLD` + 1.

    `offer` None: nothing that they may take. `others` may be taken now too, own limits aside;
    `held_back` wait for a quieter hour.
    """

    offer: Offer | None
    others: int
    held_back: int


def desk(
    session: Session,
    *,
    answerer_id: AccountId,
    now: datetime,
    month_start: datetime,
    site_zone: str,
) -> Desk:
    """Return the answerer's month and open claims, the first to be answered on top; one statement."""
    held = (
        select(*OFFER, Claim.id.label("claim_id"), Claim.ends_at, AnswerDraft.saved_at)
        .select_from(Claim)
        .join(Question, Question.id == Claim.question_id)
        .outerjoin(
            AnswerDraft,
            (AnswerDraft.question_id == Claim.question_id)
            & (AnswerDraft.answerer_id == Claim.answerer_id),
        )
        .where(Claim.answerer_id == answerer_id, Claim.status == "active")
        .subquery()
    )
    mine = _mine(answerer_id, month_start, now).subquery()
    other = aliased(HoursVersion)
    newest = select(func.max(other.id)).where(other.account_id == answerer_id).scalar_subquery()
    statement = (
        select(mine, held, Account.language, HoursVersion, OffpeakVersion, PeakVersion.cells)
        .select_from(mine.outerjoin(held, true()))
        .join(Account, Account.id == answerer_id)
        .outerjoin(HoursVersion, HoursVersion.id == newest)
        .join(OffpeakVersion, DIALS_IN_FORCE)
        .join(PeakVersion, PEAKS_IN_FORCE)
        .order_by(held.c.promise_at, held.c.id)
    )
    rows = session.execute(statement).mappings().all()
    first = rows[0]
    holds = [
        Held(
            **offered(row),
            claim_id=row["claim_id"],
            ends_at=row["ends_at"],
            saved_at=row["saved_at"],
        )
        for row in rows
        if row["id"] is not None
    ]
    declared = declared_of(first[HoursVersion], first[Account.language], site_zone)
    return Desk(
        answers=first["answers"],
        earned_minor=int(first["minor"] or 0),
        currency=first["earned_in"],
        held=holds,
        declared=declared,
        dials=dials_of(first[OffpeakVersion], first[PeakVersion.cells]),
        person=_person(answerer_id, first, holds, declared, now),
    )


def _mine(answerer_id: AccountId, month_start: datetime, now: datetime) -> Select[Any]:
    """Select in one row what the month brought, and what the rules ask of the person."""
    earned = _earned(answerer_id, month_start)
    answers = select(func.count()).where(
        Answer.answerer_id == answerer_id, Answer.posted_at >= month_start
    )
    percentile = select(AnswererRank.percentile).where(AnswererRank.account_id == answerer_id)
    flag = (
        select(AnswererFlag.no_paid_work)
        .where(AnswererFlag.account_id == answerer_id)
        .order_by(AnswererFlag.id.desc())
        .limit(1)
    )
    topics = select(func.array_agg(TopicApproval.topic)).where(
        TopicApproval.account_id == answerer_id
    )
    lately = now - _LOOKS_BACK
    done = (
        select(func.jsonb_agg(func.jsonb_build_array(Question.size, Claim.ended_at)))
        .select_from(Claim)
        .join(Question, Question.id == Claim.question_id)
        .where(Claim.answerer_id == answerer_id, Claim.status == "posted", Claim.ended_at >= lately)
    )
    skips = select(func.jsonb_agg(func.jsonb_build_array(Skip.question_id, Skip.at))).where(
        Skip.account_id == answerer_id, Skip.at >= lately
    )
    return select(
        answers.scalar_subquery().label("answers"),
        earned.c.minor,
        earned.c.earned_in,
        percentile.scalar_subquery().label("percentile"),
        flag.scalar_subquery().label("no_paid_work"),
        topics.scalar_subquery().label("topics"),
        done.scalar_subquery().label("done"),
        skips.scalar_subquery().label("skips"),
        queries_caps.packed(answerer_id).label("limits"),
    )


def _person(
    answerer_id: AccountId,
    row: Mapping[Any, Any],
    holds: Sequence[Held],
    declared: Declared,
    now: datetime,
) -> AnswererView:
    day_start, _end = local_day(declared.hours, now)
    done = [
        MINUTES[Size(size)]
        for size, ended in row["done"] or ()
        if datetime.fromisoformat(ended) >= day_start
    ]
    skipped = frozenset(
        question for question, at in row["skips"] or () if datetime.fromisoformat(at) >= day_start
    )
    return AnswererView(
        id=answerer_id,
        percentile=row["percentile"] or 0.0,
        topics=frozenset(row["topics"] or ()) - declared.topics_off,
        languages=declared.languages,
        is_away=is_away(declared.hours, now),
        open_claims=len(holds),
        minutes_today=sum(done) + sum(each.minutes for each in holds),
        answers_today=len(done),
        daily_minutes=declared.hours.daily_minutes,
        daily_answers=declared.hours.daily_answers,
        caps=queries_caps.unpacked(row["limits"], now),
        skipped=skipped,
        no_paid_work=bool(row["no_paid_work"]),
    )


def queue(session: Session, *, desk: Desk, now: datetime, is_peak: bool) -> Waiting:
    """Return the one question that comes next for this person, by the rules' own order.

    Who can take nothing now may still read what comes next. One statement, and another for each
    twenty questions in a row that their own limits have no room for.
    """
    policy = desk.dials.policy
    person = as_reader(desk.person) if desk.refusal else desk.person
    places = [*product(sorted(person.topics), sorted(person.languages))]
    if not places:
        return Waiting(offer=None, others=0, held_back=0)
    search = Search(person, desk.dials, now, is_peak, places)
    after: tuple[datetime, int] | None = None
    while True:
        rows = session.execute(
            search.statement(after), execution_options={"populate_existing": True}
        ).all()
        found = {row.Question.id: row.Question for row in rows if row.Question is not None}
        views = [question_view(each) for each in found.values()]
        best = next_question(person, views, now, policy, is_peak=is_peak)
        ordinary = (q for q in views if not q.is_express and not is_kept_for(q, person, now))
        after = max(((q.posted_at, q.id) for q in ordinary), default=None)
        if best is not None or len(views) < AT_ONCE or after is None:
            break
    offer = None
    if best is not None:
        row = {column.key: getattr(found[best.id], column.key) for column in OFFER}
        offer = Offer(**offered(row), is_for_me=is_kept_for(best, person, now))
    return Waiting(
        offer=offer,
        others=rows[0].others - (offer is not None),
        held_back=rows[0].held_back,
    )


def _earned(answerer_id: AccountId, since: datetime) -> Subquery:
    """Select what the ledger says was earned since then: the credits of accepted answers."""
    return (
        select(
            (-func.sum(posting.c.amount)).label("minor"),
            func.max(posting.c.currency).label("earned_in"),
        )
        .join(account, account.c.id == posting.c.account_id)
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(
            account.c.code == chart.payable(answerer_id),
            entry.c.kind == "answer_accepted",
            entry.c.booked_at >= since,
        )
        .subquery()
    )
