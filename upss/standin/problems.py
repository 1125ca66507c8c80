"""Errors in the shape in which Stripe answers them."""

from __future__ import annotations

from typing import Any


class Problem(Exception):
    """An answer other than success: HTTP status, error type, stable code and a sentence."""

    def __init__(
        self, status: int, kind: str, code: str | None, message: str, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.message = message
        self.param = param

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        error = {
            "type": self.kind,
            "code": self.code,
            "message": self.message,
            "param": self.param,
        }
        return {"error": {name: value for name, value in error.items() if value is not None}}


def bad_request(code: str, message: str, *, param: str | None = None) -> Problem:
    """Return a 400 that the caller could have avoided."""
    return Problem(400, "invalid_request_error", code, message, param)


def missing(kind: str, object_id: str, *, param: str = "id") -> Problem:
    """Return a 404 for an object that does not exist here."""
    return Problem(
        404, "invalid_request_error", "resource_missing", f"No such {kind}: '{object_id}'", param
    )
