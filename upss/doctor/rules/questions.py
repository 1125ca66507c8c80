"""Checks of each question's money against its frozen offer and its state (I6, I7)."""

from __future__ import annotations

from upss.doctor.rules.check import Check

HELD = Check(
    "I6_held",
    """
    WITH lines AS (
      SELECT p.question_id AS id, -sum(p.amount) AS minor
        FROM ledger.posting p
        JOIN ledger.account a ON a.id = p.account_id AND a.code = 'Liabilities:Held:Questions'
       WHERE p.question_id IN ({questions})
       GROUP BY p.question_id
    ), given_back AS (
      SELECT r.question_id AS id, sum(r.amount_minor) AS minor
        FROM refund r JOIN payment y ON y.id = r.payment_id AND y.status = 'paid'
       WHERE r.question_id IN ({questions})
       GROUP BY r.question_id
    )
    SELECT 'question:' || q.id AS subject, 'held while ' || q.status AS what, w.expected,
           coalesce(l.minor, 0) AS found, q.currency
      FROM question q
      LEFT JOIN lines l ON l.id = q.id
      LEFT JOIN given_back g ON g.id = q.id
     CROSS JOIN LATERAL (SELECT CASE
             WHEN q.status IN ('queued', 'under_review', 'claimed', 'clarifying', 'answered')
               OR (q.status = 'in_complaint' AND l.minor <> 0)
             THEN q.price_minor - coalesce(g.minor, 0) ELSE 0 END AS expected) w
     WHERE q.id IN ({questions}) AND coalesce(l.minor, 0) <> w.expected""",
)

PAID = Check(
    "question_paid",
    """
    SELECT 'question:' || q.id AS subject, 'paid while ' || q.status AS what, w.expected,
           coalesce(y.minor, 0) AS found, q.currency
      FROM question q
      LEFT JOIN (SELECT question_id, currency, sum(amount_minor) AS minor FROM payment
                  WHERE status = 'paid' AND question_id IN ({questions})
                  GROUP BY question_id, currency) y ON y.question_id = q.id
     CROSS JOIN LATERAL (SELECT CASE WHEN q.status IN ('draft', 'awaiting_payment', 'abandoned')
             THEN 0 ELSE q.price_minor END AS expected) w
     WHERE q.id IN ({questions})
       AND (coalesce(y.minor, 0) <> w.expected OR coalesce(y.currency, q.currency) <> q.currency)""",
)

# After the split a refund takes what is unpaid and the fund or the organizer bears the rest, as
# they do of a lost dispute that is larger than the price: then share, fund and what was borne are
# judged together. Adjustments explain themselves; tips are not
# of the price; what the organizer bears for a delay leaves the split as it is.
SPLIT = Check(
    "I7_split",
    """
    WITH m AS (
      SELECT p.question_id AS id,
             count(DISTINCT e.id) FILTER (WHERE e.kind = 'answer_accepted')
               - count(DISTINCT e.id) FILTER (WHERE e.kind = 'rehold') AS rounds,
             coalesce(bool_or(e.kind = 'dispute_lost')
               OR max(e.id) FILTER (WHERE e.kind IN ('refund_requested', 'rehold'))
               > min(e.id) FILTER (WHERE e.kind = 'answer_accepted'), false) AS late,
             CAST(coalesce(-sum(p.amount) FILTER (WHERE
               a.code = 'Liabilities:Refunds:Pending' AND e.kind IN ('refund_requested', 'rebate')
               OR a.code = 'Liabilities:Vouchers:Outstanding' AND e.kind = 'refund_requested'
               OR a.code = 'Assets:Disputes:Held' AND e.kind = 'dispute_lost'), 0) AS bigint) AS back,
             CAST(coalesce(-sum(p.amount) FILTER (WHERE
               a.code = 'Income:Commission:Questions'), 0) AS bigint) AS organizer,
             CAST(coalesce(-sum(p.amount) FILTER (WHERE
               a.code = 'Equity:GuaranteeFund'), 0) AS bigint) AS fund,
             CAST(coalesce(-sum(p.amount) FILTER (WHERE
               a.code LIKE 'Liabilities:Answerer:Payable:%'
               AND e.kind IN ('answer_accepted', 'rehold', 'refund_requested', 'dispute_lost')), 0)
               AS bigint) AS share,
             CAST(coalesce(sum(p.amount) FILTER (WHERE
               a.code IN ('Expenses:Goodwill', 'Expenses:Chargebacks')
               AND e.kind <> 'refund_by_organizer'), 0) AS bigint) AS borne
        FROM ledger.posting p
        JOIN ledger.account a ON a.id = p.account_id
        JOIN ledger.entry e ON e.id = p.entry_id AND e.kind <> 'adjustment'
       WHERE p.question_id IN ({questions})
       GROUP BY p.question_id
    )
    SELECT 'question:' || q.id AS subject, w.what, w.expected, w.found, q.currency
      FROM question q JOIN m ON m.id = q.id
     CROSS JOIN LATERAL (SELECT CASE m.rounds WHEN 0 THEN least(q.price_minor - m.back, 0)
                                              ELSE q.price_minor - m.back END AS base) b
     CROSS JOIN LATERAL (SELECT greatest(b.base, 0) * q.commission_bp / 10000 AS commission,
                                greatest(b.base, 0) * q.fund_bp / 10000 AS fund) t
     CROSS JOIN LATERAL (VALUES
           ('organizer', t.commission - t.fund, m.organizer),
           ('fund', CASE WHEN m.late THEN least(t.fund, m.fund) ELSE t.fund END, m.fund),
           ('share', b.base - t.commission
              + CASE WHEN m.late THEN t.fund - m.fund + m.borne ELSE 0 END, m.share)
           ) AS w (what, expected, found)
     WHERE w.expected <> w.found""",
)

ACCEPTED = Check(
    "I7_accepted",
    """
    WITH rounds AS (
      SELECT p.question_id AS id,
             count(DISTINCT e.id) FILTER (WHERE e.kind = 'answer_accepted')
               - count(DISTINCT e.id) FILTER (WHERE e.kind = 'rehold') AS n
        FROM ledger.posting p
        JOIN ledger.entry e ON e.id = p.entry_id AND e.kind IN ('answer_accepted', 'rehold')
       WHERE p.question_id IN ({questions})
       GROUP BY p.question_id
    )
    SELECT 'question:' || q.id AS subject, 'splits while ' || q.status AS what,
           CASE WHEN q.status IN ('accepted', 'final') THEN 1 ELSE 0 END AS expected,
           coalesce(r.n, 0) AS found, NULL AS currency
      FROM question q LEFT JOIN rounds r ON r.id = q.id
     WHERE q.id IN ({questions})
       AND coalesce(r.n, 0) <> CASE
             WHEN q.status IN ('accepted', 'final') THEN 1
             WHEN q.status IN ('in_complaint', 'settled', 'refunded', 'charged_back')
             THEN coalesce(r.n, 0) ELSE 0 END
    UNION ALL
    SELECT 'question:' || p.question_id, 'share of ' || a.code, 1, 0, NULL
      FROM ledger.entry e
      JOIN ledger.posting p ON p.entry_id = e.id
      JOIN ledger.account a ON a.id = p.account_id AND a.code LIKE 'Liabilities:Answerer:Payable:%'
     WHERE e.id > :first_entry AND e.kind = 'answer_accepted'
       AND NOT EXISTS (SELECT 1 FROM answer w
             WHERE w.question_id = p.question_id
               AND w.answerer_id = CAST(substring(a.code, '[0-9]+$') AS bigint))""",
)

# What the asker paid for a quicker answer, if it was late or is noted as given back.
SURCHARGE = Check(
    "surcharge_back",
    """
    WITH back AS (
      SELECT question_id AS id, sum(amount_minor) AS minor FROM refund
       WHERE cause = 'express_missed' AND question_id IN ({questions})
       GROUP BY question_id
    )
    SELECT 'question:' || q.id AS subject, 'surcharge given back' AS what, w.expected,
           coalesce(b.minor, 0) AS found, q.currency
      FROM question q
      LEFT JOIN back b ON b.id = q.id
     CROSS JOIN LATERAL (SELECT CASE
             WHEN q.express_returned_at IS NOT NULL OR q.answered_at > q.promise_at
             THEN coalesce(q.express_minor, 0) ELSE 0 END AS expected) w
     WHERE q.id IN ({questions}) AND coalesce(b.minor, 0) <> w.expected""",
)

CHECKS = (HELD, PAID, SPLIT, ACCEPTED, SURCHARGE)
