"""Checks of what goes out: items, their entries, their runs, and each answerer's sum (I8, I15)."""

from __future__ import annotations

from upss.doctor.rules.check import Check, Severity

IN_PAYOUT = Check(
    "I8_in_payout",
    """
    WITH items AS (
      SELECT i.answerer_id, l.question_id, sum(l.amount_minor) AS minor
        FROM payout_item i JOIN payout_line l ON l.item_id = i.id
       WHERE i.status = 'reserved'
       GROUP BY i.answerer_id, l.question_id
    ), kept AS (
      SELECT CAST(substring(a.code, '[0-9]+$') AS bigint) AS answerer_id, b.question_id,
             -b.balance AS minor
        FROM ledger.balance b JOIN ledger.account a ON a.id = b.account_id
       WHERE a.code LIKE 'Liabilities:Answerer:InPayout:%' AND b.balance <> 0
    )
    SELECT 'question:' || coalesce(i.question_id, k.question_id) AS subject,
           'reserved for A' || lpad(CAST(coalesce(i.answerer_id, k.answerer_id) AS text), 4, '0') AS what,
           coalesce(i.minor, 0) AS expected, coalesce(k.minor, 0) AS found, q.currency
      FROM items i
      FULL JOIN kept k ON k.answerer_id = i.answerer_id AND k.question_id = i.question_id
      LEFT JOIN question q ON q.id = coalesce(i.question_id, k.question_id)
     WHERE coalesce(i.minor, 0) <> coalesce(k.minor, 0)""",
)

ITEMS = Check(
    "payouts_booked",
    """
    SELECT 'payout_item:' || i.id AS subject, w.kind AS what,
           CASE WHEN w.due THEN i.amount_minor ELSE 0 END AS expected,
           coalesce(s.debits, 0) AS found, i.currency
      FROM payout_item i
     CROSS JOIN LATERAL (VALUES
           ('rsv:' || i.public_id, 'payout_reserved', i.status IN ('reserved', 'sent', 'refused')),
           ('bt:' || i.balance_transaction_id, 'transfer_created', i.status = 'sent'),
           ('tf:' || i.public_id, 'transfer_failed', i.status = 'refused')) AS w (key, kind, due)
      LEFT JOIN ledger.entry e ON e.idempotency_key = w.key AND e.kind = w.kind
      LEFT JOIN ledger.seal s ON s.entry_id = e.id
     WHERE i.id IN ({items})
       AND coalesce(s.debits, 0) <> CASE WHEN w.due THEN i.amount_minor ELSE 0 END
    UNION ALL
    SELECT 'entry:' || e.id, 'payout item', 1, 0, NULL
      FROM ledger.entry e
     WHERE e.id > :first_entry
       AND (e.kind = 'payout_reserved' AND NOT EXISTS (
              SELECT 1 FROM payout_item i WHERE i.public_id = substr(e.idempotency_key, 5))
            OR e.kind = 'transfer_failed' AND NOT EXISTS (
              SELECT 1 FROM payout_item i WHERE i.public_id = substr(e.idempotency_key, 4))
            OR e.kind = 'transfer_created' AND NOT EXISTS (
              SELECT 1 FROM payout_item i WHERE i.balance_transaction_id = e.external_ref))""",
)

LINES = Check(
    "payout_lines",
    """
    SELECT 'payout_item:' || i.id AS subject, 'lines' AS what, i.amount_minor AS expected,
           coalesce(l.minor, 0) AS found, i.currency
      FROM payout_item i
      LEFT JOIN (SELECT item_id, sum(amount_minor) AS minor FROM payout_line
                  WHERE item_id IN ({items}) GROUP BY item_id) l ON l.item_id = i.id
     WHERE i.id IN ({items}) AND coalesce(l.minor, 0) <> i.amount_minor
    UNION ALL
    SELECT 'payout_item:' || i.id, 'question ' || l.question_id, l.amount_minor,
           coalesce(p.amount, 0), i.currency
      FROM payout_item i
      JOIN payout_line l ON l.item_id = i.id
      LEFT JOIN ledger.entry e ON e.idempotency_key = 'rsv:' || i.public_id
      LEFT JOIN ledger.account a
        ON a.code = 'Liabilities:Answerer:Payable:A'
           || repeat('0', 4 - length(CAST(i.answerer_id AS text))) || i.answerer_id
      LEFT JOIN ledger.posting p
        ON p.entry_id = e.id AND p.account_id = a.id AND p.question_id = l.question_id
     WHERE i.id IN ({items}) AND i.status IN ('reserved', 'sent', 'refused')
       AND coalesce(p.amount, 0) <> l.amount_minor""",
)

RUNS = Check(
    "payout_runs",
    """
    SELECT 'payout_run:' || r.id AS subject, 'total' AS what, r.total_minor AS expected,
           coalesce(i.minor, 0) AS found, r.currency
      FROM payout_run r
      LEFT JOIN (SELECT run_id, sum(amount_minor) AS minor FROM payout_item GROUP BY run_id) i
        ON i.run_id = r.id
     WHERE coalesce(i.minor, 0) <> r.total_minor
    UNION ALL
    SELECT 'payout_run:' || r.id, 'items of a run that is ' || r.status, 0, count(*), NULL
      FROM payout_run r JOIN payout_item i ON i.run_id = r.id
     WHERE CASE r.status WHEN 'prepared' THEN i.status <> 'prepared'
                         WHEN 'cancelled' THEN i.status <> 'cancelled'
                         WHEN 'done' THEN i.status NOT IN ('sent', 'refused')
                         ELSE i.status IN ('prepared', 'cancelled') END
     GROUP BY r.id""",
)

STUCK = Check(
    "payout_age",
    """
    SELECT 'payout_item:' || i.id AS subject, 'hours since approval' AS what, 24 AS expected,
           CAST(extract(epoch FROM CAST(:now AS timestamptz) - r.approved_at) / 3600 AS bigint) AS found,
           NULL AS currency
      FROM payout_item i JOIN payout_run r ON r.id = i.run_id
     WHERE i.status = 'reserved'
       AND r.approved_at < CAST(:now AS timestamptz) - interval '24 hours'
    UNION ALL
    SELECT 'refund:' || f.id, 'days since asked for', 7,
           CAST(extract(day FROM CAST(:now AS timestamptz) - f.requested_at) AS bigint), NULL
      FROM refund f
     WHERE f.status IN ('requested', 'sent')
       AND f.requested_at < CAST(:now AS timestamptz) - interval '7 days'""",
    severity=Severity.WARNING,
)

# All that ever left a payable must have come there by entries that were in a block by then.
# Reservations of the days before the first block could not wait for one.
ANCHORED = Check(
    "payouts_anchored",
    """
    WITH reserved AS (
      SELECT i.id, i.currency, a.id AS account_id, l.question_id, r.id AS entry_id, r.booked_at
        FROM payout_item i
        JOIN ledger.entry r ON r.idempotency_key = 'rsv:' || i.public_id
        JOIN payout_line l ON l.item_id = i.id
        JOIN ledger.account a
          ON a.code = 'Liabilities:Answerer:Payable:A'
             || repeat('0', 4 - length(CAST(i.answerer_id AS text))) || i.answerer_id
       WHERE i.id IN ({items})
         AND r.booked_at > (SELECT b.sealed_at FROM ledger.block b WHERE b.seq = 1)
    )
    SELECT 'payout_item:' || z.id AS subject, 'question ' || z.question_id AS what,
           s.gone AS expected, s.anchored AS found, z.currency
      FROM reserved z
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(p.amount) FILTER (WHERE
                    p.amount > 0 AND p.entry_id <= z.entry_id), 0) AS gone,
                  coalesce(-sum(p.amount) FILTER (WHERE
                    p.amount < 0 AND b.sealed_at <= z.booked_at), 0) AS anchored
             FROM ledger.posting p
             LEFT JOIN ledger.block_entry o ON o.entry_id = p.entry_id
             LEFT JOIN ledger.block b ON b.seq = o.block_seq
            WHERE p.question_id = z.question_id AND p.account_id = z.account_id) s
     WHERE s.gone > s.anchored""",
)

STATEMENTS = Check(
    "I15_statements",
    """
    WITH people AS (
      SELECT id AS account_id, CAST(substring(code, '[0-9]+$') AS bigint) AS id, currency,
             code LIKE 'Liabilities:Answerer:Payable:%' AS is_payable
        FROM ledger.account WHERE code LIKE 'Liabilities:Answerer:%'
    ), lines AS (
      SELECT o.id, o.currency,
             -sum(p.amount) FILTER (WHERE o.is_payable AND e.kind NOT IN
               ('payout_reserved', 'transfer_failed', 'transfer_reversed', 'payout_returned')) AS earned,
             -sum(p.amount) FILTER (WHERE e.kind IN
               ('transfer_reversed', 'payout_returned', 'bank_batch_submitted')) AS returned
        FROM people o
        JOIN ledger.posting p ON p.account_id = o.account_id
        JOIN ledger.entry e ON e.id = p.entry_id
       GROUP BY o.id, o.currency
    ), paid AS (
      SELECT answerer_id AS id, currency, sum(amount_minor) AS minor
        FROM payout_item WHERE status = 'sent' GROUP BY answerer_id, currency
    ), kept AS (
      SELECT o.id, o.currency, -sum(b.balance) AS minor
        FROM people o JOIN ledger.balance b ON b.account_id = o.account_id
       GROUP BY o.id, o.currency
    )
    SELECT 'answerer:' || coalesce(l.id, d.id) AS subject, 'earned less paid' AS what,
           coalesce(l.earned, 0) + coalesce(l.returned, 0) - coalesce(d.minor, 0) AS expected,
           coalesce(k.minor, 0) AS found, coalesce(l.currency, d.currency) AS currency
      FROM lines l
      FULL JOIN paid d ON d.id = l.id AND d.currency = l.currency
      LEFT JOIN kept k ON k.id = l.id AND k.currency = l.currency
     WHERE coalesce(l.earned, 0) + coalesce(l.returned, 0) - coalesce(d.minor, 0)
           <> coalesce(k.minor, 0)""",
    in_quick=False,
)

CHECKS = (IN_PAYOUT, ITEMS, LINES, RUNS, STUCK, ANCHORED, STATEMENTS)
