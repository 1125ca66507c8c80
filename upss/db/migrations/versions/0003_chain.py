"""The chain: what waits for a block, complete blocks only, and the totals that each one leaves.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
-- Filled and emptied by triggers alone, so that it needs no foreign key: a posting pays for
-- one narrow row and nothing else.
CREATE TABLE ledger.pending (
  entry_id bigint PRIMARY KEY
);
COMMENT ON TABLE ledger.pending IS
  'entries in no block yet; that no row of block_entry names them stays the truth';

CREATE TABLE ledger.checkpoint (
  account_id bigint NOT NULL REFERENCES ledger.account,
  block_seq  bigint NOT NULL REFERENCES ledger.block,
  debit      bigint NOT NULL CHECK (debit >= 0),
  credit     bigint NOT NULL CHECK (credit >= 0),
  PRIMARY KEY (account_id, block_seq)
);
COMMENT ON TABLE ledger.checkpoint IS
  'all that stood on an account, in minor units, once this block was complete';

-- the id makes each of them a way through pages
CREATE INDEX entry_booked_at ON ledger.entry (booked_at, id);
CREATE INDEX entry_value_date ON ledger.entry (value_date, id);
CREATE INDEX entry_kind ON ledger.entry (kind, id);
"""

FUNCTIONS = """
CREATE FUNCTION ledger.seal_pending() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
  INSERT INTO ledger.pending (entry_id) VALUES (NEW.entry_id);
  RETURN NULL;
END $$;
CREATE TRIGGER seal_pending AFTER INSERT ON ledger.seal
  FOR EACH ROW EXECUTE FUNCTION ledger.seal_pending();

CREATE FUNCTION ledger.block_entry_insert() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
  taken bigint;
BEGIN
  -- positions are unique, so a block whose positions end below n_entries can be full but never
  -- too long: nothing is added to it later
  IF EXISTS (SELECT 1 FROM added LEFT JOIN ledger.block b ON b.seq = added.block_seq
             WHERE b.seq IS NULL OR added.pos >= b.n_entries) THEN
    RAISE EXCEPTION 'a position beyond the end of its block' USING ERRCODE = 'check_violation';
  END IF;
  DELETE FROM ledger.pending WHERE entry_id = ANY (ARRAY(SELECT added.entry_id FROM added));
  GET DIAGNOSTICS taken = ROW_COUNT;
  IF taken <> (SELECT count(*) FROM added) THEN
    RAISE EXCEPTION 'an entry that waits for no block' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER block_entry_insert AFTER INSERT ON ledger.block_entry
  REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.block_entry_insert();

CREATE FUNCTION ledger.block_complete() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
  IF NEW.n_entries <> (SELECT count(*) FROM ledger.block_entry WHERE block_seq = NEW.seq) THEN
    RAISE EXCEPTION 'block % does not hold the % entries that it states', NEW.seq, NEW.n_entries
      USING ERRCODE = 'check_violation';
  END IF;
  -- blocks become complete in the order of the chain, so the newest total is the one before
  INSERT INTO ledger.checkpoint (account_id, block_seq, debit, credit)
  SELECT added.account_id, NEW.seq,
         coalesce(before.debit, 0) + added.debit, coalesce(before.credit, 0) + added.credit
    FROM (SELECT account_id, sum(greatest(amount, 0)) AS debit,
                 sum(greatest(-amount, 0)) AS credit
            FROM ledger.posting
           WHERE entry_id = ANY (ARRAY(SELECT entry_id FROM ledger.block_entry
                                        WHERE block_seq = NEW.seq))
           GROUP BY account_id) added
    LEFT JOIN LATERAL (SELECT debit, credit FROM ledger.checkpoint c
                        WHERE c.account_id = added.account_id
                        ORDER BY c.block_seq DESC LIMIT 1) before ON true;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER block_complete AFTER INSERT ON ledger.block
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.block_complete();

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT SELECT ON ledger.pending, ledger.checkpoint TO upss_app;
"""

# The trigger stands by now and keeps writers out until the commit: no entry is missed. A block
# from before it would lack its totals; no program ever wrote one.
BACKFILL = """
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM ledger.block) THEN
    RAISE EXCEPTION 'blocks that were never checked stand in the ledger';
  END IF;
END $$;
INSERT INTO ledger.pending (entry_id) SELECT entry_id FROM ledger.seal;
"""

DOWNGRADE = """
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM ledger.block) THEN
    RAISE EXCEPTION 'the ledger holds blocks: what guards them is not dropped';
  END IF;
END $$;
DROP TRIGGER block_complete ON ledger.block;
DROP TRIGGER block_entry_insert ON ledger.block_entry;
DROP TRIGGER seal_pending ON ledger.seal;
DROP FUNCTION ledger.block_complete(), ledger.block_entry_insert(), ledger.seal_pending();
DROP INDEX ledger.entry_booked_at, ledger.entry_value_date, ledger.entry_kind;
DROP TABLE ledger.checkpoint, ledger.pending;
"""


def _raw(statements: str) -> None:
    """Send SQL as it is: it holds colons and percent signs that would pass for parameters."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute(statements)


def upgrade() -> None:
    """Make both tables and their triggers; every entry so far waits for a block."""
    _raw(TABLES)
    _raw(FUNCTIONS)
    _raw(BACKFILL)


def downgrade() -> None:
    """Take all of it away, if no block was ever made."""
    _raw(DOWNGRADE)
