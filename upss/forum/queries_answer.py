"""What an answerer's pages read: plain rows, a fixed number of statements a page.

Who asks is never among them: no name, no address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import false, func, select, true, tuple_
from sqlalchemy.orm import aliased

from upss.accounts.models import Account, TopicApproval
from upss.forum.models import Answer, AnswerDraft, Claim, Question
from upss.forum.models_hours import HoursVersion
from upss.forum.models_offpeak import AnswererRank, OffpeakVersion, PeakVersion
from upss.forum.queries_hours import declared_of
from upss.forum.queries_offpeak import DIALS_IN_FORCE, PEAKS_IN_FORCE, dials_of
from upss.forum.rules.declared import Declared
from upss.forum.rules.dials import Dials
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.policy import Mode
from upss.forum.rules.pricing import MINUTES, Size
from upss.forum.rules.release import opens_at
from upss.ledger.models import account, entry, posting
from upss.ledger.rules import chart
from upss.ledger.rules.split import split

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, RowMapping, Subquery
    from sqlalchemy.orm import Session

    from upss.kernel.ids import AccountId

# What an offer shows of itself: in a list as on the question's own page.
_OFFER = (
    Question.id,
    Question.public_id,
    Question.title,
    Question.language,
    Question.topic,
    Question.size,
    Question.promise_at,
    Question.price_minor,
    Question.currency,
    Question.commission_bp,
    Question.fund_bp,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A paid question as an answerer sees it.

    `share_minor` is what the answer earns, `minutes` about how long it takes to write.
    """

    id: int
    public_id: str
    title: str
    language: str
    topic: str
    minutes: int
    promise_at: datetime
    currency: str
    share_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Held(Offer):
    """A question that the answerer has claimed; `saved_at` None: nothing written yet."""

    claim_id: int
    ends_at: datetime
    saved_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """An answerer's month so far, the questions that wait for their answer, and what counts now.

    `declared` are their hours, languages and topics; `dials` the organizer's. `waits` is how long
    a question that is not urgent shows itself to others first.
    """

    answers: int
    earned_minor: int
    currency: str | None
    held: Sequence[Held]
    declared: Declared
    dials: Dials
    waits: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Questions that may be taken now, and how many more wait for a quieter hour."""

    offers: Sequence[Offer]
    held_back: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Work(Offer):
    """One question with everything that one answerer may know and has written.

    `opens_at` is from when it may be taken: this moment, or a later one. `claim_id`, `claim_status` and `ends_at` are those of the answerer's newest claim, None if
    there never was one; `aside` is what a page of an earlier one saved late.
    """

    body: str
    status: str
    is_approved: bool
    is_own: bool
    opens_at: datetime
    claim_id: int | None
    claim_status: str | None
    ends_at: datetime | None
    draft: str
    aside: str
    saved_at: datetime | None
    revision: int
    answer: str | None
    posted_at: datetime | None
    accept_due_at: datetime | None
    accepted_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Tell whether the answerer may claim it now, as far as a page can know."""
        return self.status == Status.QUEUED and self.is_approved and not self.is_own

    @property
    def can_write(self) -> bool:
        """Tell whether an answer could still be sent: held, or free again after a claim."""
        return self.claim_status == "active" or (
            self.claim_status is not None and self.status == Status.QUEUED
        )


def queue(
    session: Session,
    *,
    answerer_id: AccountId,
    desk: Desk,
    now: datetime,
    is_peak: bool,
    after: int | None,
    limit: int,
) -> Waiting:
    """Return questions that the answerer may claim, the longest paid first; one statement.

    `after` is the id of the last question of the page before.
    """
    approved = select(TopicApproval.topic).where(TopicApproval.account_id == answerer_id)
    mine = (
        Question.status == Status.QUEUED,
        Question.topic.in_(approved),
        Question.topic.not_in(desk.declared.topics_off),
        Question.language.in_(desk.declared.languages),
        Question.asker_id != answerer_id,
        ~_is_staggered(desk, now),
    )
    is_open = _is_open(desk.dials.policy.mode, now, is_peak=is_peak)
    wanted = (
        select(*_OFFER, Question.paid_at)
        .where(*mine, is_open)
        .order_by(Question.paid_at, Question.id)
        .limit(limit)
    )
    if after is not None:
        last = aliased(Question)
        key = select(last.paid_at, last.id).where(last.id == after).scalar_subquery()
        wanted = wanted.where(tuple_(Question.paid_at, Question.id) > key)
    offers = wanted.subquery()
    others = select(func.count().label("held_back")).where(*mine, ~is_open).subquery()
    rows = session.execute(
        select(others, offers)
        .select_from(others.outerjoin(offers, true()))
        .order_by(offers.c.paid_at, offers.c.id)
    )
    found = rows.mappings().all()
    return Waiting(
        offers=[Offer(**_offer(row)) for row in found if row["id"] is not None],
        held_back=found[0]["held_back"],
    )


def _is_open(mode: Mode, now: datetime, *, is_peak: bool) -> ColumnElement[bool]:
    """Return the condition that a waiting question may be taken now, as `queue.waits` says."""
    if mode is Mode.OPEN:
        return true()
    quiet = false() if is_peak else func.coalesce(Question.released_at, now) <= now
    return quiet if mode is Mode.STRICT else quiet | (func.coalesce(Question.urgent_at, now) <= now)


def _is_staggered(desk: Desk, now: datetime) -> ColumnElement[bool]:
    """Return the condition that a question shows itself to others first, as the queue's rule says."""
    if not desk.waits:
        return false()
    is_open_mode = desk.dials.policy.mode is Mode.OPEN
    start = func.coalesce(Question.paid_at if is_open_mode else Question.released_at, now)
    urgent = func.coalesce(Question.urgent_at, now) <= now
    return ~urgent & (start <= now) & (start > now - desk.waits)


def desk(
    session: Session, *, answerer_id: AccountId, month_start: datetime, site_zone: str
) -> Desk:
    """Return the answerer's month and open claims, the first to be answered on top; one statement."""
    held = (
        select(*_OFFER, Claim.id.label("claim_id"), Claim.ends_at, AnswerDraft.saved_at)
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
    answers = (
        select(func.count())
        .where(Answer.answerer_id == answerer_id, Answer.posted_at >= month_start)
        .scalar_subquery()
    )
    earned = _earned(answerer_id, month_start)
    rank = (
        select(AnswererRank.percentile)
        .where(AnswererRank.account_id == answerer_id)
        .scalar_subquery()
        .label("percentile")
    )
    month = select(answers.label("answers"), earned.c.minor, earned.c.earned_in, rank).subquery()
    other = aliased(HoursVersion)
    newest = select(func.max(other.id)).where(other.account_id == answerer_id).scalar_subquery()
    statement = (
        select(month, held, Account.language, HoursVersion, OffpeakVersion, PeakVersion.cells)
        .select_from(month.outerjoin(held, true()))
        .join(Account, Account.id == answerer_id)
        .outerjoin(HoursVersion, HoursVersion.id == newest)
        .join(OffpeakVersion, DIALS_IN_FORCE)
        .join(PeakVersion, PEAKS_IN_FORCE)
        .order_by(held.c.promise_at, held.c.id)
    )
    rows = session.execute(statement).mappings().all()
    first = rows[0]
    dials = dials_of(first[OffpeakVersion], first[PeakVersion.cells])
    return Desk(
        answers=first["answers"],
        earned_minor=int(first["minor"] or 0),
        currency=first["earned_in"],
        held=[
            Held(
                **_offer(row),
                claim_id=row["claim_id"],
                ends_at=row["ends_at"],
                saved_at=row["saved_at"],
            )
            for row in rows
            if row["id"] is not None
        ],
        declared=declared_of(first[HoursVersion], first[Account.language], site_zone),
        dials=dials,
        waits=dials.policy.stagger * (first["percentile"] or 0.0),
    )


def work(
    session: Session, *, public_id: str, answerer_id: AccountId, now: datetime, site_zone: str
) -> Work | None:
    """Return a paid question as this answerer may see it, or None; one statement."""
    newest = (
        select(Claim.id.label("claim_id"), Claim.status.label("claim_status"), Claim.ends_at)
        .where(Claim.question_id == Question.id, Claim.answerer_id == answerer_id)
        .order_by(Claim.id.desc())
        .limit(1)
        .lateral()
    )
    statement = (
        select(
            *_OFFER,
            Question.body,
            Question.status,
            Question.accept_due_at,
            Question.accepted_at,
            func.coalesce(Question.released_at, now).label("released_at"),
            func.coalesce(Question.urgent_at, now).label("urgent_at"),
            OffpeakVersion,
            PeakVersion.cells,
            (Question.asker_id == answerer_id).label("is_own"),
            (TopicApproval.account_id.is_not(None)).label("is_approved"),
            newest.c.claim_id,
            newest.c.claim_status,
            newest.c.ends_at,
            func.coalesce(AnswerDraft.body, "").label("draft"),
            func.coalesce(AnswerDraft.aside, "").label("aside"),
            func.coalesce(AnswerDraft.revision, 0).label("revision"),
            AnswerDraft.saved_at,
            Answer.body.label("answer"),
            Answer.posted_at,
        )
        .select_from(Question)
        .join(OffpeakVersion, DIALS_IN_FORCE)
        .join(PeakVersion, PEAKS_IN_FORCE)
        .outerjoin(newest, true())
        .outerjoin(
            TopicApproval,
            (TopicApproval.account_id == answerer_id) & (TopicApproval.topic == Question.topic),
        )
        .outerjoin(
            AnswerDraft,
            (AnswerDraft.question_id == Question.id) & (AnswerDraft.answerer_id == answerer_id),
        )
        .outerjoin(
            Answer,
            (Answer.question_id == Question.id) & (Answer.answerer_id == answerer_id),
        )
        .where(Question.public_id == public_id, Question.paid_at.is_not(None))
        .order_by(Answer.revision.desc())
        .limit(1)
    )
    row = session.execute(statement).mappings().one_or_none()
    if row is None:
        return None
    dials = dials_of(row[OffpeakVersion], row[PeakVersion.cells])
    opens = opens_at(
        released_at=row["released_at"],
        urgent_from=row["urgent_at"],
        now=now,
        mode=dials.policy.mode,
        peaks=dials.peak_map(site_zone),
    )
    told = {name: row[name] for name in Work.__slots__ if name != "opens_at"}
    return Work(**_offer(row), opens_at=opens, **told)


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


def _offer(row: RowMapping) -> dict[str, Any]:
    """Return the fields of an `Offer`, with the share in place of price and rates."""
    parts = split(row["price_minor"], commission_bp=row["commission_bp"], fund_bp=row["fund_bp"])
    return {
        "id": row["id"],
        "public_id": row["public_id"],
        "title": row["title"],
        "language": row["language"],
        "topic": row["topic"],
        "minutes": MINUTES[Size(row["size"])],
        "promise_at": row["promise_at"],
        "currency": row["currency"],
        "share_minor": parts.share_minor,
    }
