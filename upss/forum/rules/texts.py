"""What a question or an answer must be like to be sent; drafts are kept whatever they hold."""

from __future__ import annotations

from upss.kernel.errors import DomainError

TITLE_MAX = 120
BODY_MAX = 3_000
ANSWER_MAX = 20_000
ANSWER_MIN = 40
# What the server keeps of a draft at most: more than any limit above, so that text which is too
# long is still there to be shortened.
DRAFT_MAX = 200_000


class DraftTooLong(DomainError):
    """More text than the server keeps (fact `most`, in characters); the stored draft stays."""

    code = "draft_too_long"
    status = 422


def kept(text: str) -> str:
    """Return what a draft keeps of a text: all of it, cleaned. Raises `DraftTooLong`."""
    cleaned = clean(text)
    if len(cleaned) > DRAFT_MAX:
        raise DraftTooLong(most=DRAFT_MAX)
    return cleaned


def clean(text: str) -> str:
    """Return `text` with plain line ends and no NUL (which PostgreSQL cannot store)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").strip()


def question_faults(*, title: str, body: str) -> dict[str, str]:
    """Return field -> fault ("empty" or "too_long") of a question's texts."""
    faults = {}
    for name, value, most in (("title", title, TITLE_MAX), ("body", body, BODY_MAX)):
        if not value:
            faults[name] = "empty"
        elif len(value) > most:
            faults[name] = "too_long"
    return faults


def answer_fault(body: str) -> str | None:
    """Return "empty", "too_short", "too_long" or None."""
    if not body:
        return "empty"
    if len(body) < ANSWER_MIN:
        return "too_short"
    return "too_long" if len(body) > ANSWER_MAX else None
