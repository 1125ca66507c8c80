"""The public pages: start, how the money is shared, rights, accessibility."""

from __future__ import annotations

from flask import Blueprint, render_template

from upss.forum.rules.pricing import MINUTES
from upss.forum.rules.timers import GRACE, OFFER, REVIEW
from upss.ledger.rules.split import split
from upss.site import queries as site
from upss.web.access import for_everyone
from upss.web.ports import unit

blueprint = Blueprint("pages", __name__)


def _terms() -> site.Terms:
    with unit() as uow:
        return site.terms(uow.session)


@blueprint.get("/")
@for_everyone
def home() -> str:
    """Say what UPSS is, what it costs and how it works."""
    terms = _terms()
    return render_template("forum/home.html", terms=terms, lowest=min(terms.prices.values()))


@blueprint.get("/how-money-works")
@for_everyone
def how_money_works() -> str:
    """Show where the money of each price goes."""
    terms = _terms()
    prices = sorted(set(terms.prices.values()))
    shares = [
        (price, split(price, commission_bp=terms.commission_bp, fund_bp=terms.fund_bp))
        for price in prices
    ]
    return render_template("forum/how_money_works.html", terms=terms, shares=shares)


@blueprint.get("/rights")
@for_everyone
def rights() -> str:
    """Say what the asker may count on."""
    return render_template(
        "forum/rights.html",
        grace_hours=int(GRACE.total_seconds() // 3600),
        review_days=REVIEW.days,
        offer_minutes=int(OFFER.total_seconds() // 60),
        minutes=MINUTES,
    )


@blueprint.get("/accessibility")
@for_everyone
def accessibility() -> str:
    """Say what was tested, with what, and what is not known."""
    return render_template("forum/accessibility.html")
