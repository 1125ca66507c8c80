"""The audit of the money: every paid question with its figures, filtered and added up in SQL.

Amounts come from the ledger alone, in minor units. A question appears once, under the first
entry that brought money in; that entry's id is the key of the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Row,
    ScalarSelect,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import array

from upss.accounts.models import Account
from upss.forum.models import Answer, Question
from upss.forum.rules.lifecycle import Status
from upss.ledger import queries as ledger
from upss.ledger.models import account, entry, posting
from upss.ledger.rules import chart
from upss.payments.models import Refund
from upss.payouts.rules.schedule import HOLD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session

    from upss.organizer.forms import MoneyFilter

    AnyRow = Row[*tuple[Any, ...]]

FIGURES = (
    "paid", "share", "organizer", "fund", "fee", "refund", "held", "to_pay", "paid_out",
    "extra", "lost", "borne",
)  # fmt: skip
_EXPORT_CHUNK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """The sums of the filter in minor units, of one stretch of time (`since`) or of all."""

    since: date | None
    questions: int
    paid: int
    share: int
    organizer: int
    fund: int
    fee: int
    refund: int
    held: int
    to_pay: int
    paid_out: int
    extra: int
    lost: int
    borne: int

    @property
    def difference(self) -> int:
        """Money in less everything it became; anything but 0 is a fault in the books."""
        became = self.share + self.organizer + self.fund + self.refund + self.held + self.lost
        earned = self.share + self.extra
        return (self.paid + self.borne - became) or (earned - self.to_pay - self.paid_out)


@dataclass(frozen=True, slots=True)
class Overview:
    """The sums of a filter: in all, and per week or month; and when the ledger begins."""

    total: Totals
    parts: tuple[Totals, ...]
    begins_at: datetime | None


def _lines(now: datetime, wanted: MoneyFilter) -> Subquery:
    """Select one row per paid question within the filter's time, with its figures and state."""
    unsettled, first, earlier, opened = (
        account.alias("unsettled"), posting.alias("first"), posting.alias("earlier"),
        entry.alias("opened"),
    )  # fmt: skip
    figures = (
        ledger.money_by_question()
        .where(posting.c.question_id == first.c.question_id)
        .lateral("money")
    )
    money = figures.c
    is_first = ~(
        select(literal(1))
        .where(
            earlier.c.question_id == first.c.question_id,
            earlier.c.account_id == first.c.account_id,
            earlier.c.amount > 0,
            earlier.c.entry_id < first.c.entry_id,
        )
        .exists()
    )
    waits = or_(
        Question.accepted_at > now - HOLD,
        Question.status.not_in((Status.ACCEPTED, Status.FINAL)),
    )
    state = case(
        (money.held > 0, "reserved"),
        (and_(money.payable > 0, waits), "on_hold"),
        (money.payable > 0, "to_pay"),
        (money.in_payout > 0, "in_payout"),
        (money.refund_pending > 0, "going_back"),
        (money.paid_out > 0, "paid_out"),
        else_="refunded",
    )
    statement = (
        select(
            first.c.entry_id,
            first.c.question_id,
            first.c.currency,
            opened.c.booked_at.label("paid_at"),
            Question.public_id,
            _answerer(first.c.question_id).label("answerer"),
            (money.paid + money.paid_again).label("paid"),
            money.share,
            money.organizer,
            money.fund,
            money.fee,
            (money.refunded + money.refund_pending).label("refund"),
            money.held,
            (money.payable + money.in_payout).label("to_pay"),
            money.paid_out,
            money.extra,
            money.lost,
            money.borne,
            state.label("state"),
        )
        .select_from(unsettled)
        .join(first, and_(first.c.account_id == unsettled.c.id, first.c.amount > 0))
        .join(opened, opened.c.id == first.c.entry_id)
        .join(Question, Question.id == first.c.question_id)
        .join(figures, literal(value=True))
        .where(unsettled.c.code == chart.STRIPE_UNSETTLED, is_first)
    )
    if wanted.since is not None:
        statement = statement.where(opened.c.booked_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(opened.c.booked_at < wanted.until)
    return statement.subquery("line")


def _filtered(now: datetime, wanted: MoneyFilter) -> tuple[Subquery, Select[*tuple[Any, ...]]]:
    line = _lines(now, wanted)
    statement = select(*line.c).order_by(line.c.entry_id.desc())
    if wanted.state is not None:
        statement = statement.where(line.c.state == wanted.state)
    return line, statement


def paid_questions(
    session: Session, wanted: MoneyFilter, *, now: datetime, before: int | None, limit: int
) -> Sequence[AnyRow]:
    """Return the newest paid questions of the filter, or those older than entry `before`."""
    line, statement = _filtered(now, wanted)
    if before is not None:
        statement = statement.where(line.c.entry_id < before)
    return session.execute(statement.limit(limit)).all()


def every_paid_question(
    session: Session, wanted: MoneyFilter, *, now: datetime
) -> Iterator[AnyRow]:
    """Return all paid questions of the filter as one snapshot, some hundred at a time."""
    _line, statement = _filtered(now, wanted)
    options = {"yield_per": _EXPORT_CHUNK}
    yield from session.execute(statement, execution_options=options)


def overview(session: Session, wanted: MoneyFilter, *, now: datetime, zone: str) -> Overview:
    """Add up the filter in one statement: in all, and per week of a month or per month."""
    line = _lines(now, wanted)
    moment = func.date_trunc(wanted.step, line.c.paid_at, zone)
    since = cast(func.timezone(zone, moment), Date)
    part = select(since.label("since"), *line.c)
    if wanted.state is not None:
        part = part.where(line.c.state == wanted.state)
    each = part.subquery("part")
    sums = [
        cast(func.coalesce(func.sum(each.c[name]), 0), BigInteger).label(name) for name in FIGURES
    ]
    begins_at = select(entry.c.booked_at).order_by(entry.c.id).limit(1).scalar_subquery()
    statement = (
        select(each.c.since, func.count().label("questions"), *sums, begins_at.label("begins_at"))
        .group_by(func.rollup(each.c.since))
        .order_by(each.c.since)
    )
    rows = session.execute(statement).all()
    totals = [_totals(row) for row in rows]
    whole = next(total for total in totals if total.since is None)
    parts = tuple(total for total in totals if total.since is not None)
    return Overview(whole, parts, rows[0].begins_at)


def _totals(row: AnyRow) -> Totals:
    figures = {name: int(getattr(row, name)) for name in FIGURES}
    return Totals(since=row.since, questions=row.questions, **figures)


def question_by_key(session: Session, key: str) -> AnyRow | None:
    """Find a question by its number or public id: its terms, who answered, where its money is.

    `causes` says why money went back.

    The figures are those of `ledger.queries.money_by_question`, None where nothing was booked.
    """
    if key.isascii() and key.isdecimal() and len(key) < 19:
        which = Question.id == int(key)
    else:
        which = Question.public_id == key
    money = ledger.money_by_question().where(posting.c.question_id == Question.id).lateral("money")
    statement = (
        select(
            Question.id,
            Question.public_id,
            Question.status,
            Question.currency,
            Question.commission_bp,
            Question.fund_bp,
            Question.express_minor,
            _answerer(Question.__table__.c.id).label("answerer"),
            _refund_causes(Question.__table__.c.id).label("causes"),
            *(column for column in money.c if column.name != "question_id"),
        )
        .outerjoin(money, literal(value=True))
        .where(which)
    )
    return session.execute(statement).one_or_none()


def _refund_causes(question_id: ColumnElement[int]) -> ScalarSelect[str]:
    """Select why money of the question went back, each cause once, in an array."""
    causes = func.coalesce(func.array_agg(Refund.cause.distinct()), array([], type_=Text))
    return select(causes).where(Refund.question_id == question_id).scalar_subquery()


def _answerer(question_id: ColumnElement[int]) -> ScalarSelect[str]:
    """Select the name of the person whose answer stands."""
    return (
        select(Account.name)
        .join(Answer, Answer.answerer_id == Account.id)
        .where(Answer.question_id == question_id)
        .order_by(Answer.revision.desc())
        .limit(1)
        .scalar_subquery()
    )
