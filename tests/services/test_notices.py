"""Mails: who is told what, in which language, once, and never with somebody's words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from html.parser import HTMLParser

import psycopg
import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import insert, select, text, update

from tests.factories import ANSWER, answered, draft, free_port, person, question_row
from upss.accounts import service as accounts
from upss.accounts.events import PersonInvited, SignInAsked
from upss.accounts.models import Account, SignInRequest
from upss.adjustments.events import AdjustmentProposed
from upss.adjustments.models import Adjustment
from upss.doctor.events import SelfCheckAlarmed
from upss.forum import events as forum
from upss.forum.models import Question
from upss.forum.models_inviting import Invitation
from upss.kernel.errors import MailNotSent, MailRefused
from upss.kernel.ids import new_public_id
from upss.kernel.ports import Mail
from upss.kernel.roles import Role
from upss.ledger import tasks as ledger_tasks
from upss.ledger.events import BooksAnchored
from upss.notices import service, tasks
from upss.notices.models import Notice
from upss.notices.rules.messages import MESSAGES
from upss.notices.smtp import SmtpMailer
from upss.payments import events as payments
from upss.payments.models import Payment, Refund
from upss.payouts import events as payouts
from upss.payouts.models import PayoutItem, PayoutRun
from upss.web.models import WebSession
from upss.web.ports import mailer, unit

TITLE = "Can I return a fridge that arrived damaged?"


@dataclass
class Scene:
    """An answered question with everything that a mail may be about."""

    asker: int
    answerer: int
    organizers: list[int]
    question: int
    payment: int
    refund: int
    item: int
    adjustment: int
    invitation: int


@pytest.fixture
def scene(app, clock, database):
    asker = person("asker@example.org")
    answerer = person("answerer@example.org", role=Role.ANSWERER, topics=("home",))
    organizers = [person(f"boss{n}@example.org", role=Role.ORGANIZER) for n in (1, 2)]
    question = answered(asker, answerer)
    now = clock.now()
    with unit() as uow:
        add = uow.session.add
        payment = uow.session.scalar(select(Payment.id).where(Payment.question_id == question))
        run = PayoutRun(
            public_id=new_public_id(), status="done", currency="EUR", total_minor=1020,
            prepared_by=organizers[0], approved_by=organizers[1], prepared_at=now,
        )  # fmt: skip
        add(run)
        uow.session.flush()
        refund = Refund(
            public_id=new_public_id(), payment_id=payment, question_id=question, cause="late",
            status="settled", amount_minor=1200, currency="EUR", attempt=1,
            idempotency_key="re-test", requested_at=now,
        )  # fmt: skip
        item = PayoutItem(
            public_id=new_public_id(), run_id=run.id, answerer_id=answerer, status="sent",
            amount_minor=1020, currency="EUR", idempotency_key="tr-test",
        )  # fmt: skip
        adjustment = Adjustment(
            public_id=new_public_id(), purpose="correction", debit_account="Expenses:Bank:Fees",
            credit_account="Equity:Suspense", amount_minor=150, currency="EUR",
            reason="Fees of November.", proposed_by=organizers[0], proposed_at=now,
            status="proposed",
        )  # fmt: skip
        add(refund)
        add(item)
        add(adjustment)
        invitation = Invitation(account_id=answerer, question_id=question, round_at=now, at=now)
        add(invitation)
        uow.commit()
    ledger_tasks.anchor()
    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute("DELETE FROM notice")  # what getting there has told already
    return Scene(
        asker,
        answerer,
        organizers,
        question,
        payment,
        refund.id,
        item.id,
        adjustment.id,
        invitation.id,
    )


def everything(scene: Scene, now):
    """One event for each handler."""
    about = {"at": now, "question_id": scene.question}
    paid = {**about, "payment_id": scene.payment}
    back = {**about, "refund_id": scene.refund}
    by = {**about, "answerer_id": scene.answerer}
    out = {"at": now, "item_id": scene.item, "answerer_id": scene.answerer}
    return {
        "send_invitation": PersonInvited(at=now, account_id=scene.answerer, role="answerer"),
        "receipt": payments.PaymentSettled(**paid),
        "payment_returned": payments.PaymentReturned(**paid, refund_id=scene.refund),
        "offer_ended": forum.OfferEnded(**about),
        "refund_settled": payments.RefundSettled(**back),
        "refund_failed": payments.RefundFailed(**back),
        "withdrawn": forum.QuestionWithdrawn(**about),
        "promise_missed": forum.PromiseMissed(**about),
        "question_expired": forum.QuestionExpired(**about),
        "claim_lapsed": forum.ClaimLapsed(**by),
        "cap_near": forum.CapNear(
            at=now, answerer_id=scene.answerer, rule_id=7, level=70, period=now.date()
        ),
        "answer_ready": forum.QuestionAnswered(**by),
        "acceptance_due": forum.AcceptanceDue(**about, day=3),
        "answer_accepted": forum.AnswerAccepted(**by, by_timer=False),
        "topic_left_alone": forum.TopicLeftAlone(
            at=now, topic="home", language="en", begins_on=now.date(), version_id=7
        ),
        "capacity_vanished": forum.CapacityVanished(
            at=now, topic="home", language="en", day=20261118
        ),
        "promise_possible": forum.PromisePossible(
            at=now,
            waiting_id=7,
            email="rosa@example.org",
            topic="home",
            language="en",
            reads=answerer_language(scene),
        ),
        "questions_wait": forum.InvitedToAnswer(
            at=now,
            answerer_id=scene.answerer,
            invitation_id=scene.invitation,
            send_until=now + timedelta(hours=9),
        ),
        "draft_ending": forum.DraftEnding(**about),
        "adjustment_waits": AdjustmentProposed(
            at=now, adjustment_id=scene.adjustment, proposed_by=scene.organizers[0]
        ),
        "self_check_alarmed": SelfCheckAlarmed(at=now, run_id=7),
        "books_anchored": BooksAnchored(at=now, week=202647),
        "payout_sent": payouts.PayoutSent(**out),
        "payout_refused": payouts.PayoutRefused(**out),
    }


def answerer_language(scene: Scene) -> str:
    with unit() as uow:
        return uow.session.get_one(Account, scene.answerer).language


def tell(handler: str, event) -> list[Notice]:
    """Run one handler in a unit of its own; return the notices it made."""
    with unit() as uow:
        before = set(uow.session.scalars(select(Notice.id)))
        getattr(service, handler)(uow, event)
        new = select(Notice).where(Notice.id.not_in(before)).order_by(Notice.id)
        made = uow.session.scalars(new).all()
        uow.commit()
    return list(made)


def notice_row(number: int) -> Notice:
    with unit() as uow:
        return uow.session.get_one(Notice, number)


def jobs() -> list[tuple[str, dict]]:
    with unit() as uow:
        rows = uow.session.execute(
            text("SELECT task_name, args FROM procrastinate_jobs ORDER BY id")
        )
        return [(row.task_name, row.args) for row in rows]


def parts(message) -> tuple[str, str]:
    plain, rich = message.iter_parts()
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    return plain.get_content(), rich.get_content()


class Outline(HTMLParser):
    """What a reading device finds in a mail."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


# who is told by each handler, in the order of sending
TOLD = {
    "send_invitation": ["answerer@example.org"],
    "refund_failed": ["asker@example.org", "boss1@example.org", "boss2@example.org"],
    "cap_near": ["answerer@example.org"],
    "topic_left_alone": ["boss1@example.org", "boss2@example.org"],
    "capacity_vanished": ["boss1@example.org", "boss2@example.org"],
    "promise_possible": ["rosa@example.org"],
    "questions_wait": ["answerer@example.org"],
    "claim_lapsed": ["answerer@example.org"],
    "answer_accepted": ["answerer@example.org"],
    "adjustment_waits": ["boss2@example.org"],
    "self_check_alarmed": ["boss1@example.org", "boss2@example.org"],
    "books_anchored": ["boss1@example.org", "boss2@example.org"],
    "payout_sent": ["answerer@example.org"],
    "payout_refused": ["answerer@example.org", "boss1@example.org", "boss2@example.org"],
}


@pytest.mark.parametrize("language", ["en", "es", "ca"])
def test_every_mail_in_every_language(scene, clock, post_office, language):
    with unit() as uow:
        uow.session.execute(update(Account).values(language=language))
        uow.commit()
    row = question_row(scene.question)
    events = everything(scene, clock.now())
    assert set(events) | {"send_sign_in"} == set(MESSAGES)
    for handler, event in events.items():
        post_office.messages.clear()
        for notice in tell(handler, event):
            tasks.send(notice.id)
            assert notice_row(notice.id).sent_at == clock.now()
        told = [message["To"] for message in post_office.messages]
        assert told == TOLD.get(handler, ["asker@example.org"]), handler
        for message in post_office.messages:
            check_mail(message, language, row)


def check_mail(message, language: str, row: Question) -> None:
    plain, rich = parts(message)
    seen = Outline(rich)
    assert message["Content-Language"] == language
    assert seen.all("html") == [{"lang": language}]
    assert len(seen.all("h1")) == 1
    button, *_second = seen.all("a")
    assert button["href"].startswith("http://localhost/")
    assert button["href"] in plain
    assert "padding:14px" in button["style"]
    assert not seen.all("img") + seen.all("script") + seen.all("style")
    assert ("Hello," in plain) == (language == "en")
    subject = message["Subject"]
    assert subject in plain
    for told in (subject, plain, rich):
        assert not re.search(r"fridge|dent in the door|photograph of the damage", told)
        assert ANSWER not in told
        assert "{" not in told
        assert "None" not in told
    if "/questions/" in button["href"]:
        assert button["href"].endswith(f"/questions/{row.public_id}")
        assert str(row.id) in subject


def test_amounts_are_told_as_the_reader_writes_them(scene, clock, post_office):
    with unit() as uow:
        uow.session.execute(update(Account).where(Account.id == scene.asker).values(language="es"))
        uow.commit()
    for handler in ("receipt", "answer_accepted"):
        for notice in tell(handler, everything(scene, clock.now())[handler]):
            tasks.send(notice.id)
    receipt, thanks = (parts(message)[0] for message in post_office.messages[-2:])
    assert "12,00\xa0€" in receipt
    assert "€10.20" in thanks


def test_a_fact_is_told_once_however_often_it_is_said(scene, clock):
    for handler, event in everything(scene, clock.now()).items():
        assert tell(handler, event)
        waiting = jobs()
        assert tell(handler, event) == [], handler
        assert jobs() == waiting


def test_what_happens_again_is_told_again(scene, clock):
    first = everything(scene, clock.now())
    for handler, event in first.items():
        tell(handler, event)
    clock.advance(timedelta(hours=1))
    with unit() as uow:
        uow.session.execute(
            text(
                "UPDATE question SET offer_ends_at = offer_ends_at + interval '1 hour',"
                " updated_at = updated_at + interval '1 hour'"
            )
        )
        uow.commit()
    again = {
        handler
        for handler, event in first.items()
        if tell(
            handler,
            replace(event, at=clock.now(), **({"day": 6} if handler == "acceptance_due" else {})),
        )
    }
    assert again == {
        "send_invitation", "offer_ended", "refund_settled", "refund_failed", "claim_lapsed",
        "acceptance_due", "draft_ending", "payout_refused",
    }  # fmt: skip


def test_a_doubled_job_sends_once(scene, clock, post_office):
    (notice,) = tell("answer_accepted", everything(scene, clock.now())["answer_accepted"])
    assert ("notices.send", {"notice_id": notice.id}) in jobs()
    for _ in range(3):
        tasks.send(notice.id)
    tasks.send(0)
    (message,) = post_office.messages
    assert message["Message-ID"] == f"<notice-{notice.id}@localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"] == "UPSS <help@example.org>"
    assert message["Date"] == "Wed, 18 Nov 2026 11:00:00 +0000"
    assert not [name for name in message if name.lower().startswith("list-")]


def test_an_asker_without_account_is_written_to_where_they_said(app, clock, post_office):
    with unit() as uow:
        browser = uow.session.execute(
            insert(WebSession)
            .values(
                token_hash="t",
                data={},
                created_at=clock.now(),
                seen_at=clock.now(),
                expires_at=clock.now(),
            )
            .returning(WebSession.id)
        ).scalar_one()
        uow.commit()
    number = draft(person())
    with unit() as uow:
        uow.session.execute(
            update(Question).where(Question.id == number).values(
                asker_id=None, session_id=browser, email="walkin@example.org", language="ca"
            )
        )  # fmt: skip
        uow.commit()
    event = forum.DraftEnding(at=clock.now(), question_id=number)
    (notice,) = tell("draft_ending", event)
    assert (notice.email, notice.language, notice.account_id) == ("walkin@example.org", "ca", None)
    tasks.send(notice.id)
    assert post_office.messages[-1]["To"] == "walkin@example.org"
    with unit() as uow:
        uow.session.execute(update(Question).where(Question.id == number).values(email=""))
        uow.commit()
    clock.advance(timedelta(days=1))
    assert tell("draft_ending", replace(event, at=clock.now())) == []


def ask(clock, email="rosa@example.org", language="en") -> int:
    with unit() as uow:
        now = clock.now()
        browser = uow.session.execute(
            insert(WebSession)
            .values(
                token_hash=new_public_id(), data={}, created_at=now, seen_at=now, expires_at=now
            )
            .returning(WebSession.id)
        ).scalar_one()
        accounts.ask_sign_in(uow, email=email, session_id=browser, language=language, next_path="/")
        uow.commit()
        return uow.session.scalar(select(SignInRequest.id).order_by(SignInRequest.id.desc()))


@pytest.mark.parametrize("language", ["en", "es", "ca"])
def test_the_sign_in_mail_brings_a_link_and_a_code(app, clock, post_office, language):
    request_id = ask(clock, language=language)
    assert jobs() == [("notices.send_sign_in", {"request_id": request_id})]
    for _ in range(2):
        tasks.send_sign_in(request_id)
    (message,) = post_office.messages
    plain, rich = parts(message)
    check = Outline(rich)
    assert check.all("html") == [{"lang": language}]
    token = re.search(r"http://localhost/sign-in/link/(\S+)", plain)[1]
    code = re.search(r"\b\d{4} \d{4}\b", plain)[0]
    assert code in rich
    with unit() as uow:
        row = uow.session.get_one(SignInRequest, request_id)
        accounts.use_code(uow, code=code, session_id=row.session_id)
    with unit() as uow:
        assert accounts.use_link(uow, token=token, session_id=row.session_id)


def test_no_sign_in_mail_for_a_used_or_old_request(app, clock, post_office):
    request_id = ask(clock)
    clock.advance(timedelta(minutes=10))
    tasks.send_sign_in(request_id)
    tasks.send_sign_in(0)
    assert post_office.messages == []


def test_doubled_asking_is_one_notice_for_one_request(app, clock):
    request_id = ask(clock)
    waiting = jobs()
    assert tell("send_sign_in", SignInAsked(at=clock.now(), request_id=request_id)) == []
    assert jobs() == waiting


class Moody:
    """A post office that answers as told; it looks whether a transaction is open meanwhile."""

    def __init__(self, answers, conninfo=None):
        self.answers = list(answers)
        self.conninfo = conninfo
        self.seen = []
        self.open = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self.answers and self.answers[0].startswith("rcpt "):
            return self.answers.pop(0).removeprefix("rcpt ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):
        if self.conninfo:
            with psycopg.connect(self.conninfo, autocommit=True) as watch:
                self.open += watch.execute(
                    "SELECT state, query FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
                ).fetchall()
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer == "hang up":
            server.transport.abort()
        if answer.startswith("250"):
            self.seen.append(envelope.content)
        return answer

    async def handle_QUIT(self, _server, _session, _envelope):
        return "500 I do not say goodbye"


@pytest.fixture
def office(app, settings, clock):
    """Open a moody post office and let the application's mailer use it."""
    running = []

    def open_office(*answers, conninfo=None):
        handler = Moody(answers, conninfo)
        controller = Controller(handler, hostname="127.0.0.1", port=free_port())
        controller.start()
        running.append(controller)
        installed = app.extensions["upss"]
        moved = SmtpMailer(replace(settings, smtp_port=controller.port), clock)
        app.extensions["upss"] = replace(installed, ports=replace(installed.ports, mailer=moved))
        return handler

    yield open_office
    for controller in running:
        controller.stop()


@pytest.mark.parametrize("answer", ["451 busy", "rcpt 450 mailbox busy", "421 closing", "hang up"])
def test_a_busy_server_is_tried_again_with_the_same_id(app, clock, office, answer):
    handler = office(answer)
    number = person("busy@example.org")
    (notice,) = tell(
        "send_invitation", PersonInvited(at=clock.now(), account_id=number, role="answerer")
    )
    with pytest.raises(MailNotSent):
        tasks.send(notice.id)
    assert notice_row(notice.id).sent_at is None
    tasks.send(notice.id)
    assert notice_row(notice.id).sent_at == clock.now()
    assert len(handler.seen) == 1


def test_a_second_try_of_the_sign_in_mail_has_its_own_id_and_link(app, clock, office):
    handler = office("451 taken in truth, but the answer was lost")
    request_id = ask(clock)
    with pytest.raises(MailNotSent):
        tasks.send_sign_in(request_id)
    with unit() as uow:
        first = uow.session.get_one(SignInRequest, request_id).token_hash
    tasks.send_sign_in(request_id)
    with unit() as uow:
        second = uow.session.get_one(SignInRequest, request_id).token_hash
    assert first != second
    assert f"-{second[:12]}@".encode() in handler.seen[0]


@pytest.mark.parametrize("answer", ["550 no such mailbox", "rcpt 550 no such mailbox"])
def test_a_definite_no_is_not_tried_again_by_itself(app, clock, office, answer):
    office(answer)
    number = person("gone@example.org")
    (notice,) = tell(
        "send_invitation", PersonInvited(at=clock.now(), account_id=number, role="answerer")
    )
    with pytest.raises(MailRefused):
        tasks.send(notice.id)
    assert notice_row(notice.id).sent_at is None


def test_no_transaction_is_open_while_the_server_is_spoken_to(scene, clock, office, database):
    handler = office(conninfo=database.superuser_conninfo)
    notices = [
        notice
        for made, event in everything(scene, clock.now()).items()
        for notice in tell(made, event)
    ]
    for notice in notices:
        tasks.send(notice.id)
    tasks.send_sign_in(ask(clock))
    assert len(handler.seen) == len(notices) + 1
    assert handler.open == []


def a_mail(**changes) -> Mail:
    return replace(
        Mail(
            to="rosa@example.org",
            subject="Question 1030",
            text="Hello",
            html="<p>Hello</p>",
            message_id="<notice-1@localhost>",
            language="en",
        ),
        **changes,
    )


@pytest.mark.parametrize("field", ["to", "subject", "message_id", "language"])
@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\0"])
def test_no_value_begins_another_header(settings_alone, field, break_):
    sender = SmtpMailer(settings_alone, None)
    value = getattr(a_mail(), field)
    for injected in (f"{value}{break_}Bcc: evil@example.org", f"{break_}{value}"):
        with pytest.raises(MailRefused):
            sender.send(a_mail(**{field: injected}))


@pytest.fixture
def settings_alone(tmp_path):
    """Settings of a server that does not exist."""
    from tests.factories import Database, settings_for

    return settings_for(Database("", "", "", "", ""), smtp_port=free_port(), instance=tmp_path)


@pytest.mark.parametrize("field", ["to", "subject", "message_id", "language"])
def test_no_value_hides_a_header_in_an_encoded_word(settings_alone, field):
    # the standard library decodes it while it writes the header, line break included
    hidden = "=?utf-8?q?a=0d=0aBcc:_evil@example.org?="
    with pytest.raises(MailRefused):
        SmtpMailer(settings_alone, None).send(a_mail(**{field: hidden}))


def test_words_that_look_like_headers_stay_words(app, post_office):
    mailer().send(
        a_mail(subject="Bcc: ñ", text="Bcc: evil@example.org\n.\nMAIL FROM:<x@example.org>")
    )
    (message,) = post_office.messages
    assert message["Bcc"] is None
    assert message["To"] == "rosa@example.org"
    assert "MAIL FROM:<x@example.org>" in parts(message)[0]


@pytest.mark.parametrize("change", [{}, {"smtp_tls": "tls"}])
def test_a_server_that_is_away_is_tried_again(settings_alone, clock, change):
    with pytest.raises(MailNotSent):
        SmtpMailer(replace(settings_alone, **change), clock).send(a_mail())


@pytest.mark.parametrize(
    "change", [{"smtp_tls": "starttls"}, {"smtp_tls": "tls"}, {"smtp_user": "upss"}]
)
def test_a_server_without_encryption_or_login_gets_no_mail(settings, post_office, clock, change):
    with pytest.raises(MailNotSent):
        SmtpMailer(replace(settings, **change), clock).send(a_mail())
    assert post_office.messages == []
