"""What an answerer types, and the words for what is wrong with it or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from upss.forum.rules.policy import Policy
from upss.forum.rules.queue import Reason
from upss.forum.rules.skips import SkipReason
from upss.forum.rules.texts import ANSWER_MAX, ANSWER_MIN, DRAFT_MAX, clean
from upss.forum.service.answering import Page
from upss.kernel.ids import ClaimId
from upss.web.i18n import N_, gettext, ngettext

if TYPE_CHECKING:
    from upss.forum.rules.queue import ClaimRefused


_REFUSALS: dict[str, str] = {
    "own_question": N_("This is your own question. Somebody else will answer it."),
    "topic": N_("This is not one of the topics that you answer now."),
    "own_limits": N_("Your own limits leave no room for this question."),
    "no_paid_work": N_("You take no paid questions at the moment."),
    "language": N_("This question is in a language that you do not answer in."),
    "away": N_("You have said that you are away. To take a question, come back first."),
    "peak": N_("This question waits for a quieter hour. Look at it again later."),
    "reserved": N_("Somebody else has a head start on this question. Look at it again later."),
    "stagger": N_("Others see this question a little earlier. Look at it again later."),
    "daily": N_(
        "With this question you would do more than you set for one day. Come back tomorrow, or set"
        " more for one day."
    ),
    "excluded": N_("This question is for somebody else: you have answered it before."),
}
_WHERE: dict[str, tuple[str, str]] = {
    "topic": ("hours.work", N_("My hours")),
    "own_limits": ("limits.mine", N_("My limits")),
    "no_paid_work": ("limits.mine", N_("My limits")),
    "language": ("hours.work", N_("My hours")),
    "away": ("hours.overview", N_("My hours")),
    "daily": ("hours.day", N_("My hours")),
}

_SKIPS = {
    SkipReason.EXPERIENCE: N_("It is outside my experience"),
    SkipReason.TOO_LONG: N_("It is too long for today"),
    SkipReason.KNOWN: N_("I know the person who asks"),
    SkipReason.OTHER: N_("Something else"),
    SkipReason.UNSAID: N_("I would rather not say"),
}


def typed_body() -> str:
    """Return the answer as it was typed."""
    return request.form.get("body", "")


def typed_claim() -> ClaimId | None:
    """Return the number of the claim that the page was made for, None if it names none.

    What is no number is that of no claim.
    """
    typed = request.form.get("claim")
    if typed is None:
        return None
    return (
        ClaimId(int(typed))
        if typed.isascii() and typed.isdecimal() and len(typed) < 19
        else ClaimId(0)
    )


def typed_page() -> Page | None:
    """Return the page for writing that was sent, None if it does not say which."""
    token, revision = request.form.get("page", ""), request.form.get("revision", "")
    if not token or not (revision.isascii() and revision.isdecimal() and len(revision) < 10):
        return None
    return Page(token[:24], int(revision))


def body_error(fault: str, body: str) -> str:
    """Say what is wrong with an answer (empty, too_short, too_long) and how to mend it."""
    if fault == "empty":
        return gettext("Write your answer")
    length = len(clean(body))
    if fault == "too_short":
        return gettext(
            "Write a little more: at least %(least)s characters. You have %(length)s.",
            least=ANSWER_MIN,
            length=length,
        )
    return ngettext(
        "Your answer is %(num)s character too long. Shorten it to %(most)s.",
        "Your answer is %(num)s characters too long. Shorten it to %(most)s.",
        length - ANSWER_MAX,
        most=ANSWER_MAX,
    )


def too_much_error() -> str:
    """Say that a text is more than the server keeps."""
    return gettext(
        "This text is too long to be saved. Shorten it to less than %(most)s characters.",
        most=DRAFT_MAX,
    )


def aside_words() -> str:
    """Say that a page is too old to go on with."""
    return gettext(
        "There is a newer text of yours. What you wrote here is kept beside it."
        " Load the page again to see both."
    )


def refusal_reason(error: ClaimRefused) -> str:
    """Return the first reason against a claim, as the address of a page carries it."""
    return str(error.facts["reason"])


def refusal(reason: str) -> str:
    """Say why a question cannot be claimed; what stands in an address may be anything."""
    if reason == Reason.TOO_MANY:
        return ngettext(
            "You hold %(num)s question already. Answer it or give it back first.",
            "You hold %(num)s questions already. Answer one or give one back first.",
            Policy().open_claims_max,
        )
    if reason in _REFUSALS:
        return gettext(_REFUSALS[reason])
    return gettext("This question no longer waits. Somebody was faster, or it was withdrawn.")


def refusal_link(reason: str) -> tuple[str, str] | None:
    """Return the endpoint and the label of the page where the person may change that reason."""
    return _WHERE.get(reason)


def skip_reasons() -> list[tuple[str, str, None]]:
    """Return what somebody may say when they pass a question over, for radios."""
    return [(str(reason), gettext(words), None) for reason, words in _SKIPS.items()]


def typed_skip_reason() -> SkipReason:
    """Return why a question was passed over; what is not on the list was not said."""
    typed = request.form.get("why", "")
    return SkipReason(typed) if typed in set(SkipReason) else SkipReason.UNSAID
