"""The stand-in's world: time, ids, objects, and the events that tell of their changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from upss.kernel.ids import new_public_id
from upss.standin.problems import missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from upss.kernel.ports import Clock
    from upss.standin.contract import Contract
    from upss.standin.store import Json, Store

# kind -> (prefix of its ids, the contract's definition, its address)
_KINDS = {
    "checkout.session": ("cs", "checkout._session.Session", "/v1/checkout/sessions/"),
    "payment_intent": ("pi", "_payment_intent.PaymentIntent", "/v1/payment_intents/"),
    "charge": ("ch", "_charge.Charge", "/v1/charges/"),
    "refund": ("re", "_refund.Refund", "/v1/refunds/"),
    "transfer": ("tr", "_transfer.Transfer", "/v1/transfers/"),
    "balance_transaction": (
        "txn",
        "_balance_transaction.BalanceTransaction",
        "/v1/balance_transactions/",
    ),
    "event": ("evt", "_event.Event", "/v1/events/"),
    "v2.core.event": ("evt_thin", "v2.core._event.Event", "/v2/core/events/"),
    "v2.core.account": ("acct", "v2.core._account.Account", "/v2/core/accounts/"),
}
# Times of the v2 interface are texts, those of v1 seconds.
_V2 = "v2."


def iso(moment: datetime) -> str:
    """Write a time as the v2 interface does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class World:
    """What every operation works on."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        contract: Contract,
        available_after: timedelta = timedelta(days=2),
        refund_fails_after: timedelta = timedelta(minutes=1),
        wants_webhooks: bool = True,
    ) -> None:
        self.clock = clock
        self.store = store
        self.contract = contract
        self.available_after = available_after
        self.refund_fails_after = refund_fails_after
        self.wants_webhooks = wants_webhooks
        self.on_event: Callable[[], None] = lambda: None

    def now(self) -> int:
        """Return application time in whole seconds."""
        return int(self.clock.now().timestamp())

    def later(self, step: timedelta) -> int:
        """Return application time plus `step`, in whole seconds."""
        return self.now() + int(step.total_seconds())

    def make(self, kind: str, values: Json, *, private: Json | None = None) -> Json:
        """Create and keep an object; fields that are not given are empty."""
        prefix, definition, _ = _KINDS[kind]
        own: Json = {"id": f"{prefix}_standin_{new_public_id()}", "object": kind}
        own["created"] = iso(self.clock.now()) if kind.startswith(_V2) else self.now()
        body = self.contract.fill(self.contract.definition(definition), own | values)
        self.store.put(kind, body, private)
        return body

    def change(self, body: Json, **values: object) -> Json:
        """Change fields of a kept object, in place."""
        body.update(values)
        self.store.put(body["object"], body)
        return body

    def need(self, kind: str, object_id: str, *, param: str = "id") -> Json:
        """Return an object, or raise `Problem` (404) naming the parameter."""
        body = self.store.get(object_id)
        if body is None or body["object"] != kind:
            raise missing(kind, object_id, param=param)
        return body

    def emit(self, name: str, body: Json, **extra: object) -> Json:
        """Record that something happened to `body`, and queue its webhook.

        A v1 object gets a snapshot event for the list and a thin one that is delivered.
        """
        kind = body["object"]
        thin: Json = {"type": name if kind.startswith(_V2) else f"v1.{name}", **extra}
        if not kind.startswith(_V2):
            thin["snapshot_event"] = self._snapshot(name, body)["id"]
        thin["related_object"] = {
            "id": body["id"],
            "type": kind,
            "url": _KINDS[kind][2] + body["id"],
        }
        event = self.make("v2.core.event", thin)
        if self.wants_webhooks:
            self.deliver(event["id"])
        return event

    def _snapshot(self, name: str, body: Json) -> Json:
        values = {
            "type": name,
            "api_version": self.contract.api_version,
            "data": {"object": dict(body)},
            "pending_webhooks": int(self.wants_webhooks),
        }
        return self.make("event", values)

    def deliver(self, event_id: str) -> None:
        """Queue an event's webhook, as the switches of the controls page want it."""
        dropped = self.store.switch("webhooks_drop", 0)
        if dropped:
            self.store.set_switch("webhooks_drop", dropped - 1)
        copies = 2 if self.store.switch("webhooks_duplicate", default=False) else 1
        due = self.clock.system_now().timestamp() + self.store.switch("webhooks_delay", 0)
        for _ in range(copies):
            self.store.execute(
                "INSERT INTO delivery (event_id, due_at, state) VALUES (?, ?, ?)",
                event_id,
                due,
                "lost" if dropped else "waiting",
            )
        self.on_event()
