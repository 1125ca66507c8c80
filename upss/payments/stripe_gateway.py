"""The one adapter to Stripe: our orders in, its objects as they are now out; nothing else calls it."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import stripe

from upss.kernel.errors import BadSignature, GatewayRefused, GatewayUnavailable
from upss.kernel.ports import (
    BalanceTransaction,
    CheckoutState,
    EventNotice,
    RecipientState,
    RefundState,
    TransferState,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stripe.params import RefundCreateParams, TransferCreateParams
    from stripe.params.checkout import SessionCreateParams
    from stripe.params.v2.core import AccountCreateParams

    from upss.kernel.ports import CheckoutOrder, RefundOrder, TransferOrder

_TIMEOUT_SECONDS = 10
_RETRIES = 2
_TOLERANCE_SECONDS = 300
_PAYMENT = "payment_intent.latest_charge.balance_transaction"
_REFUND = ["balance_transaction", "failure_balance_transaction"]
_TRANSFER = ["balance_transaction"]
# Stripe's pages speak these of our languages; for another one it reads the browser's.
_STRIPE_LOCALES = {"en", "es"}
_STRIPE_HOST = "api.stripe.com"
# A wrong key, a missing right, a call of the same key under way, too many calls: each says
# something of the moment, nothing of the order, and another try may well be taken.
_NOT_OF_THIS_CALL = {401, 403, 409, 429}
# What reading a body of another shape raises.
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError)


class StripeGateway:
    """`PaymentGateway` on the official client; `api_base` only where something stands in."""

    def __init__(self, *, api_key: str, webhook_secret: str, api_base: str | None = None) -> None:
        stripe.enable_telemetry = False
        self.is_stand_in = api_base is not None and urlsplit(api_base).hostname != _STRIPE_HOST
        self._webhook_secret = webhook_secret
        # Without the variable every address is Stripe's own, that of files and meters too.
        addresses = (
            {}
            if api_base is None
            else dict.fromkeys(("api", "connect", "files", "meter_events"), api_base.rstrip("/"))
        )
        self._client = stripe.StripeClient(
            api_key,
            base_addresses=cast("Any", addresses),
            max_network_retries=_RETRIES,
            http_client=stripe.RequestsClient(timeout=_TIMEOUT_SECONDS),
        )

    def create_checkout(self, order: CheckoutOrder, *, idempotency_key: str) -> CheckoutState:
        """Open a hosted payment page for one card payment."""
        metadata = {"upss_id": order.upss_id}
        params: SessionCreateParams = {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": order.amount.currency.lower(),
                        "unit_amount": order.amount.minor,
                        "product_data": {"name": order.title},
                    },
                }
            ],
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "client_reference_id": order.upss_id,
            "expires_at": int(order.expires_at.timestamp()),
            "locale": order.locale if order.locale in _STRIPE_LOCALES else "auto",
            "adaptive_pricing": {"enabled": False},
            "allowed_payment_method_types": ["card"],
            "metadata": metadata,
            "payment_intent_data": {
                "metadata": metadata,
                "transfer_group": order.transfer_group,
                "description": order.title,
            },
            "expand": [_PAYMENT],
        }
        if order.email:
            params["customer_email"] = order.email
        with _errors():
            session = self._client.v1.checkout.sessions.create(
                params, {"idempotency_key": idempotency_key}
            )
        return _checkout_state(session)

    def read_checkout(self, session_id: str) -> CheckoutState:
        """Read a session with its payment, charge and balance transaction."""
        with _errors():
            session = self._client.v1.checkout.sessions.retrieve(session_id, {"expand": [_PAYMENT]})
        return _checkout_state(session)

    def expire_checkout(self, session_id: str) -> CheckoutState:
        """Close an open session, so that it can no longer be paid."""
        with _errors():
            # No key of ours: expiring twice is harmless, and a kept error would outlive its cause.
            session = self._client.v1.checkout.sessions.expire(session_id, {"expand": [_PAYMENT]})
        return _checkout_state(session)

    def create_refund(self, order: RefundOrder, *, idempotency_key: str) -> RefundState:
        """Give money back to the card."""
        params: RefundCreateParams = {
            "payment_intent": order.payment_intent_id,
            "amount": order.amount.minor,
            "metadata": {"upss_id": order.upss_id, "upss_attempt": str(order.attempt)},
            "expand": _REFUND,
        }
        with _errors():
            refund = self._client.v1.refunds.create(params, {"idempotency_key": idempotency_key})
        return _refund_state(refund)

    def read_refund(self, refund_id: str) -> RefundState:
        """Read a refund as it is now."""
        with _errors():
            return _refund_state(self._client.v1.refunds.retrieve(refund_id, {"expand": _REFUND}))

    def find_refund(
        self, *, payment_intent_id: str, upss_id: str, attempt: int
    ) -> RefundState | None:
        """Look among a payment's refunds for what this very attempt has sent."""
        with _errors():
            found = self._client.v1.refunds.list(
                {
                    "payment_intent": payment_intent_id,
                    "limit": 100,
                    "expand": [f"data.{each}" for each in _REFUND],
                }
            )
            mine = (upss_id, attempt)
            each_of = (_refund_state(each) for each in found.auto_paging_iter())
            return next((each for each in each_of if (each.upss_id, each.attempt) == mine), None)

    def create_transfer(self, order: TransferOrder, *, idempotency_key: str) -> TransferState:
        """Move available money to an answerer's account."""
        params: TransferCreateParams = {
            "amount": order.amount.minor,
            "currency": order.amount.currency.lower(),
            "destination": order.destination,
            "transfer_group": order.transfer_group,
            "metadata": {"upss_id": order.upss_id},
            "expand": _TRANSFER,
        }
        with _errors():
            transfer = self._client.v1.transfers.create(
                params, {"idempotency_key": idempotency_key}
            )
        return _transfer_state(transfer)

    def find_transfer(self, *, transfer_group: str, upss_id: str) -> TransferState | None:
        """Look for our transfer in its group before any new attempt."""
        with _errors():
            found = self._client.v1.transfers.list(
                {
                    "transfer_group": transfer_group,
                    "limit": 100,
                    "expand": [f"data.{each}" for each in _TRANSFER],
                }
            )
            ours = (each for each in found.auto_paging_iter() if _upss_id(each) == upss_id)
            return next((_transfer_state(each) for each in ours), None)

    def create_recipient(
        self, *, upss_id: str, email: str, country: str, idempotency_key: str
    ) -> RecipientState:
        """Open a connected account; the organizer answers for its fees and losses."""
        params: AccountCreateParams = {
            "contact_email": email,
            "dashboard": "express",
            "identity": {"country": country.lower()},
            "configuration": {
                "recipient": {
                    "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
                }
            },
            "defaults": {
                "responsibilities": {
                    "fees_collector": "application",
                    "losses_collector": "application",
                }
            },
            "metadata": {"upss_id": upss_id},
            "include": ["configuration.recipient"],
        }
        with _errors():
            account = self._client.v2.core.accounts.create(
                params, {"idempotency_key": idempotency_key}
            )
        return _recipient_state(account)

    def read_recipient(self, account_id: str) -> RecipientState:
        """Read whether a connected account may receive transfers."""
        with _errors():
            account = self._client.v2.core.accounts.retrieve(
                account_id, {"include": ["configuration.recipient"]}
            )
        return _recipient_state(account)

    def onboarding_link(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """Return a single-use, short-lived address; ask for it at the click."""
        with _errors():
            link = self._client.v2.core.account_links.create(
                {
                    "account": account_id,
                    "use_case": {
                        "type": "account_onboarding",
                        "account_onboarding": {
                            "return_url": return_url,
                            "refresh_url": refresh_url,
                        },
                    },
                }
            )
        return link.url

    def parse_event(self, payload: bytes, signature: str) -> EventNotice:
        """Verify a webhook body and read its header; raises `BadSignature`.

        Takes thin notifications and, for endpoints set up the old way, snapshot events.
        """
        try:
            stripe.WebhookSignature.verify_header(
                payload, signature, self._webhook_secret, _TOLERANCE_SECONDS
            )
            _refuse_future(signature)
            return _event_notice(json.loads(payload))
        except (stripe.SignatureVerificationError, *_MALFORMED) as error:
            raise BadSignature(reason=str(error)[:200]) from error


@contextmanager
def _errors() -> Iterator[None]:
    """Turn the client's errors into ours: a definite no, or an unknown outcome."""
    try:
        yield
    except stripe.StripeError as error:
        status = error.http_status
        facts = {"reason": _reason(error), "status": status, "request_id": error.request_id}
        if status is None or status in _NOT_OF_THIS_CALL or not 400 <= status < 500:
            raise GatewayUnavailable(**facts) from error
        raise GatewayRefused(**facts) from error


def _reason(error: stripe.StripeError) -> str:
    """Return Stripe's code, or the kind of error where it gives none."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    detail = body.get("error") or {}
    return str(error.code or detail.get("code") or detail.get("type") or "refused")


def _refuse_future(signature: str) -> None:
    """Refuse a time to come, which the client accepts and which would let a stolen event live."""
    times = [part[2:] for part in signature.split(",") if part.startswith("t=")]
    if any(int(each) > time.time() + _TOLERANCE_SECONDS for each in times):
        raise ValueError("signed in the future")


def _event_notice(body: dict[str, Any]) -> EventNotice:
    if body["object"] == "event":  # snapshot
        object_id = body["data"]["object"].get("id")
    elif body["object"] == "v2.core.event":  # thin
        object_id = (body.get("related_object") or {}).get("id")
    else:
        raise ValueError("neither a thin nor a snapshot event")
    return EventNotice(
        id=body["id"],
        type=body["type"].removeprefix("v1."),
        object_id=object_id,
        livemode=body["livemode"] is True,
    )


def _noted(found: Any, name: str) -> str | None:
    """Return what we wrote into an object's metadata under this name."""
    return found.metadata[name] if found.metadata and name in found.metadata else None


def _upss_id(found: Any) -> str | None:
    return _noted(found, "upss_id")


def _currency(code: str) -> str:
    return code.upper()


def _checkout_state(session: stripe.checkout.Session) -> CheckoutState:
    intent = session.payment_intent
    charge: Any = None if intent is None or isinstance(intent, str) else intent.latest_charge
    if charge is not None and not charge.paid:  # a declined attempt is no charge of ours
        charge = None
    return CheckoutState(
        id=session.id,
        url=session.url,
        status=cast("Any", session.status),
        payment_status=cast("Any", session.payment_status),
        amount_minor=session.amount_total or 0,
        currency=_currency(session.currency or ""),
        expires_at=datetime.fromtimestamp(session.expires_at, UTC),
        upss_id=_upss_id(session),
        payment_intent_id=intent if intent is None or isinstance(intent, str) else intent.id,
        charge_id=charge.id if charge else None,
        receipt_url=charge.receipt_url if charge else None,
        balance_transaction=_movement(charge.balance_transaction) if charge else None,
    )


def _movement(found: Any) -> BalanceTransaction | None:
    """Return an expanded balance transaction; None while Stripe has none yet."""
    if found is None or isinstance(found, str):
        return None
    return BalanceTransaction(
        id=found.id,
        amount_minor=found.amount,
        fee_minor=found.fee,
        net_minor=found.net,
        currency=_currency(found.currency),
    )


def _refund_state(refund: stripe.Refund) -> RefundState:
    intent, attempt = refund.payment_intent, _noted(refund, "upss_attempt")
    return RefundState(
        id=refund.id,
        status=cast("Any", refund.status),
        amount_minor=refund.amount,
        currency=_currency(refund.currency),
        payment_intent_id=intent if intent is None or isinstance(intent, str) else intent.id,
        upss_id=_upss_id(refund),
        attempt=int(attempt) if attempt and attempt.isdecimal() else 1,
        failure_reason=getattr(refund, "failure_reason", None),
        balance_transaction=_movement(refund.balance_transaction),
        failure_balance_transaction=_movement(getattr(refund, "failure_balance_transaction", None)),
    )


def _transfer_state(transfer: stripe.Transfer) -> TransferState:
    destination = transfer.destination
    return TransferState(
        id=transfer.id,
        amount_minor=transfer.amount,
        currency=_currency(transfer.currency),
        destination=destination if isinstance(destination, str) else getattr(destination, "id", ""),
        upss_id=_upss_id(transfer),
        balance_transaction=_movement(transfer.balance_transaction),
    )


def _recipient_state(account: Any) -> RecipientState:
    held = account.configuration.recipient.capabilities.stripe_balance.stripe_transfers.status
    return RecipientState(id=account.id, transfers="unsupported" if held == "rejected" else held)
