"""Where the provider's events arrive: verified, stored once, acknowledged, handled by a job."""

from __future__ import annotations

import logging

from flask import Blueprint, request

from upss.config import Mode
from upss.kernel.errors import BadSignature
from upss.payments.service import inbox
from upss.web.access import for_everyone
from upss.web.ports import gateway, settings, unit
from upss.web.security import csrf

blueprint = Blueprint("payments", __name__)
_log = logging.getLogger(__name__)
_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


@blueprint.post("/stripe/webhook")
@csrf.exempt  # type: ignore[untyped-decorator] # the signature takes the place of the form's token
@for_everyone
def webhook() -> tuple[str, int, dict[str, str]]:
    """Take one delivery; the raw body is verified, never a re-serialised one."""
    signature = request.headers.get("Stripe-Signature", "")
    try:
        notice = gateway().parse_event(request.get_data(), signature)
    except BadSignature as error:
        _log.warning("webhook refused: %s", error)
        return "The signature is wrong or too old.\n", 400, _PLAIN
    if notice.livemode is not (settings().mode is Mode.PRODUCTION):
        _log.warning("webhook refused: event of the other mode")
        return "This event belongs to the other mode (live or test).\n", 400, _PLAIN
    with unit() as uow:
        is_new = inbox.receive_event(uow, notice=notice)
        uow.commit()
    return ("stored\n" if is_new else "known\n"), 200, _PLAIN
