"""Attacks on the ledger by plain SQL, as the application's role and as the owner of the tables.

What the application's role tries must be refused by PostgreSQL itself. For the owner the last
section says what is refused all the same, and what is not.
"""

from __future__ import annotations

import os
import threading
from itertools import count

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import create_engine, insert
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from tests.databases import clone
from upss.kernel.errors import BadAmount
from upss.ledger import models, verify

numbers = count(1)
HASH = "0" * 64
HELD = "Liabilities:Held:Questions"
UNSETTLED = "Assets:Stripe:Unsettled"
PENDING = "Liabilities:Refunds:Pending"
FRANCS = "Assets:Bank:Francs"
ACCOUNTS = (
    (HELD, "liability", "EUR", True),
    (UNSETTLED, "asset", "EUR", False),
    (PENDING, "liability", "EUR", False),
    (FRANCS, "asset", "CHF", False),
)
APPEND_ONLY = ("account", "entry", "posting", "seal", "block", "block_entry")
EVERY_TABLE = (*APPEND_ONLY, "balance")
COLUMNS = {
    "account": "code",
    "entry": "kind",
    "posting": "amount",
    "seal": "debits",
    "block": "root",
    "block_entry": "pos",
    "balance": "balance",
}


@pytest.fixture(scope="module")
def books(server):
    """An empty ledger; after all attacks it must hold what the honest entries say."""
    attacked = clone(server, f"attacked_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    yield attacked
    engine = create_engine(attacked.app_url)
    with Session(engine) as session:
        found = verify.verify(session)
    engine.dispose()
    # the digests are invented here
    wrong = [line for line in found.differences if "balance" in line or "sealed with" in line]
    assert wrong == []


def connected(conninfo):
    with psycopg.connect(conninfo) as connection:
        for code, kind, currency, guarded in ACCOUNTS:
            connection.execute(
                "INSERT INTO ledger.account (code, kind, currency, guarded)"
                " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (code, kind, currency, guarded),
            )
        connection.commit()
        yield connection
        connection.rollback()


@pytest.fixture
def app(books):
    yield from connected(books.app_conninfo)


@pytest.fixture
def other(books):
    yield from connected(books.app_conninfo)


@pytest.fixture
def owner(books):
    yield from connected(books.owner_conninfo)


def open_entry(connection, kind="question_paid", **columns):
    """Insert an entry by itself and return its id."""
    named = {"external_ref": None, "reverses_id": None, "reason": None, "approver": None}
    named |= {"actor": "app", "key": f"attack:{next(numbers)}"} | columns
    return connection.execute(
        "INSERT INTO ledger.entry (kind, idempotency_key, request_hash, external_ref, reverses_id,"
        " booked_at, value_date, actor, reason, approver) VALUES (%(kind)s, %(key)s, %(hash)s,"
        " %(external_ref)s, %(reverses_id)s, now(), current_date, %(actor)s, %(reason)s,"
        " %(approver)s) RETURNING id",
        named | {"kind": kind, "hash": HASH},
    ).fetchone()[0]


def add_line(connection, entry, line_no, code, amount, question=None, currency="EUR"):
    connection.execute(
        "INSERT INTO ledger.posting (entry_id, line_no, account_id, currency, amount, question_id)"
        " SELECT %s, %s, id, %s, %s, %s FROM ledger.account WHERE code = %s",
        (entry, line_no, currency, amount, question, code),
    )


def add_seal(connection, entry, n_lines=2, debits=100):
    connection.execute(
        "INSERT INTO ledger.seal (entry_id, n_lines, debits, digest)"
        " VALUES (%s, %s, %s, lpad(%s::text, 64, '0'))",
        (entry, n_lines, debits, entry),
    )


def good_entry(connection, question=None, **columns):
    """Write a balanced and sealed entry of 100, not yet committed; return its id."""
    question = question or next(numbers)
    entry = open_entry(connection, **columns)
    add_line(connection, entry, 1, UNSETTLED, 100, question)
    add_line(connection, entry, 2, HELD, -100, question)
    add_seal(connection, entry)
    return entry


def test_the_tools_of_these_attacks_can_write_an_honest_entry(app, books):
    entry = good_entry(app)
    app.commit()
    lines = app.execute("SELECT count(*) FROM ledger.posting WHERE entry_id = %s", (entry,))
    assert lines.fetchone() == (2,)


# --- changing what is written -------------------------------------------------------------------


def changes(table):
    column = COLUMNS[table]
    name = f"ledger.{table}"
    return {
        "update": f"UPDATE {name} SET {column} = {column}",
        "delete": f"DELETE FROM {name}",
        "truncate": f"TRUNCATE {name} CASCADE",
        "merge update": f"MERGE INTO {name} t USING (SELECT 1) s ON true"
        f" WHEN MATCHED THEN UPDATE SET {column} = t.{column}",
        "merge delete": f"MERGE INTO {name} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
        "on conflict": f"INSERT INTO {name} OVERRIDING SYSTEM VALUE SELECT * FROM {name} LIMIT 0"
        f" ON CONFLICT ON CONSTRAINT {table}_pkey DO UPDATE SET {column} = EXCLUDED.{column}",
    }


LOCKS = ("FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE")


@pytest.mark.parametrize("table", EVERY_TABLE)
@pytest.mark.parametrize("change", changes("entry"))
def test_the_application_changes_no_row(app, table, change):
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(changes(table)[change])


@pytest.mark.parametrize("table", EVERY_TABLE)
def test_the_application_locks_no_row_and_no_table(app, table):
    for lock in LOCKS:
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(f"SELECT * FROM ledger.{table} {lock}")
        app.rollback()
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(f"LOCK TABLE ledger.{table} IN ACCESS EXCLUSIVE MODE")


FORBIDDEN = {
    "balance insert": "INSERT INTO ledger.balance VALUES (1, 1, -100)",
    "balance copy": "COPY ledger.balance FROM STDIN",
    "own id": "INSERT INTO ledger.entry (id, kind, idempotency_key, request_hash, booked_at,"
    " value_date, actor) OVERRIDING SYSTEM VALUE VALUES (9, 'k', 'own', repeat('0', 64), now(),"
    " current_date, 'app')",
    "own account id": "INSERT INTO ledger.account (id, code, kind, currency, guarded)"
    " OVERRIDING SYSTEM VALUE VALUES (9, 'Assets:X', 'asset', 'EUR', false)",
    "sequence": "SELECT setval('ledger.entry_id_seq', 1)",
    "next id": "SELECT nextval('ledger.entry_id_seq')",
    "trigger off": "ALTER TABLE ledger.posting DISABLE TRIGGER posting_insert",
    "triggers off": "ALTER TABLE ledger.entry DISABLE TRIGGER ALL",
    "constraint off": "ALTER TABLE ledger.balance DROP CONSTRAINT overdrawn",
    "not deferred": "ALTER TABLE ledger.entry ALTER CONSTRAINT must_be_sealed NOT DEFERRABLE",
    "own trigger": "CREATE TRIGGER mine BEFORE INSERT ON ledger.posting FOR EACH ROW"
    " EXECUTE FUNCTION ledger.append_only()",
    "own rule": "CREATE RULE mine AS ON INSERT TO ledger.posting DO INSTEAD NOTHING",
    "own policy": "ALTER TABLE ledger.entry ENABLE ROW LEVEL SECURITY",
    "own function": "CREATE OR REPLACE FUNCTION ledger.seal_check() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "other path": "ALTER FUNCTION ledger.seal_check() SET search_path = pg_temp",
    "call": "SELECT ledger.seal_check()",
    "drop table": "DROP TABLE ledger.seal CASCADE",
    "drop trigger": "DROP TRIGGER seal_check ON ledger.seal",
    "drop schema": "DROP SCHEMA ledger CASCADE",
    "rename": "ALTER SCHEMA ledger RENAME TO books",
    "own table": "CREATE TABLE ledger.mine (id int)",
    "own public table": "CREATE TABLE public.mine (id int)",
    "own schema": "CREATE SCHEMA mine",
    "partition": "CREATE TABLE public.mine () INHERITS (ledger.posting)",
    "temporary table": "CREATE TEMPORARY TABLE posting (entry_id bigint, amount bigint)",
    "temporary table by name": "CREATE TABLE pg_temp.posting (entry_id bigint)",
    "temporary table from select": "SELECT 1 AS entry_id INTO TEMPORARY posting",
    "temporary view": "CREATE TEMPORARY VIEW posting AS SELECT 1 AS entry_id",
    "replica": "SET session_replication_role = replica",
    "local replica": "SET LOCAL session_replication_role = replica",
    "configured replica": "SELECT set_config('session_replication_role', 'replica', true)",
    "become owner": "SET ROLE upss_owner",
    "become superuser": "SET ROLE postgres",
    "session of another": "SET SESSION AUTHORIZATION upss_owner",
    "grant": "GRANT upss_owner TO upss_app",
    "alter itself": "ALTER ROLE upss_app SUPERUSER",
    "another role": "CREATE ROLE mine",
    "read a file": "SELECT pg_read_file('postgresql.conf')",
    "run a program": "COPY ledger.entry TO PROGRAM 'true'",
}


@pytest.mark.parametrize("attack", FORBIDDEN)
def test_the_application_has_no_right_to(app, attack):
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(FORBIDDEN[attack])


def test_a_right_that_the_application_gives_itself_is_none(app):
    app.execute("GRANT UPDATE ON ledger.posting TO upss_app")
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(changes("posting")["update"])


# --- entries that are not true ------------------------------------------------------------------


def test_an_unbalanced_entry_is_refused_at_its_seal(app):
    entry = open_entry(app)
    add_line(app, entry, 1, UNSETTLED, 100)
    add_line(app, entry, 2, PENDING, -99)
    with pytest.raises(errors.CheckViolation, match="does not balance"):
        add_seal(app, entry)


def test_an_entry_that_balances_over_two_currencies_only_is_refused(app):
    entry = open_entry(app)
    add_line(app, entry, 1, FRANCS, 100, currency="CHF")
    add_line(app, entry, 2, PENDING, -100)
    with pytest.raises(errors.CheckViolation, match="does not balance"):
        add_seal(app, entry)


def test_an_entry_without_seal_is_refused_at_the_commit(app):
    entry = open_entry(app)
    add_line(app, entry, 1, UNSETTLED, 100)
    add_line(app, entry, 2, PENDING, -100)
    with pytest.raises(errors.ForeignKeyViolation, match="must_be_sealed"):
        app.commit()


def test_an_entry_without_lines_is_refused_at_the_commit(app):
    open_entry(app)
    with pytest.raises(errors.ForeignKeyViolation, match="must_be_sealed"):
        app.commit()


def test_the_missing_seal_shows_before_the_commit_too(app):
    open_entry(app)
    with pytest.raises(errors.ForeignKeyViolation, match="must_be_sealed"):
        app.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_putting_the_seal_off_again_does_not_help(app):
    open_entry(app)
    app.execute("SET CONSTRAINTS ALL DEFERRED")
    with pytest.raises(errors.ForeignKeyViolation):
        app.commit()


def test_a_seal_that_is_rolled_back_leaves_the_entry_unsealed(app):
    entry = open_entry(app)
    add_line(app, entry, 1, UNSETTLED, 100)
    add_line(app, entry, 2, PENDING, -100)
    app.execute("SAVEPOINT here")
    add_seal(app, entry)
    app.execute("ROLLBACK TO SAVEPOINT here")
    with pytest.raises(errors.ForeignKeyViolation):
        app.commit()


@pytest.mark.parametrize(("n_lines", "debits"), [(3, 100), (2, 101), (2, 99), (4, 200)])
def test_a_seal_that_counts_other_lines_is_refused(app, n_lines, debits):
    entry = open_entry(app)
    add_line(app, entry, 1, UNSETTLED, 100)
    add_line(app, entry, 2, PENDING, -100)
    with pytest.raises(errors.CheckViolation, match="does not match its lines"):
        add_seal(app, entry, n_lines, debits)


@pytest.mark.parametrize(("n_lines", "debits"), [(0, 0), (1, 100), (2, 0), (2, -1)])
def test_a_seal_of_no_real_entry_is_refused(app, n_lines, debits):
    entry = open_entry(app)
    with pytest.raises(errors.CheckViolation):
        add_seal(app, entry, n_lines, debits)


def test_a_seal_of_an_unknown_entry_is_refused(app):
    with pytest.raises((errors.ForeignKeyViolation, errors.CheckViolation)):
        add_seal(app, 10**12)


def test_a_second_seal_is_refused(app):
    entry = good_entry(app)
    with pytest.raises(errors.UniqueViolation):
        add_seal(app, entry)


def test_a_line_of_zero_is_refused(app):
    entry = open_entry(app)
    with pytest.raises(errors.CheckViolation, match="posting_amount_check"):
        add_line(app, entry, 1, UNSETTLED, 0)


def test_two_lines_of_one_account_and_question_are_refused(app):
    entry = open_entry(app)
    add_line(app, entry, 1, UNSETTLED, 60, 5)
    with pytest.raises(errors.UniqueViolation, match="posting_once"):
        add_line(app, entry, 2, UNSETTLED, 40, 5)


def test_a_line_in_another_currency_than_its_account_is_refused(app):
    entry = open_entry(app)
    with pytest.raises(errors.ForeignKeyViolation, match="one_currency"):
        add_line(app, entry, 1, UNSETTLED, 100, currency="CHF")


def test_an_amount_beyond_the_type_is_refused(app):
    entry = open_entry(app)
    with pytest.raises(errors.NumericValueOutOfRange):
        add_line(app, entry, 1, UNSETTLED, 2**63)


def test_a_float_is_refused_by_the_column_type_where_postgresql_would_round_it(app, books):
    rounded = app.execute("SELECT CAST(%s::float8 AS bigint)", (10.5,)).fetchone()
    assert rounded == (10,)
    engine = create_engine(books.app_url)
    line = {"entry_id": 1, "line_no": 1, "account_id": 1, "currency": "EUR", "amount": 10.5}
    with Session(engine) as session, pytest.raises((BadAmount, StatementError)) as caught:
        session.execute(insert(models.posting).values(line))
    assert "bad_amount" in str(caught.value)
    engine.dispose()


# --- once and only once -------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["key", "external_ref"])
def test_a_cause_or_movement_is_booked_once(app, column):
    good_entry(app, **{column: f"same_{column}"})
    app.execute("SAVEPOINT here")
    with pytest.raises(errors.UniqueViolation):
        open_entry(app, **{column: f"same_{column}"})


def test_an_entry_is_reversed_once_and_exists(app):
    first = good_entry(app)
    good_entry(app, reverses_id=first)
    app.execute("SAVEPOINT here")
    with pytest.raises(errors.UniqueViolation):
        open_entry(app, reverses_id=first)
    app.execute("ROLLBACK TO SAVEPOINT here")
    with pytest.raises(errors.ForeignKeyViolation):
        open_entry(app, reverses_id=10**12)


@pytest.mark.parametrize("kind", ["adjustment", "write_off"])
@pytest.mark.parametrize(
    ("reason", "approver"),
    [(None, "b"), ("too short", "b"), ("long enough", None), ("long enough", "a")],
)
def test_an_entry_by_hand_needs_a_reason_and_a_second_person(app, kind, reason, approver):
    with pytest.raises(errors.CheckViolation, match="manual_needs_reason"):
        open_entry(app, kind, actor="a", reason=reason, approver=approver)


# --- taking more than there is ------------------------------------------------------------------


def test_a_guarded_balance_never_changes_sides(app):
    question = next(numbers)
    good_entry(app, question)
    entry = open_entry(app)
    with pytest.raises(errors.CheckViolation, match="overdrawn"):
        add_line(app, entry, 1, HELD, 101, question)


def test_a_guarded_balance_does_not_begin_on_the_wrong_side(app):
    entry = open_entry(app)
    with pytest.raises(errors.CheckViolation, match="overdrawn"):
        add_line(app, entry, 1, HELD, 1, next(numbers))


def test_a_guarded_line_needs_a_question(app):
    entry = open_entry(app)
    with pytest.raises(errors.CheckViolation, match="needs a question"):
        add_line(app, entry, 1, HELD, -100)


def test_a_question_has_a_real_number(app):
    entry = open_entry(app)
    with pytest.raises(errors.CheckViolation, match="question_id_check"):
        add_line(app, entry, 1, HELD, -100, 0)


@pytest.mark.parametrize(
    ("code", "kind", "guarded"),
    [
        ("Liabilities:Answerer:Payable:A0001", "liability", False),
        ("Liabilities:Answerer:InPayout:A0001", "liability", False),
        ("Liabilities:Answerer:Payable:A0001", "asset", True),
        ("Assets:Stripe:Other", "asset", True),
        ("Nonsense:Account", "asset", False),
        ("Assets", "asset", False),
        ("Assets:with space", "asset", False),
    ],
)
def test_an_account_is_what_its_code_says(app, code, kind, guarded):
    with pytest.raises(errors.CheckViolation):
        app.execute(
            "INSERT INTO ledger.account (code, kind, currency, guarded) VALUES (%s, %s, 'EUR', %s)",
            (code, kind, guarded),
        )


# --- lines that come too late -------------------------------------------------------------------


def test_no_line_is_added_after_the_seal_in_the_same_transaction(app):
    entry = good_entry(app)
    with pytest.raises(errors.CheckViolation, match="sealed or unknown"):
        add_line(app, entry, 3, PENDING, -1)


def test_no_line_is_added_after_the_commit(app, other):
    entry = good_entry(app)
    app.commit()
    with pytest.raises(errors.CheckViolation, match="sealed or unknown"):
        add_line(other, entry, 3, PENDING, -1)


def test_no_line_is_added_in_the_statement_of_the_seal(app):
    entry = open_entry(app)
    add_line(app, entry, 1, UNSETTLED, 100)
    add_line(app, entry, 2, PENDING, -100)
    with pytest.raises(errors.CheckViolation, match=r"sealed or unknown|does not (balance|match)"):
        app.execute(
            "WITH s AS (INSERT INTO ledger.seal (entry_id, n_lines, debits, digest)"
            " VALUES (%(e)s, 2, 100, repeat('e', 64)) RETURNING entry_id)"
            " INSERT INTO ledger.posting (entry_id, line_no, account_id, currency, amount)"
            " SELECT entry_id, 3, a.id, 'EUR', -1 FROM s, ledger.account a WHERE a.code = %(c)s",
            {"e": entry, "c": PENDING},
        )


@pytest.mark.parametrize("sealed", [True, False])
def test_no_line_is_added_to_an_entry_that_another_session_has_not_committed(app, other, sealed):
    entry = good_entry(app) if sealed else open_entry(app)
    with pytest.raises(errors.CheckViolation, match="sealed or unknown"):
        add_line(other, entry, 3, PENDING, -1)


def test_an_old_snapshot_opens_no_window_either(app, other):
    other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    other.execute("SELECT count(*) FROM ledger.entry")
    entry = good_entry(app)
    app.commit()
    with pytest.raises(errors.CheckViolation, match="sealed or unknown"):
        add_line(other, entry, 3, PENDING, -1)


@pytest.mark.parametrize("when", ["a_before", "z_after"])
@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
def test_no_line_slips_in_while_the_seal_commits(books, app, other, when, level):
    """Delay the other session's insert, before or after the check, until the seal is committed."""
    with psycopg.connect(books.owner_conninfo, autocommit=True) as delay:
        delay.execute(
            "CREATE OR REPLACE FUNCTION public.delay() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN IF NEW.line_no = 3 THEN PERFORM pg_sleep(0.3); END IF; RETURN NEW; END $$"
        )
        delay.execute(
            f"CREATE TRIGGER {when} BEFORE INSERT ON ledger.posting"
            " FOR EACH ROW EXECUTE FUNCTION public.delay()"
        )
        try:
            entry = good_entry(app)
            other.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
            late = threading.Timer(0.1, app.commit)
            late.start()
            with pytest.raises(errors.CheckViolation, match="sealed or unknown"):
                add_line(other, entry, 3, PENDING, -1)
            late.join()
        finally:
            app.rollback()
            other.rollback()
            delay.execute(f"DROP TRIGGER {when} ON ledger.posting")


# --- tables that shadow the ledger's ------------------------------------------------------------


def test_a_shadowing_table_made_by_a_superuser_blinds_no_trigger(books):
    with psycopg.connect(books.superuser_conninfo) as admin:
        for table in EVERY_TABLE:
            admin.execute(f"CREATE TEMPORARY TABLE {table} (LIKE ledger.{table})")
            admin.execute(f"GRANT ALL ON pg_temp.{table} TO upss_app")
        admin.execute("SET LOCAL search_path = pg_temp, ledger, public")
        admin.execute("SET LOCAL ROLE upss_app")
        entry = open_entry(admin)
        admin.execute("INSERT INTO entry SELECT * FROM ledger.entry WHERE id = %s", (entry,))
        add_line(admin, entry, 1, UNSETTLED, 100, 77)
        add_line(admin, entry, 2, HELD, -1, 77)
        assert admin.execute("SELECT count(*) FROM balance").fetchone() == (0,)
        admin.execute("SAVEPOINT here")
        with pytest.raises(errors.CheckViolation, match="does not balance"):
            add_seal(admin, entry)
        admin.execute("ROLLBACK TO SAVEPOINT here")
        with pytest.raises(errors.CheckViolation, match="overdrawn"):
            add_line(admin, entry, 3, HELD, 50, 78)
        admin.rollback()


def test_every_function_of_the_ledger_keeps_its_own_search_path(app):
    rows = app.execute(
        "SELECT proname, prosecdef, proconfig FROM pg_proc"
        " WHERE pronamespace = 'ledger'::regnamespace"
    ).fetchall()
    assert {name for name, definer, _ in rows if definer} == {
        "posting_insert",
        "seal_check",
        "block_chain",
        "seal_pending",
        "block_entry_insert",
        "block_complete",
    }
    for _, definer, config in rows:
        assert config[0].endswith("pg_temp")
        assert ("ledger" in config[0]) == definer


def test_a_role_with_a_table_of_its_own_cannot_hang_the_ledgers_functions_on_it(books):
    with psycopg.connect(books.superuser_conninfo) as admin:
        admin.execute("CREATE TABLE public.bait (LIKE ledger.posting)")
        admin.execute("ALTER TABLE public.bait OWNER TO upss_app")
        admin.execute("SET LOCAL ROLE upss_app")
        with pytest.raises(errors.InsufficientPrivilege, match=r"function ledger\.posting_insert"):
            admin.execute(
                "CREATE TRIGGER bait BEFORE INSERT ON public.bait"
                " FOR EACH ROW EXECUTE FUNCTION ledger.posting_insert()"
            )
        admin.rollback()


# --- blocks, for the chain that comes later -----------------------------------------------------


@pytest.mark.parametrize(("seq", "previous"), [(1, "a" * 64), (2, "0" * 64), (0, "0" * 64)])
def test_a_block_follows_its_predecessor(app, seq, previous):
    with pytest.raises(errors.CheckViolation):
        app.execute(
            "INSERT INTO ledger.block VALUES (%s, %s, 1, repeat('b', 64), now(), repeat('c', 64))",
            (seq, previous),
        )


# --- the owner ----------------------------------------------------------------------------------


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", changes("entry"))
def test_the_owner_is_refused_too_while_the_triggers_stand(owner, table, change):
    with pytest.raises(errors.RestrictViolation, match="append-only"):
        owner.execute(changes(table)[change])


@pytest.mark.parametrize(
    "attack", ["replica", "local replica", "become superuser", "session of another", "read a file"]
)
def test_the_owner_is_no_superuser(owner, attack):
    with pytest.raises(errors.InsufficientPrivilege):
        owner.execute(
            FORBIDDEN[attack].replace("AUTHORIZATION upss_owner", "AUTHORIZATION postgres")
        )


def test_the_owner_cannot_switch_off_the_seal(owner):
    with pytest.raises(errors.InsufficientPrivilege, match="system trigger"):
        owner.execute("ALTER TABLE ledger.entry DISABLE TRIGGER ALL")


def test_the_owner_writes_no_false_entry(owner):
    entry = open_entry(owner)
    add_line(owner, entry, 1, UNSETTLED, 100)
    add_line(owner, entry, 2, PENDING, -99)
    owner.execute("SAVEPOINT here")
    with pytest.raises(errors.CheckViolation, match="does not balance"):
        add_seal(owner, entry)
    owner.execute("ROLLBACK TO SAVEPOINT here")
    with pytest.raises(errors.ForeignKeyViolation, match="must_be_sealed"):
        owner.commit()


OWNERS_POWERS = {
    "switch a trigger off": "ALTER TABLE ledger.posting DISABLE TRIGGER append_only;"
    " UPDATE ledger.posting SET amount = amount * 2",
    "drop a constraint": "ALTER TABLE ledger.balance DROP CONSTRAINT overdrawn",
    "write a balance": "UPDATE ledger.balance SET balance = balance - 1",
    "choose an id": "INSERT INTO ledger.account (id, code, kind, currency, guarded)"
    " OVERRIDING SYSTEM VALUE VALUES (10000, 'Assets:X', 'asset', 'EUR', false)",
    "drop a table": "DROP TABLE ledger.block_entry",
}


@pytest.mark.parametrize("power", OWNERS_POWERS)
def test_what_the_owner_can_do(owner, power):
    """Nothing in a database holds against its owner: web and worker never get this address.

    `upss ledger verify` finds changed amounts, balances and seals; a history that was rewritten
    together with its digests is found only by an anchor outside (docs/ledger.md).
    """
    good_entry(owner)
    owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
    owner.execute(OWNERS_POWERS[power])
