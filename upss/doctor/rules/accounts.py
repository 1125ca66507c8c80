"""Checks of the accounts: sums, sides, currencies and kept balances (I2, I3, I12)."""

from __future__ import annotations

from upss.doctor.rules.check import Check, Severity

TRIAL_BALANCE = Check(
    "I2_trial_balance",
    """
    SELECT 'currency:' || t.currency AS subject, 'sum' AS what, 0 AS expected,
           sum(t.minor) AS found, t.currency
      FROM ({totals}) t GROUP BY t.currency HAVING sum(t.minor) <> 0""",
)

SIDES = Check(
    "I3_sides",
    """
    SELECT 'account:' || t.code AS subject, 'side' AS what, 0 AS expected, t.minor AS found,
           t.currency
      FROM ({totals}) t
      JOIN unnest(CAST(:sided AS text[]), CAST(:sides AS int[])) AS s (prefix, side)
        ON starts_with(t.code, s.prefix)
     WHERE t.minor * s.side < 0""",
)

GUARDED = Check(
    "I3_guarded",
    """
    SELECT 'question:' || b.question_id AS subject, a.code AS what, 0 AS expected,
           b.balance AS found, a.currency
      FROM ledger.balance b JOIN ledger.account a ON a.id = b.account_id
     WHERE b.balance > 0""",
)

CURRENCIES = Check(
    "I3_currency",
    """
    SELECT 'entry:' || p.entry_id AS subject, 'currency of ' || a.code AS what,
           1 AS expected, 0 AS found, NULL AS currency
      FROM ledger.posting p
      JOIN ledger.account a ON a.id = p.account_id
      LEFT JOIN question q ON q.id = p.question_id
     WHERE p.entry_id > :first_entry
       AND (p.currency <> a.currency OR p.currency <> coalesce(q.currency, p.currency))
    UNION ALL
    SELECT 'entry:' || p.entry_id, 'account ' || p.account_id, 1, 0, NULL
      FROM ledger.posting p
     WHERE p.entry_id > :first_entry
       AND NOT EXISTS (SELECT 1 FROM ledger.account a WHERE a.id = p.account_id)
    UNION ALL
    SELECT 'entry:' || p.entry_id, 'question ' || p.question_id, 1, 0, NULL
      FROM ledger.posting p
     WHERE p.entry_id > :first_entry AND p.question_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM question q WHERE q.id = p.question_id)""",
)

CHART = Check(
    "I3_chart",
    """
    SELECT 'account:' || a.code AS subject, 'kind or guard' AS what, 1 AS expected, 0 AS found,
           a.currency
      FROM ledger.account a
     WHERE a.kind <> CASE split_part(a.code, ':', 1)
             WHEN 'Assets' THEN 'asset' WHEN 'Liabilities' THEN 'liability'
             WHEN 'Income' THEN 'income' WHEN 'Expenses' THEN 'expense'
             WHEN 'Equity' THEN 'equity' ELSE '' END
        OR a.guarded <> (a.code = 'Liabilities:Held:Questions'
                         OR starts_with(a.code, 'Liabilities:Answerer:Payable:A')
                         OR starts_with(a.code, 'Liabilities:Answerer:InPayout:A'))""",
)

# Only of questions that moved: the rest is for the night.
KEPT_BALANCES = Check(
    "I12_balances",
    """
    WITH lines AS (
      SELECT p.account_id, p.question_id, sum(p.amount) AS minor
        FROM ledger.posting p JOIN ledger.account a ON a.id = p.account_id AND a.guarded
       WHERE p.question_id IN ({questions})
       GROUP BY p.account_id, p.question_id
    ), kept AS (
      SELECT * FROM ledger.balance b WHERE b.question_id IN ({questions})
    )
    SELECT 'question:' || coalesce(l.question_id, k.question_id) AS subject, a.code AS what,
           coalesce(l.minor, 0) AS expected, coalesce(k.balance, 0) AS found, a.currency
      FROM lines l
      FULL JOIN kept k ON k.account_id = l.account_id AND k.question_id = l.question_id
      JOIN ledger.account a ON a.id = coalesce(l.account_id, k.account_id)
     WHERE coalesce(l.minor, 0) <> coalesce(k.balance, 0)""",
)

SUSPENSE = Check(
    "suspense",
    """
    SELECT 'account:' || t.code AS subject, 'sum' AS what, 0 AS expected, t.minor AS found,
           t.currency
      FROM ({totals}) t WHERE t.code = 'Equity:Suspense' AND t.minor <> 0""",
)

FUND = Check(
    "fund_below_zero",
    """
    SELECT 'account:' || t.code AS subject, 'sum' AS what, 0 AS expected, -t.minor AS found,
           t.currency
      FROM ({totals}) t WHERE t.code = 'Equity:GuaranteeFund' AND t.minor > 0""",
    severity=Severity.WARNING,
)

# Two days for a charge, ten for what is on its way to or from a bank.
CLEARING = Check(
    "clearing_age",
    """
    SELECT 'payment:' || y.id AS subject, 'hours without balance transaction' AS what, 48 AS expected,
           CAST(extract(epoch FROM CAST(:now AS timestamptz) - y.settled_at) / 3600 AS bigint) AS found,
           NULL AS currency
      FROM payment y
     WHERE y.status IN ('paid', 'returned') AND y.balance_transaction_id IS NULL
       AND y.settled_at < CAST(:now AS timestamptz) - interval '48 hours'
    UNION ALL
    SELECT 'account:' || t.code, 'days without a movement', 10,
           CAST(extract(day FROM CAST(:now AS timestamptz) - e.booked_at) AS bigint), NULL
      FROM ({totals}) t
      JOIN LATERAL (SELECT max(p.entry_id) AS id FROM ledger.posting p WHERE p.account_id = t.id) n
        ON true
      JOIN ledger.entry e ON e.id = n.id
     WHERE t.code IN ('Assets:Stripe:InTransit', 'Assets:Bank:Outgoing') AND t.minor <> 0
       AND e.booked_at < CAST(:now AS timestamptz) - interval '10 days'""",
    severity=Severity.WARNING,
)

CHECKS = (
    TRIAL_BALANCE, SIDES, GUARDED, CURRENCIES, CHART, KEPT_BALANCES, SUSPENSE, FUND, CLEARING,
)  # fmt: skip
