"""A live stand-in on a free port, the real client against it, and somebody who takes webhooks."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from upss.kernel.clock import OffsetClock
from upss.kernel.ids import new_public_id
from upss.kernel.money import Money
from upss.kernel.ports import CheckoutOrder, RefundOrder, TransferOrder
from upss.payments.stripe_gateway import StripeGateway
from upss.standin import Running, create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from upss.kernel.ports import CheckoutState, RecipientState

SECRET = "whsec_standin"
KEY = "sk_test_standin"
AT_ONCE = "4000000000000077"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


@dataclass
class Page:
    status: int
    text: str
    headers: Any


def fetch(
    url: str, data: dict[str, str] | None = None, *, as_json: bool = False, **headers: str
) -> Page:
    """Visit a page as a browser without scripts would; a redirect is not followed."""
    body = None
    if data is not None:
        body = (json.dumps(data) if as_json else urllib.parse.urlencode(data)).encode()
    if as_json:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, body, headers)
    try:
        with _opener.open(request, timeout=10) as answer:
            return Page(answer.status, answer.read().decode(), answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Page(error.code, error.read().decode(), error.headers)


@dataclass
class Receiver:
    """Takes webhooks; answers with `statuses` first, then 200."""

    taken: list[tuple[bytes, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    url: str = ""

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body, _ in self.taken]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taker = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taker.taken.append((body, self.headers["Stripe-Signature"]))
            self.send_response(taker.statuses.pop(0) if taker.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taker.url = f"http://127.0.0.1:{server.server_port}/webhook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield taker
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Bench:
    """A running stand-in with the adapter beside it, and a clock that can be moved."""

    running: Running
    gateway: StripeGateway
    offset: list[timedelta]

    @property
    def url(self) -> str:
        return self.running.url

    def fetch(self, url: str, data: dict[str, str] | None = None, **headers: str) -> Page:
        return fetch(url, data, **headers)

    def advance(self, step: timedelta) -> None:
        self.offset[0] += step

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset[0]

    def open_checkout(self, *, key: str | None = None, **changes: Any) -> CheckoutState:
        values = {
            "upss_id": "payment1",
            "amount": Money(1200, "EUR"),
            "title": "Question 1030",
            "success_url": "http://localhost:5000/paid?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://localhost:5000/check",
            "expires_at": self.now() + timedelta(minutes=60),
            "locale": "en",
            "email": "asker@example.org",
            "transfer_group": "question-1030",
        }
        order = CheckoutOrder(**(values | changes))
        return self.gateway.create_checkout(order, idempotency_key=key or new_public_id())

    def card_form(self, number: str, **changes: str) -> dict[str, str]:
        typed = {"email": "a@example.org", "expiry": "12/40", "cvc": "123", "name": "A. Asker"}
        return typed | {"number": number} | changes

    def paid(self, number: str = AT_ONCE, **changes: Any) -> CheckoutState:
        session = self.open_checkout(**changes)
        assert session.url
        assert fetch(session.url, self.card_form(number)).status == 303
        return self.gateway.read_checkout(session.id)

    def refund(self, payment: CheckoutState, minor: int, *, key: str | None = None, **more: str):
        assert payment.payment_intent_id
        order = RefundOrder(
            upss_id=more.get("upss_id", "refund1"),
            attempt=int(more.get("attempt", "1")),
            payment_intent_id=payment.payment_intent_id,
            amount=Money(minor, "EUR"),
        )
        return self.gateway.create_refund(order, idempotency_key=key or new_public_id())

    def recipient(self, *, onboarded: bool = True) -> RecipientState:
        account = self.gateway.create_recipient(
            upss_id="answerer1",
            email="answerer@example.org",
            country="ES",
            idempotency_key=new_public_id(),
        )
        if onboarded:
            fetch(self.onboarding(account), {"answer": "finish"})
        return self.gateway.read_recipient(account.id)

    def onboarding(self, account: RecipientState) -> str:
        return self.gateway.onboarding_link(
            account.id,
            return_url="http://localhost:5000/back",
            refresh_url="http://localhost:5000/again",
        )

    def available(self, currency: str = "eur") -> int:
        """The available balance in minor units, read by the real client."""
        found = self.gateway._client.v1.balance.retrieve()
        return sum(each.amount for each in found.available if each.currency == currency)

    def asked_of(self, account: RecipientState) -> list[Any]:
        """What the provider still wants to know of a person."""
        found = self.gateway._client.v2.core.accounts.retrieve(
            account.id, {"include": ["requirements"]}
        )
        return list((found.requirements.entries if found.requirements else None) or [])

    def transfer(self, account: RecipientState, minor: int, *, key: str | None = None):
        order = TransferOrder(
            upss_id="payout1",
            amount=Money(minor, "EUR"),
            destination=account.id,
            transfer_group="run-1",
        )
        return self.gateway.create_transfer(order, idempotency_key=key or new_public_id())

    def control(self, path: str, **values: Any) -> Any:
        page = fetch(f"{self.url}/_standin/{path}", values, as_json=True)
        assert page.status == 200, page.text
        return json.loads(page.text)

    def state(self) -> Any:
        return json.loads(fetch(f"{self.url}/_standin/state").text)


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], None]:
    """Wait until something has happened in another thread."""

    def wait(condition: Callable[[], object], seconds: float = 8) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)

    return wait


@pytest.fixture
def start(receiver: Receiver) -> Iterator[Callable[..., Bench]]:
    """Start stand-ins; after the test each must still account for every cent."""
    opened: list[Bench] = []

    def begin(state_file: Path | None = None, **options: Any) -> Bench:
        offset = [timedelta(0)]
        app = create_app(
            OffsetClock(lambda: offset[0]),
            webhook_url=receiver.url,
            webhook_secret=SECRET,
            state_file=state_file,
            **({"retry_seconds": (0.05, 0.1, 0.2)} | options),
        )
        running = Running(app).__enter__()
        gateway = StripeGateway(api_key=KEY, webhook_secret=SECRET, api_base=running.url)
        opened.append(Bench(running, gateway, offset))
        return opened[-1]

    yield begin
    for bench in opened:
        assert bench.state()["wrong"] == []
        bench.running.close()


@pytest.fixture
def bench(start: Callable[..., Bench]) -> Bench:
    return start()
