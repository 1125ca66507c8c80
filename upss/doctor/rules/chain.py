"""Checks of the chain: blocks, what waits for one, and the totals that each one leaves."""

from __future__ import annotations

from upss.doctor.rules.check import Check, Severity

PENDING = Check(
    "chain_pending",
    """
    SELECT 'entry:' || s.entry_id AS subject, 'waits for a block' AS what,
           CASE WHEN b.entry_id IS NULL THEN 1 ELSE 0 END AS expected,
           CASE WHEN w.entry_id IS NULL THEN 0 ELSE 1 END AS found, NULL AS currency
      FROM ledger.seal s
      LEFT JOIN ledger.block_entry b ON b.entry_id = s.entry_id
      LEFT JOIN ledger.pending w ON w.entry_id = s.entry_id
     WHERE s.entry_id > :first_entry AND (b.entry_id IS NULL) <> (w.entry_id IS NOT NULL)
    UNION ALL
    SELECT 'entry:' || w.entry_id, 'entry that waits', 1, 0, NULL
      FROM ledger.pending w
     WHERE NOT EXISTS (SELECT 1 FROM ledger.seal s WHERE s.entry_id = w.entry_id)""",
)

WAITING = Check(
    "chain_waiting",
    """
    SELECT 'ledger:chain' AS subject, 'entries older than 30 minutes' AS what, 0 AS expected,
           count(*) AS found, NULL AS currency
      FROM ledger.pending w JOIN ledger.entry e ON e.id = w.entry_id
     WHERE e.booked_at < CAST(:now AS timestamptz) - interval '30 minutes'
    HAVING count(*) > 0""",
    severity=Severity.WARNING,
)

BLOCKS = Check(
    "chain_blocks",
    """
    SELECT 'block:' || b.seq AS subject, 'entries' AS what, b.n_entries AS expected,
           count(o.entry_id) AS found, NULL AS currency
      FROM ledger.block b LEFT JOIN ledger.block_entry o ON o.block_seq = b.seq
     WHERE b.seq > :first_block
     GROUP BY b.seq
    HAVING count(o.entry_id) <> b.n_entries OR coalesce(max(o.pos), -1) <> b.n_entries - 1
    UNION ALL
    SELECT 'block:' || b.seq, 'block before', 1, 0, NULL
      FROM ledger.block b LEFT JOIN ledger.block o ON o.seq = b.seq - 1
     WHERE b.seq > :first_block
       AND b.prev_hash IS DISTINCT FROM CASE WHEN b.seq = 1 THEN repeat('0', 64) ELSE o.hash END
    UNION ALL
    SELECT DISTINCT 'block:' || o.block_seq, 'block of entries', 1, 0, NULL
      FROM ledger.block_entry o
     WHERE o.block_seq > :first_block
       AND NOT EXISTS (SELECT 1 FROM ledger.block b WHERE b.seq = o.block_seq)
    UNION ALL
    SELECT DISTINCT 'block:' || k.block_seq, 'block of a checkpoint', 1, 0, NULL
      FROM ledger.checkpoint k
     WHERE k.block_seq > :first_block
       AND NOT EXISTS (SELECT 1 FROM ledger.block b WHERE b.seq = k.block_seq)""",
)

# Each checkpoint is the one before plus the lines of its block; so all of them are right if the
# first is, which stands on nothing.
CHECKPOINTS = Check(
    "I12_checkpoints",
    """
    WITH moved AS (
      SELECT o.block_seq, p.account_id, sum(greatest(p.amount, 0)) AS debit,
             sum(greatest(-p.amount, 0)) AS credit
        FROM ledger.block_entry o JOIN ledger.posting p ON p.entry_id = o.entry_id
       WHERE o.block_seq > :first_block
       GROUP BY o.block_seq, p.account_id
    ), kept AS (
      SELECT k.block_seq, k.account_id, k.debit - coalesce(b.debit, 0) AS debit,
             k.credit - coalesce(b.credit, 0) AS credit
        FROM ledger.checkpoint k
        LEFT JOIN LATERAL (SELECT c.debit, c.credit FROM ledger.checkpoint c
                            WHERE c.account_id = k.account_id AND c.block_seq < k.block_seq
                            ORDER BY c.block_seq DESC LIMIT 1) b ON true
       WHERE k.block_seq > :first_block
    )
    SELECT 'block:' || coalesce(m.block_seq, k.block_seq) AS subject, w.side || ' of ' || a.code AS what,
           w.expected, w.found, a.currency
      FROM moved m
      FULL JOIN kept k ON k.block_seq = m.block_seq AND k.account_id = m.account_id
      JOIN ledger.account a ON a.id = coalesce(m.account_id, k.account_id)
     CROSS JOIN LATERAL (VALUES ('debit', coalesce(m.debit, 0), coalesce(k.debit, 0)),
                                ('credit', coalesce(m.credit, 0), coalesce(k.credit, 0))
           ) AS w (side, expected, found)
     WHERE w.expected <> w.found""",
)

CHECKS = (PENDING, WAITING, BLOCKS, CHECKPOINTS)
