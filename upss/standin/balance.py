"""The organizer's balance: movements, fees, what is available, and proof that no money appears.

The fee (1.5 % and 25 minor units) is invented: only the shape of a fee is Stripe's.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from upss.kernel.ids import new_public_id

if TYPE_CHECKING:
    from upss.standin.store import Json
    from upss.standin.world import World

FEE_BASIS_POINTS = 150
FEE_FIXED_MINOR = 25
_CATEGORIES = {
    "charge": "charge",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "topup": "topup",
    "transfer": "transfer",
}


def fee_minor(amount: int) -> int:
    """Return our invented fee for a charge, in minor units, rounded half up."""
    return (amount * FEE_BASIS_POINTS + 5_000) // 10_000 + FEE_FIXED_MINOR


def move(
    world: World, kind: str, source: Json, amount: int, *, fee: int = 0, available_on: int
) -> Json:
    """Record one movement of the balance for `source`; `amount` is signed."""
    details = [{"type": "stripe_fee", "description": "Stand-in fee, invented", "application": None}]
    values = {
        "type": kind,
        "reporting_category": _CATEGORIES[kind],
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "fee_details": [each | _money(fee, source["currency"]) for each in details if fee],
        "currency": source["currency"],
        "source": source["id"],
        "available_on": available_on,
        "status": "available" if available_on <= world.now() else "pending",
        "balance_type": "payments",
    }
    return world.make("balance_transaction", values)


def _money(amount: int, currency: str) -> Json:
    return {"amount": amount, "currency": currency}


def age(world: World, now: int) -> None:
    """Let pending movements become available when their time has come."""
    for movement in world.store.find("balance_transaction", status="pending"):
        if movement["available_on"] <= now:
            world.change(movement, status="available")


def settle_all(world: World) -> None:
    """Make everything available now (a control of the demo and of tests)."""
    now = world.now()
    for movement in world.store.find("balance_transaction", status="pending"):
        world.change(movement, status="available", available_on=now)


def top_up(world: World, amount: int, currency: str) -> Json:
    """Add money of the organizer's own, as from their bank (a control)."""
    source = {"id": f"tu_standin_{new_public_id()}", "currency": currency}
    return move(world, "topup", source, amount, available_on=world.now())


def totals(world: World, status: str) -> dict[str, int]:
    """Return the net sum by currency of all movements with this status."""
    rows = world.store.execute(
        "SELECT json_extract(body, '$.currency') AS currency, sum(json_extract(body, '$.net')) AS net"
        " FROM object WHERE kind = 'balance_transaction' AND json_extract(body, '$.status') = ?"
        " GROUP BY 1",
        status,
    )
    return {row["currency"]: row["net"] for row in rows}


def balance_object(world: World) -> Json:
    """Return the balance in the interface's shape."""
    available, pending = totals(world, "available"), totals(world, "pending")
    currencies = sorted({*available, *pending} or {"eur"})

    def lines(sums: dict[str, int]) -> list[Json]:
        return [
            {
                "amount": sums.get(each, 0),
                "currency": each,
                "source_types": {"card": sums.get(each, 0)},
            }
            for each in currencies
        ]

    schema = world.contract.definition("_balance.Balance")
    return world.contract.fill(schema, {"available": lines(available), "pending": lines(pending)})


def conservation(world: World) -> list[str]:
    """Return what is wrong with the money; an empty list is the proof that nothing is.

    Two ways to the same sums: the objects (charges, refunds, transfers) and the movements.
    """
    wrong = [
        f"{movement['id']}: net {movement['net']} is not amount less fee"
        for movement in world.store.find("balance_transaction")
        if movement["net"] != movement["amount"] - movement["fee"]
    ]
    expected: dict[str, int] = defaultdict(int)
    for movement in world.store.find("balance_transaction", type="topup"):
        expected[movement["currency"]] += movement["amount"]
    for charge in world.store.find("charge", paid=True):
        expected[charge["currency"]] += charge["amount"] - fee_minor(charge["amount"])
        wrong += _charge_faults(world, charge)
    for refund in world.store.find("refund"):
        if refund["status"] == "succeeded":
            expected[refund["currency"]] -= refund["amount"]
    for transfer in world.store.find("transfer"):
        expected[transfer["currency"]] -= transfer["amount"]
    available, pending = totals(world, "available"), totals(world, "pending")
    for currency in {*expected, *available, *pending}:
        moved = available.get(currency, 0) + pending.get(currency, 0)
        if moved != expected[currency]:
            wrong.append(f"{currency}: balance {moved}, objects say {expected[currency]}")
    return wrong


def _charge_faults(world: World, charge: Json) -> list[str]:
    refunds = world.store.find("refund", charge=charge["id"])
    returned = sum(each["amount"] for each in refunds if each["status"] in {"succeeded", "pending"})
    if returned == charge["amount_refunded"] <= charge["amount"]:
        return []
    return [f"{charge['id']}: refunds {returned}, recorded {charge['amount_refunded']}"]
