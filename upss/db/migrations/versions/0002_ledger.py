"""The ledger: entries, postings and seals that PostgreSQL itself keeps true.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE SCHEMA ledger;

CREATE TABLE ledger.account (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code     text NOT NULL UNIQUE
           CHECK (length(code) BETWEEN 3 AND 120 AND code ~ '^[A-Z][a-z]+(:[A-Z0-9][A-Za-z0-9-]*)+$'),
  kind     text NOT NULL,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  guarded  boolean NOT NULL,
  UNIQUE (id, currency),
  -- what an account is follows from its code: nobody opens an unguarded payable
  CONSTRAINT kind_follows_code CHECK (kind = CASE split_part(code, ':', 1)
    WHEN 'Assets' THEN 'asset' WHEN 'Liabilities' THEN 'liability' WHEN 'Income' THEN 'income'
    WHEN 'Expenses' THEN 'expense' WHEN 'Equity' THEN 'equity' ELSE '' END),
  CONSTRAINT guard_follows_code CHECK (guarded =
    (code ~ '^Liabilities:(Held:Questions$|Answerer:(Payable|InPayout):A)'))
);
COMMENT ON COLUMN ledger.account.guarded IS
  'owes somebody (held, payable, in payout): per question it may never be on the debit side';

CREATE TABLE ledger.entry (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind            text NOT NULL,
  idempotency_key text NOT NULL UNIQUE CHECK (length(idempotency_key) BETWEEN 1 AND 200),
  request_hash    text NOT NULL CHECK (request_hash ~ '^[0-9a-f]{64}$'),
  external_ref    text UNIQUE,                            -- one movement of the provider, one entry
  reverses_id     bigint UNIQUE REFERENCES ledger.entry,  -- reversed at most once
  booked_at       timestamptz NOT NULL,
  value_date      date NOT NULL,
  actor           text NOT NULL,
  reason          text,
  approver        text,
  CONSTRAINT manual_needs_reason CHECK (kind NOT IN ('adjustment', 'write_off')
    OR (length(coalesce(reason, '')) >= 10 AND approver IS NOT NULL AND approver <> actor))
);

CREATE TABLE ledger.posting (
  entry_id    bigint NOT NULL REFERENCES ledger.entry,
  line_no     int    NOT NULL CHECK (line_no BETWEEN 1 AND 100000),
  account_id  bigint NOT NULL,
  currency    text   NOT NULL,
  amount      bigint NOT NULL CHECK (amount <> 0),        -- minor units; debit > 0, credit < 0
  question_id bigint CHECK (question_id > 0),
  PRIMARY KEY (entry_id, line_no),
  CONSTRAINT one_currency FOREIGN KEY (account_id, currency)
    REFERENCES ledger.account (id, currency)
);
CREATE UNIQUE INDEX posting_once
  ON ledger.posting (entry_id, account_id, coalesce(question_id, 0));
CREATE INDEX posting_account ON ledger.posting (account_id, entry_id);
CREATE INDEX posting_question ON ledger.posting (question_id) WHERE question_id IS NOT NULL;

CREATE TABLE ledger.seal (
  entry_id bigint PRIMARY KEY REFERENCES ledger.entry,
  n_lines  int    NOT NULL CHECK (n_lines >= 2),
  debits   bigint NOT NULL CHECK (debits > 0),
  digest   text   NOT NULL UNIQUE CHECK (digest ~ '^[0-9a-f]{64}$')
);
ALTER TABLE ledger.entry ADD CONSTRAINT must_be_sealed FOREIGN KEY (id)
  REFERENCES ledger.seal (entry_id) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE ledger.balance (                             -- guarded accounts only
  account_id  bigint NOT NULL REFERENCES ledger.account,
  question_id bigint NOT NULL,
  balance     bigint NOT NULL CONSTRAINT overdrawn CHECK (balance <= 0),
  PRIMARY KEY (account_id, question_id)
) WITH (fillfactor = 80);
CREATE INDEX balance_open ON ledger.balance (account_id) INCLUDE (balance) WHERE balance <> 0;

CREATE TABLE ledger.block (
  seq       bigint PRIMARY KEY CHECK (seq >= 1),
  prev_hash text NOT NULL UNIQUE CHECK (prev_hash ~ '^[0-9a-f]{64}$'),
  n_entries int NOT NULL CHECK (n_entries >= 1),
  root      text NOT NULL CHECK (root ~ '^[0-9a-f]{64}$'),
  sealed_at timestamptz NOT NULL,
  hash      text NOT NULL UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$')
);
CREATE TABLE ledger.block_entry (
  block_seq bigint NOT NULL REFERENCES ledger.block,
  pos       int NOT NULL CHECK (pos >= 0),
  entry_id  bigint NOT NULL UNIQUE REFERENCES ledger.seal (entry_id),
  PRIMARY KEY (block_seq, pos)
);
"""

FUNCTIONS = """
CREATE FUNCTION ledger.posting_insert() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
  -- "exists and is not sealed" in one snapshot: asked apart, another session could slip a
  -- line in while the seal commits
  PERFORM 1 FROM ledger.entry e WHERE e.id = NEW.entry_id
    AND NOT EXISTS (SELECT 1 FROM ledger.seal s WHERE s.entry_id = e.id);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'entry % is sealed or unknown', NEW.entry_id USING ERRCODE = 'check_violation';
  END IF;
  IF (SELECT guarded FROM ledger.account WHERE id = NEW.account_id) THEN
    IF NEW.question_id IS NULL THEN
      RAISE EXCEPTION 'a guarded account needs a question' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE ledger.balance SET balance = balance + NEW.amount
      WHERE account_id = NEW.account_id AND question_id = NEW.question_id;
    IF NOT FOUND THEN
      INSERT INTO ledger.balance VALUES (NEW.account_id, NEW.question_id, NEW.amount)
      ON CONFLICT (account_id, question_id)
        DO UPDATE SET balance = ledger.balance.balance + EXCLUDED.balance;
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER posting_insert BEFORE INSERT ON ledger.posting
  FOR EACH ROW EXECUTE FUNCTION ledger.posting_insert();

CREATE FUNCTION ledger.seal_check() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
  n bigint;
  d numeric;
BEGIN
  IF EXISTS (SELECT 1 FROM ledger.posting WHERE entry_id = NEW.entry_id
             GROUP BY currency HAVING sum(amount) <> 0) THEN
    RAISE EXCEPTION 'entry % does not balance', NEW.entry_id USING ERRCODE = 'check_violation';
  END IF;
  SELECT count(*), coalesce(sum(greatest(amount, 0)), 0) INTO n, d
    FROM ledger.posting WHERE entry_id = NEW.entry_id;
  IF n <> NEW.n_lines OR d <> NEW.debits THEN
    RAISE EXCEPTION 'seal of % does not match its lines', NEW.entry_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER seal_check AFTER INSERT ON ledger.seal
  FOR EACH ROW EXECUTE FUNCTION ledger.seal_check();

CREATE FUNCTION ledger.block_chain() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
  IF NEW.prev_hash IS DISTINCT FROM coalesce(
    (SELECT hash FROM ledger.block WHERE seq = NEW.seq - 1),
    CASE WHEN NEW.seq = 1 THEN repeat('0', 64) END
  ) THEN
    RAISE EXCEPTION 'block does not follow its predecessor' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER block_chain BEFORE INSERT ON ledger.block
  FOR EACH ROW EXECUTE FUNCTION ledger.block_chain();

CREATE FUNCTION ledger.append_only() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% on % refused: append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;
"""

APPEND_ONLY = ("account", "entry", "posting", "seal", "block", "block_entry")

# Without EXECUTE nobody else can hang these functions, which write as the owner, on a table
# of his own. No column list holds an identity: ids come from the ledger alone.
GRANTS = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO upss_app;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO upss_app;
GRANT INSERT (code, kind, currency, guarded) ON ledger.account TO upss_app;
GRANT INSERT (kind, idempotency_key, request_hash, external_ref, reverses_id, booked_at,
              value_date, actor, reason, approver) ON ledger.entry TO upss_app;
GRANT INSERT ON ledger.posting, ledger.seal, ledger.block, ledger.block_entry TO upss_app;
"""

# A downgrade undoes an empty ledger; it never throws entries away.
REFUSE_IF_USED = """
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM ledger.entry) THEN
    RAISE EXCEPTION 'the ledger holds entries: it is not dropped';
  END IF;
END $$;
"""


def _raw(statements: str) -> None:
    """Send SQL as it is: it holds colons and percent signs that would pass for parameters."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute(statements)


def upgrade() -> None:
    """Make the schema, its triggers and the application role's few rights."""
    _raw(TABLES)
    _raw(FUNCTIONS)
    for table in APPEND_ONLY:
        _raw(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()"
        )
    _raw(GRANTS)


def downgrade() -> None:
    """Drop the schema, if no entry was ever written."""
    _raw(REFUSE_IF_USED)
    _raw("DROP SCHEMA ledger CASCADE")
