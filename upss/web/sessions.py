"""Server-side sessions: the cookie holds a random token, the row can be revoked.

Sessions read and write in their own short transactions, so that a request that fails still
keeps its session, and nothing is written for a session that did not change. A session that is
used goes on: once a day its end moves, in the statement that notes the use.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, request
from flask import session as flask_session
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import bindparam, delete, insert, text, update
from sqlalchemy.dialects.postgresql import JSONB
from typing_extensions import override
from werkzeug.datastructures import CallbackDict

from upss.db.base import db
from upss.kernel.ids import AccountId, new_token
from upss.kernel.roles import READS_THE_BOOKS
from upss.web.access import Person
from upss.web.models import WebSession
from upss.web.ports import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

COOKIE = "upss_session"
LIFETIME = timedelta(days=30)
SHORT_LIFETIME = timedelta(hours=12)
_SEEN_STEP = timedelta(hours=1)
_LONGER_STEP = timedelta(days=1)

# One statement for the session and who it belongs to: every page begins with it. The tables of
# people are named here as foreign keys name them; the accounts package owns them.
_LOAD = text(
    """
    SELECT s.id, s.token_hash, s.data, s.seen_at, s.signed_in_at, s.expires_at,
           a.id AS account_id, a.public_id, a.name, a.email, a.language,
           ARRAY(SELECT r.role FROM account_role r WHERE r.account_id = a.id) AS roles
    FROM web_session s LEFT JOIN account a ON a.id = s.account_id
    WHERE s.token_hash = :token_hash AND s.revoked_at IS NULL AND s.expires_at > :now
    """
)


def hashed(secret: str) -> str:
    """Return the hex SHA-256 of a random secret: all that the database ever holds of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _cookie_of(app: Flask) -> str:
    return cookie_name(is_secure=app.config["SESSION_COOKIE_SECURE"])


class ServerSession(CallbackDict[str, Any], SessionMixin):
    """A dict that knows its row and whether it changed."""

    def __init__(self, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(dict(initial or {}), self._changed)
        self.modified = False
        self.accessed = True
        self.row_id: int | None = None
        self.person: Person | None = None
        self.fresh_token: str | None = None  # set the cookie to this
        self.is_ended = False

    @staticmethod
    def _changed(me: CallbackDict[str, Any]) -> None:
        me.modified = True  # type: ignore[attr-defined]


class DatabaseSessions(SessionInterface):
    """Flask's session interface over `web_session`."""

    @override
    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """Load the session that the cookie names, or begin an empty one."""
        token = request.cookies.get(_cookie_of(app))
        # Flask opens the session before it knows the endpoint.
        if not token or request.path.startswith(f"{app.static_url_path}/"):
            return ServerSession()
        now = clock().system_now()
        with db.engine.begin() as connection:
            row = connection.execute(_LOAD, {"token_hash": hashed(token), "now": now}).one_or_none()
            if row is None or _is_too_old_for_the_books(row, now):
                return ServerSession()
            is_longer = _note_use(connection, row, now)
        session = ServerSession(row.data)
        session.row_id = row.id
        session.fresh_token = token if is_longer else None
        if row.account_id is not None:
            session.person = Person(
                id=AccountId(row.account_id),
                public_id=row.public_id,
                name=row.name,
                email=row.email,
                language=row.language,
                roles=frozenset(row.roles),
            )
        return session

    @override
    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed; set the cookie only when its token or its end is new."""
        assert isinstance(session, ServerSession)
        if request.endpoint == "static":
            return
        response.vary.add("Cookie")
        if session.is_ended:
            response.delete_cookie(_cookie_of(app), secure=app.config["SESSION_COOKIE_SECURE"])
            return
        if session.modified:
            _write(session)
        if session.fresh_token is not None:
            response.set_cookie(
                _cookie_of(app),
                session.fresh_token,
                max_age=int(LIFETIME.total_seconds()),
                httponly=True,
                secure=app.config["SESSION_COOKIE_SECURE"],
                samesite="Lax",
            )


def _note_use(connection: Connection, row: Any, now: datetime) -> bool:
    """Write down, once an hour, that a session is used; tell whether it ends later for that."""
    if now - row.seen_at <= _SEEN_STEP:
        return False
    is_longer = not _is_short(row) and now + LIFETIME - row.expires_at > _LONGER_STEP
    times = {"seen_at": now} | ({"expires_at": now + LIFETIME} if is_longer else {})
    # By its token: a sign-in at this very moment has changed it, and has set an end of its own.
    same = WebSession.token_hash == row.token_hash
    noted = connection.execute(update(WebSession).where(same).values(times)).rowcount
    return is_longer and noted == 1


def _is_short(row: Any) -> bool:
    """Tell whether who signed in read the books: such a session ends in time, however it is used."""
    return row.signed_in_at is not None and row.expires_at - row.signed_in_at <= SHORT_LIFETIME


def _is_too_old_for_the_books(row: Any, now: datetime) -> bool:
    """Tell whether who reads the books signed in too long ago, also one who may since then."""
    if READS_THE_BOOKS.isdisjoint(row.roles):
        return False
    return row.signed_in_at is None or now - row.signed_in_at > SHORT_LIFETIME


def cookie_name(*, is_secure: bool) -> str:
    """Return the cookie's name; the browser itself ties a __Host- cookie to this host and https."""
    return "__Host-upss" if is_secure else COOKIE


def current() -> ServerSession:
    """Return this request's session."""
    return flask_session._get_current_object()  # type: ignore[attr-defined,no-any-return] # noqa: SLF001


def row_id() -> int:
    """Return the id of this browser's session row, making the row if there is none yet."""
    session = current()
    if session.row_id is None:
        _write(session)
    assert session.row_id is not None
    return session.row_id


def sign_in(account_id: AccountId, *, reads_the_books: bool) -> None:
    """Bind this browser's session to an account, under a new token (no fixation).

    An anonymous session keeps its row, and so its drafts; that of somebody else ends.
    """
    session = current()
    if session.person is not None and session.person.id != account_id:
        _revoke(WebSession.id == session.row_id)
        session.clear()
        session.row_id = session.person = None
    number = row_id()
    session.fresh_token = new_token()
    now = clock().system_now()
    lifetime = SHORT_LIFETIME if reads_the_books else LIFETIME
    with db.engine.begin() as connection:
        connection.execute(
            update(WebSession)
            .where(WebSession.id == number)
            .values(
                account_id=account_id,
                token_hash=hashed(session.fresh_token),
                signed_in_at=now,
                seen_at=now,
                expires_at=now + lifetime,
            )
        )


def sign_out() -> None:
    """Revoke this session."""
    session = current()
    if session.row_id is not None:
        _revoke(WebSession.id == session.row_id)
    session.is_ended = True


def sign_out_everywhere(account_id: AccountId) -> None:
    """Revoke every session of an account."""
    _revoke(WebSession.account_id == account_id)
    current().is_ended = True


def delete_expired(before: datetime) -> int:
    """Delete sessions that ended before `before` and that nothing refers to; return how many."""
    unused = text(
        "expires_at < :before"
        " AND NOT EXISTS (SELECT 1 FROM question q WHERE q.session_id = web_session.id)"
        " AND NOT EXISTS (SELECT 1 FROM sign_in_request r WHERE r.session_id = web_session.id)"
    ).bindparams(before=before)
    with db.engine.begin() as connection:
        return connection.execute(delete(WebSession).where(unused)).rowcount


def _revoke(which: Any) -> None:
    with db.engine.begin() as connection:
        connection.execute(
            update(WebSession)
            .where(which, WebSession.revoked_at.is_(None))
            .values(revoked_at=clock().system_now())
        )


def _write(session: ServerSession) -> None:
    now = clock().system_now()
    with db.engine.begin() as connection:
        if session.row_id is not None:
            connection.execute(
                update(WebSession)
                .where(WebSession.id == session.row_id)
                .values(data=bindparam("new_data", type_=JSONB)),
                {"new_data": dict(session)},
            )
        else:
            session.fresh_token = new_token()
            session.row_id = connection.execute(
                insert(WebSession)
                .values(
                    token_hash=hashed(session.fresh_token),
                    data=dict(session),
                    created_at=now,
                    seen_at=now,
                    expires_at=now + LIFETIME,
                )
                .returning(WebSession.id)
            ).scalar_one()
    session.modified = False
