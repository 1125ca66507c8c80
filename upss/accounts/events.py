"""What accounts tell the packages above."""

from __future__ import annotations

from dataclasses import dataclass

from upss.kernel.events import Event
from upss.kernel.ids import AccountId


@dataclass(frozen=True, kw_only=True)
class SignInAsked(Event):
    """Somebody asked for a sign-in mail; the link is made when the mail is written."""

    request_id: int


@dataclass(frozen=True, kw_only=True)
class SignedOutEverywhere(Event):
    """Somebody leaves every browser; what a browser holds of theirs by itself has to go as well."""

    account_id: AccountId


@dataclass(frozen=True, kw_only=True)
class LanguageChanged(Event):
    """Somebody reads pages and mails in another language than `old` from now on."""

    account_id: AccountId
    old: str


@dataclass(frozen=True, kw_only=True)
class PersonInvited(Event):
    """An organizer, answerer or auditor was invited."""

    account_id: AccountId
    role: str
