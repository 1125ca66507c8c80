"""What an answerer's pages read: plain rows, a fixed number of statements a page.

Who asks is never among them: no name, no address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false, func, select, true

from upss.accounts.models import TopicApproval
from upss.forum.models import Answer, AnswerDraft, Claim, Question
from upss.forum.models_hours import HoursVersion
from upss.forum.models_offpeak import OffpeakVersion, PeakVersion
from upss.forum.queries_offpeak import DIALS_IN_FORCE, PEAKS_IN_FORCE, dials_of
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.pricing import MINUTES, Size
from upss.forum.rules.release import opens_at
from upss.ledger.rules.split import split

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, FromClause, RowMapping
    from sqlalchemy.orm import Session

    from upss.kernel.ids import AccountId

# What an offer shows of itself: in the queue as on the question's own page.
OFFER = (
    Question.id,
    Question.public_id,
    Question.title,
    Question.language,
    Question.topic,
    Question.size,
    Question.promise_at,
    Question.shared_minor.label("shared_minor"),
    Question.express_minor,
    Question.express_returned_at,
    Question.currency,
    Question.commission_bp,
    Question.fund_bp,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A paid question as an answerer sees it.

    `share_minor` is what the answer earns, `late_minor` what it earns after the promised time, where
    that is less; `minutes` is about how long it takes to write. `is_for_me`:
    the asker wished that this answerer, who answered them before, sees it first.
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
    late_minor: int | None
    is_express: bool
    is_for_me: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Work(Offer):
    """One question with everything that one answerer may know and has written.

    `opens_at` is from when it may be taken: this moment, or a later one. `claim_id`, `claim_status` and `ends_at` are those of the answerer's newest claim, None if
    there never was one; `aside` is what a page of an earlier one saved late. `zone` is where the
    answerer lives.
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
    zone: str

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


def work(
    session: Session, *, public_id: str, answerer_id: AccountId, now: datetime, site_zone: str
) -> Work | None:
    """Return a paid question as this answerer may see it, or None; one statement."""
    newest = _newest_claim(answerer_id)
    statement = (
        select(
            *OFFER,
            _zone_of(answerer_id, site_zone).label("zone"),
            Question.body,
            Question.status,
            Question.accept_due_at,
            Question.accepted_at,
            func.coalesce(Question.released_at, now).label("released_at"),
            func.coalesce(Question.urgent_at, now).label("urgent_at"),
            OffpeakVersion,
            PeakVersion.cells,
            (Question.asker_id == answerer_id).label("is_own"),
            func.coalesce(
                and_(
                    Question.reserved_for == answerer_id,
                    Question.reserved_until > now,
                    Question.urgent_at > now,
                ),
                false(),
            ).label("is_for_me"),
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
    opens = _opens_at(row, now, site_zone)
    told = {name: row[name] for name in Work.__slots__ if name != "opens_at"}
    return Work(**offered(row), is_for_me=row["is_for_me"], opens_at=opens, **told)


def _opens_at(row: RowMapping, now: datetime, site_zone: str) -> datetime:
    """Return from when a question may be taken: an express one at once."""
    if row["express_minor"] is not None:
        return now
    dials = dials_of(row[OffpeakVersion], row[PeakVersion.cells])
    return opens_at(
        released_at=row["released_at"],
        urgent_from=row["urgent_at"],
        now=now,
        mode=dials.policy.mode,
        peaks=dials.peak_map(site_zone),
    )


def _newest_claim(answerer_id: AccountId) -> FromClause:
    """Return the newest claim of this answerer on each question."""
    return (
        select(Claim.id.label("claim_id"), Claim.status.label("claim_status"), Claim.ends_at)
        .where(Claim.question_id == Question.id, Claim.answerer_id == answerer_id)
        .order_by(Claim.id.desc())
        .limit(1)
        .lateral()
    )


def _zone_of(answerer_id: AccountId, site_zone: str) -> ColumnElement[str]:
    """Return where somebody lives: as they declared it, else where the site is."""
    declared = (
        select(HoursVersion.zone)
        .where(HoursVersion.account_id == answerer_id)
        .order_by(HoursVersion.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(declared, site_zone)


def offered(row: RowMapping | Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an `Offer` from `OFFER`, with the share in place of price and rates."""
    rates = {"commission_bp": row["commission_bp"], "fund_bp": row["fund_bp"]}
    shared, extra, late_minor = row["shared_minor"], row["express_minor"], None
    if extra is not None and row["express_returned_at"] is None:
        late_minor = split(shared - extra, **rates).share_minor
    return {
        "id": row["id"],
        "public_id": row["public_id"],
        "title": row["title"],
        "language": row["language"],
        "topic": row["topic"],
        "minutes": MINUTES[Size(row["size"])],
        "promise_at": row["promise_at"],
        "currency": row["currency"],
        "share_minor": split(shared, **rates).share_minor,
        "late_minor": late_minor,
        "is_express": extra is not None,
    }
