"""What a person types about a limit of their own, and the words for what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from babel.numbers import get_decimal_symbol, list_currencies
from flask import request

from upss.forum.rules.cap_periods import Period
from upss.forum.rules.caps import (
    MOST_DAYS,
    MOST_NOTE,
    MOST_SAFETY,
    Action,
    Amount,
    Basis,
    CapRefused,
    CapRule,
    Metric,
    check_rule,
)
from upss.kernel.money import EXPONENTS
from upss.web.i18n import N_, catalogue, gettext

# "1.000", "1,000" and "1 000" are a thousand in all three languages; decimals have another sign.
_GROUPED = r"[1-9]\d{0,2}(?:(?P<sign>[ .,])\d{3})(?:(?P=sign)\d{3}){0,2}(?!(?P=sign)\d)"
_MONEY = re.compile(
    rf"(?:€|EUR)?\s*(?P<whole>{_GROUPED}|\d{{1,12}})(?:[.,](?P<part>\d{{1,2}}))?\s*(?:€|EUR|euros?)?",
    re.IGNORECASE,
)
_HOURS = re.compile(
    rf"(?P<whole>{_GROUPED}|\d{{1,6}})(?:[.,](?P<part>\d{{1,2}})|:(?P<minutes>[0-5]\d))?"
    r"\s*(?:h|hours?|horas?|hores)?",
    re.IGNORECASE,
)
_OTHER_MONEY = re.compile(
    r"[$£¥₣₹]|\b(?:dollars?|d[óò]lar(?:e?s)?|pounds?|libras?|lliur(?:a|es))\b", re.IGNORECASE
)
_CODE = re.compile(r"([a-z]{3})?[\s\d.,]+([a-z]{3})?", re.IGNORECASE)
_ORDER = (
    "metric", "most", "period", "days", "anchor_day", "expenses", "safety", "note",
)  # fmt: skip
_FAULTS = {
    ("metric", "empty"): N_("Choose what you want to limit"),
    ("most", "empty"): N_("Write how much"),
    ("most", "bad"): N_("Write how much as a plain number, for example 300 or 7.5"),
    ("most", "zero"): N_("Write a number above zero. To take no paid questions at all, use the button on the page before"),
    ("most", "limit"): N_("This number is too large. Write a smaller one"),
    ("most", "currency"): N_("Your answers are paid in %(currency)s. Write the limit in %(currency)s"),
    ("period", "empty"): N_("Choose how often it begins anew"),
    ("days", "days"): N_("Write how many days, from 1 to %(days)s"),
    ("anchor_day", "anchor"): N_("Write a day that exists in the chosen month, for example 6"),
    ("expenses", "expenses"): N_("Write the expenses as a whole number from 0 to 99"),
    ("safety", "safety"): N_("Write the safety as a whole number from 0 to %(safety)s"),
    ("note", "note"): N_("Shorten the note to %(note)s characters"),
}  # fmt: skip
_FIELDS = {"limit": "most", "currency": "most", "anchor": "anchor_day"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed:
    """The form as it was sent, word for word."""

    metric: str = ""
    most: str = ""
    period: str = Period.MONTH
    days: str = ""
    anchor_month: str = "1"
    anchor_day: str = "1"
    basis: str = Basis.ACCRUAL
    expenses: str = "0"
    safety: str = "10"
    action: str = Action.BLOCK
    note: str = ""


def typed() -> Typed:
    """Read the form as it is."""
    return Typed(**{field.name: request.form.get(field.name, "") for field in fields(Typed)})


def typed_of(rule: CapRule) -> Typed:
    """Return the form as it would be typed for a limit that exists."""
    if rule.metric is Metric.MINUTES:
        hours, minutes = divmod(rule.limit, 60)
        most = f"{hours}:{minutes:02d}" if minutes else str(hours)
    else:
        whole, part = divmod(rule.limit, 10 ** EXPONENTS[rule.currency or ""])
        point = get_decimal_symbol(catalogue().code)
        most = f"{whole}{point}{part:02d}" if part else str(whole)
    month, day = rule.anchor
    return Typed(
        metric=rule.metric,
        most=most,
        period=rule.period,
        days=str(rule.days or ""),
        anchor_month=str(month),
        anchor_day=str(day),
        basis=rule.basis,
        expenses=str(rule.expenses_pct),
        safety=str(rule.safety_pct),
        action=rule.action,
        note=rule.note,
    )


def understood(form: Typed, currency: str) -> tuple[CapRule | None, list[tuple[str, str]]]:
    """Return the limit that is meant, or None with (field, message) for every fault."""
    faults = {
        field: "empty"
        for field, known in (("metric", Metric), ("period", Period))
        if getattr(form, field) not in set(known)
    }
    limit, fault = _most(form, currency)
    if fault:
        faults["most"] = fault
    if faults:
        return None, _messages(faults, currency)
    rule = _rule(form, limit, currency)
    try:
        check_rule(rule, currency=currency)
    except CapRefused as error:
        reasons = [str(reason) for reason in error.facts["reasons"]]  # type: ignore[attr-defined]
        return None, _messages({_FIELDS.get(it, it): it for it in reasons}, currency)
    return rule, []


def _rule(form: Typed, limit: int, currency: str) -> CapRule:
    """Put the pieces together; what does not apply to the chosen kind is left out."""
    is_money = form.metric == Metric.MONEY
    expenses = _whole(form.expenses or "0") if is_money else 0
    period = Period(form.period)
    is_tax_year = period is Period.TAX_YEAR
    return CapRule(
        metric=Metric(form.metric),
        period=period,
        limit=limit,
        basis=Basis(form.basis) if is_money and form.basis in set(Basis) else Basis.ACCRUAL,
        amount=Amount.NET if expenses else Amount.GROSS,
        currency=currency if is_money else None,
        safety_pct=_whole(form.safety or "0"),
        action=Action(form.action) if form.action in set(Action) else Action.BLOCK,
        days=_whole(form.days) if period is Period.ROLLING else 0,
        anchor=(_whole(form.anchor_month), _whole(form.anchor_day)) if is_tax_year else (1, 1),
        expenses_pct=expenses,
        note=" ".join(form.note.split()),
    )


def _most(form: Typed, currency: str) -> tuple[int, str | None]:
    """Return minor units or minutes, and what is wrong with them."""
    text = re.sub(r"\s", " ", form.most).strip()  # \u202f and the like stand in thousands
    if not text:
        return 0, "empty"
    if form.metric == Metric.MINUTES:
        return _minutes(text)
    found = _MONEY.fullmatch(text)
    if found is None:
        return 0, "currency" if _is_other_money(text, currency) else "bad"
    minor = int(_digits(found) + (found["part"] or "").ljust(2, "0"))
    return minor, None if minor else "zero"


def _digits(found: re.Match[str]) -> str:
    """Return the whole number of a match without the signs between its thousands."""
    return re.sub(r"\D", "", found["whole"])


def _is_other_money(text: str, currency: str) -> bool:
    """Tell whether an amount of some other currency is meant: "$300", "300 USD"."""
    codes = _CODE.fullmatch(text)
    is_code = codes is not None and not (list_currencies() - {currency}).isdisjoint(
        code.upper() for code in codes.groups() if code
    )
    has_number = any(sign.isdigit() for sign in text)
    return has_number and (is_code or _OTHER_MONEY.search(text) is not None)


def _minutes(text: str) -> tuple[int, str | None]:
    found = _HOURS.fullmatch(text)
    if found is None:
        return 0, "bad"
    hundredths = int((found["part"] or "").ljust(2, "0"))
    minutes = int(_digits(found)) * 60 + int(found["minutes"] or hundredths * 60 // 100)
    return minutes, None if minutes else "zero"


def _whole(text: str) -> int:
    """Return a whole number, or -1, which no rule takes."""
    plain = text.strip().removesuffix("%").strip()
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 6 else -1


def _messages(faults: dict[str, str], currency: str) -> list[tuple[str, str]]:
    given = {"currency": currency, "days": MOST_DAYS, "safety": MOST_SAFETY, "note": MOST_NOTE}
    return [
        (field, gettext(_FAULTS[field, faults[field]], **given))
        for field in _ORDER
        if field in faults
    ]
