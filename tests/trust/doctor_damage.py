"""Damage to the books, as somebody with every right could do it: each kind, and who must find it."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    Cursor = psycopg.Cursor

# Whatever a damage below touches; a repair puts all of it back.
TABLES = (
    "ledger.account", "ledger.entry", "ledger.posting", "ledger.seal", "ledger.balance",
    "ledger.block", "ledger.block_entry", "ledger.pending", "ledger.checkpoint",
    "public.question", "public.answer", "public.payment", "public.refund", "public.payout_run",
    "public.payout_item", "public.payout_line", "public.balance_transaction", "public.adjustment",
)  # fmt: skip

_numbers = count(1)
_PAID = "(SELECT max(id) FROM ledger.entry WHERE kind = 'question_paid')"
_SPLIT = "(SELECT max(id) FROM ledger.entry WHERE kind = 'answer_accepted')"
_COMMISSION = "(SELECT id FROM ledger.account WHERE code = 'Income:Commission:Questions')"
_QUEUED = "(SELECT max(id) FROM question WHERE status = 'queued')"


def save(cursor: Cursor) -> None:
    """Keep a copy of everything that is going to be damaged."""
    cursor.execute("CREATE SCHEMA saved")
    for table in TABLES:
        cursor.execute(f"CREATE TABLE saved.{table.replace('.', '_')} AS TABLE {table}")


def restore(cursor: Cursor) -> None:
    """Put everything back as it was."""
    cursor.execute("SET session_replication_role = replica")
    for table in TABLES:
        cursor.execute(f"DELETE FROM {table}")
        cursor.execute(
            f"INSERT INTO {table} OVERRIDING SYSTEM VALUE"
            f" SELECT * FROM saved.{table.replace('.', '_')}"
        )
    cursor.execute("RESET session_replication_role")


def book(
    cursor: Cursor, kind: str, key: str, lines: dict[str, int], *, question: str = "NULL"
) -> None:
    """Add an entry in the usual way, but one that nothing stands for."""
    ref = key.removeprefix("bt:") if key.startswith("bt:") else None
    cursor.execute(
        "INSERT INTO ledger.entry (kind, idempotency_key, request_hash, external_ref, booked_at,"
        " value_date, actor, reason, approver) SELECT %s, %s, repeat('a', 64), %s, max(booked_at),"
        " CAST(max(booked_at) AT TIME ZONE 'UTC' AS date), 'system', 'put right by hand', 'other'"
        " FROM ledger.entry RETURNING id",
        [kind, key, ref],
    )
    [entry_id] = cursor.fetchone()
    for number, (code, minor) in enumerate(sorted(lines.items()), 1):
        root = code.split(":")[0].lower()
        cursor.execute(
            "INSERT INTO ledger.account (code, kind, currency, guarded)"
            " SELECT %s, %s, 'EUR', false WHERE %s NOT IN (SELECT code FROM ledger.account)",
            [code, {"assets": "asset", "expenses": "expense"}.get(root, root), code],
        )  # fmt: skip
        cursor.execute(
            "INSERT INTO ledger.posting (entry_id, line_no, account_id, currency, amount, question_id)"
            f" SELECT %s, %s, id, 'EUR', %s, {question} FROM ledger.account WHERE code = %s",
            [entry_id, number, minor, code],
        )
    debits = sum(minor for minor in lines.values() if minor > 0)
    digest = hashlib.sha256(f"{key}{next(_numbers)}".encode()).hexdigest()
    cursor.execute(
        "INSERT INTO ledger.seal VALUES (%s, %s, %s, %s)", [entry_id, len(lines), debits, digest]
    )


def movement(cursor: Cursor, name: str, kind: str, net: int) -> None:
    """Add a movement of the provider's balance."""
    cursor.execute(
        "INSERT INTO balance_transaction SELECT %s, %s, %s, 0, %s, 'EUR', max(seen_at)"
        " FROM balance_transaction",
        [name, kind, net, net],
    )


def refund_settled_twice(cursor: Cursor) -> None:
    movement(cursor, "txn_again", "refund", -1200)
    question = "(SELECT question_id FROM refund WHERE status = 'settled' LIMIT 1)"
    lines = {"Liabilities:Refunds:Pending": 1200, "Assets:Stripe:Balance": -1200}
    book(cursor, "refund_settled", "bt:txn_again", lines, question=question)


def transfer_of_nobody(cursor: Cursor) -> None:
    movement(cursor, "txn_gone", "transfer", -510)
    cursor.execute(
        "SELECT a.code, b.question_id FROM ledger.balance b JOIN ledger.account a ON a.id = b.account_id"
        " WHERE a.code LIKE '%:InPayout:%' AND b.balance < -510 LIMIT 1"
    )
    code, question = cursor.fetchone()
    lines = {code: 510, "Assets:Stripe:Balance": -510}
    book(cursor, "transfer_created", "bt:txn_gone", lines, question=str(question))


def unexplained(cursor: Cursor) -> None:
    movement(cursor, "txn_what", "other", 777)
    book(
        cursor,
        "movement_unexplained",
        "bt:txn_what",
        {"Assets:Stripe:Balance": 777, "Equity:Suspense": -777},
    )


def doubled(cursor: Cursor) -> None:
    lines = {"Assets:Stripe:Unsettled": 1200, "Liabilities:Held:Questions": -1200}
    book(cursor, "question_paid", "cs:again", lines, question=_QUEUED)


def negative_fund(cursor: Cursor) -> None:
    lines = {"Equity:GuaranteeFund": 99_999, "Assets:Bank:Main": -99_999}
    book(cursor, "fund_paid_out", "fout:1", lines)


def disputes_on_the_wrong_side(cursor: Cursor) -> None:
    lines = {"Expenses:Goodwill": 5, "Assets:Disputes:Held": -5}
    book(cursor, "adjustment", "adj:none", lines)


def adjusted(code: str) -> Callable[[Cursor], None]:
    """An adjustment of what none may touch, as the program itself would never post it."""

    def post(cursor: Cursor) -> None:
        lines = {"Expenses:Goodwill": 5, code: -5}
        book(cursor, "adjustment", "adj:held", lines, question=_QUEUED)

    return post


def _entry_gone(which: str) -> str:
    return (
        f"CREATE TEMP TABLE gone AS SELECT {which} AS id;"
        "DELETE FROM ledger.posting WHERE entry_id IN (SELECT id FROM gone);"
        "DELETE FROM ledger.seal WHERE entry_id IN (SELECT id FROM gone);"
        "DELETE FROM ledger.pending WHERE entry_id IN (SELECT id FROM gone);"
        "DELETE FROM ledger.block_entry WHERE entry_id IN (SELECT id FROM gone);"
        "DELETE FROM ledger.entry WHERE id IN (SELECT id FROM gone); DROP TABLE gone"
    )


# what was done, the check that must name it, how (SQL with all guards off, or a function with
# the guards on), and what a repair takes beyond putting the rows back
Damage = tuple[str, str, "str | Callable[[Cursor], None]", str]
DAMAGES: tuple[Damage, ...] = (
    ("one cent more on one line", "I1_lines",
     f"UPDATE ledger.posting SET amount = amount + 1 WHERE entry_id = {_PAID} AND amount > 0", ""),
    ("one cent more, and the trial balance", "I2_trial_balance",
     f"UPDATE ledger.posting SET amount = amount - 1 WHERE entry_id = {_SPLIT} AND amount > 0", ""),
    ("one cent more on both sides", "I1_sealed",
     f"UPDATE ledger.posting SET amount = amount + sign(amount) WHERE entry_id = {_PAID}", ""),
    ("a seal is missing", "I1_sealed", f"DELETE FROM ledger.seal WHERE entry_id = {_SPLIT}", ""),
    ("a line is missing", "I1_sealed",
     f"DELETE FROM ledger.posting WHERE entry_id = {_SPLIT} AND account_id = {_COMMISSION}", ""),
    ("the actor is another", "I1_verify", f"UPDATE ledger.entry SET actor = 'nobody' WHERE id = {_SPLIT}", ""),
    ("a backdated entry", "I1_dates",
     f"UPDATE ledger.entry SET value_date = value_date - 40 WHERE id = {_SPLIT}", ""),
    ("another movement in the books", "I11_keys",
     ("UPDATE ledger.entry SET external_ref = 'txn_other' WHERE id ="
     " (SELECT max(id) FROM ledger.entry WHERE kind = 'charge_settled')"), ""),
    ("one key twice", "I11_keys",
     ("ALTER TABLE ledger.entry DROP CONSTRAINT entry_idempotency_key_key;"
     "UPDATE ledger.entry SET idempotency_key = (SELECT idempotency_key FROM ledger.entry"
     f" WHERE id = {_PAID}) WHERE id = (SELECT min(id) FROM ledger.entry WHERE kind = 'question_paid')"),
     "ALTER TABLE ledger.entry ADD CONSTRAINT entry_idempotency_key_key UNIQUE (idempotency_key)"),
    ("an adjustment by one person", "two_people",
     ("ALTER TABLE ledger.entry DROP CONSTRAINT manual_needs_reason;"
     "UPDATE ledger.entry SET approver = actor WHERE kind = 'adjustment'"),
     ("ALTER TABLE ledger.entry ADD CONSTRAINT manual_needs_reason CHECK (kind NOT IN"
     " ('adjustment', 'write_off') OR (length(coalesce(reason, '')) >= 10 AND approver IS NOT NULL"
     " AND approver <> actor))")),
    ("an adjustment without its proposal", "adjustments_booked", "DELETE FROM adjustment", ""),
    ("an entry deleted", "payments_booked", _entry_gone(_PAID), ""),
    ("the newest split deleted", "I7_accepted", _entry_gone(_SPLIT), ""),
    ("an entry doubled", "payments_booked", doubled, ""),
    ("a payment of another amount", "question_paid",
     f"UPDATE payment SET amount_minor = amount_minor + 1 WHERE question_id = {_QUEUED}", ""),
    ("a kept balance changed", "I12_balances",
     "UPDATE ledger.balance SET balance = balance - 1 WHERE balance < 0", ""),
    ("a kept balance lost", "I12_balances", "DELETE FROM ledger.balance WHERE balance < 0", ""),
    ("a question overdrawn", "I3_guarded",
     ("ALTER TABLE ledger.balance DROP CONSTRAINT overdrawn;"
     "UPDATE ledger.balance SET balance = 7 WHERE balance < 0"),
     "ALTER TABLE ledger.balance ADD CONSTRAINT overdrawn CHECK (balance <= 0)"),
    ("an account in another currency", "I3_currency",
     "UPDATE ledger.account SET currency = 'CHF' WHERE code = 'Expenses:Stripe:Fees'", ""),
    ("a line of a question that never was", "I3_currency",
     f"UPDATE ledger.posting SET question_id = 77 WHERE entry_id = {_PAID}", ""),
    ("an account not guarded any more", "I3_chart",
     ("ALTER TABLE ledger.account DROP CONSTRAINT guard_follows_code;"
     "UPDATE ledger.account SET guarded = false WHERE code = 'Liabilities:Held:Questions'"),
     ("ALTER TABLE ledger.account ADD CONSTRAINT guard_follows_code CHECK (guarded ="
     " (code ~ '^Liabilities:(Held:Questions$|Answerer:(Payable|InPayout):A)'))")),
    ("an account on the wrong side", "I3_sides", disputes_on_the_wrong_side, ""),
    ("an unexplained movement", "suspense", unexplained, ""),
    ("the fund is empty", "fund_below_zero", negative_fund, ""),
    ("a movement that nobody booked", "I4b_movements",
     lambda cursor: movement(cursor, "txn_new", "charge", 5), ""),
    ("a movement in the sum alone", "I4_stripe_balance",
     lambda cursor: movement(cursor, "txn_new", "charge", 5), ""),
    ("a movement lost", "I4b_movements",
     "DELETE FROM balance_transaction WHERE id = (SELECT max(balance_transaction_id) FROM payment)", ""),
    ("another fee", "I4b_movements",
     ("UPDATE balance_transaction SET fee_minor = fee_minor + 1, net_minor = net_minor - 1"
     " WHERE id = (SELECT max(balance_transaction_id) FROM payment)"), ""),
    ("a charge without its movement", "I5_unsettled",
     ("UPDATE payment SET balance_transaction_id = NULL"
     " WHERE id = (SELECT max(id) FROM payment WHERE balance_transaction_id IS NOT NULL)"), ""),
    ("a charge that never settles", "clearing_age",
     ("UPDATE payment SET settled_at = settled_at - interval '3 days'"
     " WHERE status = 'paid' AND balance_transaction_id IS NULL"), ""),
    ("an adjustment of what is held", "I6_held", adjusted("Liabilities:Held:Questions"), ""),
    ("an adjustment of what is unsettled", "I5_unsettled", adjusted("Assets:Stripe:Unsettled"), ""),
    ("an adjustment of what is owed back", "I9_refunds", adjusted("Liabilities:Refunds:Pending"), ""),
    ("a refund lost", "refunds_booked", "DELETE FROM refund WHERE status = 'settled' AND cause <> 'returned'", ""),
    ("a refund that failed, lost", "I9_refunds", "DELETE FROM refund WHERE status = 'failed'", ""),
    ("a refund settled twice", "I9_refunds", refund_settled_twice, ""),
    ("another price after the split", "I7_split",
     "UPDATE question SET price_minor = price_minor + 100 WHERE status = 'accepted'", ""),
    ("one cent from the organizer to the answerer", "I7_split",
     (f"UPDATE ledger.posting SET amount = amount + CASE WHEN account_id = {_COMMISSION} THEN 1 ELSE -1 END"
     f" WHERE entry_id = {_SPLIT} AND account_id IN (SELECT id FROM ledger.account"
     "  WHERE code = 'Income:Commission:Questions' OR code LIKE 'Liabilities:Answerer:Payable:%')"), ""),
    ("one cent from the fund to the organizer", "I7_split",
     (f"UPDATE ledger.posting SET amount = amount + CASE WHEN account_id = {_COMMISSION} THEN -1 ELSE 1 END"
     f" WHERE entry_id = {_SPLIT} AND account_id IN (SELECT id FROM ledger.account"
     "  WHERE code IN ('Income:Commission:Questions', 'Equity:GuaranteeFund'))"), ""),
    ("a line moved to another question", "I12_balances",
     (f"UPDATE ledger.posting SET question_id = {_QUEUED} WHERE entry_id = {_SPLIT}"
     " AND account_id IN (SELECT id FROM ledger.account WHERE code LIKE '%:Payable:%')"), ""),
    ("the share of another person", "I7_accepted",
     "UPDATE answer SET answerer_id = (SELECT min(id) FROM account)", ""),
    ("money held for a closed question", "I6_held",
     "UPDATE question SET status = 'withdrawn' WHERE status = 'queued'", ""),
    ("nothing held for an open question", "I6_held",
     "UPDATE question SET status = 'answered' WHERE status = 'accepted'", ""),
    ("a surcharge that never went back", "surcharge_back",
     ("UPDATE question SET express_minor = 100, express_returned_at = answered_at"
      " WHERE status = 'accepted'"), ""),
    ("an item that says it was sent", "I8_in_payout",
     "UPDATE payout_item SET status = 'sent' WHERE status = 'reserved'", ""),
    ("an item lost", "I8_in_payout", "DELETE FROM payout_item WHERE status = 'reserved'", ""),
    ("an item that says it was refused", "payouts_booked",
     "UPDATE payout_item SET status = 'refused' WHERE status = 'sent'", ""),
    ("a transfer of no item", "payouts_booked", transfer_of_nobody, ""),
    ("another amount of a question in an item", "payout_lines",
     "UPDATE payout_line SET amount_minor = amount_minor + 1", ""),
    ("another total of a run", "payout_runs", "UPDATE payout_run SET total_minor = total_minor + 1", ""),
    ("a run done before its items", "payout_runs",
     "UPDATE payout_run SET status = 'done' WHERE status = 'approved'", ""),
    ("a payout that stays", "payout_age",
     "UPDATE payout_run SET approved_at = approved_at - interval '2 days'", ""),
    ("more sent than was booked", "I15_statements",
     "UPDATE payout_item SET amount_minor = amount_minor + 1 WHERE status = 'sent'", ""),
    ("money that was in no block went out", "payouts_anchored",
     "UPDATE ledger.block SET sealed_at = sealed_at + interval '30 days' WHERE seq > 1", ""),
    ("money went out that was in no block in part", "payouts_anchored",
     ("UPDATE ledger.posting SET amount = amount + 100 WHERE entry_id = (SELECT min(p.entry_id)"
      " FROM payout_item i JOIN payout_line l ON l.item_id = i.id AND i.status = 'reserved'"
      " JOIN ledger.posting p ON p.question_id = l.question_id"
      " JOIN ledger.entry e ON e.id = p.entry_id AND e.kind = 'answer_accepted')"
      " AND account_id IN (SELECT id FROM ledger.account WHERE code LIKE '%:Payable:%')"), ""),
    ("an entry that waits is forgotten", "chain_pending",
     "DELETE FROM ledger.pending WHERE entry_id = (SELECT max(entry_id) FROM ledger.pending)", ""),
    ("an entry that is in a block waits", "chain_pending", "INSERT INTO ledger.pending VALUES (1)", ""),
    ("entries wait for hours", "chain_waiting",
     ("UPDATE ledger.entry SET booked_at = booked_at - interval '1 hour'"
     " WHERE id IN (SELECT entry_id FROM ledger.pending)"), ""),
    ("the newest block deleted", "chain_blocks",
     "DELETE FROM ledger.block WHERE seq = (SELECT max(seq) FROM ledger.block)", ""),
    ("an entry taken out of its block", "chain_blocks",
     "DELETE FROM ledger.block_entry WHERE block_seq = 2 AND pos = 0", ""),
    ("another block before", "chain_blocks",
     "UPDATE ledger.block SET prev_hash = repeat('b', 64) WHERE seq = 2", ""),
    ("a checkpoint changed", "I12_checkpoints",
     "UPDATE ledger.checkpoint SET debit = debit + 1 WHERE block_seq = 1", ""),
    ("a trigger switched off", "guards_triggers",
     "ALTER TABLE ledger.posting DISABLE TRIGGER append_only",
     "ALTER TABLE ledger.posting ENABLE TRIGGER append_only"),
    ("a trigger that never fires", "guards_triggers",
     ("DROP TRIGGER posting_insert ON ledger.posting;CREATE TRIGGER posting_insert BEFORE INSERT ON"
      " ledger.posting FOR EACH ROW WHEN (false) EXECUTE FUNCTION ledger.posting_insert()"),
     ("DROP TRIGGER posting_insert ON ledger.posting;CREATE TRIGGER posting_insert BEFORE INSERT ON"
      " ledger.posting FOR EACH ROW EXECUTE FUNCTION ledger.posting_insert()")),
    ("a trigger too many", "guards_triggers",
     ("CREATE TRIGGER zz_more BEFORE INSERT ON ledger.entry FOR EACH ROW"
      " EXECUTE FUNCTION suppress_redundant_updates_trigger()"),
     "DROP TRIGGER zz_more ON ledger.entry"),
    *((f"without {name}", "guards_triggers", f"ALTER TABLE ledger.{table} DROP CONSTRAINT {name}",
       f"ALTER TABLE ledger.{table} ADD CONSTRAINT {name} {definition}")
      for table, name, definition in (
        ("balance", "overdrawn", "CHECK (balance <= 0)"),
        ("entry", "must_be_sealed",
         "FOREIGN KEY (id) REFERENCES ledger.seal (entry_id) DEFERRABLE INITIALLY DEFERRED"),
        ("posting", "one_currency",
         "FOREIGN KEY (account_id, currency) REFERENCES ledger.account (id, currency)"),
        ("block", "block_prev_hash_key", "UNIQUE (prev_hash)"),
        ("entry", "entry_external_ref_key", "UNIQUE (external_ref)"),
        ("entry", "entry_idempotency_key_key", "UNIQUE (idempotency_key)"),
        ("entry", "entry_reverses_id_key", "UNIQUE (reverses_id)"),
        ("entry", "manual_needs_reason",
         ("CHECK (kind NOT IN ('adjustment', 'write_off') OR (length(coalesce(reason, '')) >= 10"
          " AND approver IS NOT NULL AND approver <> actor))")),
      )),
    ("a constraint that allows everything", "guards_triggers",
     ("ALTER TABLE ledger.balance DROP CONSTRAINT overdrawn;"
      "ALTER TABLE ledger.balance ADD CONSTRAINT overdrawn CHECK (true)"),
     ("ALTER TABLE ledger.balance DROP CONSTRAINT overdrawn;"
      "ALTER TABLE ledger.balance ADD CONSTRAINT overdrawn CHECK (balance <= 0)")),
    ("foreign keys that look away", "guards_triggers",
     "ALTER TABLE ledger.entry DISABLE TRIGGER ALL", "ALTER TABLE ledger.entry ENABLE TRIGGER ALL"),
    ("lines of one account twice", "guards_triggers", "DROP INDEX ledger.posting_once",
     ("CREATE UNIQUE INDEX posting_once ON ledger.posting"
      " (entry_id, account_id, coalesce(question_id, 0))")),
    ("a function that lets everything pass", "guards_triggers",
     ("CREATE TABLE saved.body AS SELECT oid, prosrc FROM pg_proc WHERE proname = 'append_only';"
      "UPDATE pg_proc SET prosrc = 'BEGIN END' WHERE proname = 'append_only'"),
     ("UPDATE pg_proc p SET prosrc = b.prosrc FROM saved.body b WHERE b.oid = p.oid;"
      "DROP TABLE saved.body")),
    ("a function without its owner's rights", "guards_triggers",
     "ALTER FUNCTION ledger.seal_check() SECURITY INVOKER",
     "ALTER FUNCTION ledger.seal_check() SECURITY DEFINER"),
    *((f"a right too many: {right}", "guards_rights",
       f"GRANT {right} TO upss_app", f"REVOKE {right} FROM upss_app")
      for right in (
        "UPDATE ON ledger.posting", "UPDATE (amount) ON ledger.posting", "DELETE ON ledger.seal",
        "INSERT ON ledger.pending", "INSERT (debit) ON ledger.checkpoint",
        "INSERT ON ledger.balance", "INSERT (id) ON ledger.entry",
        "UPDATE ON SEQUENCE ledger.entry_id_seq", "EXECUTE ON FUNCTION ledger.seal_pending()",
        "CREATE ON SCHEMA ledger", "SET ON PARAMETER session_replication_role", "upss_owner",
      )),
)  # fmt: skip


def inflict(cursor: Cursor, how: str | Callable[[Cursor], None]) -> None:
    """Do the damage: SQL with every guard off, functions in the usual way."""
    if callable(how):
        how(cursor)
        return
    cursor.execute("SET session_replication_role = replica")
    rows = 0
    for statement in how.split(";"):
        cursor.execute(statement)
        rows += abs(cursor.rowcount)  # -1 where a statement has no rows: that is damage, too
    assert rows > 0
    cursor.execute("RESET session_replication_role")
