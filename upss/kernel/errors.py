"""One tree of errors; each carries a stable code that pages and logs share."""

from __future__ import annotations

from typing import ClassVar


class UpssError(Exception):
    """Root of every error that UPSS raises on purpose."""

    code: ClassVar[str] = "error"

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(f"{self.code}: {facts}" if facts else self.code)


class DomainError(UpssError):
    """A rule said no. `status` is the HTTP answer that the web layer gives."""

    code = "refused"
    status: ClassVar[int] = 409


class NotFound(DomainError):
    """There is no such thing, or it is not the visitor's to see."""

    code = "not_found"
    status = 404


class Forbidden(DomainError):
    """The visitor's role does not allow this."""

    code = "forbidden"
    status = 403


class BadAmount(DomainError):
    """Not an exact integer of minor units in a known currency."""

    code = "bad_amount"
    status = 422


class IdempotencyConflict(DomainError):
    """The same key was used before for something else."""

    code = "idempotency_conflict"


class TooManyRequests(DomainError):
    """A limit was reached; waiting helps."""

    code = "too_many_requests"
    status = 429


class GatewayError(UpssError):
    """The payment provider did not do what was asked."""

    code = "gateway"


class GatewayUnavailable(GatewayError):
    """No answer, a 5xx or a wrong key: the outcome is unknown, the same key may be sent again."""

    code = "gateway_unavailable"


class GatewayRefused(GatewayError):
    """A definite no to this very call, with the provider's `reason` code among the facts."""

    code = "gateway_refused"


class BadSignature(GatewayError):
    """An event that the provider did not sign, or signed too long ago."""

    code = "bad_signature"


class MailNotSent(UpssError):
    """The mail server did not take a message; it may be sent again."""

    code = "mail_not_sent"


class MailRefused(UpssError):
    """This message will never be taken: a bad address, or a header that hides another."""

    code = "mail_refused"
