"""Signing in and accounts, on a real PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from upss.accounts import queries, service, tasks
from upss.accounts.models import Account, SignInRequest
from upss.kernel.errors import NotFound
from upss.kernel.ids import AccountId
from upss.kernel.roles import Role
from upss.web.models import WebSession
from upss.web.ports import unit

numbers = count(1)


@pytest.fixture
def work(app):
    """Begin units of work, one after the other."""
    return unit


def an_address() -> str:
    return f"person{next(numbers)}@example.org"


def a_browser(work) -> int:
    with work() as uow:
        now = uow.clock.system_now()
        number = uow.session.execute(
            insert(WebSession)
            .values(
                token_hash=f"test-{next(numbers)}-{now.timestamp()}",
                data={},
                created_at=now,
                seen_at=now,
                expires_at=now + timedelta(days=30),
            )
            .returning(WebSession.id)
        ).scalar_one()
        uow.commit()
    return number


def ask(work, browser: int, email: str, next_path: str = "/") -> int:
    with work() as uow:
        service.ask_sign_in(
            uow, email=email, session_id=browser, language="ca", next_path=next_path
        )
        uow.commit()
        return uow.session.scalar(
            select(func.max(SignInRequest.id)).where(SignInRequest.session_id == browser)
        )


def secrets_of(work, request_id: int) -> service.Secrets | None:
    with work() as uow:
        secrets = service.make_secrets(uow, request_id=request_id)
        uow.commit()
    return secrets


def link(work, token: str, browser: int | None) -> service.SignedIn:
    with work() as uow:
        done = service.use_link(uow, token=token, session_id=browser)
        uow.commit()
    return done


def code(work, typed: str, browser: int) -> service.SignedIn:
    with work() as uow:
        try:
            return service.use_code(uow, code=typed, session_id=browser)
        finally:
            uow.commit()


def wrong(typed: str) -> str:
    return f"{(int(typed) + 1) % 10**8:08d}"


def account(work, email: str) -> Account | None:
    with work() as uow:
        return uow.session.scalar(select(Account).where(Account.email == email))


def test_a_link_makes_a_confirmed_account_once(work, clock):
    browser, email = a_browser(work), an_address()
    secrets = secrets_of(work, ask(work, browser, email, "/queue"))
    assert account(work, email) is None
    done = link(work, secrets.token, browser)
    made = account(work, email)
    assert (done.account_id, done.next_path) == (made.id, "/queue")
    assert (made.confirmed_at, made.language) == (clock.now(), "ca")
    assert made.name.startswith("Person")
    with pytest.raises(service.LinkUsed):
        link(work, secrets.token, browser)
    with pytest.raises(service.LinkExpired):
        code(work, secrets.code, browser)


def test_parallel_use_signs_in_once(app, work):
    browser, email = a_browser(work), an_address()
    secrets = secrets_of(work, ask(work, browser, email))

    def press(_turn: int) -> str:
        with app.app_context():
            try:
                link(unit, secrets.token, browser)
            except service.LinkUsed:
                return "used"
            return "in"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(press, range(6))) == ["in"] + ["used"] * 5


def test_a_link_and_a_code_work_for_ten_minutes(work, clock):
    browser = a_browser(work)
    secrets = secrets_of(work, ask(work, browser, an_address()))
    clock.advance(timedelta(minutes=9, seconds=59))
    with work() as uow:
        service.check_link(uow, token=secrets.token, session_id=browser)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(service.LinkExpired):
        link(work, secrets.token, browser)
    with pytest.raises(service.LinkExpired):
        code(work, secrets.code, browser)


def test_an_unknown_link_has_expired(work):
    with pytest.raises(service.LinkExpired):
        link(work, "never-made", a_browser(work))


@pytest.mark.parametrize("elsewhere", ["another browser", "no session at all"])
def test_a_link_works_in_the_browser_that_asked(work, elsewhere):
    browser = a_browser(work)
    other = a_browser(work) if elsewhere == "another browser" else None
    secrets = secrets_of(work, ask(work, browser, an_address()))
    with pytest.raises(service.WrongBrowser):
        link(work, secrets.token, other)
    assert link(work, secrets.token, browser)


def test_looking_at_a_link_does_not_use_it(work):
    browser = a_browser(work)
    secrets = secrets_of(work, ask(work, browser, an_address()))
    for _ in range(3):
        with work() as uow:
            service.check_link(uow, token=secrets.token, session_id=browser)
            uow.commit()
    assert link(work, secrets.token, browser)


def test_five_wrong_codes_close_the_request(work):
    browser = a_browser(work)
    secrets = secrets_of(work, ask(work, browser, an_address()))
    left = []
    for _ in range(6):
        with pytest.raises(service.CodeWrong) as refused:
            code(work, wrong(secrets.code), browser)
        left.append(refused.value.facts["tries_left"])
    assert left == [4, 3, 2, 1, 0, 0]
    with pytest.raises(service.CodeWrong):
        code(work, secrets.code, browser)
    assert link(work, secrets.token, browser)  # the link is 256 bits: it stays good


def test_parallel_guesses_are_all_counted(app, work):
    browser = a_browser(work)
    secrets = secrets_of(work, ask(work, browser, an_address()))

    def guess(_turn: int) -> int:
        with app.app_context():
            try:
                code(unit, wrong(secrets.code), browser)
            except service.CodeWrong as refused:
                return refused.facts["tries_left"]
        raise AssertionError

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(guess, range(8))) == [0, 0, 0, 0, 1, 2, 3, 4]


def test_the_fifth_try_may_be_right(work):
    browser = a_browser(work)
    secrets = secrets_of(work, ask(work, browser, an_address()))
    for _ in range(4):
        with pytest.raises(service.CodeWrong):
            code(work, wrong(secrets.code), browser)
    assert code(work, f" {secrets.code[:4]} {secrets.code[4:]} ", browser)


def test_only_the_newest_code_of_this_browser_counts(work):
    browser, email = a_browser(work), an_address()
    first = secrets_of(work, ask(work, browser, email))
    second = secrets_of(work, ask(work, browser, email))
    with pytest.raises(service.CodeWrong):
        code(work, first.code, browser)
    with pytest.raises(service.LinkExpired):
        code(work, second.code, a_browser(work))
    assert code(work, second.code, browser)


def test_a_code_before_its_mail_was_written_is_wrong(work):
    browser = a_browser(work)
    ask(work, browser, an_address())
    with pytest.raises(service.CodeWrong):
        code(work, "00000000", browser)


def test_writing_the_mail_again_kills_the_first_secrets(work, clock):
    browser = a_browser(work)
    request_id = ask(work, browser, an_address())
    first, second = secrets_of(work, request_id), secrets_of(work, request_id)
    with pytest.raises(service.LinkExpired):
        link(work, first.token, browser)
    assert link(work, second.token, browser)
    assert secrets_of(work, request_id) is None
    late = ask(work, browser, an_address())
    clock.advance(timedelta(minutes=10))
    assert secrets_of(work, late) is None
    assert secrets_of(work, 0) is None


def test_the_database_holds_no_secret(work):
    browser = a_browser(work)
    request_id = ask(work, browser, an_address())
    secrets = secrets_of(work, request_id)
    with work() as uow:
        row = uow.session.execute(
            text("SELECT r::text FROM sign_in_request r WHERE id = :id"), {"id": request_id}
        ).scalar_one()
    assert secrets.token not in row
    assert secrets.code not in row


def test_an_anonymous_asker_gets_an_unconfirmed_account(work, clock):
    email = an_address()
    with work() as uow:
        first = service.account_for_email(uow, email=email, language="es")
        assert service.account_for_email(uow, email=email, language="en") == first
        uow.commit()
    made = account(work, email)
    assert (made.confirmed_at, made.language) == (None, "es")
    browser = a_browser(work)
    done = link(work, secrets_of(work, ask(work, browser, email)).token, browser)
    assert done.account_id == first
    assert account(work, email).confirmed_at == clock.now()


def test_confirming_again_keeps_the_first_time(work, clock):
    browser, email = a_browser(work), an_address()
    link(work, secrets_of(work, ask(work, browser, email)).token, browser)
    began = clock.now()
    clock.advance(timedelta(days=3))
    link(work, secrets_of(work, ask(work, browser, email)).token, browser)
    assert account(work, email).confirmed_at == began


def test_an_invitation_gives_role_and_topics(work):
    email = an_address()
    for topics in (["home"], ["home", "bills"]):
        with work() as uow:
            number = service.invite(
                uow,
                email=email,
                name="Rosa Vidal",
                role=Role.ANSWERER,
                topics=topics,
                language="ca",
            )
            uow.commit()
    with work() as uow:
        assert queries.roles(uow.session, number) == {Role.ANSWERER}
        assert queries.topics(uow.session, number) == {"home", "bills"}
        assert queries.names(uow.session, [number]) == {number: "Rosa Vidal"}
        assert queries.contact(uow.session, number).email == email


def test_an_invitation_to_an_unknown_topic_or_to_ask_leaves_nothing(work):
    email = an_address()
    for role, topics in ((Role.ANSWERER, ["no-such-topic"]), (Role.ASKER, [])):
        with pytest.raises((service.UnknownTopic, IntegrityError)), work() as uow:
            service.invite(uow, email=email, name="", role=role, topics=topics, language="en")
    assert account(work, email) is None


def test_an_invitation_normalises_the_address_and_refuses_what_is_none(work):
    email = an_address()
    with work() as uow:
        service.invite(
            uow, email=email.upper(), name="", role=Role.ORGANIZER, topics=[], language="en"
        )
        uow.commit()
    assert account(work, email) is not None
    with pytest.raises(service.BadEmail), work() as uow:
        service.invite(
            uow, email="no-address", name="", role=Role.ORGANIZER, topics=[], language="en"
        )


def test_organizers_are_known(work):
    email = an_address()
    with work() as uow:
        service.invite(uow, email=email, name="", role=Role.ORGANIZER, topics=[], language="en")
        uow.commit()
        assert email in [one.email for one in queries.organizers(uow.session)]


def test_name_and_language_change(work):
    email = an_address()
    with work() as uow:
        number = service.account_for_email(uow, email=email, language="en")
        service.rename(uow, account_id=number, name="Pilar")
        service.set_language(uow, account_id=number, language="es")
        uow.commit()
        with pytest.raises(NotFound):
            service.rename(uow, account_id=AccountId(0), name="Nobody")
    assert (account(work, email).name, account(work, email).language) == ("Pilar", "es")


def test_requests_are_forgotten_a_day_after_their_end(work, clock):
    browser = a_browser(work)
    old = ask(work, browser, an_address())
    clock.advance(timedelta(days=1, minutes=10))
    new = ask(work, browser, an_address())
    tasks.forget_requests()
    with work() as uow:
        assert uow.session.get(SignInRequest, old) is not None
    clock.advance(timedelta(microseconds=1))
    tasks.forget_requests()
    with work() as uow:
        assert uow.session.get(SignInRequest, old) is None
        assert uow.session.get(SignInRequest, new) is not None


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Maria@Example.ORG ", "maria@example.org"),
        ("a+b@example.org", "a+b@example.org"),
        ("a@ñandú.es", "a@xn--and-6ma2c.es"),
    ],
)
def test_addresses_are_stored_in_one_form(typed, stored):
    assert service.normal_email(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "maria",
        "maria@",
        "@example.org",
        "a@b@example.org",
        "a@example.org\r\nBcc: b@example.org",
        "a\nb@example.org",
        "a\0@example.org",
        "a,b@example.org",
        "a@example.org, b@example.org",
        "<a@example.org>",
        "=?utf-8?q?a?=@example.org",
        '"a b"@example.org',
        "a@localhost",
        "a@[127.0.0.1]",
        "josé@example.org",
        "a" * 250 + "@example.org",
    ],
)
def test_what_no_mail_can_be_sent_to_is_refused(typed):
    with pytest.raises(service.BadEmail):
        service.normal_email(typed)
