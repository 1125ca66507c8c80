"""Why somebody wants another question than the one that is offered; passing over is no fault."""

from __future__ import annotations

from enum import StrEnum

from upss.kernel.errors import DomainError


class SkipReason(StrEnum):
    """Why somebody passes a question over; saying it is up to them."""

    EXPERIENCE = "experience"
    TOO_LONG = "too_long"
    KNOWN = "known"  # they know the person who asks
    OTHER = "other"
    UNSAID = "unsaid"


class SkipsUsedUp(DomainError):
    """As many questions as one day allows (fact `most`) were passed over; nothing is lost."""

    code = "skips_used_up"
