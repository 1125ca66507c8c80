"""Background work about people: forgetting who asked to sign in."""

from __future__ import annotations

from datetime import timedelta

from upss.accounts import service
from upss.web.ports import clock, unit

_KEPT = timedelta(days=1)


def forget_requests() -> None:
    """Delete requests to sign in a day after they ended."""
    with unit() as uow:
        service.forget_requests(uow, before=clock().system_now() - _KEPT)
        uow.commit()
