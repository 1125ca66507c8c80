"""What the asker's pages read: plain rows, one statement each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, false, or_, select
from sqlalchemy.orm import aliased

from upss.accounts.models import Account
from upss.forum.models import Answer, Question
from upss.forum.models_offpeak import OffpeakVersion, PeakVersion
from upss.forum.queries_offpeak import DIALS_IN_FORCE, PEAKS_IN_FORCE, dials_of
from upss.forum.rules.dials import Dials
from upss.forum.rules.lifecycle import Status
from upss.kernel.errors import NotFound
from upss.payments.models import Payment
from upss.payments.rules.lifecycle import PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from upss.forum.rules.ownership import Owner


def _owned_by(owner: Owner) -> Any:
    """Return the condition that `owner.owns` a question; never true for nobody."""
    of_account: ColumnElement[bool] = false()
    of_session: ColumnElement[bool] = false()
    if owner.session_id is not None:
        of_session = Question.session_id == owner.session_id
    if owner.asker_id is not None:
        of_account = Question.asker_id == owner.asker_id
        of_session = and_(of_session, Question.asker_id.is_(None))
    return or_(of_account, of_session)


def owned(session: Session, public_id: str, owner: Owner) -> Question:
    """Return the visitor's own question; raises `NotFound` for anybody else's too."""
    question = session.scalar(
        select(Question).where(Question.public_id == public_id, _owned_by(owner))
    )
    if question is None:
        raise NotFound(public_id=public_id)
    return question


def find(session: Session, public_id: str, owner: Owner) -> Question | None:
    """Return the visitor's own question, None if the id is free; `NotFound` if somebody else's."""
    question = session.scalar(select(Question).where(Question.public_id == public_id))
    if question is not None and not owner.owns(
        asker_id=question.asker_id, session_id=question.session_id
    ):
        raise NotFound(public_id=public_id)
    return question


# An offer of the question is paid, and the money not confirmed.
_IS_CHECKING = exists().where(
    Payment.question_id == Question.id,
    Payment.status == PaymentStatus.CHECKING,
    Payment.closed_at.is_(None),
)


def is_being_checked(session: Session, question: Question) -> bool:
    """Tell whether the payment of an unpaid question is made but not confirmed."""
    found = select(Question.id).where(Question.id == question.id, _IS_CHECKING)
    return session.scalar(found) is not None


def newest_draft(session: Session, owner: Owner) -> str | None:
    """Return the public id of the draft that was touched last and can be changed, or None."""
    return session.scalar(
        select(Question.public_id)
        .where(Question.status == Status.DRAFT, _owned_by(owner), ~_IS_CHECKING)
        .order_by(Question.updated_at.desc())
        .limit(1)
    )


def _status_to_show(status: str, *, is_checking: bool) -> str:
    """Return the state that the asker sees: nothing is "not paid" while its payment is checked."""
    is_unpaid = status in {Status.DRAFT, Status.AWAITING_PAYMENT}
    return PaymentStatus.CHECKING if is_unpaid and is_checking else status


@dataclass(frozen=True, slots=True)
class Thread:
    """A question with its answer, who answered, how its newest payment stands, and the dials."""

    question: Question
    answer_body: str | None
    answered_by: str | None
    experience: str | None
    payment_id: int | None
    payment_status: str | None
    dials: Dials

    @property
    def status(self) -> str:
        """How the question stands, as its asker sees it."""
        is_checking = self.payment_status == PaymentStatus.CHECKING
        return _status_to_show(self.question.status, is_checking=is_checking)


def thread(session: Session, public_id: str, owner: Owner) -> Thread:
    """Return everything the question page shows, in one statement; raises `NotFound`."""
    answerer = aliased(Account)
    offered = aliased(Payment)
    newest = (
        select(offered.id)
        .where(offered.question_id == Question.id, offered.closed_at.is_(None))
        .order_by(offered.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    row = session.execute(
        select(
            Question,
            Answer.body,
            answerer.name,
            answerer.experience,
            Payment.id,
            Payment.status,
            OffpeakVersion,
            PeakVersion.cells,
        )
        .select_from(Question)
        .join(OffpeakVersion, DIALS_IN_FORCE)
        .join(PeakVersion, PEAKS_IN_FORCE)
        .outerjoin(Answer, and_(Answer.question_id == Question.id, Answer.revision == 1))
        .outerjoin(answerer, answerer.id == Answer.answerer_id)
        .outerjoin(Payment, Payment.id == newest)
        .where(Question.public_id == public_id, _owned_by(owner))
    ).one_or_none()
    if row is None:
        raise NotFound(public_id=public_id)
    found, body, name, experience, payment_id, status, version, cells = row
    dials = dials_of(version, cells)
    return Thread(found, body, name, experience, payment_id, status, dials)


@dataclass(frozen=True, slots=True)
class ListedQuestion:
    """One line of "My questions"."""

    id: int
    public_id: str
    status: str  # as its asker sees it
    title: str
    language: str
    topic: str | None
    price_minor: int | None
    currency: str | None
    promise_at: datetime | None
    updated_at: datetime


def mine(
    session: Session, owner: Owner, *, after: int | None, limit: int
) -> Sequence[ListedQuestion]:
    """Return the visitor's questions, newest first, from below the key `after`."""
    statement = select(
        _IS_CHECKING,
        Question.id,
        Question.public_id,
        Question.status,
        Question.title,
        Question.language,
        Question.topic,
        Question.price_minor,
        Question.currency,
        Question.promise_at,
        Question.updated_at,
    ).where(_owned_by(owner), Question.status != Status.ABANDONED)
    if after is not None:
        statement = statement.where(Question.id < after)
    rows = session.execute(statement.order_by(Question.id.desc()).limit(limit))
    return [
        ListedQuestion(number, public_id, _status_to_show(status, is_checking=checking), *rest)
        for checking, number, public_id, status, *rest in rows
    ]


def question_of_payment(session: Session, payment_public_id: str) -> tuple[int, str] | None:
    """Return (payment id, question's public id) for the return address of a payment page."""
    row = session.execute(
        select(Payment.id, Question.public_id)
        .join(Question, Question.id == Payment.question_id)
        .where(Payment.public_id == payment_public_id)
    ).one_or_none()
    return None if row is None else (row[0], row[1])
