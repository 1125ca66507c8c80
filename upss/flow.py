"""THE MAP: what happens after each event, in order, in the same transaction."""

from __future__ import annotations

from upss.accounts.events import LanguageChanged, PersonInvited, SignedOutEverywhere, SignInAsked
from upss.adjustments.events import AdjustmentProposed
from upss.db.work import Handlers
from upss.doctor.events import SelfCheckAlarmed
from upss.forum import events as forum_events
from upss.forum.service import asking, caps, hours
from upss.ledger.events import BooksAnchored
from upss.notices import service as notices
from upss.payments import events as payment_events
from upss.payouts import events as payout_events
from upss.payouts import service as payouts

HANDLERS: Handlers = {
    # people
    SignInAsked: (notices.send_sign_in,),
    PersonInvited: (notices.send_invitation,),
    LanguageChanged: (hours.keep_language,),
    SignedOutEverywhere: (asking.leave_browsers,),
    # money in
    payment_events.PaymentSettled: (asking.enqueue, notices.receipt),
    payment_events.PaymentReturned: (notices.payment_returned,),
    payment_events.RefundSettled: (notices.refund_settled,),
    payment_events.RefundFailed: (notices.refund_failed,),
    payment_events.ProviderNotified: (payouts.follow_provider,),
    # the question
    forum_events.OfferEnded: (notices.offer_ended,),
    forum_events.DraftEnding: (notices.draft_ending,),
    forum_events.QuestionWithdrawn: (notices.withdrawn,),
    forum_events.PromiseMissed: (notices.promise_missed,),
    forum_events.QuestionExpired: (notices.question_expired,),
    forum_events.ClaimLapsed: (notices.claim_lapsed,),
    forum_events.TopicLeftAlone: (notices.topic_left_alone,),
    forum_events.CapacityVanished: (notices.capacity_vanished,),
    forum_events.InvitedToAnswer: (notices.questions_wait,),
    forum_events.PromisePossible: (notices.promise_possible,),
    forum_events.QuestionAnswered: (notices.answer_ready,),
    forum_events.AcceptanceDue: (notices.acceptance_due,),
    forum_events.ReviewEnded: (notices.accept_if_told,),
    forum_events.AnswerAccepted: (caps.accepted, notices.answer_accepted),
    forum_events.CapNear: (notices.cap_near,),
    # money out
    payout_events.PayoutSent: (notices.payout_sent,),
    payout_events.PayoutRefused: (notices.payout_refused,),
    # the books
    BooksAnchored: (notices.books_anchored,),
    AdjustmentProposed: (notices.adjustment_waits,),
    SelfCheckAlarmed: (notices.self_check_alarmed,),
}
