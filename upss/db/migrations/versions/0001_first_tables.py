"""The first tables: people, sessions, questions, payments, payouts, notices and jobs."""

import procrastinate.schema
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

APP = "upss_app"
TOPICS = ("daily", "home", "bills", "paperwork", "garden")
PRICES = {"small": 600, "medium": 1200, "large": 2400}

# Remove every object of procrastinate's schema, by its prefix.
DROP_JOBS = """
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname LIKE 'procrastinate%' LOOP
    EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', r.name);
  END LOOP;
  FOR r IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
           WHERE n.nspname = 'public' AND p.proname LIKE 'procrastinate%' LOOP
    EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', r.name);
  END LOOP;
  FOR r IN SELECT t.oid::regtype AS name FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
           WHERE n.nspname = 'public' AND t.typtype IN ('e', 'c') AND t.typname LIKE 'procrastinate%' LOOP
    EXECUTE format('DROP TYPE IF EXISTS %s CASCADE', r.name);
  END LOOP;
END $$
"""


def _raw(statements: str) -> None:
    """Send SQL as it is: it holds percent signs that the driver would take for placeholders."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute(statements)


def upgrade() -> None:
    op.create_table('account',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('experience', sa.String(length=300), server_default='', nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_account_email_lower')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('email', name=op.f('uq_account_email')),
    sa.UniqueConstraint('public_id', name=op.f('uq_account_public_id'))
    )
    op.create_table('balance_transaction',
    sa.Column('id', sa.String(length=255), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('fee_minor', sa.BigInteger(), nullable=False),
    sa.Column('net_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('net_minor = amount_minor - fee_minor', name=op.f('ck_balance_transaction_net')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_balance_transaction'))
    )
    op.create_table('clock_offset',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('seconds', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_clock_offset_single_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_offset'))
    )
    op.create_table('provider_event',
    sa.Column('id', sa.String(length=255), nullable=False),
    sa.Column('type', sa.String(length=120), nullable=False),
    sa.Column('object_id', sa.String(length=255), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_provider_event'))
    )
    op.create_table('rate_count',
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.Column('window_start', sa.DateTime(timezone=True), nullable=False),
    sa.Column('uses', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('key', 'window_start', name=op.f('pk_rate_count'))
    )
    op.create_index('ix_rate_count_window_start', 'rate_count', ['window_start'], unique=False)
    op.create_table('site_version',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('commission_bp', sa.Integer(), nullable=False),
    sa.Column('fund_bp', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f('ck_site_version_currency')),
    sa.CheckConstraint('commission_bp BETWEEN 0 AND 2500', name=op.f('ck_site_version_commission_ceiling')),
    sa.CheckConstraint('fund_bp BETWEEN 0 AND commission_bp', name=op.f('ck_site_version_fund_within_commission')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_site_version'))
    )
    op.create_table('topic',
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_topic'))
    )
    op.create_table('account_role',
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("role IN ('answerer', 'organizer')", name=op.f('ck_account_role_role')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_account_role_account_id_account')),
    sa.PrimaryKeyConstraint('account_id', 'role', name=op.f('pk_account_role'))
    )
    op.create_table('payout_run',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('total_minor', sa.BigInteger(), nullable=False),
    sa.Column('prepared_by', sa.BigInteger(), nullable=False),
    sa.Column('prepared_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('approved_by', sa.BigInteger(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status IN ('prepared', 'approved', 'cancelled', 'done')", name=op.f('ck_payout_run_status')),
    sa.CheckConstraint("status NOT IN ('approved', 'done') OR approved_by IS NOT NULL", name=op.f('ck_payout_run_approved')),
    sa.CheckConstraint('approved_by <> prepared_by', name=op.f('ck_payout_run_two_people')),
    sa.ForeignKeyConstraint(['approved_by'], ['account.id'], name=op.f('fk_payout_run_approved_by_account')),
    sa.ForeignKeyConstraint(['prepared_by'], ['account.id'], name=op.f('fk_payout_run_prepared_by_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_run')),
    sa.UniqueConstraint('public_id', name=op.f('uq_payout_run_public_id'))
    )
    op.create_index('uq_payout_run_open', 'payout_run', [sa.literal_column('(true)')], unique=True, postgresql_where=sa.text("status = 'prepared'"))
    op.create_table('price',
    sa.Column('version_id', sa.BigInteger(), nullable=False),
    sa.Column('topic', sa.String(length=40), nullable=False),
    sa.Column('size', sa.String(length=10), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("size IN ('small', 'medium', 'large')", name=op.f('ck_price_size')),
    sa.CheckConstraint('price_minor > 0', name=op.f('ck_price_positive')),
    sa.ForeignKeyConstraint(['topic'], ['topic.code'], name=op.f('fk_price_topic_topic')),
    sa.ForeignKeyConstraint(['version_id'], ['site_version.id'], name=op.f('fk_price_version_id_site_version')),
    sa.PrimaryKeyConstraint('version_id', 'topic', 'size', name=op.f('pk_price'))
    )
    op.create_table('recipient',
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('provider_id', sa.String(length=255), nullable=True),
    sa.Column('transfers', sa.String(length=12), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("transfers IN ('none', 'pending', 'active', 'restricted', 'unsupported')", name=op.f('ck_recipient_transfers')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_recipient_account_id_account')),
    sa.PrimaryKeyConstraint('account_id', name=op.f('pk_recipient')),
    sa.UniqueConstraint('provider_id', name=op.f('uq_recipient_provider_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_recipient_public_id'))
    )
    op.create_table('topic_approval',
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('topic', sa.String(length=40), nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_topic_approval_account_id_account')),
    sa.ForeignKeyConstraint(['topic'], ['topic.code'], name=op.f('fk_topic_approval_topic_topic')),
    sa.PrimaryKeyConstraint('account_id', 'topic', name=op.f('pk_topic_approval'))
    )
    op.create_table('web_session',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=True),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('signed_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_web_session_account_id_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_web_session')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_web_session_token_hash'))
    )
    op.create_index(op.f('ix_web_session_account_id'), 'web_session', ['account_id'], unique=False)
    op.create_index(op.f('ix_web_session_expires_at'), 'web_session', ['expires_at'], unique=False)
    op.create_table('payout_item',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('run_id', sa.BigInteger(), nullable=False),
    sa.Column('answerer_id', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('idempotency_key', sa.String(length=100), nullable=False),
    sa.Column('destination', sa.String(length=255), nullable=True),
    sa.Column('provider_id', sa.String(length=255), nullable=True),
    sa.Column('balance_transaction_id', sa.String(length=255), nullable=True),
    sa.Column('failure_reason', sa.String(length=200), nullable=True),
    sa.Column('first_sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status IN ('prepared', 'reserved', 'sent', 'refused', 'cancelled')", name=op.f('ck_payout_item_status')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_payout_item_amount_positive')),
    sa.ForeignKeyConstraint(['answerer_id'], ['account.id'], name=op.f('fk_payout_item_answerer_id_account')),
    sa.ForeignKeyConstraint(['balance_transaction_id'], ['balance_transaction.id'], name=op.f('fk_payout_item_balance_transaction_id_balance_transaction')),
    sa.ForeignKeyConstraint(['run_id'], ['payout_run.id'], name=op.f('fk_payout_item_run_id_payout_run')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_item')),
    sa.UniqueConstraint('balance_transaction_id', name=op.f('uq_payout_item_balance_transaction_id')),
    sa.UniqueConstraint('idempotency_key', name=op.f('uq_payout_item_idempotency_key')),
    sa.UniqueConstraint('provider_id', name=op.f('uq_payout_item_provider_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_payout_item_public_id'))
    )
    op.create_index('ix_payout_item_answerer', 'payout_item', ['answerer_id', 'id'], unique=False)
    op.create_index('ix_payout_item_open', 'payout_item', ['id'], unique=False, postgresql_where=sa.text("status = 'reserved'"))
    op.create_index('ix_payout_item_run', 'payout_item', ['run_id', 'id'], unique=False)
    op.create_table('question',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False, start=1001), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('asker_id', sa.BigInteger(), nullable=True),
    sa.Column('session_id', sa.BigInteger(), nullable=True),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('topic', sa.String(length=40), nullable=True),
    sa.Column('size', sa.String(length=10), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('email', sa.String(length=254), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=True),
    sa.Column('commission_bp', sa.Integer(), nullable=True),
    sa.Column('fund_bp', sa.Integer(), nullable=True),
    sa.Column('offered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('offer_ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('honour_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('promise_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('accept_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("size IN ('small', 'medium', 'large')", name=op.f('ck_question_size')),
    sa.CheckConstraint("status IN ('draft', 'awaiting_payment', 'abandoned') OR (asker_id IS NOT NULL AND price_minor IS NOT NULL AND promise_at IS NOT NULL AND paid_at IS NOT NULL)", name=op.f('ck_question_paid_is_complete')),
    sa.CheckConstraint("status IN ('draft', 'awaiting_payment', 'queued', 'under_review', 'claimed', 'clarifying', 'answered', 'in_complaint', 'accepted', 'final', 'settled', 'refunded', 'withdrawn', 'expired', 'removed', 'abandoned', 'charged_back')", name=op.f('ck_question_status')),
    sa.CheckConstraint('asker_id IS NOT NULL OR session_id IS NOT NULL', name=op.f('ck_question_has_owner')),
    sa.CheckConstraint('commission_bp BETWEEN 0 AND 2500', name=op.f('ck_question_commission_ceiling')),
    sa.CheckConstraint('fund_bp BETWEEN 0 AND commission_bp', name=op.f('ck_question_fund_within_commission')),
    sa.CheckConstraint('honour_until < promise_at', name=op.f('ck_question_honour_before_promise')),
    sa.CheckConstraint('price_minor > 0', name=op.f('ck_question_price_positive')),
    sa.ForeignKeyConstraint(['asker_id'], ['account.id'], name=op.f('fk_question_asker_id_account')),
    sa.ForeignKeyConstraint(['session_id'], ['web_session.id'], name=op.f('fk_question_session_id_web_session')),
    sa.ForeignKeyConstraint(['topic'], ['topic.code'], name=op.f('fk_question_topic_topic')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question')),
    sa.UniqueConstraint('public_id', name=op.f('uq_question_public_id'))
    )
    op.create_index('ix_question_accept_due', 'question', ['accept_due_at'], unique=False, postgresql_where=sa.text("status = 'answered'"))
    op.create_index('ix_question_accepted', 'question', ['answered_at'], unique=False, postgresql_where=sa.text("status = 'accepted'"))
    op.create_index('ix_question_asker', 'question', ['asker_id', 'id'], unique=False)
    op.create_index('ix_question_draft', 'question', ['updated_at'], unique=False, postgresql_where=sa.text("status = 'draft'"))
    op.create_index('ix_question_offer_end', 'question', ['offer_ends_at'], unique=False, postgresql_where=sa.text("status = 'awaiting_payment'"))
    op.create_index('ix_question_promise', 'question', ['promise_at'], unique=False, postgresql_where=sa.text("status = 'queued'"))
    op.create_index('ix_question_queue', 'question', ['topic', 'paid_at', 'id'], unique=False, postgresql_where=sa.text("status = 'queued'"))
    op.create_index(op.f('ix_question_session_id'), 'question', ['session_id'], unique=False)
    op.create_table('sign_in_request',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('session_id', sa.BigInteger(), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('next_path', sa.String(length=300), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=True),
    sa.Column('code_hash', sa.String(length=64), nullable=True),
    sa.Column('code_tries', sa.Integer(), server_default='0', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['session_id'], ['web_session.id'], name=op.f('fk_sign_in_request_session_id_web_session')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_request')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_sign_in_request_token_hash'))
    )
    op.create_index(op.f('ix_sign_in_request_email'), 'sign_in_request', ['email'], unique=False)
    op.create_index(op.f('ix_sign_in_request_session_id'), 'sign_in_request', ['session_id'], unique=False)
    op.create_table('answer_draft',
    sa.Column('question_id', sa.BigInteger(), nullable=False),
    sa.Column('answerer_id', sa.BigInteger(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['answerer_id'], ['account.id'], name=op.f('fk_answer_draft_answerer_id_account')),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_answer_draft_question_id_question')),
    sa.PrimaryKeyConstraint('question_id', 'answerer_id', name=op.f('pk_answer_draft'))
    )
    op.create_table('claim',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('question_id', sa.BigInteger(), nullable=False),
    sa.Column('answerer_id', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'active') = (ended_at IS NULL)", name=op.f('ck_claim_ended')),
    sa.CheckConstraint("status IN ('active', 'posted', 'handed_back', 'lapsed', 'reassigned')", name=op.f('ck_claim_status')),
    sa.ForeignKeyConstraint(['answerer_id'], ['account.id'], name=op.f('fk_claim_answerer_id_account')),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_claim_question_id_question')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claim'))
    )
    op.create_index('ix_claim_answerer', 'claim', ['answerer_id', 'id'], unique=False)
    op.create_index('ix_claim_ends', 'claim', ['ends_at'], unique=False, postgresql_where=sa.text("status = 'active'"))
    op.create_index(op.f('ix_claim_question_id'), 'claim', ['question_id'], unique=False)
    op.create_index('uq_claim_active', 'claim', ['question_id'], unique=True, postgresql_where=sa.text("status = 'active'"))
    op.create_table('notice',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('fact', sa.String(length=80), nullable=False),
    sa.Column('template', sa.String(length=40), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=True),
    sa.Column('question_id', sa.BigInteger(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_notice_account_id_account')),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_notice_question_id_question')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice')),
    sa.UniqueConstraint('fact', 'email', 'template', name=op.f('uq_notice_fact_email_template'))
    )
    op.create_index(op.f('ix_notice_account_id'), 'notice', ['account_id'], unique=False)
    op.create_index('ix_notice_unsent', 'notice', ['id'], unique=False, postgresql_where=sa.text('sent_at IS NULL'))
    op.create_table('payment',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('question_id', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('honour_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('idempotency_key', sa.String(length=100), nullable=False),
    sa.Column('session_id', sa.String(length=255), nullable=True),
    sa.Column('checkout_url', sa.Text(), nullable=True),
    sa.Column('payment_intent_id', sa.String(length=255), nullable=True),
    sa.Column('charge_id', sa.String(length=255), nullable=True),
    sa.Column('receipt_url', sa.Text(), nullable=True),
    sa.Column('balance_transaction_id', sa.String(length=255), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status IN ('new', 'open', 'checking', 'expired', 'paid', 'returned')", name=op.f('ck_payment_status')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_payment_amount_positive')),
    sa.ForeignKeyConstraint(['balance_transaction_id'], ['balance_transaction.id'], name=op.f('fk_payment_balance_transaction_id_balance_transaction')),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_payment_question_id_question')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment')),
    sa.UniqueConstraint('balance_transaction_id', name=op.f('uq_payment_balance_transaction_id')),
    sa.UniqueConstraint('charge_id', name=op.f('uq_payment_charge_id')),
    sa.UniqueConstraint('idempotency_key', name=op.f('uq_payment_idempotency_key')),
    sa.UniqueConstraint('payment_intent_id', name=op.f('uq_payment_payment_intent_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_payment_public_id')),
    sa.UniqueConstraint('session_id', name=op.f('uq_payment_session_id'))
    )
    op.create_index('ix_payment_fee_unknown', 'payment', ['id'], unique=False, postgresql_where=sa.text("status IN ('paid', 'returned') AND balance_transaction_id IS NULL"))
    op.create_index('ix_payment_question', 'payment', ['question_id', 'id'], unique=False)
    op.create_index('ix_payment_waiting', 'payment', ['id'], unique=False, postgresql_where=sa.text("status IN ('new', 'open', 'checking')"))
    op.create_index('uq_payment_paid', 'payment', ['question_id'], unique=True, postgresql_where=sa.text("status = 'paid'"))
    op.create_table('payout_line',
    sa.Column('item_id', sa.BigInteger(), nullable=False),
    sa.Column('question_id', sa.BigInteger(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_payout_line_amount_positive')),
    sa.ForeignKeyConstraint(['item_id'], ['payout_item.id'], name=op.f('fk_payout_line_item_id_payout_item')),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_payout_line_question_id_question')),
    sa.PrimaryKeyConstraint('item_id', 'question_id', name=op.f('pk_payout_line'))
    )
    op.create_index(op.f('ix_payout_line_question_id'), 'payout_line', ['question_id'], unique=False)
    op.create_table('question_move',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('question_id', sa.BigInteger(), nullable=False),
    sa.Column('event', sa.String(length=40), nullable=False),
    sa.Column('from_status', sa.String(length=20), nullable=False),
    sa.Column('to_status', sa.String(length=20), nullable=False),
    sa.Column('actor', sa.String(length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_question_move_question_id_question')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_move'))
    )
    op.create_index(op.f('ix_question_move_question_id'), 'question_move', ['question_id'], unique=False)
    op.create_table('answer',
    sa.Column('question_id', sa.BigInteger(), nullable=False),
    sa.Column('revision', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('claim_id', sa.BigInteger(), nullable=False),
    sa.Column('answerer_id', sa.BigInteger(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('posted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['answerer_id'], ['account.id'], name=op.f('fk_answer_answerer_id_account')),
    sa.ForeignKeyConstraint(['claim_id'], ['claim.id'], name=op.f('fk_answer_claim_id_claim')),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_answer_question_id_question')),
    sa.PrimaryKeyConstraint('question_id', 'revision', name=op.f('pk_answer')),
    sa.UniqueConstraint('claim_id', name=op.f('uq_answer_claim_id'))
    )
    op.create_index(op.f('ix_answer_answerer_id'), 'answer', ['answerer_id'], unique=False)
    op.create_table('refund',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('payment_id', sa.BigInteger(), nullable=False),
    sa.Column('question_id', sa.BigInteger(), nullable=False),
    sa.Column('cause', sa.String(length=20), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('idempotency_key', sa.String(length=100), nullable=False),
    sa.Column('provider_id', sa.String(length=255), nullable=True),
    sa.Column('balance_transaction_id', sa.String(length=255), nullable=True),
    sa.Column('failure_reason', sa.String(length=200), nullable=True),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('first_sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status IN ('requested', 'sent', 'settled', 'failed')", name=op.f('ck_refund_status')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_refund_amount_positive')),
    sa.ForeignKeyConstraint(['balance_transaction_id'], ['balance_transaction.id'], name=op.f('fk_refund_balance_transaction_id_balance_transaction')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_refund_payment_id_payment')),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_refund_question_id_question')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refund')),
    sa.UniqueConstraint('balance_transaction_id', name=op.f('uq_refund_balance_transaction_id')),
    sa.UniqueConstraint('idempotency_key', name=op.f('uq_refund_idempotency_key')),
    sa.UniqueConstraint('provider_id', name=op.f('uq_refund_provider_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_refund_public_id'))
    )
    op.create_index('ix_refund_open', 'refund', ['id'], unique=False, postgresql_where=sa.text("status IN ('requested', 'sent')"))
    op.create_index(op.f('ix_refund_payment_id'), 'refund', ['payment_id'], unique=False)
    op.create_index('ix_refund_question', 'refund', ['question_id'], unique=False)
    _raw(procrastinate.schema.SchemaManager.get_schema())
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP}")
    op.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP}")
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {APP}")
    # History and what was sent are never rewritten by the application.
    op.execute(f"REVOKE UPDATE, DELETE ON answer, question_move, balance_transaction FROM {APP}")
    _seed()


def _seed() -> None:
    """What a new site opens with; the organizer's settings add newer versions."""
    op.execute("INSERT INTO clock_offset (id, seconds) VALUES (1, 0)")
    op.execute(
        "INSERT INTO site_version (commission_bp, fund_bp, currency, created_at)"
        " VALUES (1500, 300, 'EUR', now())"
    )
    for position, code in enumerate(TOPICS, start=1):
        op.execute(f"INSERT INTO topic (code, position, is_open) VALUES ('{code}', {position}, true)")
        for size, minor in PRICES.items():
            op.execute(
                "INSERT INTO price (version_id, topic, size, price_minor)"
                f" SELECT max(id), '{code}', '{size}', {minor} FROM site_version"
            )


def downgrade() -> None:
    _raw(DROP_JOBS)
    op.drop_index('ix_refund_question', table_name='refund')
    op.drop_index(op.f('ix_refund_payment_id'), table_name='refund')
    op.drop_index('ix_refund_open', table_name='refund', postgresql_where=sa.text("status IN ('requested', 'sent')"))
    op.drop_table('refund')
    op.drop_index(op.f('ix_answer_answerer_id'), table_name='answer')
    op.drop_table('answer')
    op.drop_index(op.f('ix_question_move_question_id'), table_name='question_move')
    op.drop_table('question_move')
    op.drop_index(op.f('ix_payout_line_question_id'), table_name='payout_line')
    op.drop_table('payout_line')
    op.drop_index('uq_payment_paid', table_name='payment', postgresql_where=sa.text("status = 'paid'"))
    op.drop_index('ix_payment_waiting', table_name='payment', postgresql_where=sa.text("status IN ('new', 'open', 'checking')"))
    op.drop_index('ix_payment_question', table_name='payment')
    op.drop_index('ix_payment_fee_unknown', table_name='payment', postgresql_where=sa.text("status IN ('paid', 'returned') AND balance_transaction_id IS NULL"))
    op.drop_table('payment')
    op.drop_index('ix_notice_unsent', table_name='notice', postgresql_where=sa.text('sent_at IS NULL'))
    op.drop_index(op.f('ix_notice_account_id'), table_name='notice')
    op.drop_table('notice')
    op.drop_index('uq_claim_active', table_name='claim', postgresql_where=sa.text("status = 'active'"))
    op.drop_index(op.f('ix_claim_question_id'), table_name='claim')
    op.drop_index('ix_claim_ends', table_name='claim', postgresql_where=sa.text("status = 'active'"))
    op.drop_index('ix_claim_answerer', table_name='claim')
    op.drop_table('claim')
    op.drop_table('answer_draft')
    op.drop_index(op.f('ix_sign_in_request_session_id'), table_name='sign_in_request')
    op.drop_index(op.f('ix_sign_in_request_email'), table_name='sign_in_request')
    op.drop_table('sign_in_request')
    op.drop_index(op.f('ix_question_session_id'), table_name='question')
    op.drop_index('ix_question_queue', table_name='question', postgresql_where=sa.text("status = 'queued'"))
    op.drop_index('ix_question_promise', table_name='question', postgresql_where=sa.text("status = 'queued'"))
    op.drop_index('ix_question_offer_end', table_name='question', postgresql_where=sa.text("status = 'awaiting_payment'"))
    op.drop_index('ix_question_draft', table_name='question', postgresql_where=sa.text("status = 'draft'"))
    op.drop_index('ix_question_asker', table_name='question')
    op.drop_index('ix_question_accepted', table_name='question', postgresql_where=sa.text("status = 'accepted'"))
    op.drop_index('ix_question_accept_due', table_name='question', postgresql_where=sa.text("status = 'answered'"))
    op.drop_table('question')
    op.drop_index('ix_payout_item_run', table_name='payout_item')
    op.drop_index('ix_payout_item_open', table_name='payout_item', postgresql_where=sa.text("status = 'reserved'"))
    op.drop_index('ix_payout_item_answerer', table_name='payout_item')
    op.drop_table('payout_item')
    op.drop_index(op.f('ix_web_session_expires_at'), table_name='web_session')
    op.drop_index(op.f('ix_web_session_account_id'), table_name='web_session')
    op.drop_table('web_session')
    op.drop_table('topic_approval')
    op.drop_table('recipient')
    op.drop_table('price')
    op.drop_index('uq_payout_run_open', table_name='payout_run', postgresql_where=sa.text("status = 'prepared'"))
    op.drop_table('payout_run')
    op.drop_table('account_role')
    op.drop_table('topic')
    op.drop_table('site_version')
    op.drop_index('ix_rate_count_window_start', table_name='rate_count')
    op.drop_table('rate_count')
    op.drop_table('provider_event')
    op.drop_table('clock_offset')
    op.drop_table('balance_transaction')
    op.drop_table('account')
