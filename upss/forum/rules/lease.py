"""How long a claim is kept for its answerer: by what was saved, never by how long it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from upss.forum.rules.policy import Policy
from upss.forum.rules.timers import GRACE
from upss.kernel.errors import DomainError

PRESSES = 10  # so often at least by a simple action: WCAG 2.2, success criterion 2.2.1


class LeaseEnded(DomainError):
    """The claim had ended before this; what was written is kept and given back."""

    code = "lease_ended"


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim's time; `kept_until` is what presses of a button asked for."""

    claimed_at: datetime
    last_saved: datetime
    extensions: int = 0
    kept_until: datetime | None = None


def begin(now: datetime) -> Lease:
    """Return the lease of a claim made, or given back to its answerer, at `now`."""
    return Lease(now, now)


def expires_at(lease: Lease, policy: Policy, promise_at: datetime) -> datetime:
    """Return when the claim ends if nothing more is saved or pressed.

    Never later than 48 hours after `promise_at` (with its pauses): then the asker is refunded.
    """
    return min(_kept(lease, policy), promise_at + GRACE)


def can_last(ends_at: datetime, now: datetime, policy: Policy, promise_at: datetime) -> bool:
    """Tell whether a save or a press from `now` on still moves the end of a claim.

    Not what is kept for longer than one press gives, and not what ends with the refund.
    """
    return ends_at <= now + policy.lease and ends_at < promise_at + GRACE


def warn_at(lease: Lease, policy: Policy, promise_at: datetime) -> datetime:
    """Return when the message that the claim is about to end is shown."""
    return expires_at(lease, policy, promise_at) - policy.lease_warning


def is_live(lease: Lease, now: datetime, policy: Policy, promise_at: datetime) -> bool:
    """Tell whether the claim still is the answerer's."""
    return now < expires_at(lease, policy, promise_at)


def saved(lease: Lease, now: datetime, policy: Policy) -> Lease:
    """Return the lease after a change was saved. Raises `LeaseEnded`."""
    _check(lease, now, policy)
    return replace(lease, last_saved=max(lease.last_saved, now))


def extend(lease: Lease, now: datetime, policy: Policy, *, promise_at: datetime) -> Lease:
    """Return the lease after one press: a full time from `now`, any number of times.

    Once the promise is over and ten times were given, a press gives nothing unless something was
    saved since the one before: the asker waits, and somebody else may be there. Never shortens.
    Raises `LeaseEnded`.
    """
    _check(lease, now, policy)
    if now >= promise_at and lease.extensions >= PRESSES and _is_idle(lease, policy):
        return lease
    until = max(_kept(lease, policy), now + policy.lease)
    return replace(lease, extensions=lease.extensions + 1, kept_until=until)


def keep_until(
    lease: Lease, now: datetime, policy: Policy, *, window_end: datetime, promise_at: datetime
) -> Lease:
    """Return the lease after "keep it until my next hours", which end at `window_end`.

    The promise's floor is left for another answerer, unless the claim lasts longer anyway: never
    shortens. Raises `LeaseEnded`.
    """
    _check(lease, now, policy)
    until = max(_kept(lease, policy), min(window_end, promise_at - policy.floor))
    return replace(lease, extensions=lease.extensions + 1, kept_until=until)


def _is_idle(lease: Lease, policy: Policy) -> bool:
    """Tell whether nothing was saved since the last press."""
    return lease.kept_until is not None and lease.last_saved <= lease.kept_until - policy.lease


def _kept(lease: Lease, policy: Policy) -> datetime:
    by_saving = lease.last_saved + policy.lease
    return by_saving if lease.kept_until is None else max(by_saving, lease.kept_until)


def _check(lease: Lease, now: datetime, policy: Policy) -> None:
    # The hard end after the promise needs no look here: nothing moves it, so what is over stays so.
    if now >= _kept(lease, policy):
        raise LeaseEnded(ended_at=_kept(lease, policy))
