"""The question's life as data: every permitted move, and the one function that makes it.

Rows Q1-Q40 name service states; D1-D3 (card disputes) come with the dispute issue. A row with
`built=False` is part of the table but has no code behind it yet: `move` refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from upss.kernel.errors import DomainError


class Status(StrEnum):
    """The seventeen states of a question."""

    DRAFT = "draft"
    AWAITING_PAYMENT = "awaiting_payment"
    QUEUED = "queued"
    UNDER_REVIEW = "under_review"
    CLAIMED = "claimed"
    CLARIFYING = "clarifying"
    ANSWERED = "answered"
    IN_COMPLAINT = "in_complaint"
    ACCEPTED = "accepted"
    FINAL = "final"
    SETTLED = "settled"
    REFUNDED = "refunded"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REMOVED = "removed"
    ABANDONED = "abandoned"
    CHARGED_BACK = "charged_back"


ENDS = frozenset(
    {
        Status.FINAL,
        Status.SETTLED,
        Status.REFUNDED,
        Status.WITHDRAWN,
        Status.EXPIRED,
        Status.REMOVED,
        Status.ABANDONED,
        Status.CHARGED_BACK,
    }
)

Actor = Literal["asker", "answerer", "organizer", "system", "timer"]
Effect = Literal[
    "none", "hold", "return", "refund_full", "split", "rebate", "tip",
    "split_if_held", "rehold", "partial", "refund_by_organizer",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table. `target` None means that the question does not move."""

    row: str
    source: Status | None  # None: any state
    event: str
    target: Status | None
    actor: Actor
    money: Effect = "none"
    built: bool = True


_S = Status
TRANSITIONS: tuple[Transition, ...] = (
    Transition("Q1", _S.DRAFT, "submit", _S.AWAITING_PAYMENT, "asker"),
    Transition("Q2", _S.DRAFT, "discard", _S.ABANDONED, "asker"),
    Transition("Q3", _S.DRAFT, "draft_retention", _S.ABANDONED, "timer"),
    Transition("Q4", _S.AWAITING_PAYMENT, "payment_confirmed", _S.QUEUED, "system", "hold"),
    Transition("Q5", _S.AWAITING_PAYMENT, "edit_again", _S.DRAFT, "asker"),
    Transition("Q6", _S.AWAITING_PAYMENT, "offer_ends", _S.DRAFT, "timer"),
    Transition("Q7", _S.DRAFT, "late_payment_honoured", _S.QUEUED, "system", "hold"),
    Transition("Q8", None, "payment_returned", None, "system", "return"),
    Transition("Q9", _S.QUEUED, "flag_for_review", _S.UNDER_REVIEW, "organizer", built=False),
    Transition("Q10", _S.UNDER_REVIEW, "clear", _S.QUEUED, "organizer", built=False),
    Transition("Q11", _S.UNDER_REVIEW, "remove", _S.REMOVED, "organizer", "refund_full", built=False),
    Transition(
        "Q12", _S.UNDER_REVIEW, "review_overdue", _S.REMOVED, "timer", "refund_full", built=False
    ),
    Transition("Q13", _S.QUEUED, "claim", _S.CLAIMED, "answerer"),
    Transition("Q14", _S.QUEUED, "withdraw", _S.WITHDRAWN, "asker", "refund_full"),
    Transition("Q15", _S.QUEUED, "promise_grace_ends", _S.EXPIRED, "timer", "refund_full"),
    Transition(
        "Q16", _S.QUEUED, "close_unanswerable", _S.REFUNDED, "organizer", "refund_full", built=False
    ),
    Transition("Q17", _S.CLAIMED, "post_answer", _S.ANSWERED, "answerer"),
    Transition("Q18", _S.CLAIMED, "hand_back", _S.QUEUED, "answerer"),
    Transition("Q19", _S.CLAIMED, "lease_ends", _S.QUEUED, "timer"),
    Transition("Q20", _S.CLAIMED, "reassign", _S.QUEUED, "organizer", built=False),
    Transition("Q21", _S.CLAIMED, "ask_clarification", _S.CLARIFYING, "answerer", built=False),
    Transition(
        "Q22", _S.CLAIMED, "withdraw_request_lapses", _S.WITHDRAWN, "timer", "refund_full", built=False
    ),
    Transition("Q23", _S.CLARIFYING, "reply", _S.CLAIMED, "asker", built=False),
    Transition("Q24", _S.CLARIFYING, "clarification_silence", _S.CLAIMED, "timer", built=False),
    Transition("Q25", _S.CLARIFYING, "hand_back", _S.QUEUED, "answerer", built=False),
    Transition("Q26", _S.CLARIFYING, "withdraw", _S.WITHDRAWN, "asker", "refund_full", built=False),
    Transition("Q27", _S.ANSWERED, "accept", _S.ACCEPTED, "asker", "split"),
    Transition("Q28", _S.ANSWERED, "auto_accept", _S.ACCEPTED, "timer", "split"),
    Transition("Q29", _S.ANSWERED, "ask_revision", _S.CLAIMED, "asker", built=False),
    Transition("Q30", _S.ANSWERED, "complain", _S.IN_COMPLAINT, "asker", built=False),
    Transition("Q31", _S.ANSWERED, "rebate", _S.ANSWERED, "answerer", "rebate", built=False),
    Transition("Q32", _S.ACCEPTED, "late_complaint", _S.IN_COMPLAINT, "asker", built=False),
    Transition("Q33", _S.ACCEPTED, "tip", _S.ACCEPTED, "asker", "tip", built=False),
    Transition("Q34", _S.ACCEPTED, "close_for_good", _S.FINAL, "timer"),
    Transition(
        "Q35", _S.IN_COMPLAINT, "decide_no_fault", _S.ACCEPTED, "organizer", "split_if_held", built=False
    ),
    Transition("Q36", _S.IN_COMPLAINT, "decide_redo", _S.QUEUED, "organizer", "rehold", built=False),
    Transition(
        "Q37", _S.IN_COMPLAINT, "decide_partial", _S.SETTLED, "organizer", "partial", built=False
    ),
    Transition(
        "Q38", _S.IN_COMPLAINT, "decide_full", _S.REFUNDED, "organizer", "refund_full", built=False
    ),
    Transition(
        "Q39", _S.IN_COMPLAINT, "take_back", _S.ACCEPTED, "asker", "split_if_held", built=False
    ),
    Transition(
        "Q40", _S.IN_COMPLAINT, "decision_overdue", _S.REFUNDED, "timer", "refund_by_organizer",
        built=False,
    ),
    Transition("D1", None, "card_dispute_opened", None, "system", built=False),
    Transition("D2", None, "dispute_won", None, "system", built=False),
    Transition("D3", None, "dispute_lost", _S.CHARGED_BACK, "system", built=False),
)  # fmt: skip

_BY_MOVE = {(row.source, row.event): row for row in TRANSITIONS}


class MoveRefused(DomainError):
    """The question is not in a state from which this may happen."""

    code = "move_refused"


def move(status: Status | str, event: str) -> Transition:
    """Return the row for `event` from `status`.

    Raises `MoveRefused` when there is none, or when the row is not built yet.
    """
    current = Status(status)
    row = _BY_MOVE.get((current, event)) or _BY_MOVE.get((None, event))
    if row is None or not row.built:
        raise MoveRefused(status=str(current), event=event)
    return row
