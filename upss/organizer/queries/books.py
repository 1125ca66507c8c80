"""The books at a glance: key figures, open items of the clearing accounts, money over time.

Amounts are minor units; what is owed is returned as a positive number.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Row,
    case,
    cast,
    func,
    null,
    nulls_first,
    or_,
    select,
    text,
)

from upss.ledger.models import account, entry, posting
from upss.ledger.rules import chart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from upss.ledger.queries_chain import AccountTotals
    from upss.organizer.forms import MoneyFilter

    AnyRow = Row[*tuple[Any, ...]]

# What passes through on its way elsewhere, and how long that may take before somebody must look.
PATIENCE = {
    chart.STRIPE_UNSETTLED: timedelta(hours=48),
    chart.STRIPE_IN_TRANSIT: timedelta(days=10),
    chart.BANK_OUTGOING: timedelta(days=10),
    chart.DISPUTES_HELD: timedelta(days=90),
    chart.REFUNDS_PENDING: timedelta(days=10),
}
OPEN_ITEMS = 100

# Two sums grow with the ledger, both slowly: one row for each block, and one for each movement of
# the provider, which must be read to tell whether our balance there is their sum.
_FACTS = text("""
    SELECT (SELECT coalesce(sum(n_entries), 0) FROM ledger.block)
             + (SELECT count(*) FROM ledger.pending) AS entries,
           (SELECT max(currency) FROM ledger.account) AS currency,
           (SELECT coalesce(sum(net_minor), 0)::bigint FROM balance_transaction) AS stripe_net,
           (SELECT coalesce(sum(p.amount), 0)::bigint
              FROM ledger.posting p
              JOIN ledger.account a ON a.id = p.account_id
              JOIN ledger.entry e ON e.id = p.entry_id
             WHERE e.value_date >= :month AND e.kind = ANY(:paying)
               AND a.code LIKE 'Liabilities:Answerer:%') AS paid_out,
           (SELECT count(*) FROM ledger.pending) AS waiting,
           (SELECT min(e.booked_at) FROM ledger.pending w
              JOIN ledger.entry e ON e.id = w.entry_id) AS waiting_since,
           (SELECT max(ended_at) FROM self_check_run WHERE results IS NOT NULL) AS checked_at,
           (SELECT count(DISTINCT check_code) FROM self_check_finding
             WHERE resolved_at IS NULL AND severity = 'error') AS self_checks,
           v.block AS verified, v.begun_at AS verified_at,
           b.seq AS block, b.sealed_at AS block_at, b.hash AS block_hash
      FROM (SELECT 1) one
      LEFT JOIN (SELECT seq, sealed_at, hash FROM ledger.block ORDER BY seq DESC LIMIT 1) b ON true
      -- the newest run that computed everything anew and found all of it right
      LEFT JOIN (SELECT CAST(results ->> 'verified_block' AS bigint) AS block, begun_at
                   FROM self_check_run
                  WHERE status = 'done' AND NOT is_quick AND results ->> 'I1_verify' = '0'
                    AND CAST(results ->> 'verified_block' AS bigint) > 0
                  ORDER BY id DESC LIMIT 1) v ON true""")

# An item (one account's lines of one question, or of none) is open while they do not add up to
# zero. All that ever passed through is added up; only what is open is looked at line by line:
# since when, which is since its balance last left zero.
_OPEN = text("""
    WITH item AS MATERIALIZED (
      SELECT p.account_id, p.question_id, sum(p.amount)::bigint AS amount
        FROM ledger.posting p
       WHERE p.account_id = ANY(ARRAY(SELECT id FROM ledger.account WHERE code = ANY(:codes)))
       GROUP BY p.account_id, p.question_id HAVING sum(p.amount) <> 0
    ), dated AS (
      SELECT a.code, a.currency, i.question_id, i.amount, o.entry_id, e.booked_at AS since
        FROM item i
        JOIN ledger.account a ON a.id = i.account_id
       CROSS JOIN LATERAL (
         SELECT min(s.entry_id) AS entry_id
           FROM (SELECT c.entry_id, max(c.entry_id) FILTER (WHERE c.after = 0) OVER () AS settled
                   FROM (SELECT l.entry_id, sum(l.amount) OVER (ORDER BY l.entry_id) AS after
                           FROM (SELECT p.entry_id, p.amount FROM ledger.posting p
                                  WHERE p.question_id = i.question_id
                                    AND p.account_id = i.account_id
                                  UNION ALL
                                 SELECT p.entry_id, p.amount FROM ledger.posting p
                                  WHERE i.question_id IS NULL AND p.question_id IS NULL
                                    AND p.account_id = i.account_id) l) c) s
          WHERE s.entry_id > coalesce(s.settled, 0)) o
        JOIN ledger.entry e ON e.id = o.entry_id
    ), placed AS (
      SELECT d.*,
             count(*) OVER account AS items,
             (sum(amount) OVER account)::bigint AS balance,
             min(since) OVER account AS oldest,
             row_number() OVER (PARTITION BY code ORDER BY entry_id, question_id) AS nth,
             row_number() OVER (ORDER BY entry_id, code, question_id) AS place
        FROM dated d WINDOW account AS (PARTITION BY code)
    )
    SELECT * FROM placed WHERE place <= :most OR nth = 1 ORDER BY place""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Glance:
    """The key figures; `stripe_difference` is anything but 0 only where the books are wrong."""

    held: int
    payable: int
    in_payout: int
    commission: int
    fund: int
    suspense: int
    stripe_difference: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """One clearing account with its open items, oldest first; `items` counts them all."""

    code: str
    currency: str
    balance: int
    items: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Moment:
    """What was held and payable at the end of a stretch, and what it paid out in between."""

    since: date
    held: int
    payable: int
    paid_out: int


@dataclass(frozen=True, slots=True)
class Course:
    """The stretches of a filter, oldest first, and when the ledger begins."""

    moments: tuple[Moment, ...]
    currency: str
    begins_at: datetime | None


# The kinds by which money leaves for an answerer, or comes back from there.
_PAYING = ("transfer_created", "transfer_reversed", "bank_batch_submitted", "payout_returned")
_BEGINS = select(func.min(entry.c.booked_at))


def facts(session: Session, *, month: date) -> AnyRow:
    """Return what stands beside the balances: entries, blocks, movements; paid out since `month`."""
    return session.execute(_FACTS, {"month": month, "paying": list(_PAYING)}).one()


def glance(totals: Iterable[AccountTotals], *, stripe_net: int) -> Glance:
    """Return the key figures of the balances of all accounts."""
    sums: Counter[str] = Counter()
    for row in totals:
        sums[row.code] += row.balance
    return Glance(
        held=-sums[chart.HELD],
        payable=-_of_people(sums, chart.PAYABLE_PREFIX),
        in_payout=-_of_people(sums, chart.IN_PAYOUT_PREFIX),
        commission=-sums[chart.COMMISSION] - sums[chart.TIP_COMMISSION],
        fund=-sums[chart.GUARANTEE_FUND],
        suspense=sums[chart.SUSPENSE],
        stripe_difference=sums[chart.STRIPE_BALANCE] - stripe_net,
    )


def _of_people(sums: Counter[str], prefix: str) -> int:
    return sum(minor for code, minor in sums.items() if code.startswith(prefix))


def open_items(session: Session) -> tuple[list[Clearing], Sequence[AnyRow]]:
    """Return every clearing account with its balance, and the oldest open items of them all.

    What passed through these accounts is added up from the beginning, so this takes longer as
    the ledger grows.
    """
    rows = session.execute(_OPEN, {"codes": list(PATIENCE), "most": OPEN_ITEMS}).all()
    firsts = {row.code: row for row in rows if row.nth == 1}
    clearing = [
        Clearing(code, row.currency, row.balance, row.items, row.oldest)
        if (row := firsts.get(code))
        else Clearing(code, "EUR", 0, 0, None)
        for code in PATIENCE
    ]
    return clearing, [row for row in rows if row.place <= OPEN_ITEMS]


def over_time(session: Session, wanted: MoneyFilter, *, today: date) -> Course:
    """Return held, payable and paid out per week of a month or per month, by value date.

    Every stretch from the first entry (or of the month) until `today` is there. It reads every
    entry until its last day, so it takes longer as the ledger grows; nobody opens it daily.
    """
    day = entry.c.value_date
    is_owed = or_(*(account.c.code.startswith(p) for p in (chart.PAYABLE_PREFIX, chart.IN_PAYOUT_PREFIX)))  # fmt: skip
    part: ColumnElement[date] = cast(func.date_trunc(wanted.step, cast(day, DateTime)), Date)
    if wanted.month is not None:  # what was before counts together, and the first week is cut
        part = case((day < wanted.month, null()), else_=func.greatest(part, wanted.month))
    statement = (
        select(
            part.label("since"),
            _total(account.c.code == chart.HELD).label("held"),
            _total(is_owed).label("payable"),
            _total(is_owed, entry.c.kind.in_(_PAYING)).label("paid_out"),
            func.max(account.c.currency).label("currency"),
            _BEGINS.scalar_subquery().label("begins_at"),
        )
        .select_from(entry)
        .join(posting, posting.c.entry_id == entry.c.id)
        .join(account, account.c.id == posting.c.account_id)
        .where(day <= _last_day(wanted, today))
        .group_by(part)
        .order_by(nulls_first(part))
    )
    rows = session.execute(statement).all()
    if not rows:  # the books are empty, or begin later
        return Course((), "EUR", session.scalar(_BEGINS))
    return Course(tuple(_moments(rows, wanted, today)), rows[0].currency, rows[0].begins_at)


def _total(*which: ColumnElement[bool]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(posting.c.amount).filter(*which), 0), BigInteger)


def _last_day(wanted: MoneyFilter, today: date) -> date:
    if wanted.until is None:
        return today
    return min(today, wanted.until.date() - timedelta(days=1))


def _moments(rows: Sequence[AnyRow], wanted: MoneyFilter, today: date) -> Iterator[Moment]:
    """Carry the balances from one stretch to the next; one without entries keeps them."""
    known = {row.since: row for row in rows}
    held = payable = 0
    if (before := known.get(None)) is not None:
        held, payable = -before.held, -before.payable
    since = wanted.month or next(iter(known), today)
    while rows and since <= _last_day(wanted, today):
        paid_out = 0
        if (row := known.get(since)) is not None:
            held, payable, paid_out = held - row.held, payable - row.payable, row.paid_out
        yield Moment(since, held, payable, paid_out)
        since = _next(since, wanted.step)


def _next(since: date, step: str) -> date:
    if step == "week":
        return since + timedelta(days=7 - since.weekday())
    return (since.replace(day=1) + timedelta(days=32)).replace(day=1)
