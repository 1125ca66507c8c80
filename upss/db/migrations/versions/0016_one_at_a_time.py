"""Questions passed over, claims refused, and the head start of whoever answered before.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

REASONS = "reason IN ('experience', 'too_long', 'known', 'other', 'unsaid')"
KEPT = "status = 'queued' AND reserved_for IS NOT NULL"


def upgrade() -> None:
    """Make the tables and the columns."""
    op.create_table(
        "question_skip",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(12), nullable=False),
        sa.CheckConstraint(REASONS, name=op.f("ck_question_skip_reason")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_question_skip_account_id_account")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_question_skip_question_id_question")),
        sa.PrimaryKeyConstraint("account_id", "at", "question_id", name=op.f("pk_question_skip")),
    )
    op.create_index(op.f("ix_question_skip_question_id"), "question_skip", ["question_id"])
    op.execute("GRANT SELECT, INSERT, DELETE ON question_skip TO upss_app")
    op.create_table(
        "claim_refusal",
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("times > 0", name=op.f("ck_claim_refusal_times")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_claim_refusal_question_id_question")),
        sa.PrimaryKeyConstraint("question_id", "reason", name=op.f("pk_claim_refusal")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON claim_refusal TO upss_app")
    op.add_column(
        "question",
        sa.Column("wants_previous", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column("question", sa.Column("reserved_for", sa.BigInteger(), nullable=True))
    op.add_column("question", sa.Column("reserved_until", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_question_reserved_for_account"), "question", "account", ["reserved_for"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_question_reserved"), "question", "(reserved_for IS NULL) = (reserved_until IS NULL)"
    )
    op.create_index(
        "ix_question_reserved", "question", ["reserved_for"], postgresql_where=sa.text(KEPT)
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_question_reserved", "question")
    op.drop_constraint(op.f("ck_question_reserved"), "question")
    op.drop_constraint(op.f("fk_question_reserved_for_account"), "question")
    op.drop_column("question", "reserved_until")
    op.drop_column("question", "reserved_for")
    op.drop_column("question", "wants_previous")
    op.drop_table("claim_refusal")
    op.drop_table("question_skip")
