"""What the forms of adjustments send; their faults in words."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request

from upss.adjustments.rules.proposals import REASON_LEAST, REASON_MOST, Purpose, Status, Typed
from upss.kernel.ids import new_public_id
from upss.web.i18n import N_, gettext

_FAULTS = {
    ("purpose", "empty"): N_("Choose what the adjustment is for"),
    ("question", "empty"): N_("Write the number of the question"),
    ("question", "unknown"): N_("There is no question with this number"),
    ("question", "not_accepted"): N_("No answer to this question has been accepted yet, so nothing can be owed for it"),
    ("debit", "empty"): N_("Choose the account to debit"),
    ("debit", "by_itself"): N_("This account follows payments by itself, so nobody moves it by hand. Choose another one"),
    ("credit", "empty"): N_("Choose the account to credit"),
    ("credit", "by_itself"): N_("This account follows payments by itself, so nobody moves it by hand. Choose another one"),
    ("credit", "same"): N_("Choose two different accounts"),
    ("amount", "empty"): N_("Write the amount"),
    ("amount", "bad"): N_("Write the amount as a number above zero with two decimals at most, for example 2.50"),
    ("reason", "too_short"): N_("Write the reason in %(least)s characters or more"),
    ("reason", "too_long"): N_("Shorten the reason to %(most)s characters"),
    ("reason", "personal"): N_("Take the e-mail address or bank number out of the reason: it can never be changed later"),
}  # fmt: skip
_ORDER = ("purpose", "question", "debit", "credit", "amount", "reason")


def typed() -> Typed:
    """Read the form as it is; only a choice that nobody was offered is dropped."""
    form = request.form
    purpose = form.get("purpose", "")
    return Typed(
        purpose=purpose if purpose in {Purpose.GOODWILL, Purpose.CORRECTION} else "",
        question=form.get("question", ""),
        debit=form.get("debit", ""),
        credit=form.get("credit", ""),
        amount=form.get("amount", ""),
        reason=form.get("reason", ""),
    )


def fault_messages(faults: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (field id, message) in the order of the page."""
    return [
        (field, gettext(_FAULTS[field, faults[field]], least=REASON_LEAST, most=REASON_MOST))
        for field in _ORDER
        if field in faults
    ]


def form_id() -> str:
    """Return the public id that the form carries, so that a form sent twice proposes once."""
    sent = request.form.get("public_id", "")
    is_ours = len(sent) == len(new_public_id()) and sent.isascii() and sent.isalnum()
    return sent if is_ours else new_public_id()


def wanted_status() -> str | None:
    """Return the state to show, or None for all."""
    status = request.args.get("state", "")
    return status if status in set(Status) else None
