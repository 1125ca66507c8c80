"""What the asker's forms send; their faults in words."""

from __future__ import annotations

from flask import request

from upss.forum.rules.texts import BODY_MAX, TITLE_MAX
from upss.forum.service.asking import DraftText
from upss.web.i18n import LANGUAGES, N_, catalogue, gettext

_FAULTS = {
    ("title", "empty"): N_("Write your question in one sentence"),
    ("title", "too_long"): N_("Shorten your question to %(most)s characters; it has %(now)s"),
    ("body", "empty"): N_("Tell a little more"),
    ("body", "too_long"): N_("Shorten the text to %(most)s characters; it has %(now)s"),
    ("topic", "empty"): N_("Choose what your question is about"),
    ("size", "empty"): N_("Choose the size of the answer"),
}
_MOST = {"title": TITLE_MAX, "body": BODY_MAX}


def draft_text() -> DraftText:
    """Read the ask form as it is; nothing is refused here, because a draft may be anything."""
    form = request.form
    language = form.get("language", "")
    return DraftText(
        title=form.get("title", ""),
        body=form.get("body", ""),
        topic=form.get("topic") or None,
        size=form.get("size") if form.get("size") in {"small", "medium", "large"} else None,
        language=language if language in LANGUAGES else catalogue().code,
        wants_previous=form.get("wants_previous") == "yes",
    )


def fault_messages(faults: dict[str, str], lengths: dict[str, int]) -> list[tuple[str, str]]:
    """Return (field id, message) in the order of the page."""
    return [
        (
            name,
            gettext(_FAULTS[name, faults[name]], most=_MOST.get(name, 0), now=lengths.get(name, 0)),
        )
        for name in ("topic", "title", "body", "size")
        if name in faults
    ]
