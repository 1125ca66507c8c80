"""Every guard of the ledger as the database describes it; a migration that changes one changes this."""

from __future__ import annotations

# In each line: kind, table and name, definition; of a function: the MD5 of whose rights it has, its search path
# and its body. A test holds this against a fresh database.
_TEXT = r"""
constraint account.account_code_check CHECK ((((length(code) >= 3) AND (length(code) <= 120)) AND (code ~ '^[A-Z][a-z]+(:[A-Z0-9][A-Za-z0-9-]*)+$'::text)))
constraint account.account_code_key UNIQUE (code)
constraint account.account_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
constraint account.account_id_currency_key UNIQUE (id, currency)
constraint account.account_pkey PRIMARY KEY (id)
constraint account.guard_follows_code CHECK ((guarded = (code ~ '^Liabilities:(Held:Questions$|Answerer:(Payable|InPayout):A)'::text)))
constraint account.kind_follows_code CHECK ((kind = CASE split_part(code, ':'::text, 1) WHEN 'Assets'::text THEN 'asset'::text WHEN 'Liabilities'::text THEN 'liability'::text WHEN 'Income'::text THEN 'income'::text WHEN 'Expenses'::text THEN 'expense'::text WHEN 'Equity'::text THEN 'equity'::text ELSE ''::text END))
constraint balance.balance_account_id_fkey FOREIGN KEY (account_id) REFERENCES ledger.account(id)
constraint balance.balance_pkey PRIMARY KEY (account_id, question_id)
constraint balance.overdrawn CHECK ((balance <= 0))
constraint block.block_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text))
constraint block.block_hash_key UNIQUE (hash)
constraint block.block_n_entries_check CHECK ((n_entries >= 1))
constraint block.block_pkey PRIMARY KEY (seq)
constraint block.block_prev_hash_check CHECK ((prev_hash ~ '^[0-9a-f]{64}$'::text))
constraint block.block_prev_hash_key UNIQUE (prev_hash)
constraint block.block_root_check CHECK ((root ~ '^[0-9a-f]{64}$'::text))
constraint block.block_seq_check CHECK ((seq >= 1))
constraint block_entry.block_entry_block_seq_fkey FOREIGN KEY (block_seq) REFERENCES ledger.block(seq)
constraint block_entry.block_entry_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES ledger.seal(entry_id)
constraint block_entry.block_entry_entry_id_key UNIQUE (entry_id)
constraint block_entry.block_entry_pkey PRIMARY KEY (block_seq, pos)
constraint block_entry.block_entry_pos_check CHECK ((pos >= 0))
constraint checkpoint.checkpoint_account_id_fkey FOREIGN KEY (account_id) REFERENCES ledger.account(id)
constraint checkpoint.checkpoint_block_seq_fkey FOREIGN KEY (block_seq) REFERENCES ledger.block(seq)
constraint checkpoint.checkpoint_credit_check CHECK ((credit >= 0))
constraint checkpoint.checkpoint_debit_check CHECK ((debit >= 0))
constraint checkpoint.checkpoint_pkey PRIMARY KEY (account_id, block_seq)
constraint entry.entry_external_ref_key UNIQUE (external_ref)
constraint entry.entry_idempotency_key_check CHECK (((length(idempotency_key) >= 1) AND (length(idempotency_key) <= 200)))
constraint entry.entry_idempotency_key_key UNIQUE (idempotency_key)
constraint entry.entry_pkey PRIMARY KEY (id)
constraint entry.entry_request_hash_check CHECK (((length(request_hash) = 64) AND (request_hash ~ '^[0-9a-f]+$'::text)))
constraint entry.entry_reverses_id_fkey FOREIGN KEY (reverses_id) REFERENCES ledger.entry(id)
constraint entry.entry_reverses_id_key UNIQUE (reverses_id)
constraint entry.manual_needs_reason CHECK (((kind <> ALL (ARRAY['adjustment'::text, 'write_off'::text])) OR ((length(COALESCE(reason, ''::text)) >= 10) AND (approver IS NOT NULL) AND (approver <> actor))))
constraint entry.must_be_sealed FOREIGN KEY (id) REFERENCES ledger.seal(entry_id) DEFERRABLE INITIALLY DEFERRED
constraint pending.pending_pkey PRIMARY KEY (entry_id)
constraint posting.one_currency FOREIGN KEY (account_id, currency) REFERENCES ledger.account(id, currency)
constraint posting.posting_amount_check CHECK ((amount <> 0))
constraint posting.posting_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES ledger.entry(id)
constraint posting.posting_line_no_check CHECK (((line_no >= 1) AND (line_no <= 100000)))
constraint posting.posting_pkey PRIMARY KEY (entry_id, line_no)
constraint posting.posting_question_id_check CHECK ((question_id > 0))
constraint seal.seal_debits_check CHECK ((debits > 0))
constraint seal.seal_digest_check CHECK (((length(digest) = 64) AND (digest ~ '^[0-9a-f]+$'::text)))
constraint seal.seal_digest_key UNIQUE (digest)
constraint seal.seal_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES ledger.entry(id)
constraint seal.seal_n_lines_check CHECK ((n_lines >= 2))
constraint seal.seal_pkey PRIMARY KEY (entry_id)
function append_only 2c3cf6cfc51d4f59fe72b9f4d6a66a2e
function block_chain 403c96b387cca2d92e6052d68e55cf8d
function block_complete e861108883f9367b620b3e18a95abd79
function block_entry_insert 6d7a62c0a90dfee9b7a3db6985c54221
function posting_insert 330c0e45bc7c9431d2b3592c8a0160e7
function seal_check 408a7172765acc0d988f62ae27611349
function seal_pending ac20ca2e0282ba1d9c165cf063373424
index posting.posting_once CREATE UNIQUE INDEX posting_once ON ledger.posting USING btree (entry_id, account_id, COALESCE(question_id, (0)::bigint))
trigger account.append_only CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger.account FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()
trigger block.append_only CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger.block FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()
trigger block.block_chain CREATE TRIGGER block_chain BEFORE INSERT ON ledger.block FOR EACH ROW EXECUTE FUNCTION ledger.block_chain()
trigger block.block_complete CREATE CONSTRAINT TRIGGER block_complete AFTER INSERT ON ledger.block DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.block_complete()
trigger block_entry.append_only CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger.block_entry FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()
trigger block_entry.block_entry_insert CREATE TRIGGER block_entry_insert AFTER INSERT ON ledger.block_entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger.block_entry_insert()
trigger checkpoint.append_only CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger.checkpoint FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()
trigger entry.append_only CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger.entry FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()
trigger posting.append_only CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger.posting FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()
trigger posting.posting_insert CREATE TRIGGER posting_insert BEFORE INSERT ON ledger.posting FOR EACH ROW EXECUTE FUNCTION ledger.posting_insert()
trigger seal.append_only CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger.seal FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()
trigger seal.seal_check CREATE TRIGGER seal_check AFTER INSERT ON ledger.seal FOR EACH ROW EXECUTE FUNCTION ledger.seal_check()
trigger seal.seal_pending CREATE TRIGGER seal_pending AFTER INSERT ON ledger.seal FOR EACH ROW EXECUTE FUNCTION ledger.seal_pending()
"""

EXPECTED = tuple(tuple(line.split(" ", 2)) for line in _TEXT.strip().splitlines())
