"""Express: its dials, its part of a price, its own promises and scores, its surcharge given back once.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

WAITS = "status = 'queued' AND express_minor IS NOT NULL"
MAY_BE_MISSED = (
    "status IN ('queued', 'claimed') AND express_minor IS NOT NULL AND express_returned_at IS NULL"
)
NOTED = {
    "offpeak_version": ("express", "express_percent"),
    "calibration": ("express_factor", "n_express_scores"),
    "question_promise": ("is_express", "ordinary_by"),
    "promise_score": ("is_express",),
    "question": ("express_minor", "express_returned_at"),
}


def upgrade() -> None:
    """Add the columns; nothing that there is becomes express."""
    op.add_column(
        "offpeak_version",
        sa.Column("express", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column(
        "offpeak_version",
        sa.Column("express_percent", sa.SmallInteger(), server_default="50", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_offpeak_version_express_percent"), "offpeak_version",
        "express_percent BETWEEN 10 AND 100",
    )
    op.add_column(
        "calibration", sa.Column("express_factor", sa.Float(), server_default="2.5", nullable=False)
    )
    op.add_column(
        "calibration",
        sa.Column("n_express_scores", sa.Integer(), server_default="0", nullable=False),
    )
    op.add_column(
        "question_promise",
        sa.Column("is_express", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column(
        "question_promise", sa.Column("ordinary_by", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "promise_score",
        sa.Column("is_express", sa.Boolean(), server_default="false", nullable=False),
    )
    op.create_index(
        "ix_promise_score_express", "promise_score", ["at", "question_id"],
        postgresql_where=sa.text("is_express"),
    )
    _question()
    op.create_index(
        "uq_refund_express", "refund", ["question_id"], unique=True,
        postgresql_where=sa.text("cause = 'express_missed'"),
    )


def _question() -> None:
    op.add_column("question", sa.Column("express_minor", sa.BigInteger(), nullable=True))
    op.add_column(
        "question", sa.Column("express_returned_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_check_constraint(
        op.f("ck_question_express"), "question", "express_minor > 0 AND express_minor < price_minor"
    )
    op.create_check_constraint(
        op.f("ck_question_express_returned"), "question",
        "express_returned_at IS NULL OR express_minor IS NOT NULL",
    )
    op.create_index(
        "ix_question_express", "question", ["topic", "language", "paid_at", "id"],
        postgresql_where=sa.text(WAITS),
    )
    op.create_index(
        "ix_question_express_due", "question", ["promise_at"],
        postgresql_where=sa.text(MAY_BE_MISSED),
    )


def downgrade() -> None:
    """Drop them, with their indexes and constraints."""
    op.drop_index("uq_refund_express", "refund")
    for table, columns in NOTED.items():
        for column in columns:
            op.drop_column(table, column)
