"""Where no answer can be promised: nothing is sold, and what the asker may do instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from upss.accounts.rules.sign_in import network_of
from upss.accounts.service import BadEmail, normal_email
from upss.forum import queries_ask
from upss.forum.rules.lifecycle import Status
from upss.forum.rules.promising import Quote
from upss.forum.rules.timers import OFFER
from upss.forum.service import promises, waiting
from upss.forum.views_ask import ID, blueprint, owner
from upss.kernel.errors import NotFound
from upss.site import queries as site
from upss.web import limits
from upss.web.access import for_everyone, person
from upss.web.i18n import catalogue, gettext
from upss.web.ports import unit

__all__ = ["blueprint"]

_MOST = 30  # addresses from one network in an hour


@blueprint.get(f"/ask/{ID}/no-promise")
@for_everyone
def no_promise(public_id: str) -> Any:
    """Say that no answer can be promised and nothing is charged, and what the asker may do."""
    return _page(public_id)


@blueprint.post(f"/ask/{ID}/no-promise")
@for_everyone
def wait(public_id: str) -> Any:
    """Note who wants to hear when an answer can be promised."""
    visitor = person()
    with unit() as uow:
        draft = queries_ask.owned(uow.session, public_id, owner())
    if draft.topic is None:
        raise NotFound(public_id=public_id)
    typed = visitor.email if visitor else request.form.get("email", "").strip()
    try:
        email = normal_email(typed)
    except BadEmail:
        wrong = gettext("Write your email address, such as name@example.org")
        return _page(public_id, typed, [("email", wrong)])
    network = network_of(request.remote_addr or "0.0.0.0")  # noqa: S104 - a key of a count
    limits.hit(f"waiting:{network}", most=_MOST, window=timedelta(hours=1))
    with unit() as uow:
        promises.wait_for(
            uow, place=(draft.topic, draft.language), email=email, reads=catalogue().code
        )
        uow.commit()
    done = gettext("We write to %(email)s once, when an answer can be promised.", email=email)
    flash(done, "ok")
    return redirect(url_for("forum.no_promise", public_id=public_id), 303)


def _page(public_id: str, typed: str | None = None, errors: Sequence[tuple[str, str]] = ()) -> Any:
    """Render the page, with what is wrong in it; lead on where a promise can be made after all."""
    with unit() as uow:
        draft = queries_ask.owned(uow.session, public_id, owner())
        terms = site.terms(uow.session)
        if draft.status != Status.DRAFT or draft.topic not in terms.topics:
            return redirect(url_for("forum.write", public_id=public_id), 303)
        places = [(topic, draft.language) for topic in terms.topics]
        quoter = promises.Quoter.load(uow, places)
        at = uow.clock.now() + OFFER
        quotes = {place[0]: quoter.quote(place, at) for place in places}
    mine = quotes[draft.topic]
    if isinstance(mine, Quote):  # somebody came back meanwhile
        return redirect(url_for("forum.check", public_id=public_id), 303)
    page = render_template(
        "forum/no_promise.html",
        draft=draft,
        email=draft.email if typed is None else typed,
        reason=mine.reason,
        days=quoter.dials.policy.max_promise.days,
        kept_days=waiting.KEPT.days,
        others=[(topic, each.by) for topic, each in quotes.items() if isinstance(each, Quote)],
        errors=errors,
    )
    return (page, 422) if errors else page
