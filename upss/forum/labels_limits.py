"""What a limit is called, and its amounts and times, in the reader's language."""

from __future__ import annotations

from datetime import date, timedelta

from babel.dates import format_date, get_month_names

from upss.forum.labels import stretch
from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import CapRule, Metric, Stage
from upss.web.filters import format_money
from upss.web.i18n import N_, catalogue, gettext, ngettext

# The first day of a tax year. Letters: d day, MMMM month.
_DAY_OF_YEAR = N_("d MMMM")
# A year that has every day.
_ANY_YEAR = 2000
_NAMES = {
    Period.DAY: N_("%(most)s each day"),
    Period.WEEK: N_("%(most)s each week"),
    Period.MONTH: N_("%(most)s each month"),
    Period.QUARTER: N_("%(most)s each quarter"),
    Period.YEAR: N_("%(most)s each calendar year"),
}
_COUNTED = {
    Stage.ANSWERED: N_("Answers sent"),
    Stage.ACCEPTED: N_("Accepted answers"),
    Stage.PAID: N_("Money sent to you"),
}
COLUMNS = {
    "first": N_("First day"),
    "last": N_("Last day"),
    "accrued": N_("Earned with accepted answers"),
    "paid": N_("Paid to you"),
    "counted": N_("Counted in this limit"),
    "reserved": N_("Set aside"),
    "remaining": N_("Still free"),
    "unit": N_("Unit"),
}


def amount(rule: CapRule, value: int) -> str:
    """Write an amount of what a limit counts: money or time."""
    if rule.metric is Metric.MINUTES:
        return stretch(abs(value))
    return format_money(value, rule.currency or "", catalogue().code)


def name(rule: CapRule) -> str:
    """Write "€300.00 each month"."""
    most = amount(rule, rule.limit)
    if rule.period is Period.ROLLING:
        return ngettext(
            "%(most)s in any %(num)s day", "%(most)s in any %(num)s days", rule.days, most=most
        )
    if rule.period is Period.TAX_YEAR:
        words = catalogue()
        first = date(_ANY_YEAR, *rule.anchor)
        day = format_date(first, words.gettext(_DAY_OF_YEAR), locale=words.code)
        return gettext("%(most)s each year that begins on %(day)s", most=most, day=day)
    return gettext(_NAMES[rule.period], most=most)


def months() -> list[tuple[int, str]]:
    """Return the months of a year to choose from."""
    return list(get_month_names("wide", "stand-alone", locale=catalogue().code).items())


def last_of(end: date) -> date:
    """Return the last day of a span that ends before `end`."""
    return end - timedelta(days=1)


def counted(rule: CapRule) -> str:
    """Say what it is that a limit has counted."""
    return gettext(_COUNTED[rule.counted_when])


def column(code: str) -> str:
    """Say what a column of the file holds."""
    return gettext(COLUMNS[code])
