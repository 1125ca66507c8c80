"""Room under a person's own limits: reserved with the claim, booked when it counts, given back.

Everything here happens with the person's row locked, so that two claims, a claim and a refund, or
a claim and a new limit never count on the same room; a trigger refuses what would pass a limit
anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Date, column, func, select, update, values
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from upss.accounts.models import Account
from upss.forum import queries_caps as queries
from upss.forum.events import CapNear
from upss.forum.models import Answer, Claim
from upss.forum.models_caps import CapCounter, CapReservation, CapRuleRow, CapStanding
from upss.forum.rules.cap_counters import CapReached, Counter
from upss.forum.rules.caps import Stage, period_of
from upss.forum.rules.queue import ClaimRefused, Reason
from upss.kernel.ids import AccountId, ClaimId

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, ScalarSelect

    from upss.db.work import UnitOfWork
    from upss.forum.events import AnswerAccepted


@dataclass(frozen=True, slots=True)
class _Step:
    """What one limit is before and after something happened to a claim."""

    row: CapRuleRow
    before: Counter
    after: Counter


@dataclass(frozen=True, slots=True)
class _Kept:
    """A claim's part in one limit, as its owner may change it; `today` is of that limit."""

    row: CapRuleRow
    counter: Counter
    part: CapReservation
    today: date


def reserve(
    uow: UnitOfWork,
    *,
    claim_id: ClaimId,
    answerer_id: AccountId,
    share_minor: int,
    currency: str,
    minutes: int,
) -> None:
    """Reserve what a new claim will count for, in every limit of its answerer or in none.

    The caller has locked the person. Raises `ClaimRefused` with the reason own_limits, or
    no_paid_work.
    """
    found = queries.in_force(uow.session, answerer_id)
    if found.no_paid_work:
        raise _refused(Reason.NO_PAID_WORK)
    steps, parts = [], []
    for it in found.standings:
        amount = it.row.rule.amount_of(share_minor, currency, minutes)
        day = it.row.day_of(uow.clock.now())
        if amount is None:
            if it.counter.room(day) is None:  # it only warns, and of other money
                continue
            raise _refused(Reason.OWN_LIMITS)  # what cannot be compared does not fit
        try:
            after = it.counter.reserve(amount, day)
        except CapReached as error:
            raise _refused(Reason.OWN_LIMITS) from error
        steps.append(_Step(it.row, it.counter, after))
        parts.append({"claim_id": claim_id, "rule_id": it.row.id, "held": amount, "counted": 0})
    if not steps:
        return
    try:
        with uow.session.begin_nested():
            _write(uow, steps)
    except IntegrityError as error:
        raise _refused(Reason.OWN_LIMITS) from error
    uow.session.execute(insert(CapReservation), parts)
    _tell_what_is_near(uow, answerer_id, steps)


def claim_ended(uow: UnitOfWork, claim: Claim) -> None:
    """Count the time of an answer that was sent; give back the room of any other ended claim."""
    if claim.status != "posted":
        release(uow, claim)
        return
    _change(uow, claim.answerer_id, CapReservation.claim_id == claim.id, _counted(Stage.ANSWERED))


def release(uow: UnitOfWork, claim: Claim) -> None:
    """Give back the room that a claim held."""
    _change(uow, claim.answerer_id, CapReservation.claim_id == claim.id, _released)


def earns_less(uow: UnitOfWork, claim: Claim, *, share_minor: int, currency: str) -> None:
    """Reserve no more than this share for an open claim: a part of its price went back."""

    def less(kept: _Kept) -> Counter:
        part, rule = kept.part, kept.row.rule
        amount = rule.amount_of(share_minor, currency, part.held)
        given = part.held - min(part.held, part.held if amount is None else amount)
        part.held -= given
        return kept.counter.release(given)

    _change(uow, claim.answerer_id, CapReservation.claim_id == claim.id, less)


def accepted(uow: UnitOfWork, event: AnswerAccepted) -> None:
    """Count what an accepted answer earns, in the limits that count by acceptance."""
    which = CapReservation.claim_id.in_(_claims(event.question_id, event.answerer_id))
    _change(uow, event.answerer_id, which, _counted(Stage.ACCEPTED))


def paid(uow: UnitOfWork, *, answerer_id: int, lines: Iterable[tuple[int, int]]) -> None:
    """Count money that was sent, in the limits that count by payment; `lines`: question, minor."""
    for question_id, minor in lines:
        which = CapReservation.claim_id.in_(_claims(question_id, answerer_id))
        _change(uow, answerer_id, which, _counted(Stage.PAID, minor))


def refunded(uow: UnitOfWork, *, question_id: int, answerer_id: int, taken_back_minor: int) -> None:
    """Take a refund out of what counts; only what it took back from this answerer's share.

    Time that was worked stays worked.
    """

    def give_back(kept: _Kept) -> Counter:
        part, rule = kept.part, kept.row.rule
        if rule.counted_when is Stage.ANSWERED:
            return kept.counter
        amount = rule.amount_of(taken_back_minor, rule.currency or "", 0) or 0
        if part.counted_on is None:
            given = min(part.held, amount)
            part.held -= given
            return kept.counter.release(given)
        given = min(part.counted, amount)
        part.counted -= given
        return kept.counter.refund(given, counted_on=part.counted_on, on=kept.today)

    which = CapReservation.claim_id.in_(_claims(question_id, answerer_id))
    _change(uow, answerer_id, which, give_back)


def adjusted(uow: UnitOfWork, *, question_id: int, answerer_id: int, minor: int) -> None:
    """Count what organizers added to an accepted answer's share, or took from it (below zero).

    It counts today. In the limits that count by payment it counts when it is sent.
    """

    def add(kept: _Kept) -> Counter:
        part, rule = kept.part, kept.row.rule
        if rule.counted_when is not Stage.ACCEPTED or part.counted_on is None:
            return kept.counter
        amount = rule.amount_of(minor, rule.currency or "", 0) or 0
        part.counted += amount
        return kept.counter.book(amount, kept.today, held=0)

    which = CapReservation.claim_id.in_(_claims(question_id, answerer_id))
    _change(uow, answerer_id, which, add)


def lock(uow: UnitOfWork, account_id: int) -> None:
    """Let nobody else change this person's limits, or what they count, until the unit ends."""
    uow.session.execute(
        select(Account.id).where(Account.id == account_id).with_for_update(key_share=True)
    )


def _refused(reason: Reason) -> ClaimRefused:
    return ClaimRefused(reason=reason, reasons=(reason,))


def _claims(question_id: int, answerer_id: int) -> ScalarSelect[int]:
    return (
        select(Answer.claim_id)
        .where(Answer.question_id == question_id, Answer.answerer_id == answerer_id)
        .scalar_subquery()
    )


def _released(kept: _Kept) -> Counter:
    given, kept.part.held = kept.part.held, 0
    return kept.counter.release(given)


def _counted(stage: Stage, minor: int | None = None) -> Callable[[_Kept], Counter]:
    """Book what is held, or `minor` of money, in the limits that count at this stage."""

    def count(kept: _Kept) -> Counter:
        part, rule = kept.part, kept.row.rule
        if rule.counted_when is not stage:
            return kept.counter
        amount = part.held if minor is None else rule.amount_of(minor, rule.currency or "", 0)
        after = kept.counter.book(amount or 0, kept.today, held=part.held)
        part.counted += amount or 0
        part.counted_on = kept.counter.counts_on(kept.today)
        part.held = 0
        return after

    return count


def _change(
    uow: UnitOfWork, answerer_id: int, which: ColumnElement[bool], act: Callable[[_Kept], Counter]
) -> None:
    """Do `act` to a claim's part in every limit in force, and keep the counters."""
    lock(uow, answerer_id)
    rows = uow.session.execute(
        select(CapReservation, CapRuleRow, CapStanding.reserved, CapStanding.latest)
        .join(CapRuleRow, CapRuleRow.id == CapReservation.rule_id)
        .join(CapStanding, CapStanding.rule_id == CapReservation.rule_id)
        .where(which, CapRuleRow.ended_at.is_(None))
        .order_by(CapRuleRow.id)
        .execution_options(populate_existing=True)
    ).all()
    steps = []
    for part, row, reserved, latest in rows:
        # What was booked before does not matter: only the difference is written.
        counter = Counter(row.rule, {}, reserved, latest)
        kept = _Kept(row, counter, part, row.day_of(uow.clock.now()))
        steps.append(_Step(row, counter, act(kept)))
    changed = [step for step in steps if step.after != step.before]
    if changed:
        _write(uow, changed)


def _write(uow: UnitOfWork, steps: Sequence[_Step]) -> None:
    """Write the differences, all limits in one statement; the trigger looks at each."""
    booked = [
        {"rule_id": step.row.id, "period_start": bucket, "booked": amount - before}
        for step in steps
        for bucket, amount in step.after.booked.items()
        if amount != (before := step.before.booked.get(bucket, 0))
    ]
    if booked:
        new = insert(CapCounter)
        uow.session.execute(
            new.on_conflict_do_update(
                index_elements=[CapCounter.rule_id, CapCounter.period_start],
                set_={"booked": CapCounter.booked + new.excluded.booked},
            ),
            booked,
        )
    moved = values(
        column("rule_id", BigInteger),
        column("reserved", BigInteger),
        column("latest", Date),
        column("period_start", Date),
        name="moved",
    ).data([_moved(step) for step in steps])
    uow.session.execute(
        update(CapStanding)
        .where(CapStanding.rule_id == moved.c.rule_id)
        .values(
            reserved=CapStanding.reserved + moved.c.reserved,
            latest=func.greatest(CapStanding.latest, moved.c.latest),
            period_start=func.greatest(CapStanding.period_start, moved.c.period_start),
        )
        .execution_options(synchronize_session=False)
    )


def _moved(step: _Step) -> tuple[int, int, date, date]:
    latest = step.after.latest or step.before.latest
    assert latest is not None  # every limit begins on a day
    start = period_of(step.row.rule, latest).start
    return step.row.id, step.after.reserved - step.before.reserved, latest, start


def _tell_what_is_near(uow: UnitOfWork, answerer_id: AccountId, steps: Sequence[_Step]) -> None:
    """Emit a warning for each limit that has just reached 70 or 90 per cent."""
    now = uow.clock.now()
    for step in steps:
        day = step.row.day_of(now)
        was, stands = step.before.standing(day), step.after.standing(day)
        if stands.warning > was.warning:
            uow.emit(
                CapNear(
                    at=now,
                    answerer_id=answerer_id,
                    rule_id=step.row.id,
                    level=stands.warning,
                    period=stands.span.start,
                )
            )
