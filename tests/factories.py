"""Settings, people and questions for tests: plain functions, no hidden state."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy
from html import unescape
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from upss.accounts import service as accounts
from upss.config import Mode, Settings
from upss.forum.models import Question
from upss.forum.rules.ownership import Owner
from upss.forum.service import answering, asking, claiming
from upss.kernel.ids import AccountId, PaymentId, QuestionId, new_public_id
from upss.kernel.ports import BalanceTransaction, CheckoutState
from upss.kernel.roles import Role
from upss.payments import queries as payments
from upss.payments import tasks as payment_tasks
from upss.standin.balance import fee_minor
from upss.web.ports import gateway, unit

AT_ONCE = "4000000000000077"  # its funds are available straight away
GOOD = "4242424242424242"
ANSWER = "First take a photograph of the damage. Then write to the shop and ask for a repair."


@dataclass(frozen=True)
class Database:
    """The addresses of one fresh, migrated database."""

    owner_url: str
    app_url: str
    superuser_conninfo: str
    app_conninfo: str
    owner_conninfo: str


@dataclass
class Catcher:
    """The local post office: keeps every message in the order in which it came."""

    messages: list[EmailMessage] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=email_policy)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 Taken"


def free_port() -> int:
    """Return a port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings_for(database: Database, *, smtp_port: int, instance: Path, **changes: Any) -> Settings:
    """Demo-mode settings that need nothing beyond this machine."""
    values: dict[str, Any] = {
        "mode": Mode.DEMO,
        "instance": instance,
        "database_url": database.app_url,
        "database_owner_url": database.owner_url,
        "base_url": "http://localhost",
        "secret_key": "t" * 40,
        "stripe_key": "sk_test_standin",
        "stripe_webhook_secret": "whsec_standin",
        "stripe_api_base": "http://127.0.0.1:1",
        "stripe_checkout_origin": "http://127.0.0.1:1",
        "smtp_host": "127.0.0.1",
        "smtp_port": smtp_port,
        "smtp_user": "",
        "smtp_password": "",
        "smtp_tls": "none",
        "mail_from": "UPSS <help@example.org>",
        "organizer_name": "Cooperativa Exemple",
        "organizer_details": "",
        "help_phone": "900 000 000",
        "help_mail": "help@example.org",
        "help_hours": "10:00-20:00",
        "proxies": 0,
        "country": "ES",
        "timezone": "Europe/Madrid",
    }
    return Settings(**(values | changes))


def person(
    email: str = "",
    *,
    role: Role | None = None,
    topics: tuple[str, ...] = (),
    has_come: bool = True,
) -> AccountId:
    """Make an account, with a role and topics, of somebody who signed in once; commits."""
    address = email or f"{new_public_id()}@example.org"
    with unit() as uow:
        if role is None:
            account = accounts.account_for_email(uow, email=address, language="en")
        else:
            account = accounts.invite(
                uow,
                email=address,
                name=address.split("@")[0],
                role=role,
                topics=topics,
                language="en",
            )
        if has_come:
            accounts.confirm(uow, account_id=account)
        uow.commit()
    return account


def draft(asker_id: AccountId, **changes: Any) -> QuestionId:
    """Save a complete draft of an account; commits."""
    text = {
        "title": "Can I return a fridge that arrived damaged?",
        "body": "It has a dent in the door and does not close well.",
        "topic": "home",
        "size": "medium",
        "language": "en",
    }
    with unit() as uow:
        question_id = asking.save_draft(
            uow,
            public_id=new_public_id(),
            owner=Owner(asker_id=asker_id, session_id=None),
            text=asking.DraftText(**(text | changes)),
        )
        uow.commit()
    return question_id


def submitted(asker_id: AccountId, **changes: Any) -> tuple[QuestionId, PaymentId]:
    """A question that awaits payment, its payment page open; commits."""
    question_id, payment_id = offered(asker_id, **changes)
    payment_tasks.start_checkout(payment_id)
    return question_id, payment_id


def offered(asker_id: AccountId, **changes: Any) -> tuple[QuestionId, PaymentId]:
    """A question that awaits payment, of which the provider knows nothing yet; commits."""
    question_id = draft(asker_id, **changes)
    with unit() as uow:
        asking.make_offer(uow, question_id=question_id)
        uow.commit()
    with unit() as uow:
        payment_id = asking.submit(
            uow,
            question_id=question_id,
            owner=Owner(asker_id=asker_id, session_id=None),
            email="asker@example.org",
            language="en",
        )
        uow.commit()
    return question_id, payment_id


def queued(asker_id: AccountId, *, card: str = "", **changes: Any) -> QuestionId:
    """A paid question in the queue; commits.

    Where a test moves the money on, it is paid with a `card` at the stand-in; else what the
    provider says of it is made here, in half of the time.
    """
    if card:
        question_id, payment_id = submitted(asker_id, **changes)
        pay_at_standin(payment_id, card)
        status = payment_tasks.check_payment(payment_id)
    else:
        question_id, payment_id = offered(asker_id, **changes)
        status = payment_tasks._apply(payment_id, said_paid(payment_id))
    assert status == "paid"
    return question_id


def said_paid(payment_id: PaymentId) -> CheckoutState:
    """What the provider says of a payment that was made, with its own fee."""
    with unit() as uow:
        row = payments.payment(uow.session, payment_id)
    fee = fee_minor(row.amount_minor)
    movement = BalanceTransaction(
        id=f"txn_{row.public_id}", amount_minor=row.amount_minor, fee_minor=fee,
        net_minor=row.amount_minor - fee, currency=row.currency,
    )  # fmt: skip
    return CheckoutState(
        id=f"cs_{row.public_id}", url=None, status="complete", payment_status="paid",
        amount_minor=row.amount_minor, currency=row.currency, expires_at=row.expires_at,
        upss_id=row.public_id, payment_intent_id=f"pi_{row.public_id}",
        charge_id=f"ch_{row.public_id}", receipt_url=None, balance_transaction=movement,
    )  # fmt: skip


def answered(asker_id: AccountId, answerer_id: AccountId, **changes: Any) -> QuestionId:
    """An answered question, paid as `queued` says; commits."""
    question_id = queued(asker_id, **changes)
    with unit() as uow:
        claiming.claim(uow, question_id=question_id, answerer_id=answerer_id)
        uow.commit()
    with unit() as uow:
        answering.send_answer(uow, question_id=question_id, answerer_id=answerer_id, body=ANSWER)
        uow.commit()
    return question_id


def pay_at_standin(payment_id: PaymentId, card: str = AT_ONCE) -> None:
    """Pay an open payment page as its visitor would, through the stand-in's controls."""
    with unit() as uow:
        session_id = payments.payment(uow.session, payment_id).session_id
    control(f"checkout/{session_id}/pay", card=card)


def control(path: str, **values: Any) -> Any:
    """Ask something of the stand-in's controls."""
    base = gateway()._base  # type: ignore[attr-defined]
    request = urllib.request.Request(
        f"{base}/_standin/{path}",
        json.dumps(values).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def question_row(question_id: QuestionId) -> Question:
    """Read a question as it is now."""
    with unit() as uow:
        return uow.session.get_one(Question, question_id)


def sign_in_as(
    app: Flask, client: FlaskClient, account_id: AccountId, *, organizer: bool = False
) -> None:
    """Give a client a signed-in session, through the real session store."""
    from upss.web import sessions

    with app.test_request_context("/"):
        sessions.sign_in(account_id, reads_the_books=organizer)
        token = sessions.current().fresh_token
    assert token
    client.set_cookie(sessions.COOKIE, token)


def csrf_of(page: str) -> str:
    """Return the token of the first form on a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, "the page has no form"
    return found.group(1)


def hidden_of(page: str) -> dict[str, str]:
    """Return what a page's forms carry along unseen: the token, and marks such as the offer's."""
    fields = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in fields}


def post(
    client: FlaskClient, form_url: str, target: str | None = None, **fields: str
) -> TestResponse:
    """Open the page that holds a form, then send it as a browser would."""
    unseen = hidden_of(client.get(form_url).get_data(as_text=True))
    assert "csrf_token" in unseen, "the page has no form"
    return client.post(target or form_url, data=unseen | fields)


def at(clock: Any, moment: datetime) -> None:
    """Set a fixed clock."""
    clock.instant = moment
