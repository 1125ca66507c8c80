"""Which addresses are built, and what each of them does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from upss.standin import balance, checkout, connect, refunds
from upss.standin.problems import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from upss.standin.store import Json
    from upss.standin.world import World

_MOST_PER_PAGE, _USUAL_PER_PAGE = 100, 10
_KEY_LIVES_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Call:
    """One checked request."""

    world: World
    params: Json
    object_id: str  # of the address, or ""
    path: str
    base_url: str


def _reader(kind: str) -> Callable[[Call], Json]:
    return lambda call: call.world.need(kind, call.object_id)


def _lister(kind: str, *filters: str) -> Callable[[Call], Json]:
    def handle(call: Call) -> Json:
        equals = {name: call.params[name] for name in filters if name in call.params}
        return _page(call, call.world.store.find(kind, **equals), filters)

    return handle


def _page(call: Call, found: list[Json], filters: tuple[str, ...]) -> Json:
    """Return one page of a list, newest first, by the interface's cursors."""
    known = {*filters, "created", "ending_before", "expand", "limit", "starting_after"}
    unbuilt = sorted(set(call.params) - known)
    if unbuilt:
        raise bad_request("standin_not_built", f"not built: {unbuilt[0]}", param=unbuilt[0])
    found = [each for each in found if _in_range(each["created"], call.params.get("created"))]
    limit = call.params.get("limit", _USUAL_PER_PAGE)
    if not 1 <= limit <= _MOST_PER_PAGE:
        raise bad_request("parameter_invalid_integer", "limit is from 1 to 100", param="limit")
    ids = [each["id"] for each in found]
    start, end = 0, len(found)
    if "starting_after" in call.params:
        start = _position(ids, call.params["starting_after"], "starting_after") + 1
    if "ending_before" in call.params:
        end = _position(ids, call.params["ending_before"], "ending_before")
        start = max(start, end - limit)
    data = found[start:end][:limit]
    return {
        "object": "list",
        "data": data,
        "has_more": end - start > limit,
        "url": call.path,
    }


def _position(ids: list[str], cursor: str, param: str) -> int:
    if cursor not in ids:
        raise bad_request("resource_missing", f"No such object: '{cursor}'", param=param)
    return ids.index(cursor)


def _in_range(created: int, wanted: Any) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, int):
        return created == wanted
    tests = {
        "gt": created.__gt__,
        "gte": created.__ge__,
        "lt": created.__lt__,
        "lte": created.__le__,
    }
    return all(tests[name](bound) for name, bound in wanted.items())


def _list_events(call: Call) -> Json:
    found = call.world.store.find("event")
    types = [
        *call.params.get("types", []),
        *([call.params["type"]] if "type" in call.params else []),
    ]
    if types:
        found = [each for each in found if each["type"] in types]
    if "delivery_success" in call.params:
        undelivered = _undelivered(call.world)
        wanted = call.params["delivery_success"]
        found = [each for each in found if (each["id"] not in undelivered) == wanted]
    return _page(call, found, ("delivery_success", "type", "types"))


def _undelivered(world: World) -> set[str]:
    """Return the snapshot ids of events of which no delivery was accepted."""
    rows = world.store.execute(
        "SELECT json_extract(o.body, '$.snapshot_event') AS id FROM object o"
        " WHERE o.kind = 'v2.core.event' AND NOT EXISTS (SELECT 1 FROM delivery d"
        " WHERE d.event_id = o.id AND d.state = 'delivered')"
    )
    return {row["id"] for row in rows}


def _expire(call: Call) -> Json:
    return checkout.expire_session(call.world, call.world.need("checkout.session", call.object_id))


def _create_account(call: Call) -> Json:
    account = connect.create_account(call.world, call.params)
    return connect.shown(account, call.params.get("include", []))


def _read_account(call: Call) -> Json:
    account = call.world.need("v2.core.account", call.object_id)
    return connect.shown(account, call.params.get("include", []))


HANDLERS: dict[tuple[str, str], Callable[[Call], Json]] = {
    ("POST", "/v1/checkout/sessions"): lambda call: checkout.create_session(
        call.world, call.params, call.base_url
    ),
    ("GET", "/v1/checkout/sessions"): _lister("checkout.session", "payment_intent", "status"),
    ("GET", "/v1/checkout/sessions/{session}"): _reader("checkout.session"),
    ("POST", "/v1/checkout/sessions/{session}/expire"): _expire,
    ("GET", "/v1/payment_intents/{intent}"): _reader("payment_intent"),
    ("GET", "/v1/charges"): _lister("charge", "payment_intent", "transfer_group"),
    ("GET", "/v1/charges/{charge}"): _reader("charge"),
    ("POST", "/v1/refunds"): lambda call: refunds.create_refund(call.world, call.params),
    ("GET", "/v1/refunds"): _lister("refund", "charge", "payment_intent"),
    ("GET", "/v1/refunds/{refund}"): _reader("refund"),
    ("POST", "/v1/transfers"): lambda call: connect.create_transfer(call.world, call.params),
    ("GET", "/v1/transfers"): _lister("transfer", "destination", "transfer_group"),
    ("GET", "/v1/transfers/{transfer}"): _reader("transfer"),
    ("GET", "/v1/balance"): lambda call: balance.balance_object(call.world),
    ("GET", "/v1/balance_transactions"): _lister(
        "balance_transaction", "currency", "source", "type"
    ),
    ("GET", "/v1/balance_transactions/{id}"): _reader("balance_transaction"),
    ("GET", "/v1/events"): _list_events,
    ("GET", "/v1/events/{id}"): _reader("event"),
    ("POST", "/v2/core/accounts"): _create_account,
    ("GET", "/v2/core/accounts/{id}"): _read_account,
    ("POST", "/v2/core/account_links"): lambda call: connect.create_link(
        call.world, call.params, call.base_url
    ),
    ("GET", "/v2/core/events/{id}"): _reader("v2.core.event"),
}


def age(world: World) -> None:
    """Let time do its work: money settles, refunds move, sessions and old keys expire."""
    now = world.now()  # once: the demo's clock is read from a database
    balance.age(world, now)
    refunds.age(world, now)
    for session in world.store.find("checkout.session", status="open"):
        if session["expires_at"] <= now:
            checkout.expire_session(world, session)
    world.store.execute("DELETE FROM used_key WHERE created_at < ?", now - _KEY_LIVES_SECONDS)
