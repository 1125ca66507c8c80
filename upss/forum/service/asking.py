"""The asker's side: draft, offer, submission, payment, withdrawal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from upss.accounts import service as accounts
from upss.forum import queries_offpeak
from upss.forum.events import QuestionQueued, QuestionWithdrawn
from upss.forum.models import Question
from upss.forum.models_offpeak import QuestionPromise
from upss.forum.rules.express import surcharge
from upss.forum.rules.lifecycle import MoveRefused, Status
from upss.forum.rules.policy import Policy
from upss.forum.rules.texts import kept, question_faults
from upss.forum.rules.timers import OFFER
from upss.forum.service import head_start, promises, releasing
from upss.forum.service.moves import by, locked, make_move
from upss.kernel.errors import DomainError, NotFound
from upss.kernel.ids import PaymentId, QuestionId
from upss.kernel.money import Money
from upss.payments.rules.lifecycle import SESSION_LEAST, PaymentStatus
from upss.payments.service import charging, refunding
from upss.site import queries as site

if TYPE_CHECKING:
    from upss.accounts.events import SignedOutEverywhere
    from upss.db.work import UnitOfWork
    from upss.forum.rules.ownership import Owner
    from upss.forum.rules.promising import Quote
    from upss.payments.events import PaymentSettled


class DraftIncomplete(DomainError):
    """A draft cannot be offered yet; the fact `faults` maps fields to what is missing."""

    code = "draft_incomplete"
    status = 422


class OfferStale(DomainError):
    """Too little of the offer is left, or its terms changed: a fresh one must be shown."""

    code = "offer_stale"


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftText:
    """What the asker typed and chose, complete or not.

    `wants_previous`: whoever answered them before should see it first.
    """

    title: str
    body: str
    topic: str | None
    size: str | None
    language: str
    wants_previous: bool = False


@dataclass(frozen=True, slots=True)
class OtherOffer:
    """By when the answer would come, and how much more (or less) that costs, in minor units."""

    by: datetime
    difference_minor: int


def save_draft(uow: UnitOfWork, *, public_id: str, owner: Owner, text: DraftText) -> QuestionId:
    """Keep what was typed, whatever it is, as the draft `public_id`; makes it if there is none.

    A change ends the offer: what was shown with a price is what is paid for. Raises `NotFound`
    for a question of somebody else, `OfferStale` once it is no draft any more, or for a change
    while its payment is being checked, `DraftTooLong` for more than is ever kept.
    """
    values = _kept(text, site.terms(uow.session))
    now = uow.clock.now()
    if owner.asker_id is not None or owner.session_id is not None:
        _make_if_missing(uow, public_id, owner, now)
    question = uow.session.scalar(select(Question).where(Question.public_id == public_id))
    if question is None or not owner.owns(
        asker_id=question.asker_id, session_id=question.session_id
    ):
        raise NotFound(public_id=public_id)
    if question.paid_at is not None:  # see `_is_paid`
        raise OfferStale(public_id=public_id)
    is_checked = _is_being_checked(uow, QuestionId(question.id))
    locked(uow, QuestionId(question.id))
    if question.status != Status.DRAFT:
        raise OfferStale(public_id=public_id)
    if question.offered_at and any(getattr(question, n) != each for n, each in values.items()):
        if is_checked:
            raise OfferStale(public_id=public_id)
        _void_offer(uow, question)
    for name, value in values.items():
        setattr(question, name, value)
    question.updated_at = now
    uow.session.flush()  # the view goes on with the id
    return QuestionId(question.id)


def _make_if_missing(uow: UnitOfWork, public_id: str, owner: Owner, now: datetime) -> None:
    """Make an empty draft; the form and its own autosave may both come first."""
    uow.session.execute(
        insert(Question)
        .values(
            public_id=public_id,
            asker_id=owner.asker_id,
            session_id=owner.session_id,
            status=Status.DRAFT,
            language="en",
            title="",
            body="",
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing(index_elements=["public_id"])
    )


def _kept(text: DraftText, terms: site.Terms) -> dict[str, str | bool | None]:
    """Return what a draft keeps; what is not on the menu (any more) counts as not chosen."""
    return {
        "title": kept(text.title),
        "body": kept(text.body),
        "topic": text.topic if text.topic in terms.topics else None,
        "size": text.size,
        "language": text.language,
        "wants_previous": text.wants_previous,
    }


def _void_offer(uow: UnitOfWork, question: Question) -> None:
    """End the offer of a draft that changes: what is still paid on it goes back."""
    charging.close_offer(uow, question_id=QuestionId(question.id))
    question.offered_at = question.offer_ends_at = None


def faults_of(question: Question, terms: site.Terms) -> dict[str, str]:
    """Return field -> fault of a draft: texts, topic and size."""
    faults = question_faults(title=question.title, body=question.body)
    if question.topic not in terms.topics:
        faults["topic"] = "empty"
    if question.size is None:
        faults["size"] = "empty"
    return faults


def make_offer(uow: UnitOfWork, *, question_id: QuestionId, is_express: bool | None = None) -> None:
    """Freeze price, split rule and promise of a draft for 60 minutes.

    The promise's time begins at the end of the offer, so that a payment in its last minute loses
    nothing. Earlier offers of the question are closed: what is still paid on them goes back. An
    express offer has the quicker promise and its surcharge in the price; None: one if the last offer
    was one and it still can be. Raises `DraftIncomplete`, `NoPromise`, `NoExpress`, or `OfferStale`
    when the question is no draft any more, or its payment is being checked.
    """
    if _is_paid(uow, question_id) or _is_being_checked(uow, question_id):
        raise OfferStale(question_id=question_id)
    charging.close_offer(uow, question_id=question_id)  # payments are locked before questions
    question = locked(uow, question_id)
    if question.status != Status.DRAFT:
        raise OfferStale(question_id=question_id)
    terms = site.terms(uow.session)
    faults = faults_of(question, terms)
    if faults:
        raise DraftIncomplete(faults=faults)
    assert question.topic is not None
    assert question.size is not None
    now = uow.clock.now()
    quote, is_express = _promised(uow, question, at=now + OFFER, is_express=is_express)
    price, floor = terms.prices[question.topic, question.size], Policy().floor
    question.express_minor = None
    if is_express:
        dials = queries_offpeak.dials(uow.session)
        question.express_minor = surcharge(price, dials.express_percent)
        floor = dials.policy.express_floor
    question.price_minor = price + (question.express_minor or 0)
    question.currency = terms.currency
    question.commission_bp, question.fund_bp = terms.commission_bp, terms.fund_bp
    question.offered_at, question.offer_ends_at = now, now + OFFER
    # an answerer must still have the promise's least time when a late payment arrives
    question.promise_at, question.honour_until = quote.by, quote.by - floor


def _promised(
    uow: UnitOfWork, question: Question, *, at: datetime, is_express: bool | None
) -> tuple[Quote, bool]:
    """Return the promise that is given, and whether it is the quicker one."""
    wanted = question.is_express if is_express is None else is_express
    try:
        return promises.give(uow, question, at=at, is_express=wanted), wanted
    except promises.NoExpress:
        if is_express is not None:
            raise
        return promises.give(uow, question, at=at), False


def other_offer(uow: UnitOfWork, question: Question) -> OtherOffer | None:
    """Return what this offer could be instead: quicker for more, or ordinary again; None if not."""
    if question.express_minor is not None:
        noted = uow.session.get(QuestionPromise, question.id, populate_existing=True)
        if noted is None or noted.ordinary_by is None:
            return None
        return OtherOffer(noted.ordinary_by, question.express_minor)
    found = promises.express_beside(uow, question, at=uow.clock.now() + OFFER)
    if found is None or question.price_minor is None:
        return None
    percent = queries_offpeak.dials(uow.session).express_percent
    return OtherOffer(found.quote.by, surcharge(question.price_minor, percent))


def is_payable(question: Question, *, now: datetime) -> bool:
    """Tell whether enough of the offer is left to open a payment page."""
    ends = question.offer_ends_at
    return ends is not None and ends - now >= SESSION_LEAST


def offer_mark(question: Question) -> str:
    """Return what tells one offer of a question from the next; the check page carries it."""
    if question.offered_at is None:
        return ""
    return f"{question.offered_at.isoformat()} {question.price_minor} {question.commission_bp}"


def submit(
    uow: UnitOfWork,
    *,
    question_id: QuestionId,
    owner: Owner,
    email: str,
    language: str,
    seen: str | None = None,
) -> PaymentId:
    """Take the frozen offer: the question awaits payment, the payment row exists.

    `language` is what the asker reads, and so the payment page and the mails of a new account; it
    need not be that of the question. `seen` is the mark of the offer that the asker agreed to;
    another one, made in a second tab say, is `OfferStale`. An anonymous asker's address makes (or
    finds) their account, unconfirmed. Raises `OfferStale`, `DraftIncomplete` or `MoveRefused`.
    """
    question = locked(uow, question_id)
    if seen is not None and seen != offer_mark(question):
        raise OfferStale(question_id=question_id)
    if question.status == Status.DRAFT and not is_payable(question, now=uow.clock.now()):
        raise OfferStale(question_id=question_id)
    question.asker_id = owner.asker_id or accounts.account_for_email(
        uow, email=email, language=language
    )
    question.email = email
    make_move(uow, question, "submit", actor=by(question.asker_id))
    assert question.price_minor is not None
    assert question.currency is not None
    assert question.offer_ends_at is not None
    assert question.honour_until is not None
    return charging.open_payment(
        uow,
        question_id=question_id,
        amount=Money(question.price_minor, question.currency),
        expires_at=question.offer_ends_at,
        honour_until=question.honour_until,
        email=email,
        language=language,
    )


def edit_again(uow: UnitOfWork, *, question_id: QuestionId) -> None:
    """Back to the draft; the payment page was closed before.

    Raises `MoveRefused`, also while the asker has paid and the money is not confirmed yet.
    """
    if _is_paid(uow, question_id):
        raise MoveRefused(event="edit_again")
    if _is_being_checked(uow, question_id):
        raise MoveRefused(event="edit_again", payment=PaymentStatus.CHECKING)
    charging.close_offer(uow, question_id=question_id)
    question = locked(uow, question_id)
    make_move(uow, question, "edit_again", actor=_asker(question))


def discard(uow: UnitOfWork, *, question_id: QuestionId) -> None:
    """Give a draft up. Raises `MoveRefused`, also while its payment is being checked."""
    if _is_paid(uow, question_id) or _is_being_checked(uow, question_id):
        raise MoveRefused(event="discard")
    charging.close_offer(uow, question_id=question_id)
    question = locked(uow, question_id)
    make_move(uow, question, "discard", actor=_asker(question))


def withdraw(uow: UnitOfWork, *, question_id: QuestionId) -> None:
    """Withdraw a paid question that nobody has claimed; the whole price goes back."""
    question = locked(uow, question_id)
    make_move(uow, question, "withdraw", actor=_asker(question))
    refunding.refund_in_full(uow, question_id=question_id, cause="withdrawn")
    uow.emit(QuestionWithdrawn(at=uow.clock.now(), question_id=question_id))


def leave_browsers(uow: UnitOfWork, event: SignedOutEverywhere) -> None:
    """Handle somebody leaving every browser: from now on only the account opens their questions."""
    theirs = select(Question).where(
        Question.asker_id == event.account_id, Question.session_id.is_not(None)
    )
    for question in uow.session.scalars(theirs.order_by(Question.id).with_for_update()):
        question.session_id = None


def enqueue(uow: UnitOfWork, event: PaymentSettled) -> None:
    """Handle a settled payment: the question waits for an answerer from now on."""
    question = locked(uow, event.question_id)
    is_late = question.status == Status.DRAFT
    make_move(
        uow,
        question,
        "late_payment_honoured" if is_late else "payment_confirmed",
        actor="system",
    )
    question.paid_at = event.at
    releasing.release(uow, question)
    head_start.give(uow, question)
    if question.is_express:
        uow.defer("forum.invite_to_express", question_id=question.id)
    uow.emit(QuestionQueued(at=event.at, question_id=event.question_id))


def _is_paid(uow: UnitOfWork, question_id: QuestionId) -> bool:
    """Tell, without a lock, whether a question was paid: then its payments are not locked first.

    Of an unpaid one payments are locked before the question, as the provider's word does; of a paid
    one the question, as refunds do.
    """
    paid_at = select(Question.paid_at).where(Question.id == question_id)
    return uow.session.scalar(paid_at) is not None


def _is_being_checked(uow: UnitOfWork, question_id: QuestionId) -> bool:
    """Lock an unpaid question's payments; tell whether that of its offer is made but not confirmed.

    Its offer then stays open: who could end it would be asked to pay a second time.
    """
    return PaymentStatus.CHECKING in charging.lock_payments(uow, question_id=question_id)


def _asker(question: Question) -> str:
    return "asker" if question.asker_id is None else by(question.asker_id)
