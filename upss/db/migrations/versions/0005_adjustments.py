"""Adjustments that one organizer proposes and another approves.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What was proposed never changes: only the decision is written later.
GRANTS = (
    "GRANT SELECT, INSERT ON adjustment TO upss_app",
    "GRANT UPDATE (status, decided_by, decided_at, entry_id) ON adjustment TO upss_app",
    "GRANT USAGE, SELECT ON SEQUENCE adjustment_id_seq TO upss_app",
)


def upgrade() -> None:
    """Make the table of proposals."""
    op.create_table(
        "adjustment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("question_id", sa.BigInteger(), nullable=True),
        sa.Column("answerer_id", sa.BigInteger(), nullable=True),
        sa.Column("debit_account", sa.Text(), nullable=False),
        sa.Column("credit_account", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("purpose IN ('goodwill', 'correction', 'reversal')", name=op.f("ck_adjustment_purpose")),
        sa.CheckConstraint("status IN ('proposed', 'approved', 'refused', 'withdrawn')", name=op.f("ck_adjustment_status")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_adjustment_amount_positive")),
        sa.CheckConstraint("debit_account <> credit_account", name=op.f("ck_adjustment_two_accounts")),
        sa.CheckConstraint("length(btrim(reason)) >= 10 AND length(reason) <= 300", name=op.f("ck_adjustment_reason")),
        sa.CheckConstraint(
            "CASE status WHEN 'proposed' THEN decided_by IS NULL AND decided_at IS NULL"
            " WHEN 'withdrawn' THEN decided_by IS NOT DISTINCT FROM proposed_by"
            " AND decided_at IS NOT NULL"
            " ELSE decided_by IS NOT NULL AND decided_by <> proposed_by"
            " AND decided_at IS NOT NULL END",
            name=op.f("ck_adjustment_two_people"),
        ),
        sa.CheckConstraint("(status = 'approved') = (entry_id IS NOT NULL)", name=op.f("ck_adjustment_posted")),
        sa.CheckConstraint("(purpose = 'reversal') = (reverses_id IS NOT NULL)", name=op.f("ck_adjustment_reverses")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_adjustment_question_id_question")),
        sa.ForeignKeyConstraint(["answerer_id"], ["account.id"], name=op.f("fk_adjustment_answerer_id_account")),
        sa.ForeignKeyConstraint(["proposed_by"], ["account.id"], name=op.f("fk_adjustment_proposed_by_account")),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name=op.f("fk_adjustment_decided_by_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment")),
        sa.UniqueConstraint("public_id", name=op.f("uq_adjustment_public_id")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_adjustment_entry_id")),
    )
    op.create_index("ix_adjustment_status", "adjustment", ["status", "id"])
    op.create_index(op.f("ix_adjustment_question_id"), "adjustment", ["question_id"])
    op.create_index(
        "uq_adjustment_reverses",
        "adjustment",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('proposed', 'approved')"),
    )
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    """Drop the table; the entries that were posted stay in the ledger."""
    op.drop_table("adjustment")
