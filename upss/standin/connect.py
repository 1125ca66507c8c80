"""Connected accounts (Accounts v2), their onboarding links, and transfers to them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from upss.kernel.ids import new_token
from upss.standin import balance
from upss.standin.problems import Problem, bad_request
from upss.standin.world import iso

if TYPE_CHECKING:
    from upss.standin.store import Json
    from upss.standin.world import World

_LINK_LIVES = timedelta(minutes=5)
_CAPABILITY_EVENT = "v2.core.account[configuration.recipient].capability_status_updated"
_REQUIREMENTS_EVENT = "v2.core.account[requirements].updated"
_SHOWN_ALWAYS = {
    "applied_configurations",
    "closed",
    "contact_email",
    "created",
    "dashboard",
    "display_name",
    "id",
    "livemode",
    "metadata",
    "object",
}


def create_account(world: World, params: Json) -> Json:
    """Open an account that may receive transfers once its owner is onboarded."""
    wanted: Any = params
    for step in ("configuration", "recipient", "capabilities", "stripe_balance"):
        wanted = wanted.get(step) or {}
    if not wanted.get("stripe_transfers", {}).get("requested"):
        raise bad_request(
            "standin_not_built", "only recipients of transfers are built", param="configuration"
        )
    country = (params.get("identity") or {}).get("country")
    if not country:
        raise bad_request("parameter_missing", "country is required", param="identity[country]")
    responsibilities = (params.get("defaults") or {}).get("responsibilities") or {}
    values = {
        "applied_configurations": ["recipient"],
        "closed": False,
        "contact_email": params.get("contact_email"),
        "display_name": params.get("display_name"),
        "dashboard": params.get("dashboard", "none"),
        "metadata": params.get("metadata") or {},
        "identity": {"country": country.lower()},
        "defaults": {"responsibilities": responsibilities | {"requirements_collector": "stripe"}},
        "configuration": {"recipient": {"applied": True, "capabilities": _capabilities([])}},
    }
    account = world.make("v2.core.account", values)
    world.emit("v2.core.account.created", account)
    return set_capability(world, account, "restricted")


def _capabilities(details: list[Json], status: str = "restricted") -> Json:
    return {"stripe_balance": {"stripe_transfers": {"status": status, "status_details": details}}}


def set_capability(world: World, account: Json, status: str) -> Json:
    """Decide whether an account may receive transfers: active, pending, restricted, unsupported."""
    details = {
        "active": [],
        "pending": [{"code": "requirements_pending_verification", "resolution": "no_resolution"}],
        "restricted": [{"code": "requirements_past_due", "resolution": "provide_info"}],
        "unsupported": [{"code": "unsupported_country", "resolution": "no_resolution"}],
    }
    if status not in details:
        raise bad_request("parameter_invalid", "no such status", param="status")
    due = ["identity.individual.given_name", "defaults.payout_methods"]
    entries = [_requirement(name) for name in due] if status == "restricted" else []
    schema = world.contract.definition("v2.core._account.Account")
    recipient = {"applied": True, "capabilities": _capabilities(details[status], status)}
    values = {
        "configuration": {"recipient": recipient},
        "requirements": {"entries": entries},
    }
    filled = world.contract.fill(schema, values)
    world.change(account, **{name: filled[name] for name in values})
    world.emit(_REQUIREMENTS_EVENT, account)
    world.emit(
        _CAPABILITY_EVENT,
        account,
        data={"updated_capability": "stripe_balance.stripe_transfers"},
    )
    return account


def _requirement(name: str) -> Json:
    return {
        "awaiting_action_from": "user",
        "description": name,
        "errors": [],
        "impact": {
            "restricts_capabilities": [
                {
                    "capability": "stripe_balance.stripe_transfers",
                    "configuration": "recipient",
                    "deadline": {"status": "currently_due"},
                }
            ]
        },
        "minimum_deadline": {"status": "currently_due"},
        "reference": None,
        "requested_reasons": [{"code": "routine_onboarding"}],
    }


def capability(account: Json) -> str:
    """Return whether an account may receive transfers."""
    held = account["configuration"]["recipient"]["capabilities"]["stripe_balance"]
    return str(held["stripe_transfers"]["status"])


def shown(account: Json, include: list[str]) -> Json:
    """Return an account as the interface shows it: details only when they were asked for."""
    wanted = _SHOWN_ALWAYS | {name.partition(".")[0] for name in include}
    return {name: value if name in wanted else None for name, value in account.items()}


def create_link(world: World, params: Json, base_url: str) -> Json:
    """Return a single-use address of the onboarding page, good for five minutes."""
    account = world.need("v2.core.account", params["account"], param="account")
    use_case = params["use_case"]
    if use_case["type"] != "account_onboarding" or "account_onboarding" not in use_case:
        raise bad_request("standin_not_built", "only account_onboarding is built", param="use_case")
    token = new_token()
    links = world.store.private(account["id"]).get("links", {})
    expires = world.clock.now() + _LINK_LIVES
    links[token] = use_case["account_onboarding"] | {"expires": expires.timestamp()}
    world.store.note(account["id"], links=links)
    return world.contract.fill(
        world.contract.definition("v2.core._account_link.AccountLink"),
        {
            "account": account["id"],
            "created": iso(world.clock.now()),
            "expires_at": iso(expires),
            "url": f"{base_url}/connect/{account['id']}/{token}",
            "use_case": use_case,
        },
    )


def open_link(world: World, account_id: str, token: str) -> tuple[Json, bool]:
    """Return a link's addresses and whether it still works."""
    account = world.need("v2.core.account", account_id)
    link: Json | None = world.store.private(account["id"]).get("links", {}).get(token)
    if link is None:
        raise Problem(404, "invalid_request_error", "link_unknown", "no such link")
    return link, not link.get("used") and link["expires"] > world.clock.now().timestamp()


def use_link(world: World, account_id: str, token: str) -> None:
    """Spend a link."""
    links = world.store.private(account_id)["links"]
    links[token]["used"] = True
    world.store.note(account_id, links=links)


def create_transfer(world: World, params: Json) -> Json:
    """Move available money to a connected account that may receive it."""
    for unbuilt in ("source_transaction", "source_type"):
        if unbuilt in params:
            raise bad_request("standin_not_built", f"not built: {unbuilt}", param=unbuilt)
    amount, currency = params.get("amount", 0), params["currency"].lower()
    if amount < 1:
        raise bad_request("parameter_invalid_integer", "amount must be positive", param="amount")
    account = world.need("v2.core.account", params["destination"], param="destination")
    if capability(account) != "active":
        raise bad_request(
            "insufficient_capabilities_for_transfer",
            "The destination account may not receive transfers yet.",
            param="destination",
        )
    if amount > balance.totals(world, "available").get(currency, 0):
        raise bad_request("balance_insufficient", "The available balance is too low.")
    values = {
        "amount": amount,
        "currency": currency,
        "destination": account["id"],
        "description": params.get("description"),
        "metadata": params.get("metadata") or {},
        "transfer_group": params.get("transfer_group"),
        "source_type": "card",
        "reversals": {"object": "list", "data": [], "has_more": False, "url": ""},
    }
    transfer = world.make("transfer", values)
    taken = balance.move(world, "transfer", transfer, -amount, available_on=world.now())
    url = f"/v1/transfers/{transfer['id']}/reversals"
    world.change(
        transfer,
        balance_transaction=taken["id"],
        destination_payment=transfer["id"].replace("tr_", "py_", 1),
        reversals=transfer["reversals"] | {"url": url},
    )
    world.emit("transfer.created", transfer)
    return transfer
