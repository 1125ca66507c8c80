"""The hosted pages: pay, the bank's question, receipt and onboarding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from flask import Blueprint, redirect, render_template, request

from upss.standin import cards, checkout, connect
from upss.standin.operations import age
from upss.standin.problems import Problem
from upss.standin.texts import LANGUAGES, amount_text, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from upss.standin.store import Json
    from upss.standin.world import World

    Answer: TypeAlias = str | tuple[str, int] | Response

_FIELDS = ("email", "number", "expiry", "cvc", "name")


def make_pages(world: World) -> Blueprint:
    """Return the routes that a person visits."""
    blueprint = Blueprint("pages", __name__)
    pages = Pages(world)
    rules: dict[str, tuple[Callable[..., Answer], list[str]]] = {
        "/pay/<session_id>": (pages.pay, ["GET", "POST"]),
        "/pay/<session_id>/bank": (pages.bank, ["GET", "POST"]),
        "/receipt/<charge_id>": (pages.receipt, ["GET"]),
        "/connect/<account_id>/<token>": (pages.onboarding, ["GET", "POST"]),
    }
    for rule, (view, methods) in rules.items():
        blueprint.add_url_rule(rule, view.__name__, view, methods=methods)
    blueprint.register_error_handler(Problem, _not_found)
    return blueprint


def _not_found(_problem: Exception) -> tuple[str, int]:
    return page("message.html", "auto", 404, title="unknown_title", text="unknown_text", link=None)


def page(template: str, locale: str | None, status: int = 200, **values: Any) -> tuple[str, int]:
    """Render a page in the visitor's choice, the session's locale or the browser's language."""
    chosen = request.args.get("lang", "")
    if chosen not in LANGUAGES:
        chosen = (locale or "auto").partition("-")[0]
    if chosen not in LANGUAGES:
        wanted = [each.partition("-")[0] for each in request.accept_languages.values()]
        chosen = next((each for each in wanted if each in LANGUAGES), "en")
    html = render_template(
        template, t=texts(chosen), language=chosen, languages=LANGUAGES, **values
    )
    return html, status


def read_card(form: dict[str, str], now: tuple[int, int]) -> dict[str, str]:
    """Return what is wrong with a typed card: field -> name of the message."""
    number = cards.digits(form["number"])
    wrong: dict[str, str] = {}
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", form["email"]):
        wrong["email"] = "bad_email"
    if number not in cards.CARDS:
        wrong["number"] = "not_a_test_card" if cards.is_plausible(number) else "bad_number"
    expiry = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*/?\s*(?:20)?(\d\d)\s*", form["expiry"])
    if not expiry:
        wrong["expiry"] = "bad_expiry"
    elif (2000 + int(expiry[2]), int(expiry[1])) < now:
        wrong["expiry"] = "card_expired"
    if not re.fullmatch(r"\d{3,4}", form["cvc"].strip()):
        wrong["cvc"] = "bad_cvc"
    if not form["name"].strip():
        wrong["name"] = "bad_name"
    return wrong


class Pages:
    """The views, all on one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def pay(self, session_id: str) -> Answer:
        """Show the card form, and take a card."""
        with self._world.store.unit():
            age(self._world)
            session = self._world.need("checkout.session", session_id)
            if session["status"] != "open":
                return self._closed(session)
            if request.method == "GET":
                known = {"email": session["customer_email"] or ""}
                return self._form(session, known, {})
            return self._take_card(session)

    def _take_card(self, session: Json) -> Answer:
        form = {name: request.form.get(name, "")[:200] for name in _FIELDS}
        now = self._world.clock.now()
        wrong = read_card(form, (now.year, now.month))
        if wrong:
            if wrong.get("number") == "not_a_test_card":
                form["number"] = ""  # it may be a real card: it is not even sent back
            return self._form(session, form, wrong, 422)
        card = cards.CARDS[cards.digits(form["number"])]
        outcome = checkout.start_payment(self._world, session, card, form["email"])
        if outcome == "declined":
            return self._form(session, form, {"number": "declined"}, 402)
        if outcome == "asks_bank":
            return redirect(f"/pay/{session['id']}/bank{_query()}", 303)
        return redirect(_return_address(session), 303)

    def _form(
        self, session: Json, form: dict[str, str], wrong: dict[str, str], status: int = 200
    ) -> tuple[str, int]:
        return page(
            "pay.html",
            session["locale"],
            status,
            session=session,
            title=self._world.store.private(session["id"])["title"],
            amount_text=amount_text,
            form=form,
            wrong=wrong,
            cards=cards.CARDS.values(),
        )

    def bank(self, session_id: str) -> Answer:
        """Play the bank that wants to know whether it is you (3-D Secure)."""
        with self._world.store.unit():
            age(self._world)
            session = self._world.need("checkout.session", session_id)
            if session["status"] != "open":
                return self._closed(session)
            private = self._world.store.private(session_id)
            if "card" not in private:
                return redirect(f"/pay/{session_id}", 303)
            if request.method == "GET":
                return page(
                    "bank.html", session["locale"], session=session, amount_text=amount_text
                )
            card = cards.CARDS[private["card"]]
            if request.form.get("answer") == "confirm":
                checkout.complete_payment(self._world, session, card)
                return redirect(_return_address(session), 303)
            checkout.fail_payment(self._world, session, card)
            known = {"email": private["email"]}
            return self._form(session, known, {"number": "bank_refused"}, 402)

    def _closed(self, session: Json) -> Answer:
        if session["status"] == "complete" and request.method == "POST":
            return redirect(_return_address(session), 303)
        paid = session["status"] == "complete"
        return page(
            "message.html",
            session["locale"],
            200 if paid else 410,
            title="paid_title" if paid else "expired_title",
            text="paid_text" if paid else "expired_text",
            link=_return_address(session) if paid else session["cancel_url"],
            link_text="continue" if paid else "go_back",
        )

    def receipt(self, charge_id: str) -> Answer:
        """Show what was charged and what came back."""
        with self._world.store.unit():
            charge = self._world.need("charge", charge_id)
        return page("receipt.html", "auto", charge=charge, amount_text=amount_text)

    def onboarding(self, account_id: str, token: str) -> Answer:
        """Play Connect's onboarding: finish it, or leave it unfinished."""
        with self._world.store.unit():
            link, works = connect.open_link(self._world, account_id, token)
            if not works:
                return redirect(link["refresh_url"], 303)
            if request.method == "GET":
                return page("onboarding.html", "auto")
            connect.use_link(self._world, account_id, token)
            if request.form.get("answer") == "finish":
                account = self._world.need("v2.core.account", account_id)
                connect.set_capability(self._world, account, "active")
        return redirect(link.get("return_url") or link["refresh_url"], 303)


def _query() -> str:
    chosen = request.args.get("lang", "")
    return f"?lang={chosen}" if chosen in LANGUAGES else ""


def _return_address(session: Json) -> str:
    address: str = session["success_url"]
    return address.replace("{CHECKOUT_SESSION_ID}", session["id"])
