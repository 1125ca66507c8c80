"""Checks of the entries by themselves: lines, seals, dates, keys and who wrote them (I1, I11)."""

from __future__ import annotations

from upss.doctor.rules.check import Check

LINES = Check(
    "I1_lines",
    """
    SELECT 'entry:' || p.entry_id AS subject, 'sum' AS what, 0 AS expected,
           sum(p.amount) AS found, p.currency
      FROM ledger.posting p WHERE p.entry_id > :first_entry
     GROUP BY p.entry_id, p.currency HAVING sum(p.amount) <> 0
    UNION ALL
    SELECT 'entry:' || e.id, 'lines', 2, count(p.entry_id), NULL
      FROM ledger.entry e LEFT JOIN ledger.posting p ON p.entry_id = e.id
     WHERE e.id > :first_entry
     GROUP BY e.id HAVING count(p.entry_id) < 2""",
)

SEALED = Check(
    "I1_sealed",
    """
    SELECT 'entry:' || e.id AS subject, 'seal' AS what, 1 AS expected, 0 AS found,
           NULL AS currency
      FROM ledger.entry e
     WHERE e.id > :first_entry AND NOT EXISTS (SELECT 1 FROM ledger.seal s WHERE s.entry_id = e.id)
    UNION ALL
    SELECT 'entry:' || s.entry_id, 'entry of a seal', 1, 0, NULL
      FROM ledger.seal s
     WHERE s.entry_id > :first_entry
       AND NOT EXISTS (SELECT 1 FROM ledger.entry e WHERE e.id = s.entry_id)
    UNION ALL
    SELECT DISTINCT 'entry:' || p.entry_id, 'entry of lines', 1, 0, NULL
      FROM ledger.posting p
     WHERE p.entry_id > :first_entry
       AND NOT EXISTS (SELECT 1 FROM ledger.entry e WHERE e.id = p.entry_id)
    UNION ALL
    SELECT 'entry:' || s.entry_id, 'sealed debits', s.debits, sum(greatest(p.amount, 0)), min(p.currency)
      FROM ledger.seal s LEFT JOIN ledger.posting p ON p.entry_id = s.entry_id
     WHERE s.entry_id > :first_entry
     GROUP BY s.entry_id
    HAVING coalesce(sum(greatest(p.amount, 0)), 0) <> s.debits OR count(p.entry_id) <> s.n_lines""",
)

# What comes from a bank statement has the bank's day; what is put right by hand may name another.
DATES = Check(
    "I1_dates",
    """
    SELECT 'entry:' || e.id AS subject, 'value date' AS what,
           CAST(to_char(e.booked_at AT TIME ZONE 'UTC', 'YYYYMMDD') AS bigint) AS expected,
           CAST(to_char(e.value_date, 'YYYYMMDD') AS bigint) AS found, NULL AS currency
      FROM ledger.entry e
     WHERE e.id > :first_entry
       AND CASE WHEN e.kind IN ('adjustment', 'write_off') OR e.idempotency_key LIKE 'camt:%'
                THEN e.value_date > CAST(e.booked_at AT TIME ZONE 'UTC' AS date)
                ELSE e.value_date <> CAST(e.booked_at AT TIME ZONE 'UTC' AS date) END""",
)

KEYS = Check(
    "I11_keys",
    """
    SELECT 'entry:' || e.id AS subject, 'key' AS what, 1 AS expected, 0 AS found, NULL AS currency
      FROM ledger.entry e
      LEFT JOIN unnest(CAST(:kinds AS text[]), CAST(:prefixes AS text[])) AS k (kind, prefix)
        ON k.kind = e.kind
     WHERE e.id > :first_entry
       AND (k.kind IS NULL OR NOT starts_with(e.idempotency_key, k.prefix)
            OR e.external_ref IS DISTINCT FROM CASE WHEN k.prefix = ANY (CAST(:movements AS text[]))
                 THEN substr(e.idempotency_key, length(k.prefix) + 1) END)
    UNION ALL
    SELECT 'entry:' || max(e.id), 'entries of one key', 1, count(*), NULL
      FROM ledger.entry e WHERE e.id > :first_entry
     GROUP BY e.idempotency_key HAVING count(*) > 1
    UNION ALL
    SELECT 'entry:' || max(e.id), 'entries of one movement', 1, count(*), NULL
      FROM ledger.entry e WHERE e.id > :first_entry AND e.external_ref IS NOT NULL
     GROUP BY e.external_ref HAVING count(*) > 1
    UNION ALL
    SELECT 'entry:' || max(e.id), 'reversals of one entry', 1, count(*), NULL
      FROM ledger.entry e WHERE e.id > :first_entry AND e.reverses_id IS NOT NULL
     GROUP BY e.reverses_id HAVING count(*) > 1""",
)

BY_HAND = Check(
    "two_people",
    """
    SELECT 'entry:' || e.id AS subject, 'people' AS what, 2 AS expected, 1 AS found,
           NULL AS currency
      FROM ledger.entry e
     WHERE e.id > :first_entry AND e.kind IN ('adjustment', 'write_off')
       AND (length(coalesce(e.reason, '')) < 10 OR e.approver IS NULL OR e.approver = e.actor)
    UNION ALL
    SELECT 'payout_run:' || r.id, 'people', 2, 1, NULL
      FROM payout_run r
     WHERE r.status IN ('approved', 'done')
       AND (r.approved_by IS NULL OR r.approved_by = r.prepared_by)""",
)

ADJUSTMENTS = Check(
    "adjustments_booked",
    """
    SELECT 'adjustment:' || a.id AS subject, 'entry' AS what, a.amount_minor AS expected,
           coalesce(s.debits, 0) AS found, a.currency
      FROM adjustment a
      LEFT JOIN ledger.entry e ON e.id = a.entry_id AND e.kind = 'adjustment'
                              AND e.idempotency_key = 'adj:' || a.public_id
      LEFT JOIN ledger.seal s ON s.entry_id = e.id
     WHERE a.status = 'approved' AND coalesce(s.debits, 0) <> a.amount_minor
    UNION ALL
    SELECT 'entry:' || e.id, 'adjustment', 1, 0, NULL
      FROM ledger.entry e
     WHERE e.id > :first_entry AND e.kind = 'adjustment'
       AND NOT EXISTS (SELECT 1 FROM adjustment a WHERE a.entry_id = e.id)""",
)

CHECKS = (LINES, SEALED, DATES, KEYS, BY_HAND, ADJUSTMENTS)
