"""The one table of mails: for each handler, which template goes to whom, once for which fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class To(StrEnum):
    """Who receives a mail; the event says which account, question or request is meant."""

    SIGNING_IN = "signing_in"
    INVITED = "invited"
    ASKER = "asker"
    ANSWERER = "answerer"
    WAITING = "waiting"  # the address stands in the event: its row is gone
    ORGANIZERS = "organizers"
    OTHER_ORGANIZERS = "other_organizers"  # all but the one who proposed


@dataclass(frozen=True, slots=True)
class Message:
    """One mail: `templates/email/<template>.txt` says its words, `page` where its button leads.

    `fact` is filled with the event's fields and differs for each telling: the same fact is told
    to the same address once. It begins with "kind:id:", where the sending job finds its figures.
    `second` is another page that the mail names at its end.
    """

    template: str
    to: To
    fact: str
    page: str
    second: str | None = None

    def fact_of(self, fields: Mapping[str, object]) -> str:
        """Return the key of what `fields` (those of an event) tell."""
        return self.fact.format_map(fields)


_QUESTION = "forum.question"  # also gets the question's public id
_ASK = "forum.ask"
_QUEUE = "answering.queue"
_EARNINGS = "payouts.earnings"
_HOURS = "hours.overview"
_LIMITS = "limits.mine"
_PAYOUTS = "organizer.payouts"
_ADJUSTMENT = "adjustments.adjustment"  # also gets the proposal's public id
_BOOKS = "books.index"
_SELF_CHECKS = "doctor.self_checks"
_WEEK = "week.overview"
_SIGN_IN = "accounts.sign_in"
_LINK = "accounts.link"  # also gets the token

# What happens to a question once is keyed by the question. What may happen again is keyed by its
# time too: {at} of the event, {offer} the end of the offer, {touched} the draft's last change.
_QUESTION_FACT = "question:{question_id}:"

# For each handler of service.py: its mails.
MESSAGES: Mapping[str, tuple[Message, ...]] = {
    "send_sign_in": (Message("sign_in", To.SIGNING_IN, "sign_in:{request_id}:", _LINK),),
    "send_invitation": (
        Message("invitation", To.INVITED, "account:{account_id}:{role}:{at}", _SIGN_IN),
    ),
    "receipt": (Message("receipt", To.ASKER, "payment:{payment_id}:", _QUESTION),),
    "payment_returned": (
        Message("payment_returned", To.ASKER, "payment:{payment_id}:", _QUESTION),
    ),
    "offer_ended": (Message("offer_ended", To.ASKER, _QUESTION_FACT + "{offer}", _QUESTION),),
    "refund_settled": (
        # what failed after it had settled is sent, and may settle, again
        Message("refund_settled", To.ASKER, "refund:{refund_id}:{at}", _QUESTION),
    ),
    "refund_failed": (
        Message("refund_failed_asker", To.ASKER, "refund:{refund_id}:{at}", _QUESTION),
        Message("refund_failed", To.ORGANIZERS, "refund:{refund_id}:{at}", _PAYOUTS),
    ),
    "withdrawn": (Message("withdrawn", To.ASKER, _QUESTION_FACT, _QUESTION),),
    "promise_missed": (Message("promise_missed", To.ASKER, _QUESTION_FACT, _QUESTION),),
    "question_expired": (Message("question_expired", To.ASKER, _QUESTION_FACT, _QUESTION),),
    "claim_lapsed": (Message("claim_lapsed", To.ANSWERER, _QUESTION_FACT + "{at}", _QUEUE),),
    "cap_near": (Message("cap_near", To.ANSWERER, "cap:{rule_id}:{period}:{level}", _LIMITS),),
    "answer_ready": (Message("answer_ready", To.ASKER, _QUESTION_FACT, _QUESTION),),
    "acceptance_due": (Message("acceptance_due", To.ASKER, _QUESTION_FACT + "{day}", _QUESTION),),
    "answer_accepted": (Message("answer_accepted", To.ANSWERER, _QUESTION_FACT, _EARNINGS),),
    "draft_ending": (Message("draft_ending", To.ASKER, _QUESTION_FACT + "{touched}", _QUESTION),),
    "adjustment_waits": (
        Message(
            "adjustment_waits", To.OTHER_ORGANIZERS, "adjustment:{adjustment_id}:", _ADJUSTMENT
        ),
    ),
    "self_check_alarmed": (
        Message("self_check_alarmed", To.ORGANIZERS, "self_check:{run_id}:", _SELF_CHECKS),
    ),
    "topic_left_alone": (
        Message(
            "topic_left_alone",
            To.ORGANIZERS,
            "hours:{version_id}:{topic}:{language}:{begins_on}",
            _WEEK,
        ),
    ),
    "capacity_vanished": (
        Message("capacity_vanished", To.ORGANIZERS, "capacity:{day}:{topic}:{language}", _WEEK),
    ),
    "questions_wait": (
        Message("questions_wait", To.ANSWERER, "invitation:{invitation_id}:", _QUEUE, _HOURS),
    ),
    "promise_possible": (
        Message("promise_possible", To.WAITING, "waiting:{waiting_id}:{topic}:{language}", _ASK),
    ),
    "books_anchored": (Message("books_anchored", To.ORGANIZERS, "books:{week}:", _BOOKS),),
    "payout_sent": (Message("payout_sent", To.ANSWERER, "payout:{item_id}:", _EARNINGS),),
    "payout_refused": (
        Message("payout_refused", To.ANSWERER, "payout:{item_id}:{at}", _EARNINGS),
        Message("payout_refused_organizer", To.ORGANIZERS, "payout:{item_id}:{at}", _PAYOUTS),
    ),
}

# By each of these the asker is told that there is an answer.
OF_ANSWER = (*MESSAGES["answer_ready"], *MESSAGES["acceptance_due"])

# Their addresses hold a public id, which the figures of the notice tell.
WITH_PUBLIC_ID = {_QUESTION, _ADJUSTMENT}

PAGES: Mapping[str, str] = {
    message.template: message.page for group in MESSAGES.values() for message in group
}

SECOND_PAGES: Mapping[str, str] = {
    message.template: message.second
    for group in MESSAGES.values()
    for message in group
    if message.second is not None
}


def subject_of(fact: str) -> tuple[str, int, str]:
    """Return a fact's kind, the id of what it is about, and the rest: "refund:7:" is refund 7."""
    kind, number, rest = fact.split(":", 2)
    return kind, int(number), rest
