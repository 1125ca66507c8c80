"""How long a claim lasts, and who may claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from upss.forum.rules.promise import GRACE
from upss.kernel.errors import DomainError

LEASE = timedelta(minutes=120)
OPEN_CLAIMS_MAX = 3


class ClaimRefused(DomainError):
    """The fact `reason` says why: taken, own_question, topic, too_many."""

    code = "claim_refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimFacts:
    """What the decision needs to know."""

    asker_id: int
    answerer_id: int
    topic_approved: bool
    open_claims: int


def check_claim(facts: ClaimFacts) -> None:
    """Raise `ClaimRefused` with its reason, or return."""
    if facts.asker_id == facts.answerer_id:
        raise ClaimRefused(reason="own_question")
    if not facts.topic_approved:
        raise ClaimRefused(reason="topic")
    if facts.open_claims >= OPEN_CLAIMS_MAX:
        raise ClaimRefused(reason="too_many")


def lease_end(*, saved_at: datetime, promise_at: datetime) -> datetime:
    """Return when the claim ends if nothing more is saved: 120 minutes after the last save.

    Never later than promise + 48 hours, when the asker gets the money back.
    """
    return min(saved_at + LEASE, promise_at + GRACE)
