"""Who may claim which question now, every reason against it, and which one comes next."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from upss.forum.rules.policy import Mode, Policy
from upss.forum.rules.pricing import MINUTES
from upss.kernel.errors import DomainError

_OPEN, _STRICT = Mode.OPEN, Mode.STRICT
_LEAST_MINUTES = min(MINUTES.values())


class Reason(StrEnum):
    """Why this answerer may not claim this question now."""

    TOPIC = "topic"
    LANGUAGE = "language"
    TAKEN = "taken"
    OWN_QUESTION = "own_question"
    EXCLUDED = "excluded"  # rejected before, or of the same household
    SKIPPED = "skipped"
    AWAY = "away"
    TOO_MANY = "too_many"
    NO_PAID_WORK = "no_paid_work"
    PEAK = "peak"  # not released yet
    RESERVED = "reserved"  # another one has a head start
    STAGGER = "stagger"
    DAILY = "daily"
    OWN_LIMITS = "own_limits"


class ClaimRefused(DomainError):
    """The fact `reason` is the first reason, `reasons` are all of them."""

    code = "claim_refused"


class Peaks(Protocol):
    """The peaks of the site."""

    def next_nonpeak(self, at: datetime, /) -> datetime:
        """Return `at` itself outside a peak, else when the peak ends."""
        ...


class Room(Protocol):
    """The caps of one answerer."""

    def has_room(self, share_minor: int, currency: str, minutes: int, /) -> bool:
        """Tell whether a claim that earns this and takes so long fits in every cap."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionView:
    """A waiting question: `released_at` is the end of the peak it was posted in.

    `share_minor` is what the answerer gets, `minutes` the size of answer that the price buys.
    """

    id: int
    topic: str
    language: str
    posted_at: datetime
    released_at: datetime
    urgent_from: datetime
    asker_id: int
    share_minor: int
    currency: str
    minutes: int
    is_express: bool = False
    is_taken: bool = False
    excluded: frozenset[int] = frozenset()
    reserved_for: int | None = None
    reserved_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswererView:
    """Who asks for a question; `percentile` is of the earnings per declared hour, 0 to 1.

    `minutes_today` counts the answers of the person's day and the estimates of open claims.
    """

    id: int
    topics: frozenset[str]
    languages: frozenset[str]
    percentile: float = 0.0
    is_away: bool = False
    open_claims: int = 0
    minutes_today: int = 0
    answers_today: int = 0
    daily_minutes: int = 120
    daily_answers: int | None = None
    caps: Room | None = None
    skipped: frozenset[int] = frozenset()
    no_paid_work: bool = False


_PRIVATE = frozenset({Reason.NO_PAID_WORK, Reason.OWN_LIMITS})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every reason against a claim; none of them, and it may be made."""

    reasons: frozenset[Reason] = frozenset()

    @property
    def ok(self) -> bool:
        """Whether the claim may be made."""
        return not self.reasons

    @property
    def for_organizer(self) -> frozenset[Reason]:
        """The reasons as an organizer may read them.

        Which limit a person set can reveal their health, so all of them look the same.
        """
        if self.reasons.isdisjoint(_PRIVATE):
            return self.reasons
        return (self.reasons - _PRIVATE) | {Reason.OWN_LIMITS}


def _of_the_match(q: QuestionView, a: AnswererView) -> Iterator[Reason]:
    if q.topic not in a.topics:
        yield Reason.TOPIC
    if q.language not in a.languages:
        yield Reason.LANGUAGE
    if q.is_taken:
        yield Reason.TAKEN
    if q.asker_id == a.id:
        yield Reason.OWN_QUESTION
    if a.id in q.excluded:
        yield Reason.EXCLUDED
    if q.id in a.skipped:
        yield Reason.SKIPPED


def _of_the_person(a: AnswererView, policy: Policy) -> Iterator[Reason]:
    if a.is_away:
        yield Reason.AWAY
    if a.open_claims >= policy.open_claims_max:
        yield Reason.TOO_MANY
    if a.no_paid_work:
        yield Reason.NO_PAID_WORK


def waits(q: QuestionView, now: datetime, policy: Policy, *, is_peak: bool = False) -> bool:
    """Tell whether the question waits for a quieter hour, whoever asks for it."""
    if q.is_express or policy.mode is _OPEN:
        return False
    if now >= q.released_at and not is_peak:
        return False
    return policy.mode is _STRICT or now < q.urgent_from


def _is_reserved(q: QuestionView, now: datetime) -> bool:
    """Tell whether somebody has a head start; what is urgent waits for nobody."""
    return q.reserved_until is not None and now < min(q.reserved_until, q.urgent_from)


def _is_staggered(q: QuestionView, a: AnswererView, now: datetime, policy: Policy) -> bool:
    start = q.posted_at if policy.mode is _OPEN else q.released_at
    if q.is_express or now >= q.urgent_from or not start <= now < start + policy.stagger:
        return False
    if is_kept_for(q, a, now):
        return False  # a head start is no head start if it comes after the stagger
    return now < start + policy.stagger * a.percentile


def _of_the_hour(
    q: QuestionView, a: AnswererView, now: datetime, policy: Policy, *, is_peak: bool
) -> Iterator[Reason]:
    if waits(q, now, policy, is_peak=is_peak):
        yield Reason.PEAK
    if q.reserved_for not in (None, a.id) and _is_reserved(q, now):
        yield Reason.RESERVED
    if _is_staggered(q, a, now, policy):
        yield Reason.STAGGER


def _has_answered_enough(a: AnswererView) -> bool:
    """Count what is promised already: it will be answered on the same day."""
    return a.daily_answers is not None and a.answers_today + a.open_claims >= a.daily_answers


def _of_the_limits(q: QuestionView, a: AnswererView) -> Iterator[Reason]:
    if a.minutes_today + q.minutes > a.daily_minutes or _has_answered_enough(a):
        yield Reason.DAILY
    if a.caps is not None and not a.caps.has_room(q.share_minor, q.currency, q.minutes):
        yield Reason.OWN_LIMITS


def takes_nothing(a: AnswererView, policy: Policy) -> Reason | None:
    """Return why somebody may claim nothing at all now, whatever waits; None: nothing of theirs."""
    is_done = a.minutes_today + _LEAST_MINUTES > a.daily_minutes or _has_answered_enough(a)
    return next(_of_the_person(a, policy), Reason.DAILY if is_done else None)


def as_reader(a: AnswererView) -> AnswererView:
    """Return the same person with nothing that `takes_nothing` tells: what they may read."""
    return replace(
        a, is_away=False, open_claims=0, minutes_today=0, answers_today=0, no_paid_work=False
    )


def _refusals(
    q: QuestionView, a: AnswererView, now: datetime, policy: Policy, *, is_peak: bool
) -> Iterator[Reason]:
    """Yield every reason, the cheapest to find first: who wants only one stops there."""
    yield from _of_the_match(q, a)
    yield from _of_the_person(a, policy)
    yield from _of_the_hour(q, a, now, policy, is_peak=is_peak)
    yield from _of_the_limits(q, a)


def claimable(
    q: QuestionView, a: AnswererView, now: datetime, policy: Policy, *, is_peak: bool = False
) -> Verdict:
    """Return every reason why `a` may not claim `q` at `now`.

    With `is_peak` what was released in a quieter hour waits again, as long as this peak lasts.
    Own windows are no reason: somebody who comes at another hour may answer.
    """
    return Verdict(frozenset(_refusals(q, a, now, policy, is_peak=is_peak)))


def is_claimable(
    q: QuestionView, a: AnswererView, now: datetime, policy: Policy, *, is_peak: bool = False
) -> bool:
    """Return `claimable(...).ok`, and stop at the first reason."""
    for _ in _refusals(q, a, now, policy, is_peak=is_peak):
        return False
    return True


def check_claim(
    q: QuestionView, a: AnswererView, now: datetime, policy: Policy, *, is_peak: bool = False
) -> None:
    """Raise `ClaimRefused` with its reasons, or return."""
    reasons = tuple(_refusals(q, a, now, policy, is_peak=is_peak))
    if reasons:
        raise ClaimRefused(reason=reasons[0], reasons=reasons)


def is_kept_for(q: QuestionView, a: AnswererView, now: datetime) -> bool:
    """Tell whether the question is kept for `a` now: they have a head start."""
    return q.reserved_for == a.id and _is_reserved(q, now)


def order_key(q: QuestionView, a: AnswererView, now: datetime) -> tuple[bool, bool, datetime, int]:
    """Return what the queue of `a` is sorted by: smaller comes first.

    Express, then what is kept for `a`, then by the time of posting. Never by the promise: a longer
    promise would wait longer, and the next one would have to be longer still.
    """
    return (not q.is_express, not is_kept_for(q, a, now), q.posted_at, q.id)


def next_question(
    a: AnswererView,
    candidates: Iterable[QuestionView],
    now: datetime,
    policy: Policy,
    *,
    is_peak: bool = False,
) -> QuestionView | None:
    """Return the one question to offer to `a`, or None; `candidates` may come in any order."""
    best, best_key = None, None
    for q in candidates:
        if best_key is not None and order_key(q, a, now) > best_key:
            continue
        if is_claimable(q, a, now, policy, is_peak=is_peak):
            best, best_key = q, order_key(q, a, now)
    return best


def release_at(posted_at: datetime, peaks: Peaks, mode: Mode, *, is_express: bool) -> datetime:
    """Return when a question posted at `posted_at` is released: at once, or when the peak ends."""
    if is_express or mode is _OPEN:
        return posted_at
    return peaks.next_nonpeak(posted_at)


def reservation_until(
    *,
    released_at: datetime,
    urgent_from: datetime,
    opens_at: datetime | None,
    is_express: bool,
    policy: Policy,
) -> datetime | None:
    """Return until when the asker's previous answerer has a head start, or None for no head start.

    `opens_at` is the first instant from the release on at which that person's own hours are open
    (None: not soon). A head start ends when the question becomes urgent.
    """
    until = min(released_at + policy.continuity, urgent_from)
    if is_express or opens_at is None or opens_at >= until:
        return None
    return until


def percentiles(earned_per_hour: Mapping[int, float]) -> Mapping[int, float]:
    """Return for each answerer the share of the others who earn less per declared hour.

    0 for the least earning ones, 1 for one above all others; equals are equal, so at the start
    nobody waits.
    """
    ordered = sorted(earned_per_hour.values())
    others = max(1, len(ordered) - 1)
    return {who: bisect_left(ordered, rate) / others for who, rate in earned_per_hour.items()}
