"""The books at a glance for who audits them: key figures, open items, the chain, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from upss.db.base import db
from upss.kernel.errors import NotFound
from upss.ledger import queries as ledger
from upss.ledger import queries_chain as chain
from upss.ledger.export import FORMS
from upss.ledger.export.book import Book
from upss.ledger.walk import snapshot
from upss.organizer import forms, forms_audit
from upss.organizer.queries import books, entries
from upss.web import paging
from upss.web.access import for_auditors
from upss.web.downloads import download
from upss.web.ports import clock, unit

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

_ENTRIES = 10  # each has several lines
# How the file of each form ends, and what it is.
_FILES = {
    "jsonl": ("jsonl", "application/x-ndjson"),
    "beancount": ("beancount", "text/plain"),
    "hledger": ("journal", "text/plain"),
    "csv": ("csv", "text/csv"),
}

blueprint = Blueprint("accounting", __name__, url_prefix="/organizer/books")


@blueprint.get("")
@for_auditors
def index() -> ResponseReturnValue:
    """Show the key figures, and a way to every page of the books."""
    with unit() as uow:
        totals = ledger.trial_balance(uow.session)
        facts = books.facts(uow.session, month=forms_audit.today().replace(day=1))
    return render_template(
        "organizer/books.html",
        facts=facts,
        glance=books.glance(totals, stripe_net=facts.stripe_net),
        difference=sum(row.balance for row in totals),
        currency=facts.currency or "EUR",
    )


@blueprint.get("/open-items")
@for_auditors
def open_items() -> ResponseReturnValue:
    """Show what passes through the clearing accounts, since when, and what is late."""
    with unit() as uow:
        now = uow.clock.now()
        accounts, items = books.open_items(uow.session)
    return render_template(
        "organizer/open_items.html",
        accounts=accounts,
        items=items,
        now=now,
        patience=books.PATIENCE,
    )


@blueprint.get("/blocks")
@for_auditors
def blocks() -> ResponseReturnValue:
    """Show the newest blocks, and how many entries are in none yet."""
    before = paging.cursor("before")
    with unit() as uow:
        rows = chain.blocks(uow.session, before=before, limit=paging.SIZE + 1)
        late = chain.waiting(uow.session)
    found = paging.page(rows, keys=[row.seq for row in rows], after=before)
    return render_template("organizer/blocks.html", page=found, waiting=late)


@blueprint.get("/waiting")
@for_auditors
def waiting() -> ResponseReturnValue:
    """Show the entries that are in no block yet, oldest first."""
    after = paging.cursor()
    with unit() as uow:
        rows = entries.not_anchored(uow.session, after=after, limit=_ENTRIES + 1)
    found = paging.page(rows, keys=[row.id for row in rows], after=after, size=_ENTRIES)
    return render_template("organizer/waiting.html", page=found)


@blueprint.get("/over-time")
@for_auditors
def over_time() -> ResponseReturnValue:
    """Show what was held, payable and paid out per week of a month or per month."""
    now, zone = clock().now(), "UTC"  # months of value dates
    asked = {"month": request.args.get("month", "")}
    wanted = forms.money_filter(asked, now=now, zone=zone)
    with unit() as uow:
        course = books.over_time(uow.session, wanted, today=forms_audit.today())
    months = forms.months_since(course.begins_at, now=now, zone=zone, also=wanted.month)
    return render_template(
        "organizer/over_time.html",
        wanted=wanted,
        moments=course.moments,
        is_empty=course.begins_at is None,
        currency=course.currency,
        months=[(forms.month_value(month), forms.month_name(month)) for month in months],
        month_name=forms.month_name,
    )


@blueprint.get("/export/<key>")
@for_auditors
def export(key: str) -> ResponseReturnValue:
    """Send the whole ledger of this moment as a file, in one of the forms for other programs."""
    if key not in _FILES:
        raise NotFound
    suffix, mimetype = _FILES[key]
    with snapshot(db.engine) as session:
        lines = FORMS[key](Book(session))
        return download(lines, f"ledger-{forms_audit.today()}.{suffix}", mimetype)
