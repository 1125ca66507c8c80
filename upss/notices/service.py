"""Handlers that note what has to be told: one row for each fact and address, one job to send it.

What depends on whether somebody was told is asked here, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from upss.forum.rules.timers import TOLD_BEFORE
from upss.forum.service import accepting
from upss.notices import queries
from upss.notices.models import Notice
from upss.notices.rules.messages import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upss.accounts.events import PersonInvited, SignInAsked
    from upss.adjustments.events import AdjustmentProposed
    from upss.db.work import UnitOfWork
    from upss.doctor.events import SelfCheckAlarmed
    from upss.forum.events import (
        AcceptanceDue,
        AnswerAccepted,
        CapacityVanished,
        CapNear,
        ClaimLapsed,
        DraftEnding,
        InvitedToAnswer,
        OfferEnded,
        PromiseMissed,
        PromisePossible,
        QuestionAnswered,
        QuestionExpired,
        QuestionWithdrawn,
        ReviewEnded,
        TopicLeftAlone,
    )
    from upss.kernel.events import Event
    from upss.ledger.events import BooksAnchored
    from upss.notices.queries import Recipient
    from upss.notices.rules.messages import Message
    from upss.payments.events import PaymentReturned, PaymentSettled, RefundFailed, RefundSettled
    from upss.payouts.events import PayoutRefused, PayoutSent


def send_sign_in(uow: UnitOfWork, event: SignInAsked) -> None:
    """Mail a link and a code; the job makes them, so that no secret waits in a queue."""
    for _notice_id in _note("send_sign_in", uow, event):
        uow.defer("notices.send_sign_in", request_id=event.request_id)


def send_invitation(uow: UnitOfWork, event: PersonInvited) -> None:
    """Tell the invited person how to begin."""
    _tell("send_invitation", uow, event)


def receipt(uow: UnitOfWork, event: PaymentSettled) -> None:
    """Tell the asker that the payment arrived, and the promise."""
    _tell("receipt", uow, event)


def payment_returned(uow: UnitOfWork, event: PaymentReturned) -> None:
    """Tell the asker that a late or second payment goes back."""
    _tell("payment_returned", uow, event)


def offer_ended(uow: UnitOfWork, event: OfferEnded) -> None:
    """Remind the asker, once for each offer, of a question that was not paid."""
    _tell("offer_ended", uow, event)


def refund_settled(uow: UnitOfWork, event: RefundSettled) -> None:
    """Tell the asker that the money was given back."""
    _tell("refund_settled", uow, event)


def refund_failed(uow: UnitOfWork, event: RefundFailed) -> None:
    """Tell the asker that a refund did not arrive, and the organizers, who must act."""
    _tell("refund_failed", uow, event)


def withdrawn(uow: UnitOfWork, event: QuestionWithdrawn) -> None:
    """Confirm a withdrawal to the asker."""
    _tell("withdrawn", uow, event)


def promise_missed(uow: UnitOfWork, event: PromiseMissed) -> None:
    """Apologise to the asker and offer the choice to wait or to withdraw."""
    _tell("promise_missed", uow, event)


def question_expired(uow: UnitOfWork, event: QuestionExpired) -> None:
    """Tell the asker that nobody answered and the money goes back."""
    _tell("question_expired", uow, event)


def claim_lapsed(uow: UnitOfWork, event: ClaimLapsed) -> None:
    """Tell the answerer that a claim ended and what was written is kept."""
    _tell("claim_lapsed", uow, event)


def cap_near(uow: UnitOfWork, event: CapNear) -> None:
    """Warn the answerer, once for each period and level, that a limit of their own is near."""
    _tell("cap_near", uow, event)


def answer_ready(uow: UnitOfWork, event: QuestionAnswered) -> None:
    """Tell the asker that there is an answer."""
    _tell("answer_ready", uow, event)


def acceptance_due(uow: UnitOfWork, event: AcceptanceDue) -> None:
    """Remind the asker to accept or to say what is wrong."""
    _tell("acceptance_due", uow, event)


def accept_if_told(uow: UnitOfWork, event: ReviewEnded) -> None:
    """Let the timer accept an answer that the asker was told of; else prolong the review."""
    if queries.was_told_of_answer(uow.session, event.question_id, by=event.at - TOLD_BEFORE):
        accepting.accept(uow, question_id=event.question_id, actor_id=None)
    else:
        accepting.prolong_review(uow, question_id=event.question_id)


def answer_accepted(uow: UnitOfWork, event: AnswerAccepted) -> None:
    """Thank the answerer and say what was earned."""
    _tell("answer_accepted", uow, event)


def draft_ending(uow: UnitOfWork, event: DraftEnding) -> None:
    """Warn the asker that a draft is removed in a week."""
    _tell("draft_ending", uow, event)


def payout_sent(uow: UnitOfWork, event: PayoutSent) -> None:
    """Tell the answerer that money is on its way."""
    _tell("payout_sent", uow, event)


def payout_refused(uow: UnitOfWork, event: PayoutRefused) -> None:
    """Tell the answerer that money could not be sent, and the organizers."""
    _tell("payout_refused", uow, event)


def adjustment_waits(uow: UnitOfWork, event: AdjustmentProposed) -> None:
    """Tell the other organizers that a proposal waits for one of them."""
    _tell("adjustment_waits", uow, event)


def self_check_alarmed(uow: UnitOfWork, event: SelfCheckAlarmed) -> None:
    """Tell the organizers that the books contradict what happened."""
    _tell("self_check_alarmed", uow, event)


def topic_left_alone(uow: UnitOfWork, event: TopicLeftAlone) -> None:
    """Tell the organizers that nobody is there for a topic and language."""
    _tell("topic_left_alone", uow, event)


def capacity_vanished(uow: UnitOfWork, event: CapacityVanished) -> None:
    """Tell the organizers, once a day, that promises of a topic have nobody left to keep them."""
    _tell("capacity_vanished", uow, event)


def questions_wait(uow: UnitOfWork, event: InvitedToAnswer) -> None:
    """Invite an answerer to what waits."""
    _tell("questions_wait", uow, event)


def promise_possible(uow: UnitOfWork, event: PromisePossible) -> None:
    """Tell somebody who waited for it that an answer can be promised again."""
    _tell("promise_possible", uow, event)


def books_anchored(uow: UnitOfWork, event: BooksAnchored) -> None:
    """Give the organizers a week's newest hash to keep."""
    _tell("books_anchored", uow, event)


def mark_sent(uow: UnitOfWork, *, notice_id: int) -> None:
    """Note that the mail server took a notice."""
    uow.session.execute(
        update(Notice).where(Notice.id == notice_id).values(sent_at=uow.clock.now())
    )


def _tell(handler: str, uow: UnitOfWork, event: Event) -> None:
    """Note the mails of `handler` and have each new one sent."""
    for notice_id in _note(handler, uow, event):
        # The lock keeps a job that was given up and tried again from overlapping itself.
        uow.defer("notices.send", lock=f"notice:{notice_id}", notice_id=notice_id)


def _note(handler: str, uow: UnitOfWork, event: Event) -> Iterator[int]:
    """Store what was not told before; yield the id of each new notice."""
    fields: dict[str, object] = {**vars(event)}
    if "question_id" in fields:
        fields |= queries.moments(uow.session, vars(event)["question_id"])
    for message in MESSAGES[handler]:
        for person in queries.recipients(uow.session, message.to, fields):
            notice_id = _store(uow, message, person, fields)
            if notice_id is not None:
                yield notice_id


def _store(
    uow: UnitOfWork, message: Message, person: Recipient, fields: dict[str, object]
) -> int | None:
    return uow.session.scalar(
        insert(Notice)
        .values(
            fact=message.fact_of(fields),
            template=message.template,
            email=person.email,
            language=person.language,
            account_id=person.account_id,
            question_id=fields.get("question_id"),
            created_at=uow.clock.now(),
            send_until=fields.get("send_until"),
        )
        .on_conflict_do_nothing()
        .returning(Notice.id)
    )
