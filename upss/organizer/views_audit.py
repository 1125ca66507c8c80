"""The books line by line: journal, entries, accounts and trial balance, each also as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from upss.kernel.errors import NotFound
from upss.ledger import queries as ledger
from upss.organizer import export, forms_audit
from upss.organizer.queries import accounts, entries
from upss.web import paging
from upss.web.access import for_auditors
from upss.web.downloads import download
from upss.web.ports import unit

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

_ENTRIES = 10  # each has several lines

blueprint = Blueprint("audit", __name__, url_prefix="/organizer")


@blueprint.get("/trial-balance")
@for_auditors
def trial_balance() -> ResponseReturnValue:
    """Show every account with its sums at the end of a day, which add up to zero."""
    day, typed, errors = forms_audit.day_of(request.args)
    with unit() as uow:
        rows = []
        if day is not None and "on" in request.args:
            rows = accounts.trial_balance_on(uow.session, day)
        elif day is not None:
            rows = ledger.trial_balance(uow.session)
        names = accounts.holders(uow.session)
    page = render_template(
        "organizer/trial_balance.html", rows=rows, names=names, day=day, typed=typed, errors=errors
    )
    return page, 422 if errors else 200


@blueprint.get("/books/accounts")
@for_auditors
def all_accounts() -> ResponseReturnValue:
    """Show every account with its balance."""
    with unit() as uow:
        rows = ledger.trial_balance(uow.session)
        names = accounts.holders(uow.session)
    return render_template("organizer/accounts.html", rows=rows, names=names)


@blueprint.get("/books/accounts/<key>")
@for_auditors
def account(key: str) -> ResponseReturnValue:
    """Show one account's entries within a filter, newest first, with the balance after each."""
    wanted, before = forms_audit.entry_filter(request.args), paging.cursor("before")
    with unit() as uow:
        sums = accounts.account_sums(uow.session, key, wanted, before=before)
        if sums is None:
            raise NotFound
        rows = []
        if not wanted.errors:
            rows = accounts.account_lines(
                uow.session, sums, wanted, before=before, limit=paging.SIZE + 1
            )
    page = render_template(
        "organizer/account.html",
        sums=sums,
        wanted=wanted,
        errors=wanted.errors,
        page=paging.page(rows, keys=[row.entry_id for row in rows], after=before),
    )
    return page, 422 if wanted.errors else 200


@blueprint.get("/books/accounts/<key>/entries.csv")
@for_auditors
def account_csv(key: str) -> ResponseReturnValue:
    """Send one account's entries within the same filter as a file, or say what cannot be read."""
    wanted = forms_audit.entry_filter(request.args)
    if wanted.errors:
        return account(key)
    with unit() as uow:
        sums = accounts.account_sums(uow.session, key, wanted)
        if sums is None:
            raise NotFound
        rows = accounts.every_line(uow.session, sums, wanted)
        return download(
            export.account_lines(sums, rows), f"{key.replace(':', '-')}.csv", "text/csv"
        )


@blueprint.get("/books/journal")
@for_auditors
def journal() -> ResponseReturnValue:
    """Show the entries of a filter with all their lines, newest first."""
    wanted, before = forms_audit.entry_filter(request.args), paging.cursor("before")
    with unit() as uow:
        people = entries.organizers(uow.session)
        rows = []
        if not wanted.errors:
            rows = list(entries.journal(uow.session, wanted, before=before, limit=_ENTRIES + 1))
    page = render_template(
        "organizer/journal.html",
        wanted=wanted,
        errors=wanted.errors,
        people=people,
        page=paging.page(rows, keys=[row.id for row in rows], after=before, size=_ENTRIES),
    )
    return page, 422 if wanted.errors else 200


@blueprint.get("/books/journal.csv")
@for_auditors
def journal_csv() -> ResponseReturnValue:
    """Send the entries of the same filter as a file, or say what in it cannot be read."""
    wanted = forms_audit.entry_filter(request.args)
    if wanted.errors:
        return journal()
    with unit() as uow:
        rows = entries.every_entry(uow.session, wanted)
        return download(export.journal_lines(rows), "journal.csv", "text/csv")


@blueprint.get("/entries/<key>")
@for_auditors
def entry(key: str) -> ResponseReturnValue:
    """Show all that the ledger holds of one entry."""
    number = forms_audit.number_of(key)
    with unit() as uow:
        found = None if number is None else entries.entry_by_id(uow.session, number)
    if found is None:
        raise NotFound
    return render_template("organizer/entry.html", row=found)
