"""Checkout Sessions and the payments that come of them: open, pay, decline, expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upss.kernel.ids import new_public_id
from upss.kernel.money import EXPONENTS
from upss.standin import balance
from upss.standin.problems import Problem, bad_request

if TYPE_CHECKING:
    from upss.standin.cards import Card
    from upss.standin.store import Json
    from upss.standin.world import World

# Parameters that have an effect here. Others are legal, but would be ignored in silence.
_BUILT = {
    "adaptive_pricing",
    "allowed_payment_method_types",
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "expand",
    "expires_at",
    "line_items",
    "locale",
    "metadata",
    "mode",
    "payment_intent_data",
    "success_url",
}
_SHORTEST, _LONGEST = 30 * 60, 24 * 3600
_MINIMUM_MINOR = 50


def create_session(world: World, params: Json, base_url: str) -> Json:
    """Open a hosted payment page."""
    unbuilt = sorted(set(params) - _BUILT)
    if unbuilt:
        raise bad_request("standin_not_built", f"not built: {unbuilt[0]}", param=unbuilt[0])
    if params.get("mode") != "payment":
        raise bad_request("standin_not_built", "only mode=payment is built", param="mode")
    if not params.get("success_url"):
        raise bad_request("parameter_missing", "success_url is required", param="success_url")
    if params.get("allowed_payment_method_types", ["card"]) != ["card"]:
        raise bad_request(
            "standin_not_built", "only cards are built", param="allowed_payment_method_types"
        )
    amount, currency, title = _priced(params.get("line_items") or [])
    session_id = f"cs_standin_{new_public_id()}"
    values = {
        "id": session_id,
        "mode": "payment",
        "status": "open",
        "payment_status": "unpaid",
        "url": f"{base_url}/pay/{session_id}",
        "amount_subtotal": amount,
        "amount_total": amount,
        "currency": currency,
        "expires_at": _expiry(world, params.get("expires_at")),
        "payment_method_types": ["card"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "metadata": params.get("metadata") or {},
        "customer_creation": "if_required",
        "ui_mode": "hosted_page",
    }
    copied = (
        "adaptive_pricing",
        "allowed_payment_method_types",
        "cancel_url",
        "client_reference_id",
        "customer_email",
        "locale",
        "success_url",
    )
    values |= {name: params[name] for name in copied if name in params}
    private = {"title": title, "intent": params.get("payment_intent_data") or {}}
    return world.make("checkout.session", values, private=private)


def _priced(lines: list[Json]) -> tuple[int, str, str]:
    """Return amount, currency and title of the line items."""
    amounts: list[int] = []
    currencies: set[str] = set()
    title = ""
    for index, line in enumerate(lines):
        price = line.get("price_data") or {}
        where = f"line_items[{index}][price_data]"
        if "unit_amount" not in price or "product_data" not in price:
            raise bad_request("parameter_missing", "a price of our own is required", param=where)
        amounts.append(price["unit_amount"] * line.get("quantity", 1))
        currencies.add(price["currency"].lower())
        title = title or price["product_data"]["name"]
    if len(currencies) != 1 or not {each.upper() for each in currencies} <= EXPONENTS.keys():
        raise bad_request("currency_not_supported", "one known currency", param="line_items")
    if sum(amounts) < _MINIMUM_MINOR or min(amounts) < 0:
        raise bad_request("amount_too_small", f"at least {_MINIMUM_MINOR}", param="line_items")
    return sum(amounts), currencies.pop(), title


def _expiry(world: World, wanted: Any) -> int:
    now = world.now()
    if wanted is None:
        return now + _LONGEST
    if not now + _SHORTEST <= wanted <= now + _LONGEST:
        message = "expires_at must be between 30 minutes and 24 hours from now"
        raise bad_request("parameter_invalid", message, param="expires_at")
    return int(wanted)


def expire_session(world: World, session: Json) -> Json:
    """Close an open session; a payment that waits for the bank dies with it."""
    if session["status"] != "open":
        message = f"Only open sessions can expire; this one is {session['status']}."
        raise bad_request("checkout_session_not_open", message)
    world.change(session, status="expired", url=None)
    if session["payment_intent"]:
        intent = world.need("payment_intent", session["payment_intent"])
        world.change(intent, status="canceled", canceled_at=world.now(), next_action=None)
    world.emit("checkout.session.expired", session)
    return session


def start_payment(world: World, session: Json, card: Card, email: str) -> str:
    """Try a card on an open session; returns `paid`, `declined` or `asks_bank`."""
    _must_be_open(session)
    intent = _intent(world, session)
    world.store.note(session["id"], card=card.number, email=email)
    if card.outcome == "declined":
        fail_payment(world, session, card)
        return "declined"
    if card.outcome == "asks_bank":
        world.change(intent, status="requires_action")
        return "asks_bank"
    complete_payment(world, session, card)
    return "paid"


def _must_be_open(session: Json) -> None:
    if session["status"] != "open":
        raise Problem(
            400, "invalid_request_error", "checkout_session_not_open", session["status"] or ""
        )


def _intent(world: World, session: Json) -> Json:
    """Return the payment of a session, created at the first attempt as Stripe does."""
    if session["payment_intent"]:
        return world.need("payment_intent", session["payment_intent"])
    data = world.store.private(session["id"])["intent"]
    values = {
        "amount": session["amount_total"],
        "currency": session["currency"],
        "status": "requires_payment_method",
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "payment_method_types": ["card"],
        "metadata": data.get("metadata") or {},
    }
    copied = ("description", "receipt_email", "statement_descriptor_suffix", "transfer_group")
    values |= {name: data[name] for name in copied if name in data}
    intent = world.make("payment_intent", values)
    world.change(session, payment_intent=intent["id"])
    world.emit("payment_intent.created", intent)
    return intent


def _charge(world: World, intent: Json, card: Card, **values: object) -> Json:
    card_details = {"brand": "visa", "last4": card.last4, "funding": "credit", "country": "ES"}
    common = {
        name: intent[name]
        for name in ("amount", "currency", "transfer_group", "metadata", "description")
    }
    details = {"type": "card", "card": card_details}
    private = {"card": card.number}
    own = {"payment_intent": intent["id"], "captured": True, "payment_method_details": details}
    return world.make("charge", common | own | values, private=private)


def fail_payment(world: World, session: Json, card: Card) -> None:
    """Record that the bank said no; the session, which is open, stays so for another card."""
    intent = _intent(world, session)
    code = "card_declined"
    charge = _charge(
        world, intent, card, status="failed", failure_code=code, amount_captured=0, captured=False
    )
    problem = {"type": "card_error", "code": code, "decline_code": card.decline_code}
    world.change(
        intent,
        status="requires_payment_method",
        latest_charge=charge["id"],
        last_payment_error=_payment_error(world, problem),
    )
    world.emit("charge.failed", charge)
    world.emit("payment_intent.payment_failed", intent)


def _payment_error(world: World, problem: Json) -> Json:
    schema = world.contract.definition("_payment_intent.PaymentIntent.LastPaymentError")
    return world.contract.fill(schema, problem)


def complete_payment(world: World, session: Json, card: Card) -> None:
    """Take the money of an open session: charge, movement with its fee, a complete session."""
    intent = _intent(world, session)
    charge = _charge(
        world, intent, card, status="succeeded", paid=True, amount_captured=intent["amount"]
    )
    available_on = world.now() if card.available_at_once else world.later(world.available_after)
    movement = balance.move(
        world,
        "charge",
        charge,
        charge["amount"],
        fee=balance.fee_minor(charge["amount"]),
        available_on=available_on,
    )
    base_url = session["url"].partition("/pay/")[0]
    receipt = f"{base_url}/receipt/{charge['id']}"
    world.change(charge, balance_transaction=movement["id"], receipt_url=receipt)
    world.change(
        intent,
        status="succeeded",
        latest_charge=charge["id"],
        amount_received=intent["amount"],
        next_action=None,
        last_payment_error=None,
    )
    world.change(session, status="complete", payment_status="paid", url=None)
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    world.emit("checkout.session.completed", session)
