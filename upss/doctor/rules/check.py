"""What a self-check is: a code, how bad a finding is, and the statement that returns findings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error: the books contradict themselves. A warning: a person should look."""

    ERROR = "error"
    WARNING = "warning"


# What a statement looks at, named in braces: all of it, or, in the quick set, what moved lately.
# The quick set is told what that is, by `LIVE`: so the planner knows how little it is, and the
# checks cost the same however long the ledger grows. `:first_entry` is the id up to which the
# quick set does not look; for the full set it is 0.
LIVE = {
    "live_questions": """
        SELECT question_id FROM ledger.posting
         WHERE entry_id > :first_entry AND question_id IS NOT NULL
        UNION SELECT id FROM question WHERE status = 'queued'
        UNION SELECT id FROM question WHERE status = 'answered'
        UNION SELECT question_id FROM claim WHERE status = 'active'""",
    "live_items": """
        SELECT id FROM payout_item WHERE status = 'reserved'
        UNION SELECT i.id FROM ledger.entry e
          JOIN payout_item i ON i.public_id = substr(e.idempotency_key, 5)
         WHERE e.id > :first_entry AND e.kind = 'payout_reserved'""",
    "live_movements": """
        SELECT external_ref FROM ledger.entry
         WHERE id > :first_entry AND idempotency_key LIKE 'bt:%'""",
}

# The quick totals trust the newest checkpoint, which the full set computes anew.
_TOTALS = """
    SELECT a.id, a.code, a.currency, CAST(sum(p.amount) AS bigint) AS minor
      FROM ledger.account a JOIN ledger.posting p ON p.account_id = a.id
     GROUP BY a.id"""
_NEWEST_TOTALS = """
    SELECT a.id, a.code, a.currency,
           CAST(coalesce(k.minor, 0) + coalesce(w.minor, 0) AS bigint) AS minor
      FROM ledger.account a
      LEFT JOIN LATERAL (SELECT c.debit - c.credit AS minor FROM ledger.checkpoint c
                          WHERE c.account_id = a.id ORDER BY c.block_seq DESC LIMIT 1) k ON true
      LEFT JOIN (SELECT p.account_id, sum(p.amount) AS minor
                   FROM ledger.pending w JOIN ledger.posting p ON p.entry_id = w.entry_id
                  GROUP BY p.account_id) w ON w.account_id = a.id"""

_SCOPES = {
    "{questions}": (
        "SELECT id FROM question",
        "SELECT unnest(CAST(:live_questions AS bigint[]))",
    ),
    "{items}": ("SELECT id FROM payout_item", "SELECT unnest(CAST(:live_items AS bigint[]))"),
    "{movements}": (
        "SELECT id FROM balance_transaction",
        "SELECT unnest(CAST(:live_movements AS text[]))",
    ),
    "{totals}": (_TOTALS, _NEWEST_TOTALS),
}
_WINDOW = (":first_entry", ":first_block", *_SCOPES)


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant. Its statement returns a row for each thing that breaks it.

    Columns: subject ("question:1001"), what (a word that tells two findings of one subject
    apart), expected and found (minor units where `currency` is named, else plain numbers) and
    currency. The title stands in labels.py, where it is translated.
    """

    code: str
    sql: str
    severity: Severity = Severity.ERROR
    in_quick: bool = True

    def statement(self, *, quick: bool) -> str:
        """Return the SQL for the full or for the quick set."""
        made = self.sql
        for name, (every, live) in _SCOPES.items():
            made = made.replace(name, live if quick else every)
        return made

    @property
    def is_windowed(self) -> bool:
        """Whether the quick set sees a part only, so that its silence proves nothing."""
        return not self.in_quick or any(name in self.sql for name in _WINDOW)
