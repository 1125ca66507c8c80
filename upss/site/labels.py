"""The names of topics, in the catalogues under these words."""

from __future__ import annotations

from upss.web.i18n import N_, gettext

_TOPICS = {
    "daily": N_("Daily life"),
    "home": N_("Home and repairs"),
    "bills": N_("Bills and contracts"),
    "paperwork": N_("Forms and public offices"),
    "garden": N_("Garden and plants"),
}


def topic_name(code: str) -> str:
    """Return the name of a topic in the reader's language; a topic without one is its code."""
    return gettext(_TOPICS[code]) if code in _TOPICS else code
