"""Refunds: back to the card, from the available balance, and sometimes failing later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upss.standin import balance
from upss.standin.cards import CARDS
from upss.standin.problems import bad_request

if TYPE_CHECKING:
    from upss.standin.store import Json
    from upss.standin.world import World

_BUILT = {"amount", "charge", "expand", "metadata", "payment_intent", "reason"}


def create_refund(world: World, params: Json) -> Json:
    """Give a charge's money back, wholly or in part; never more than is left of it."""
    unbuilt = sorted(set(params) - _BUILT)
    if unbuilt:
        raise bad_request("standin_not_built", f"not built: {unbuilt[0]}", param=unbuilt[0])
    charge = _charge_of(world, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if left == 0:
        raise bad_request("charge_already_refunded", "The charge has already been refunded.")
    if not 0 < amount <= left:
        code = "amount_too_large" if amount > left else "parameter_invalid_integer"
        raise bad_request(code, f"amount must be from 1 to {left}", param="amount")
    values = {
        "amount": amount,
        "currency": charge["currency"],
        "charge": charge["id"],
        "payment_intent": charge["payment_intent"],
        "metadata": params.get("metadata") or {},
        "reason": params.get("reason"),
        "status": "pending",
        "pending_reason": "insufficient_funds",
    }
    refund = world.make("refund", values)
    _count_on_charge(world, charge, amount)
    _pay_if_possible(world, refund, charge)
    world.emit("refund.created", refund)
    world.emit("charge.refunded", charge)
    return refund


def _charge_of(world: World, params: Json) -> Json:
    if "charge" in params:
        charge = world.need("charge", params["charge"], param="charge")
    elif "payment_intent" in params:
        intent = world.need("payment_intent", params["payment_intent"], param="payment_intent")
        if not intent["latest_charge"]:
            raise bad_request("payment_intent_unexpected_state", "There is no charge to refund.")
        charge = world.need("charge", intent["latest_charge"])
    else:
        raise bad_request("parameter_missing", "charge or payment_intent is required")
    if not charge["paid"]:
        raise bad_request("charge_not_refundable", "The charge did not succeed.")
    return charge


def _count_on_charge(world: World, charge: Json, amount: int) -> None:
    refunded = charge["amount_refunded"] + amount
    world.change(charge, amount_refunded=refunded, refunded=refunded == charge["amount"])


def _pay_if_possible(world: World, refund: Json, charge: Json) -> bool:
    """Take the money from the balance; a charge that is pending itself pays for its refund."""
    movement = world.need("balance_transaction", charge["balance_transaction"])
    if movement["status"] == "available":
        available = balance.totals(world, "available").get(refund["currency"], 0)
        if available < refund["amount"]:
            return False
    taken = balance.move(
        world, "refund", refund, -refund["amount"], available_on=movement["available_on"]
    )
    world.change(refund, status="succeeded", pending_reason=None, balance_transaction=taken["id"])
    card = CARDS[world.store.private(charge["id"])["card"]]
    if card.refund_fails:
        world.store.note(refund["id"], fails_at=world.later(world.refund_fails_after))
    return True


def fail_refund(world: World, refund: Json) -> None:
    """Let a refund come back from the bank; the money returns to the balance."""
    if refund["status"] not in {"succeeded", "pending"}:
        raise bad_request("refund_not_open", f"the refund is {refund['status']}")
    if refund["status"] == "succeeded":
        taken = world.need("balance_transaction", refund["balance_transaction"])
        available_on = max(world.now(), taken["available_on"])
        returned = balance.move(
            world, "refund_failure", refund, refund["amount"], available_on=available_on
        )
        world.change(refund, failure_balance_transaction=returned["id"])
    reason = "expired_or_canceled_card"
    world.change(refund, status="failed", pending_reason=None, failure_reason=reason)
    charge = world.need("charge", refund["charge"])
    _count_on_charge(world, charge, -refund["amount"])
    world.emit("refund.updated", refund)
    world.emit("refund.failed", refund)


def age(world: World, now: int) -> None:
    """Pay refunds that waited for money; fail those whose card refuses them."""
    for refund in reversed(world.store.find("refund", status="pending")):
        if _pay_if_possible(world, refund, world.need("charge", refund["charge"])):
            world.emit("refund.updated", refund)
    due = world.store.execute(
        "SELECT id FROM object WHERE kind = 'refund' AND json_extract(private, '$.fails_at') <= ?"
        " AND json_extract(body, '$.status') = 'succeeded'",
        now,
    )
    for row in due:
        fail_refund(world, world.need("refund", row["id"]))
