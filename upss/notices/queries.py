"""Whom a mail goes to, and the figures that it tells: never the words of a question or answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, select

from upss.accounts import queries as people
from upss.accounts.models import Account, SignInRequest
from upss.adjustments.models import Adjustment
from upss.doctor.models import SelfCheckFinding
from upss.forum.models import Question
from upss.forum.models_inviting import Invitation
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.pricing import MINUTES, Size
from upss.forum.rules.timers import CLOSE_FOR_GOOD, GRACE
from upss.kernel.ids import AccountId
from upss.ledger import queries_chain as chain
from upss.ledger.rules.split import split
from upss.notices.models import Notice
from upss.notices.rules.messages import OF_ANSWER, To, subject_of
from upss.payments.models import Payment, Refund
from upss.payouts.models import PayoutItem

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address and its reader's language; somebody who only asks may have no account yet."""

    email: str
    language: str
    account_id: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice to send, as plain values: a mail is written when no transaction is open."""

    id: int
    fact: str
    template: str
    email: str
    language: str
    question_id: int | None


def recipients(session: Session, to: To, fields: Mapping[str, Any]) -> list[Recipient]:
    """Return who is meant by `to`, given the fields of an event; none if no address is known."""
    if to is To.ORGANIZERS:
        return [_of(contact) for contact in people.organizers(session)]
    if to is To.OTHER_ORGANIZERS:
        others = people.organizers(session)
        return [_of(person) for person in others if person.account_id != fields["proposed_by"]]
    if to is To.SIGNING_IN:
        return _signing_in(session, fields["request_id"])
    if to is To.WAITING:
        return [Recipient(fields["email"], fields["reads"], None)]
    if to is To.ASKER:
        return _asker(session, fields["question_id"])
    account_id: AccountId = fields["answerer_id" if to is To.ANSWERER else "account_id"]
    return [_of(people.contact(session, account_id))]


def moments(session: Session, question_id: int) -> dict[str, object]:
    """Return the times of a question that keep its repeated facts apart."""
    row = session.execute(
        select(Question.offer_ends_at, Question.updated_at).where(Question.id == question_id)
    ).one()
    return {"offer": row.offer_ends_at, "touched": row.updated_at}


def unsent(session: Session, notice_id: int, now: datetime) -> Waiting | None:
    """Return a notice that was not sent yet and is still welcome."""
    is_welcome = Notice.send_until.is_(None) | (Notice.send_until > now)
    return _waiting(session, (Notice.id == notice_id) & is_welcome)


def unsent_fact(session: Session, fact: str) -> Waiting | None:
    """Return the notice of a fact that is told to one address, if it was not sent yet."""
    return _waiting(session, Notice.fact == fact)


def was_told_of_answer(session: Session, question_id: int, *, by: datetime) -> bool:
    """Return whether the mail server took a mail to the asker about the answer until `by`."""
    days = ("", *range(CLOSE_FOR_GOOD.days))  # of each reminder there could have been
    sent = exists().where(
        Notice.fact.in_([f"question:{question_id}:{day}" for day in days]),
        Notice.template.in_([message.template for message in OF_ANSWER]),
        Notice.sent_at <= by,
    )
    return bool(session.execute(select(sent)).scalar_one())


def figures(session: Session, notice: Waiting) -> dict[str, object]:
    """Return what a notice's template may say: numbers, amounts, times and names."""
    kind, number, rest = subject_of(notice.fact)
    told: dict[str, object] = {}
    if notice.question_id is not None:
        told |= _question(session, notice.question_id)
    return told | _READERS[kind](session, number, rest)


def _waiting(session: Session, which: ColumnElement[bool]) -> Waiting | None:
    row = session.execute(_WAITING.where(which)).one_or_none()
    return None if row is None else Waiting(*row)


def _of(contact: people.Contact) -> Recipient:
    return Recipient(contact.email, contact.language, contact.account_id)


def _signing_in(session: Session, request_id: int) -> list[Recipient]:
    row = session.execute(
        select(SignInRequest.email, SignInRequest.language).where(SignInRequest.id == request_id)
    ).one()
    return [Recipient(row.email, row.language, None)]


def _asker(session: Session, question_id: int) -> list[Recipient]:
    """Read the account's address and language, or those given with a question that has none."""
    row = session.execute(
        select(
            func.coalesce(Account.email, Question.email).label("email"),
            func.coalesce(Account.language, Question.language).label("language"),
            Question.asker_id,
        )
        .outerjoin(Account, Account.id == Question.asker_id)
        .where(Question.id == question_id)
    ).one()
    return [Recipient(row.email, row.language, row.asker_id)] if row.email else []


def _question(session: Session, question_id: int) -> dict[str, object]:
    row = session.execute(
        select(
            Question.id,
            Question.public_id,
            Question.status,
            Question.price_minor,
            Question.shared_minor,
            Question.express_minor,
            Question.express_returned_at,
            Question.currency,
            Question.commission_bp,
            Question.fund_bp,
            Question.promise_at,
            Question.accept_due_at,
        ).where(Question.id == question_id)
    ).one()
    told: dict[str, object] = {
        "number": row.id,
        "public_id": row.public_id,
        "promise_at": row.promise_at,
        "is_being_written": row.status == Status.CLAIMED,
        "accept_due_at": row.accept_due_at,
    }
    if row.promise_at is not None:
        told["money_back_at"] = row.promise_at + GRACE
    if row.price_minor is not None:
        parts = split(row.shared_minor, commission_bp=row.commission_bp, fund_bp=row.fund_bp)
        told |= {
            "amount": row.price_minor,
            "extra": row.express_minor,
            "is_extra_back": row.express_returned_at is not None,
            "currency": row.currency,
            "earned": parts.share_minor,
        }
    return told


def _payment(session: Session, number: int, _rest: str) -> dict[str, object]:
    return _amount(session, Payment, number)


def _refund(session: Session, number: int, _rest: str) -> dict[str, object]:
    return _amount(session, Refund, number)


def _payout(session: Session, number: int, _rest: str) -> dict[str, object]:
    answerer_id = session.execute(
        select(PayoutItem.answerer_id).where(PayoutItem.id == number)
    ).scalar_one()
    name = people.names(session, [answerer_id])[answerer_id]
    told = {"name": name} | _amount(session, PayoutItem, number)
    return told | _books(session, number, "")


def _adjustment(session: Session, number: int, _rest: str) -> dict[str, object]:
    row = session.execute(
        select(Adjustment.public_id, Adjustment.proposed_by).where(Adjustment.id == number)
    ).one()
    name = people.names(session, [row.proposed_by])[row.proposed_by]
    told = {"public_id": row.public_id, "name": name}
    return told | _amount(session, Adjustment, number)


def _self_check(session: Session, number: int, _rest: str) -> dict[str, object]:
    new = select(func.count()).where(
        SelfCheckFinding.first_run_id == number, SelfCheckFinding.severity == "error"
    )
    return {"differences": session.execute(new).scalar_one()}


def _books(session: Session, _number: int, _rest: str) -> dict[str, object]:
    newest = chain.newest_block(session)
    return {"block": newest, "entries": chain.anchored_entries(session)}


def _account(_session: Session, _number: int, rest: str) -> dict[str, object]:
    return {"role": rest.partition(":")[0]}


def _hours(_session: Session, _number: int, rest: str) -> dict[str, object]:
    topic, language, day = rest.split(":")
    return {"topic": topic, "language": language, "begins_on": date.fromisoformat(day)}


def _place(_session: Session, _number: int, rest: str) -> dict[str, object]:
    topic, language = rest.split(":")
    return {"topic": topic, "language": language}


def _invitation(session: Session, number: int, _rest: str) -> dict[str, object]:
    row = session.execute(
        select(Question.topic, Question.language, Question.size, Question.is_express)
        .join(Invitation, Invitation.question_id == Question.id)
        .where(Invitation.id == number)
    ).one()
    return {
        "topic": row.topic,
        "language": row.language,
        "minutes": MINUTES[Size(row.size)],
        "is_express": row.is_express,
    }


def _cap(_session: Session, _number: int, rest: str) -> dict[str, object]:
    return {"level": int(rest.rpartition(":")[2])}


def _nothing_more(_session: Session, _number: int, _rest: str) -> dict[str, object]:
    return {}


def _amount(
    session: Session, model: type[Payment | Refund | PayoutItem | Adjustment], number: int
) -> dict[str, object]:
    row = session.execute(
        select(model.amount_minor, model.currency).where(model.id == number)
    ).one()
    return {"amount": row.amount_minor, "currency": row.currency}


_READERS: Mapping[str, Callable[[Session, int, str], dict[str, object]]] = {
    "sign_in": _nothing_more,
    "question": _nothing_more,
    "payment": _payment,
    "refund": _refund,
    "payout": _payout,
    "adjustment": _adjustment,
    "self_check": _self_check,
    "account": _account,
    "books": _books,
    "hours": _hours,
    "cap": _cap,
    "capacity": _place,
    "invitation": _invitation,
    "waiting": _place,
}

_WAITING = select(
    Notice.id,
    Notice.fact,
    Notice.template,
    Notice.email,
    Notice.language,
    Notice.question_id,
).where(Notice.sent_at.is_(None))
