"""Signing in by a mailed link or code, and making, inviting and changing accounts."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import CursorResult, delete, select
from sqlalchemy.dialects.postgresql import insert

from upss.accounts.events import LanguageChanged, PersonInvited, SignedOutEverywhere, SignInAsked
from upss.accounts.models import Account, AccountRole, SignInRequest, TopicApproval
from upss.accounts.rules.sign_in import CODE_TRIES, LIFETIME, digits_of, name_from
from upss.kernel.errors import DomainError, NotFound
from upss.kernel.ids import AccountId, new_code, new_public_id, new_token
from upss.kernel.roles import Role
from upss.site.models import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from upss.db.work import UnitOfWork


class UnknownTopic(DomainError):
    """There is no such topic; the fact `known` lists those that there are."""

    code = "unknown_topic"
    status = 422


class BadEmail(DomainError):
    """Not an e-mail address that a mail can be sent to."""

    code = "bad_email"
    status = 422


class LinkExpired(DomainError):
    """The link or code is unknown, or older than ten minutes."""

    code = "link_expired"
    status = 410


class LinkUsed(DomainError):
    """The link was used before; each works once."""

    code = "link_used"
    status = 410


class WrongBrowser(DomainError):
    """The link was opened elsewhere than it was asked for; the code helps there."""

    code = "wrong_browser"


class CodeWrong(DomainError):
    """Not the code of the mail; fact `tries_left` says how often one may still try."""

    code = "code_wrong"
    status = 422


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the sign-in mail brings; the database holds hashes only."""

    token: str
    code: str
    email: str
    language: str
    expires_at: datetime

    @property
    def tag(self) -> str:
        """A few letters that tell this token from another and give nothing away."""
        return _hash(self.token)[:12]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has shown that an address is theirs, and the page they wanted."""

    account_id: AccountId
    next_path: str


def normal_email(text: str) -> str:
    """Return the address in lower case and ASCII; raises `BadEmail`."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise BadEmail from error
    address = (found.ascii_email or "").lower()
    if not address or "=?" in address:  # a mail program would decode it into another address
        raise BadEmail
    return address


def ask_sign_in(
    uow: UnitOfWork, *, email: str, session_id: int, language: str, next_path: str
) -> None:
    """Note that somebody wants to sign in; the same whether the address is known or not.

    `email` is normal, `next_path` a path of this site. Raises nothing: the mail is a job.
    """
    now = uow.clock.system_now()
    request = SignInRequest(
        email=email,
        session_id=session_id,
        language=language,
        next_path=next_path,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    uow.session.add(request)
    uow.session.flush()  # the id goes into the event
    uow.emit(SignInAsked(at=uow.clock.now(), request_id=request.id))


def make_secrets(uow: UnitOfWork, *, request_id: int) -> Secrets | None:
    """Make the link's token and the code of a request, or None once it is used or too old.

    Called while the mail is written; a second call makes new ones, the old ones are dead.
    """
    request = uow.session.get(SignInRequest, request_id, with_for_update=True)
    if request is None or request.used_at or request.expires_at <= uow.clock.system_now():
        return None
    token, code = new_token(), new_code()
    request.token_hash = _hash(token)
    request.code_hash = _hash(f"{request.id}:{code}")
    return Secrets(token, code, request.email, request.language, request.expires_at)


def check_link(uow: UnitOfWork, *, token: str, session_id: int | None) -> None:
    """Look whether a link would work in this browser, without using it; raises as `use_link`."""
    _open_link(uow, token, session_id)


def use_link(uow: UnitOfWork, *, token: str, session_id: int | None) -> SignedIn:
    """Use a mailed link, once, in the browser that asked for it.

    Raises `LinkExpired`, `LinkUsed` or `WrongBrowser`.
    """
    return _confirm(uow, _open_link(uow, token, session_id))


def use_code(uow: UnitOfWork, *, code: str, session_id: int) -> SignedIn:
    """Use the code of this browser's newest open request.

    Raises `LinkExpired`, or `CodeWrong`: commit then as well, so that the try stays counted.
    """
    newest = (
        select(SignInRequest)
        .where(SignInRequest.session_id == session_id, SignInRequest.used_at.is_(None))
        .order_by(SignInRequest.id.desc())
        .limit(1)
        .with_for_update()
    )
    request = uow.session.scalar(newest)
    if request is None or request.expires_at <= uow.clock.system_now():
        raise LinkExpired
    if request.code_tries >= CODE_TRIES:
        raise CodeWrong(tries_left=0)
    request.code_tries += 1
    given = _hash(f"{request.id}:{digits_of(code)}")
    if not hmac.compare_digest(given, request.code_hash or ""):
        raise CodeWrong(tries_left=CODE_TRIES - request.code_tries)
    return _confirm(uow, request)


def account_for_email(uow: UnitOfWork, *, email: str, language: str) -> AccountId:
    """Get the account of a normal address, or make one that is not confirmed yet."""
    return AccountId(_account(uow, email, language).id)


def invite(
    uow: UnitOfWork, *, email: str, name: str, role: Role, topics: Iterable[str], language: str
) -> AccountId:
    """Give the account of an address a role and topics, and have its person told by mail.

    Inviting again adds topics and sends the mail again; name and language of an account that
    exists stay its own. Every account may ask, so `role` is any but asker.
    """
    now = uow.clock.now()
    account_id = AccountId(_account(uow, normal_email(email), language, name).id)
    uow.session.execute(
        insert(AccountRole)
        .values(account_id=account_id, role=role, given_at=now)
        .on_conflict_do_nothing()
    )
    known = set(uow.session.scalars(select(Topic.code)))
    for topic in topics:
        if topic not in known:
            raise UnknownTopic(topic=topic, known=sorted(known))
        uow.session.execute(
            insert(TopicApproval)
            .values(account_id=account_id, topic=topic, approved_at=now)
            .on_conflict_do_nothing()
        )
    uow.emit(PersonInvited(at=now, account_id=account_id, role=role))
    return account_id


def confirm(uow: UnitOfWork, *, account_id: AccountId) -> None:
    """Note that the person has shown that the address is theirs; the first time counts."""
    account = _existing(uow, account_id)
    account.confirmed_at = account.confirmed_at or uow.clock.now()


def sign_out_everywhere(uow: UnitOfWork, *, account_id: AccountId) -> None:
    """Tell all who let a browser in without an account; its own sessions are the web layer's."""
    uow.emit(SignedOutEverywhere(at=uow.clock.now(), account_id=account_id))


def set_language(uow: UnitOfWork, *, account_id: AccountId, language: str) -> None:
    """Set the language of an account's mails and pages."""
    account = _existing(uow, account_id)
    if account.language != language:
        uow.emit(LanguageChanged(at=uow.clock.now(), account_id=account_id, old=account.language))
        account.language = language


def rename(uow: UnitOfWork, *, account_id: AccountId, name: str) -> None:
    """Set the name that others see."""
    _existing(uow, account_id).name = name


def forget_requests(uow: UnitOfWork, *, before: datetime) -> int:
    """Delete requests to sign in that ended before `before` (machine's time); return how many."""
    ended = delete(SignInRequest).where(SignInRequest.expires_at < before)
    return cast("CursorResult[tuple[()]]", uow.session.execute(ended)).rowcount


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _open_link(uow: UnitOfWork, token: str, session_id: int | None) -> SignInRequest:
    """Lock and return the request of a token that this browser may use now."""
    of_token = select(SignInRequest).where(SignInRequest.token_hash == _hash(token))
    request = uow.session.scalar(of_token.with_for_update())
    if request is None:
        raise LinkExpired
    if request.used_at is not None:
        raise LinkUsed
    if request.expires_at <= uow.clock.system_now():
        raise LinkExpired
    if request.session_id != session_id:
        raise WrongBrowser
    return request


def _confirm(uow: UnitOfWork, request: SignInRequest) -> SignedIn:
    """Close the request and confirm its account; the locked row makes that happen once."""
    request.used_at = uow.clock.system_now()
    account_id = AccountId(_account(uow, request.email, request.language).id)
    confirm(uow, account_id=account_id)
    return SignedIn(account_id, request.next_path)


def _account(uow: UnitOfWork, email: str, language: str, name: str = "") -> Account:
    """Get or make the account of an address; two at once end with the same row."""
    uow.session.execute(
        insert(Account)
        .values(
            public_id=new_public_id(),
            email=email,
            name=name or name_from(email),
            language=language,
            created_at=uow.clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["email"])
    )
    return uow.session.execute(select(Account).where(Account.email == email)).scalar_one()


def _existing(uow: UnitOfWork, account_id: AccountId) -> Account:
    account = uow.session.get(Account, account_id)
    if account is None:
        raise NotFound(account_id=account_id)
    return account
