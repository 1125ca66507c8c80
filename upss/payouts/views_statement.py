"""Statements by month and year, for the person who answers and for who reads the books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from flask import Blueprint, Response, render_template, stream_with_context, url_for

from upss.kernel.errors import NotFound
from upss.ledger import queries_chain, walk
from upss.payouts import labels, proof
from upss.payouts import queries_statement as queries
from upss.payouts.export import csv_lines
from upss.payouts.rules import statement as rules
from upss.web import paging
from upss.web.access import for_answerers, for_auditors, signed_in
from upss.web.ports import clock, unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from flask.typing import ResponseReturnValue

# The schema is ready for more; version 1 opens with the euro alone.
_CURRENCY = "EUR"
# A month with more lines is shown so far; its file has all of them.
_LISTED = 300

blueprint = Blueprint("statements", __name__)


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whose statements these are, and where they stand."""

    id: int
    public_id: str
    name: str
    is_own: bool

    @property
    def number(self) -> str:
        """The person's number in the books, which hold no names."""
        return queries.number_of(self.id)

    def url(self, page: str, period: str | None = None, before: int | None = None) -> str:
        """Return the address of one of this person's pages: "overview", "period" or "file"."""
        whose, public_id = ("my", None) if self.is_own else ("their", self.public_id)
        return url_for(
            f"statements.{whose}_{page}", public_id=public_id, period=period, before=before
        )


def _me() -> _Whose:
    me = signed_in()
    return _Whose(me.id, me.public_id, me.name, is_own=True)


def _them(public_id: str) -> _Whose:
    with unit() as uow:
        found = queries.answerer_by_public_id(uow.session, public_id)
    if found is None:
        raise NotFound
    return _Whose(found.id, found.public_id, found.name, is_own=False)


def _today() -> date:
    """Return the day of the books, which reckon in UTC."""
    return clock().now().astimezone(UTC).date()


def _overview(whose: _Whose) -> ResponseReturnValue:
    before, today = paging.cursor("before"), _today()
    with unit() as uow:
        sums = queries.month_sums(uow.session, whose.id, until=rules.this_year(today).ends)
    rows = [row for row in rules.overview(sums) if before is None or row[0].key < before]
    keys = [period.key for period, _statement in rows]
    return render_template(
        "payouts/statements.html",
        whose=whose,
        page=paging.page(rows, keys=keys, after=before),
        command=f"python verify_proof.py proof-{whose.number}.jsonl --anchor 0123...",
        currency=_CURRENCY,
        period_name=labels.period_name,
    )


def _statement(whose: _Whose, name: str) -> ResponseReturnValue:
    today = _today()
    period = rules.period_of(name, today=today)
    with unit() as uow:
        walk.as_of_one_moment(uow.session)
        sums = queries.month_sums(uow.session, whose.id, until=period.ends)
        block = queries_chain.newest_block(uow.session)
        not_anchored = queries.not_anchored(uow.session, whose.id, period)
        lines = (
            []
            if period.is_year
            else queries.lines(uow.session, whose.id, period, limit=_LISTED + 1)
        )
    shown = lines[:_LISTED]
    return render_template(
        "payouts/statement.html",
        whose=whose,
        period=period,
        is_open=today < period.ends,
        today=today,
        sums=rules.statement(period, sums),
        lines=[line for line in shown if not rules.is_payment(line)],
        payments=rules.payments(shown),
        is_cut=len(lines) > _LISTED,
        priced=rules.PRICED_KINDS,
        months=rules.months_of(period, sums) if period.is_year else [],
        quarters=rules.quarters(period, sums) if period.is_year else [],
        block=block,
        not_anchored=not_anchored,
        currency=_CURRENCY,
        period_name=labels.period_name,
        word=labels.word,
    )


def _file(whose: _Whose, name: str) -> Response:
    period = rules.period_of(name, today=_today())

    def pieces() -> Iterator[str]:
        with unit() as uow:
            walk.as_of_one_moment(uow.session)
            sums = queries.month_sums(uow.session, whose.id, until=period.ends)
            yield from csv_lines(
                period,
                rules.statement(period, sums),
                queries.every_line(uow.session, whose.id, period),
                column=labels.column,
                word=labels.word,
                block=queries_chain.newest_block(uow.session),
                currency=_CURRENCY,
            )

    return _download(pieces(), "text/csv", f"statement-{whose.number}-{period.name}.csv")


def _download(pieces: Iterator[str], mimetype: str, name: str) -> Response:
    answer = Response(stream_with_context(pieces), mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@blueprint.get("/earnings/statements")
@for_answerers
def my_overview() -> ResponseReturnValue:
    """Show a person every month and year in which something happened."""
    return _overview(_me())


@blueprint.get("/earnings/statements/<period>")
@for_answerers
def my_period(period: str) -> ResponseReturnValue:
    """Show a person one statement, to read and to print."""
    return _statement(_me(), period)


@blueprint.get("/earnings/statements/<period>.csv")
@for_answerers
def my_file(period: str) -> ResponseReturnValue:
    """Send a person the same statement as a file."""
    return _file(_me(), period)


@blueprint.get("/earnings/proof.jsonl")
@for_answerers
def my_proof() -> ResponseReturnValue:
    """Send a person the proof of their own entries, perhaps only up to a block, while it is read."""
    me, up_to = _me(), paging.cursor("up_to")

    def pieces() -> Iterator[str]:
        with unit() as uow:
            walk.as_of_one_moment(uow.session)
            yield from proof.proof_lines(uow.session, me.id, up_to=up_to)

    return _download(pieces(), "application/jsonl; charset=utf-8", f"proof-{me.number}.jsonl")


@blueprint.get("/organizer/statements")
@for_auditors
def people() -> ResponseReturnValue:
    """Show everybody who has ever earned something."""
    after = paging.cursor()
    with unit() as uow:
        rows = queries.people(uow.session, after=after, limit=paging.SIZE + 1)
    page = paging.page(rows, keys=[row.id for row in rows], after=after)
    return render_template("payouts/statements_people.html", page=page, number=queries.number_of)


@blueprint.get("/organizer/statements/<public_id>")
@for_auditors
def their_overview(public_id: str) -> ResponseReturnValue:
    """Show the months and years of one person."""
    return _overview(_them(public_id))


@blueprint.get("/organizer/statements/<public_id>/<period>")
@for_auditors
def their_period(public_id: str, period: str) -> ResponseReturnValue:
    """Show one statement of one person."""
    return _statement(_them(public_id), period)


@blueprint.get("/organizer/statements/<public_id>/<period>.csv")
@for_auditors
def their_file(public_id: str, period: str) -> ResponseReturnValue:
    """Send one statement of one person as a file."""
    return _file(_them(public_id), period)
