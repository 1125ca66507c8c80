"""An entry before and after it is written: its lines, what was asked, and its digest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Self

from upss.kernel.errors import UpssError
from upss.kernel.money import Money
from upss.ledger.rules.chart import is_guarded

# The version stands in what is hashed, so that a later form can never pass for this one.
_ENTRY_DOMAIN = b"upss-entry-v1\0"
_REQUEST_DOMAIN = b"upss-request-v1\0"
_CANONICAL = json.JSONEncoder(
    sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
)

Fact = int | str | Sequence[Sequence[int | str]]


class BadEntry(UpssError):
    """An entry that must not be written: it does not balance, or a line lacks its question."""

    code = "bad_entry"


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One side of an entry: minor units, debit above zero and credit below."""

    account: str
    currency: str
    amount: int
    question_id: int | None

    def __post_init__(self) -> None:
        Money(self.amount, self.currency)
        named = type(self.question_id) is int and self.question_id > 0
        if not named and (self.question_id is not None or is_guarded(self.account)):
            raise BadEntry(account=self.account, question_id=self.question_id)


def merge(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Add up lines of the same account and question, drop zeros, and order what remains."""
    given = list(lines)
    sums: Counter[tuple[str, str, int | None]] = Counter()
    for line in given:
        sums[line.account, line.currency, line.question_id] += line.amount
    if len(sums) == len(given) and all(sums.values()):  # as nearly always: nothing to add up
        return tuple(sorted(given, key=_order))
    merged = [
        Line(account, currency, amount, question_id)
        for (account, currency, question_id), amount in sums.items()
        if amount
    ]
    return tuple(sorted(merged, key=_order))


def _order(line: Line) -> tuple[str, int]:
    return line.account, line.question_id or 0


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What an entry is asked for: enough to recognise a replay before any line is known."""

    kind: str
    key: str
    facts: Mapping[str, Fact] = field(hash=False)
    external_ref: str | None = None

    @property
    def request_hash(self) -> str:
        """The SHA-256 of what was asked, in hexadecimal."""
        asked = {
            "kind": self.kind,
            "key": self.key,
            "external_ref": self.external_ref,
            "facts": dict(self.facts),
        }
        return hashlib.sha256(_REQUEST_DOMAIN + canonical_json(asked)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class EntryDraft(Cause):
    """What shall be written. It cannot be made unless it balances in every currency.

    `facts` is what was asked (question, amount, references), never what follows from balances:
    a replay of the same key is recognised by it. Without `value_date` the day of booking counts.
    """

    lines: tuple[Line, ...]
    reverses_id: int | None = None
    value_date: date | None = None
    actor: str = "system"
    reason: str | None = None
    approver: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", merge(self.lines))
        sums: Counter[str] = Counter()
        for line in self.lines:
            sums[line.currency] += line.amount
        if not self.lines or any(sums.values()):
            raise BadEntry(key=self.key, sums=dict(sums))

    @classmethod
    def for_cause(cls, cause: Cause, lines: Iterable[Line]) -> Self:
        """Return the draft that answers a cause with these lines."""
        return cls(
            kind=cause.kind,
            key=cause.key,
            facts=cause.facts,
            external_ref=cause.external_ref,
            lines=tuple(lines),
        )

    @property
    def debits_minor(self) -> int:
        """The sum of the debit lines, in minor units."""
        return sum(line.amount for line in self.lines if line.amount > 0)

    def by(self, actor: str) -> Self:
        """Return the same draft in the name of another actor."""
        return replace(self, actor=actor)

    def record(self, booked_at: datetime) -> Record:
        """Return the entry as it will stand in the ledger, booked at this instant."""
        return Record(
            kind=self.kind,
            key=self.key,
            request_hash=self.request_hash,
            external_ref=self.external_ref,
            reverses_id=self.reverses_id,
            booked_at=booked_at,
            value_date=self.value_date or booked_at.astimezone(UTC).date(),
            actor=self.actor,
            reason=self.reason,
            approver=self.approver,
            lines=self.lines,
        )


@dataclass(frozen=True, kw_only=True)
class Record:
    """An entry as it stands in the ledger: everything that its digest covers."""

    kind: str
    key: str
    request_hash: str
    external_ref: str | None
    reverses_id: int | None
    booked_at: datetime
    value_date: date
    actor: str
    reason: str | None
    approver: str | None
    lines: tuple[Line, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(_ENTRY_DOMAIN + canonical_json(self.document())).hexdigest()

    def document(self) -> dict[str, object]:
        """Return the entry as plain JSON values; a line is [account, currency, amount, question]."""
        return {
            "kind": self.kind,
            "key": self.key,
            "request": self.request_hash,
            "external_ref": self.external_ref,
            "reverses": self.reverses_id,
            "booked_at": self.booked_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "value_date": self.value_date.isoformat(),
            "actor": self.actor,
            "reason": self.reason,
            "approver": self.approver,
            "lines": [
                [line.account, line.currency, line.amount, line.question_id] for line in self.lines
            ],
        }


def canonical_json(document: Mapping[str, object]) -> bytes:
    """Return the one spelling of a document: sorted keys, no spaces, ASCII."""
    return _CANONICAL.encode(document).encode("ascii")
