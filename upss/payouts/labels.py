"""The words of a statement: months, kinds of entries and states, as the reader's language says them."""

from __future__ import annotations

from functools import lru_cache

from babel.dates import format_date

from upss.payouts.rules.statement import Period
from upss.web.i18n import N_, catalogue, gettext

# LLLL is the month's name standing alone, y the year.
_MONTH = N_("LLLL y")

_WORDS = {
    # kinds of entries; one without words is "Other"
    "answer_accepted": N_("Answer accepted"),
    "tip_paid": N_("Tip"),
    "rehold": N_("Answer given to somebody else"),
    "refund_requested": N_("Money back to the asker"),
    "rebate": N_("Price lowered"),
    "dispute_lost": N_("Payment taken back by the asker's bank"),
    "transfer_created": N_("Sent to your account"),
    "transfer_failed": N_("Refused, the money stays yours"),
    "transfer_reversed": N_("Came back to us"),
    "bank_batch_submitted": N_("Sent to your bank"),
    "payout_returned": N_("Came back from your bank"),
    "adjustment": N_("Correction"),
    "write_off": N_("Debt that you need not pay"),
    # where a question's money is
    "remaining": N_("Not paid yet"),
    "on_its_way": N_("On its way"),
    "paid": N_("Paid"),
    "taken_back": N_("Taken back"),
    # the other lines of the file
    "opening": N_("Remaining at the start"),
    "closing": N_("Remaining at the end"),
    "block": N_("Newest block of the books"),
}
_COLUMNS = {
    "day": N_("Day"),
    "what": N_("What"),
    "question": N_("Question"),
    "price": N_("Price"),
    "commission": N_("Commission"),
    "others": N_("Others who answered"),
    "earned": N_("Your share"),
    "paid": N_("Paid to you"),
    "remaining": N_("Remaining"),
    "state": N_("State"),
    "reference": N_("Reference"),
    "currency": N_("Currency"),
}


def word(code: str) -> str:
    """Say what an entry's kind or a question's state means."""
    return gettext(_WORDS.get(code, N_("Other")))


def column(code: str) -> str:
    """Say what a column of the file holds."""
    return gettext(_COLUMNS[code])


def period_name(period: Period) -> str:
    """Write "November 2026", or "2026" for a year."""
    words = catalogue()
    return _written(period, words.gettext(_MONTH), words.code)


@lru_cache(maxsize=512)
def _written(period: Period, pattern: str, code: str) -> str:
    return period.name if period.is_year else format_date(period.begins, pattern, locale=code)
