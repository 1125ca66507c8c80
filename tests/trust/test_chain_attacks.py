"""Attacks on the chain of blocks by plain SQL, as the application's role and as the owner.

What only a comparison of hashes can tell (a false root, a rewritten history) is for
`upss ledger verify` and for who kept an older hash; everything here PostgreSQL refuses itself.
"""

from __future__ import annotations

import os
from itertools import count

import psycopg
import pytest
from psycopg import errors

from tests.databases import clone

numbers = count(1)
NO_BLOCK = "0" * 64
LINES = (
    ("Assets:Stripe:Unsettled", "asset", 100),
    ("Liabilities:Refunds:Pending", "liability", -100),
)
TABLES = ("block", "block_entry", "checkpoint", "pending")
COLUMNS = {"block": "root", "block_entry": "pos", "checkpoint": "debit", "pending": "entry_id"}


@pytest.fixture(scope="module")
def books(server):
    return clone(server, f"chained_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")


def connected(conninfo):
    with psycopg.connect(conninfo) as connection:
        for code, kind, _ in LINES:
            connection.execute(
                "INSERT INTO ledger.account (code, kind, currency, guarded)"
                " VALUES (%s, %s, 'EUR', false) ON CONFLICT DO NOTHING",
                (code, kind),
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


@pytest.fixture
def unguarded(books):
    """The superuser, for showing that a guard is what holds; nothing of it is ever committed."""
    with psycopg.connect(books.superuser_conninfo) as connection:
        yield connection
        connection.rollback()


def new_entry(connection):
    """Write a sealed entry of 100, not yet committed; return its id."""
    entry = connection.execute(
        "INSERT INTO ledger.entry (kind, idempotency_key, request_hash, booked_at, value_date, actor)"
        " VALUES ('payment_returned', %s, repeat('0', 64), now(), current_date, 'a') RETURNING id",
        (f"chain:{os.getpid()}:{next(numbers)}",),
    ).fetchone()[0]
    for line_no, (code, _, amount) in enumerate(LINES, start=1):
        connection.execute(
            "INSERT INTO ledger.posting (entry_id, line_no, account_id, currency, amount)"
            " SELECT %s, %s, id, 'EUR', %s FROM ledger.account WHERE code = %s",
            (entry, line_no, amount, code),
        )
    connection.execute(
        "INSERT INTO ledger.seal VALUES (%s, 2, 100, lpad(%s::text, 64, 'e'))", (entry, entry)
    )
    return entry


def head(connection):
    """Return number and hash of the newest block."""
    row = connection.execute("SELECT seq, hash FROM ledger.block ORDER BY seq DESC").fetchone()
    return row or (0, NO_BLOCK)


def add_block(connection, n_entries, *, skip=0, prev=None):
    """Insert the head of the block after the newest; return its number."""
    seq, newest = head(connection)
    seq += 1 + skip
    connection.execute(
        "INSERT INTO ledger.block VALUES (%s, %s, %s, repeat('b', 64), now(), lpad(%s, 64, 'c'))",
        (seq, prev or newest, n_entries, f"{next(numbers)}"),
    )
    return seq


def put(connection, seq, *entries, start=0):
    for pos, entry in enumerate(entries, start=start):
        connection.execute("INSERT INTO ledger.block_entry VALUES (%s, %s, %s)", (seq, pos, entry))


def good_block(connection, n_entries=2):
    """Write a complete block over new entries; return its number and the entries."""
    entries = [new_entry(connection) for _ in range(n_entries)]
    seq = add_block(connection, n_entries)
    put(connection, seq, *entries)
    return seq, entries


def checkpoint(connection, seq):
    return connection.execute(
        "SELECT a.code, c.debit, c.credit FROM ledger.checkpoint c"
        " JOIN ledger.account a ON a.id = c.account_id WHERE c.block_seq = %s ORDER BY 1",
        (seq,),
    ).fetchall()


def is_pending(connection, entry):
    found = connection.execute("SELECT FROM ledger.pending WHERE entry_id = %s", (entry,))
    return found.fetchone() is not None


# --- what an honest block does ------------------------------------------------------------------


def test_a_block_takes_its_entries_from_pending_and_leaves_totals(app, other):
    first, _ = good_block(app)
    app.commit()
    before = {code: (debit, credit) for code, debit, credit in checkpoint(app, first)}
    late = new_entry(app)
    second, entries = good_block(app, 3)
    assert checkpoint(app, second) == []
    app.commit()
    (unsettled, refunds) = (code for code, _, _ in LINES)
    debit, credit = before[unsettled][0], before[refunds][1]
    assert checkpoint(app, second) == [(unsettled, debit + 300, 0), (refunds, 0, credit + 300)]
    assert [is_pending(app, entry) for entry in (late, *entries)] == [True, False, False, False]


def test_an_entry_that_commits_after_a_block_with_larger_ids_is_found(app, other):
    late = new_entry(app)
    seq, entries = good_block(other)
    other.commit()
    assert late < min(entries)
    assert not is_pending(other, late)
    app.commit()
    assert is_pending(other, late)
    seq = add_block(other, 1)
    put(other, seq, late)
    other.commit()


def test_an_entry_that_is_undone_waits_for_nothing(app):
    app.execute("SAVEPOINT here")
    entry = new_entry(app)
    assert is_pending(app, entry)
    app.execute("ROLLBACK TO SAVEPOINT here")
    assert not is_pending(app, entry)


# --- a chain, no tree and no gap ----------------------------------------------------------------


@pytest.fixture
def chain(app):
    """At least two blocks stand."""
    for _ in range(2):
        good_block(app)
    app.commit()
    return app


def test_no_fork_from_an_older_block(chain):
    prev = chain.execute("SELECT prev_hash FROM ledger.block ORDER BY seq DESC").fetchone()[0]
    with pytest.raises(errors.CheckViolation, match="follow its predecessor"):
        add_block(chain, 1, prev=prev)


def test_no_second_block_of_a_number(chain):
    seq, _ = head(chain)
    with pytest.raises(errors.UniqueViolation, match="block_pkey"):
        chain.execute(
            "INSERT INTO ledger.block SELECT seq, prev_hash, 1, root, sealed_at, repeat('d', 64)"
            " FROM ledger.block WHERE seq = %s",
            (seq,),
        )


def test_no_second_first_block(chain):
    with pytest.raises(errors.UniqueViolation):
        chain.execute(
            "INSERT INTO ledger.block VALUES (1, repeat('0', 64), 1, repeat('b', 64), now(),"
            " repeat('d', 64))"
        )


def test_two_at_once_make_no_fork(chain, other):
    """The second waits for the first, and is refused when the first commits."""
    good_block(chain)
    entry = new_entry(other)
    other.execute("SET lock_timeout = '200ms'")
    with pytest.raises(errors.LockNotAvailable):
        add_block(other, 1)
    other.rollback()
    chain.commit()
    assert not is_pending(other, entry)


@pytest.mark.parametrize("skip", [1, 7])
@pytest.mark.parametrize("prev", [None, NO_BLOCK])
def test_no_number_is_skipped(chain, skip, prev):
    with pytest.raises(errors.CheckViolation, match="follow its predecessor"):
        add_block(chain, 1, skip=skip, prev=prev)


@pytest.mark.parametrize("prev", [NO_BLOCK, "a" * 64])
def test_no_block_names_another_than_the_one_before(chain, prev):
    with pytest.raises(errors.CheckViolation, match="follow its predecessor"):
        add_block(chain, 1, prev=prev)


def test_no_block_stands_before_the_first(chain):
    with pytest.raises(errors.CheckViolation):
        chain.execute(
            "INSERT INTO ledger.block VALUES (0, repeat('0', 64), 1, repeat('b', 64), now(),"
            " repeat('d', 64))"
        )


# --- exactly the entries that it states ---------------------------------------------------------


@pytest.mark.parametrize("stated", [3, 4])
def test_a_block_with_fewer_entries_than_stated_is_refused_at_the_commit(app, stated):
    entries = [new_entry(app), new_entry(app)]
    put(app, add_block(app, stated), *entries)
    with pytest.raises(errors.CheckViolation, match="does not hold"):
        app.commit()


def test_an_empty_block_is_refused(app):
    add_block(app, 1)
    with pytest.raises(errors.CheckViolation, match="does not hold"):
        app.commit()


@pytest.mark.parametrize("n_entries", [0, -1])
def test_a_block_of_nothing_is_refused(app, n_entries):
    with pytest.raises(errors.CheckViolation, match="n_entries"):
        add_block(app, n_entries)


@pytest.mark.parametrize("start", [1, 2, -1])
def test_a_block_with_a_hole_is_refused(app, start):
    entries = [new_entry(app), new_entry(app)]
    seq = add_block(app, 2)
    with pytest.raises(errors.CheckViolation):
        put(app, seq, *entries, start=start)


def test_a_block_with_more_entries_than_stated_is_refused(app):
    entries = [new_entry(app), new_entry(app)]
    seq = add_block(app, 1)
    with pytest.raises(errors.CheckViolation, match="beyond the end"):
        put(app, seq, *entries)


def test_nothing_is_added_to_an_old_block(chain):
    seq, _ = head(chain)
    entry = new_entry(chain)
    for pos, refusal in ((2, errors.CheckViolation), (0, errors.UniqueViolation)):
        chain.execute("SAVEPOINT here")
        with pytest.raises(refusal):
            put(chain, seq, entry, start=pos)
        chain.execute("ROLLBACK TO SAVEPOINT here")


def test_nothing_is_added_by_a_check_that_comes_early(app):
    """A check that is called at once finds the block complete, and then it is full for good."""
    seq, _ = good_block(app)
    app.execute("SET CONSTRAINTS ledger.block_complete IMMEDIATE")
    entry = new_entry(app)
    with pytest.raises(errors.CheckViolation, match="beyond the end"):
        put(app, seq, entry, start=2)


def test_a_check_that_comes_early_lets_no_empty_block_pass(app):
    app.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises((errors.CheckViolation, errors.ForeignKeyViolation)):
        good_block(app)


def test_an_entry_stands_in_one_block_only(chain):
    _, (anchored, _) = good_block(chain)
    seq = add_block(chain, 1)
    with pytest.raises(errors.UniqueViolation):
        put(chain, seq, anchored)


def test_an_entry_stands_in_a_block_once(app):
    entry = new_entry(app)
    seq = add_block(app, 2)
    with pytest.raises(errors.UniqueViolation):
        put(app, seq, entry, entry)


def test_an_unknown_entry_is_refused(app):
    seq = add_block(app, 1)
    with pytest.raises(errors.ForeignKeyViolation):
        put(app, seq, 10**12)


def test_an_entry_of_a_session_that_has_not_committed_is_refused(app, other):
    entry = new_entry(other)
    seq = add_block(app, 1)
    with pytest.raises((errors.CheckViolation, errors.ForeignKeyViolation)):
        put(app, seq, entry)


def test_a_block_that_does_not_exist_takes_no_entry(app):
    entry = new_entry(app)
    with pytest.raises(errors.ForeignKeyViolation):
        put(app, head(app)[0] + 1, entry)


def test_a_copy_meets_the_same_guards(chain):
    seq, _ = head(chain)
    entry = new_entry(chain)
    with (
        pytest.raises(errors.CheckViolation, match="beyond the end"),
        chain.cursor().copy("COPY ledger.block_entry FROM STDIN") as copy,
    ):
        copy.write_row((seq, 2, entry))


def test_a_row_that_is_left_out_takes_nothing_from_pending(chain):
    """`ON CONFLICT DO NOTHING` is allowed and does nothing."""
    seq, _ = head(chain)
    entry = new_entry(chain)
    chain.execute(
        "INSERT INTO ledger.block_entry VALUES (%s, 0, %s) ON CONFLICT DO NOTHING", (seq, entry)
    )
    assert is_pending(chain, entry)


# --- changing what is written -------------------------------------------------------------------


def changes(table):
    column, name = COLUMNS[table], f"ledger.{table}"
    return {
        "update": f"UPDATE {name} SET {column} = {column}",
        "delete": f"DELETE FROM {name}",
        "truncate": f"TRUNCATE {name} CASCADE",
        "merge update": f"MERGE INTO {name} t USING (SELECT 1) s ON true"
        f" WHEN MATCHED THEN UPDATE SET {column} = t.{column}",
        "merge delete": f"MERGE INTO {name} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
        "on conflict": f"INSERT INTO {name} SELECT * FROM {name} LIMIT 0"
        f" ON CONFLICT ON CONSTRAINT {table}_pkey DO UPDATE SET {column} = EXCLUDED.{column}",
    }


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", changes("block"))
def test_the_application_changes_no_row(app, table, change):
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(changes(table)[change])


@pytest.mark.parametrize("table", ["block", "block_entry", "checkpoint"])
@pytest.mark.parametrize("change", changes("block"))
def test_the_owner_is_refused_too_while_the_triggers_stand(owner, table, change):
    with pytest.raises(errors.RestrictViolation, match="append-only"):
        owner.execute(changes(table)[change])


FORBIDDEN = {
    "pending insert": "INSERT INTO ledger.pending VALUES (1)",
    "pending copy": "COPY ledger.pending FROM STDIN",
    "pending merge": "MERGE INTO ledger.pending t USING (SELECT 1 AS id) s ON t.entry_id = s.id"
    " WHEN NOT MATCHED THEN INSERT VALUES (s.id)",
    "pending lock": "SELECT * FROM ledger.pending FOR UPDATE",
    "pending table lock": "LOCK TABLE ledger.pending IN ACCESS EXCLUSIVE MODE",
    "checkpoint insert": "INSERT INTO ledger.checkpoint VALUES (1, 1, 100, 0)",
    "checkpoint copy": "COPY ledger.checkpoint FROM STDIN",
    "checkpoint merge": "MERGE INTO ledger.checkpoint t USING (SELECT 1 AS id) s"
    " ON t.account_id = -s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, 1, 1, 1)",
    "checkpoint lock": "SELECT * FROM ledger.checkpoint FOR SHARE",
    "replica": "SET session_replication_role = replica",
    "triggers off": "ALTER TABLE ledger.block_entry DISABLE TRIGGER ALL",
    "own trigger": "CREATE TRIGGER mine BEFORE INSERT ON ledger.block_entry FOR EACH ROW"
    " EXECUTE FUNCTION ledger.append_only()",
    "own rule": "CREATE RULE mine AS ON INSERT TO ledger.block DO INSTEAD NOTHING",
    "drop trigger": "DROP TRIGGER block_complete ON ledger.block",
    "drop index": "DROP INDEX ledger.entry_kind",
    "own function": "CREATE OR REPLACE FUNCTION ledger.block_complete() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "call seal_pending": "SELECT ledger.seal_pending()",
    "call block_entry_insert": "SELECT ledger.block_entry_insert()",
    "call block_complete": "SELECT ledger.block_complete()",
    "temporary table": "CREATE TEMPORARY TABLE pending (entry_id bigint)",
    "temporary table by name": "CREATE TABLE pg_temp.added (block_seq bigint)",
}


@pytest.mark.parametrize("attack", FORBIDDEN)
def test_the_application_has_no_right_to(app, attack):
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(FORBIDDEN[attack])


@pytest.mark.parametrize("function", ["seal_pending", "block_entry_insert", "block_complete"])
def test_a_role_with_a_table_of_its_own_cannot_hang_the_functions_on_it(unguarded, function):
    unguarded.execute("CREATE TABLE public.bait (LIKE ledger.block)")
    unguarded.execute("ALTER TABLE public.bait OWNER TO upss_app")
    unguarded.execute("SET LOCAL ROLE upss_app")
    with pytest.raises(errors.InsufficientPrivilege, match=rf"function ledger\.{function}"):
        unguarded.execute(
            "CREATE TRIGGER bait AFTER INSERT ON public.bait"
            f" FOR EACH ROW EXECUTE FUNCTION ledger.{function}()"
        )


def test_shadowing_tables_made_by_a_superuser_blind_no_trigger(unguarded):
    good_block(unguarded)
    for table in (*TABLES, "posting", "seal", "added"):
        like = "block_entry" if table == "added" else table
        unguarded.execute(f"CREATE TEMPORARY TABLE {table} (LIKE ledger.{like})")
        unguarded.execute(f"GRANT ALL ON pg_temp.{table} TO upss_app")
    unguarded.execute("SET LOCAL search_path = pg_temp, ledger, public")
    unguarded.execute("SET LOCAL ROLE upss_app")
    entry = new_entry(unguarded)
    assert is_pending(unguarded, entry)
    assert unguarded.execute("SELECT count(*) FROM pending").fetchone() == (0,)
    seq = add_block(unguarded, 2)
    unguarded.execute("SAVEPOINT here")
    with pytest.raises(errors.CheckViolation, match="beyond the end"):
        put(unguarded, seq, entry, start=2)
    unguarded.execute("ROLLBACK TO SAVEPOINT here")
    put(unguarded, seq, entry)
    assert not is_pending(unguarded, entry)
    unguarded.execute("INSERT INTO block_entry VALUES (%s, 1, 77)", (seq,))
    with pytest.raises(errors.CheckViolation, match="does not hold"):
        unguarded.execute("SET CONSTRAINTS ALL IMMEDIATE")


# --- each guard is what holds: without it the attack succeeds ------------------------------------


def skipped(connection):
    put(connection, add_block(connection, 1, skip=5), new_entry(connection))


def short(connection):
    entry = new_entry(connection)
    put(connection, add_block(connection, 2), entry)


def long(connection):
    put(connection, head(connection)[0], new_entry(connection), start=2)


def twice(connection):
    _, (entry, _) = good_block(connection)
    put(connection, add_block(connection, 1), entry)


def unknown(connection):
    put(connection, add_block(connection, 1), 10**12)


def forked(connection):
    seq, _ = good_block(connection)
    connection.execute(
        "INSERT INTO ledger.block SELECT seq, prev_hash, 1, root, sealed_at, repeat('f', 64)"
        " FROM ledger.block WHERE seq = %s",
        (seq,),
    )


def rewritten(connection):
    good_block(connection)
    connection.execute("UPDATE ledger.checkpoint SET debit = debit + 1")


def false_total(connection):
    connection.execute("SET LOCAL ROLE upss_app")
    connection.execute(
        "INSERT INTO ledger.account (code, kind, currency, guarded)"
        " VALUES ('Assets:Bank:New', 'asset', 'EUR', false)"
    )
    connection.execute(
        "INSERT INTO ledger.checkpoint SELECT id, 1, 5, 0 FROM ledger.account"
        " WHERE code = 'Assets:Bank:New'"
    )


def false_wait(connection):
    connection.execute("SET LOCAL ROLE upss_app")
    connection.execute("INSERT INTO ledger.pending VALUES (10 ^ 12)")


NO_BLOCK_KEYS = (
    "ALTER TABLE ledger.block DROP CONSTRAINT block_pkey CASCADE,"
    " DROP CONSTRAINT block_prev_hash_key"
)
NO_ENTRY_KEYS = (
    "ALTER TABLE ledger.block_entry DROP CONSTRAINT block_entry_entry_id_fkey,"
    " DROP CONSTRAINT block_entry_entry_id_key"
)
GUARDS = {
    "block_chain": (skipped, "DROP TRIGGER block_chain ON ledger.block"),
    "block_complete": (short, "DROP TRIGGER block_complete ON ledger.block"),
    "block_entry_insert": (long, "DROP TRIGGER block_entry_insert ON ledger.block_entry"),
    "once": (
        twice,
        f"DROP TRIGGER block_entry_insert ON ledger.block_entry; {NO_ENTRY_KEYS}",
    ),
    "known": (unknown, f"DROP TRIGGER block_entry_insert ON ledger.block_entry; {NO_ENTRY_KEYS}"),
    "one number": (forked, f"DROP TRIGGER block_complete ON ledger.block; {NO_BLOCK_KEYS}"),
    "append_only": (rewritten, "DROP TRIGGER append_only ON ledger.checkpoint"),
    "right to totals": (false_total, "GRANT INSERT ON ledger.checkpoint TO upss_app"),
    "right to pending": (false_wait, "GRANT INSERT ON ledger.pending TO upss_app"),
}


def attack(connection, deed):
    deed(connection)
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("guard", GUARDS)
def test_the_guard_is_what_refuses(unguarded, chain, guard):
    deed, removal = GUARDS[guard]
    unguarded.execute("SAVEPOINT here")
    with pytest.raises((errors.IntegrityError, errors.InsufficientPrivilege)):
        attack(unguarded, deed)
    unguarded.execute("ROLLBACK TO SAVEPOINT here")
    unguarded.execute(removal)
    attack(unguarded, deed)


# --- after all of it ----------------------------------------------------------------------------


def test_after_all_attacks_the_chain_is_whole(app):
    wrong = {
        "holes": "SELECT b.seq FROM ledger.block b LEFT JOIN ledger.block_entry e"
        " ON e.block_seq = b.seq GROUP BY b.seq"
        " HAVING count(*) <> b.n_entries OR min(pos) <> 0 OR max(pos) <> b.n_entries - 1",
        "pending": "SELECT entry_id FROM ledger.pending FULL JOIN (SELECT entry_id FROM ledger.seal"
        " EXCEPT SELECT entry_id FROM ledger.block_entry) t USING (entry_id)"
        " WHERE (pending.entry_id IS NULL) <> (t.entry_id IS NULL)",
        "totals": "SELECT c.* FROM ledger.checkpoint c WHERE (debit, credit) <> (SELECT"
        " sum(greatest(p.amount, 0)), sum(greatest(-p.amount, 0)) FROM ledger.posting p"
        " JOIN ledger.block_entry e USING (entry_id)"
        " WHERE p.account_id = c.account_id AND e.block_seq <= c.block_seq)",
        "numbers": "SELECT FROM ledger.block HAVING count(*) <> max(seq) OR min(seq) <> 1",
    }
    assert head(app)[0] > 2
    for name, statement in wrong.items():
        assert (name, app.execute(statement).fetchall()) == (name, [])
