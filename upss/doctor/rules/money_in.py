"""Checks of what came in and what goes back: movements, payments, refunds (I4, I5, I9)."""

from __future__ import annotations

from upss.doctor.rules.check import Check

STRIPE_BALANCE = Check(
    "I4_stripe_balance",
    """
    SELECT 'account:Assets:Stripe:Balance' AS subject, 'sum' AS what,
           coalesce(b.minor, 0) AS expected, coalesce(t.minor, 0) AS found,
           coalesce(b.currency, t.currency) AS currency
      FROM (SELECT currency, sum(net_minor) AS minor FROM balance_transaction GROUP BY currency) b
      FULL JOIN (SELECT * FROM ({totals}) x WHERE x.code = 'Assets:Stripe:Balance') t
        ON t.currency = b.currency
     WHERE coalesce(b.minor, 0) <> coalesce(t.minor, 0)""",
    in_quick=False,
)

MOVEMENTS = Check(
    "I4b_movements",
    """
    WITH booked AS (
      SELECT e.external_ref AS id, count(DISTINCT e.id) AS entries, min(e.kind) AS kind,
             coalesce(sum(p.amount) FILTER (WHERE a.code = 'Assets:Stripe:Balance'), 0) AS net,
             coalesce(sum(p.amount) FILTER (WHERE a.code LIKE 'Expenses:Stripe:%'), 0) AS fee
        FROM ledger.entry e
        LEFT JOIN ledger.posting p ON p.entry_id = e.id
        LEFT JOIN ledger.account a ON a.id = p.account_id
       WHERE e.external_ref IN ({movements}) AND e.idempotency_key LIKE 'bt:%'
       GROUP BY e.external_ref
    )
    SELECT 'movement:' || b.id AS subject, w.what, w.expected, w.found, w.currency
      FROM balance_transaction b LEFT JOIN booked k ON k.id = b.id
     CROSS JOIN LATERAL (VALUES
           ('entries', 1, coalesce(k.entries, 0), NULL),
           ('net', b.net_minor, k.net, b.currency),
           ('fee', b.fee_minor, k.fee, b.currency),
           ('kind', 1, CASE WHEN k.kind = ANY (CASE b.kind
                WHEN 'charge' THEN ARRAY['charge_settled'] WHEN 'refund' THEN ARRAY['refund_settled']
                WHEN 'refund_failure' THEN ARRAY['refund_failed']
                WHEN 'transfer' THEN ARRAY['transfer_created'] ELSE ARRAY[k.kind] END)
              THEN 1 ELSE 0 END, NULL)
           ) AS w (what, expected, found, currency)
     WHERE b.id IN ({movements}) AND w.expected <> w.found
       AND (k.id IS NOT NULL OR w.what = 'entries')
    UNION ALL
    SELECT 'entry:' || e.id, 'balance transaction', 1, 0, NULL
      FROM ledger.entry e
     WHERE e.id > :first_entry AND e.idempotency_key LIKE 'bt:%'
       AND NOT EXISTS (SELECT 1 FROM balance_transaction b WHERE b.id = e.external_ref)""",
)

UNSETTLED = Check(
    "I5_unsettled",
    """
    WITH lines AS (
      SELECT p.question_id AS id, sum(p.amount) AS minor
        FROM ledger.posting p
        JOIN ledger.account a ON a.id = p.account_id AND a.code = 'Assets:Stripe:Unsettled'
       WHERE p.question_id IN ({questions})
       GROUP BY p.question_id
    ), charges AS (
      SELECT y.question_id AS id, sum(y.amount_minor) AS minor
        FROM payment y
       WHERE y.status IN ('paid', 'returned') AND y.balance_transaction_id IS NULL
         AND y.question_id IN ({questions})
       GROUP BY y.question_id
    )
    SELECT 'question:' || q.id AS subject, 'unsettled' AS what, coalesce(c.minor, 0) AS expected,
           coalesce(l.minor, 0) AS found, q.currency
      FROM lines l FULL JOIN charges c ON c.id = l.id
      JOIN question q ON q.id = coalesce(l.id, c.id)
     WHERE coalesce(c.minor, 0) <> coalesce(l.minor, 0)""",
)

PAYMENTS = Check(
    "payments_booked",
    """
    SELECT 'payment:' || y.id AS subject, w.kind AS what, w.expected,
           coalesce(-p.amount, 0) AS found, y.currency
      FROM payment y
     CROSS JOIN LATERAL (VALUES
           ('cs:' || y.session_id, CASE y.status WHEN 'paid' THEN 'question_paid'
              WHEN 'returned' THEN 'payment_returned' END, y.amount_minor,
            CASE y.status WHEN 'paid' THEN 'Liabilities:Held:Questions'
              ELSE 'Liabilities:Refunds:Pending' END),
           ('bt:' || y.balance_transaction_id, 'charge_settled', y.amount_minor,
            'Assets:Stripe:Unsettled')) AS w (key, kind, expected, code)
      LEFT JOIN ledger.entry e ON e.idempotency_key = w.key AND e.kind = w.kind
      LEFT JOIN ledger.account a ON a.code = w.code
      LEFT JOIN ledger.posting p ON p.entry_id = e.id AND p.account_id = a.id
                                AND p.question_id = y.question_id
     WHERE y.question_id IN ({questions}) AND y.status IN ('paid', 'returned')
       AND (w.kind <> 'charge_settled' OR y.balance_transaction_id IS NOT NULL)
       AND coalesce(-p.amount, 0) <> w.expected
    UNION ALL
    SELECT 'entry:' || e.id, 'payment', 1, 0, NULL
      FROM ledger.entry e
     WHERE e.id > :first_entry
       AND (e.kind IN ('question_paid', 'payment_returned') AND NOT EXISTS (
              SELECT 1 FROM payment y WHERE y.session_id = substr(e.idempotency_key, 4)
                 AND y.status = CASE e.kind WHEN 'question_paid' THEN 'paid' ELSE 'returned' END)
            OR e.kind = 'charge_settled' AND NOT EXISTS (
              SELECT 1 FROM payment y WHERE y.balance_transaction_id = e.external_ref))""",
)

# The movement stays on the row as long as the money did not come back; without one it is owed.
REFUNDS_PENDING = Check(
    "I9_refunds",
    """
    WITH lines AS (
      SELECT p.question_id AS id, -sum(p.amount) AS minor
        FROM ledger.posting p
        JOIN ledger.account a ON a.id = p.account_id AND a.code = 'Liabilities:Refunds:Pending'
       WHERE p.question_id IN ({questions})
       GROUP BY p.question_id
    ), owed AS (
      SELECT r.question_id AS id, sum(r.amount_minor) AS minor
        FROM refund r
       WHERE r.balance_transaction_id IS NULL AND r.question_id IN ({questions})
       GROUP BY r.question_id
    )
    SELECT 'question:' || q.id AS subject, 'owed back' AS what, coalesce(o.minor, 0) AS expected,
           coalesce(l.minor, 0) AS found, q.currency
      FROM lines l FULL JOIN owed o ON o.id = l.id
      JOIN question q ON q.id = coalesce(l.id, o.id)
     WHERE coalesce(o.minor, 0) <> coalesce(l.minor, 0)""",
)

REFUNDS = Check(
    "refunds_booked",
    """
    SELECT 'refund:' || r.id AS subject, w.kind AS what, r.amount_minor AS expected,
           coalesce(abs(p.amount), 0) AS found, r.currency
      FROM refund r JOIN payment y ON y.id = r.payment_id
     CROSS JOIN LATERAL (VALUES
           ('ref:' || r.public_id, 'refund_requested', y.status = 'paid'),
           ('bt:' || r.balance_transaction_id, 'refund_settled',
            r.balance_transaction_id IS NOT NULL OR r.status = 'settled')) AS w (key, kind, due)
      LEFT JOIN ledger.entry e ON e.idempotency_key = w.key AND e.kind = w.kind
      LEFT JOIN ledger.account a ON a.code = 'Liabilities:Refunds:Pending'
      LEFT JOIN ledger.posting p ON p.entry_id = e.id AND p.account_id = a.id
                                AND p.question_id = r.question_id
     WHERE r.question_id IN ({questions}) AND w.due
       AND coalesce(abs(p.amount), 0) <> r.amount_minor
    UNION ALL
    SELECT 'entry:' || e.id, 'refund', 1, 0, NULL
      FROM ledger.entry e
     WHERE e.id > :first_entry AND e.kind = 'refund_requested'
       AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.public_id = substr(e.idempotency_key, 5))""",
)

CHECKS = (STRIPE_BALANCE, MOVEMENTS, UNSETTLED, PAYMENTS, REFUNDS_PENDING, REFUNDS)
