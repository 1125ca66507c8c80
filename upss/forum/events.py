"""What the forum tells the packages above."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from upss.kernel.events import Event
from upss.kernel.ids import AccountId, QuestionId


@dataclass(frozen=True, kw_only=True)
class QuestionQueued(Event):
    """A paid question waits for somebody to answer it."""

    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class OfferEnded(Event):
    """The 60 minutes of an offer passed unpaid; the text is a draft again."""

    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class QuestionWithdrawn(Event):
    """The asker withdrew before anybody had claimed; the money goes back."""

    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class PromiseMissed(Event):
    """The promised time passed without an answer."""

    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class QuestionExpired(Event):
    """Nobody answered 48 hours after the promise; the money goes back by itself."""

    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class QuestionClaimed(Event):
    """An answerer took the question."""

    question_id: QuestionId
    answerer_id: AccountId


@dataclass(frozen=True, kw_only=True)
class ClaimLapsed(Event):
    """A claim ended by itself; what was written is kept."""

    question_id: QuestionId
    answerer_id: AccountId


@dataclass(frozen=True, kw_only=True)
class QuestionAnswered(Event):
    """An answer was sent."""

    question_id: QuestionId
    answerer_id: AccountId


@dataclass(frozen=True, kw_only=True)
class AcceptanceDue(Event):
    """A reminder: `day` (1, 3 or 6) days have passed since the answer."""

    question_id: QuestionId
    day: int


@dataclass(frozen=True, kw_only=True)
class ReviewEnded(Event):
    """The time for review passed in silence; whether the asker was told is known further up."""

    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class AnswerAccepted(Event):
    """The asker accepted, or the review time of 7 days passed; the price is split."""

    question_id: QuestionId
    answerer_id: AccountId
    by_timer: bool


@dataclass(frozen=True, kw_only=True)
class DraftEnding(Event):
    """A draft nobody touched for 83 days will be removed in seven."""

    question_id: QuestionId


@dataclass(frozen=True, kw_only=True)
class HoursChanged(Event):
    """An answerer declared something new: hours, a pause, an absence, languages or topics."""

    account_id: AccountId
    version_id: int


@dataclass(frozen=True, kw_only=True)
class TopicLeftAlone(Event):
    """With this version of somebody's hours nobody is there for a topic and language.

    `version_id` is below zero where they left in another way: each leaving has a number of its own.
    """

    topic: str
    language: str
    begins_on: date  # where the site is at home
    version_id: int


@dataclass(frozen=True, kw_only=True)
class CapacityVanished(Event):
    """Half of a promise is over, and by now nobody has declared hours before it ends.

    `day` is that of the site, as the number 20261118: a topic is told of once a day.
    """

    topic: str
    language: str
    day: int


@dataclass(frozen=True, kw_only=True)
class PromisePossible(Event):
    """An answer can be promised again, which somebody at this address waited for.

    `reads` is the language of the mail.
    """

    waiting_id: int
    email: str
    reads: str
    topic: str
    language: str


@dataclass(frozen=True, kw_only=True)
class InvitedToAnswer(Event):
    """Questions wait that this person may claim; after `send_until` a mail would be unwelcome."""

    answerer_id: AccountId
    invitation_id: int
    send_until: datetime


@dataclass(frozen=True, kw_only=True)
class CapNear(Event):
    """A claim has brought an answerer's own limit to `level` (70 or 90) per cent of its room."""

    answerer_id: AccountId
    rule_id: int
    level: int
    period: date
