"""What positions of the dials would do, as the simulator found it, and an index for the week.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

GRANTS = (
    "GRANT SELECT, INSERT, UPDATE ON dial_trial TO upss_app",
    "GRANT SELECT, INSERT ON dial_position TO upss_app",
    "GRANT USAGE, SELECT ON SEQUENCE dial_trial_id_seq TO upss_app",
)


def upgrade() -> None:
    """Make both tables; the organizer's week looks for what was paid and answered lately."""
    op.create_table(
        "dial_trial",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=False),
        sa.Column("is_model", sa.Boolean(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("questions", sa.Integer(), nullable=True),
        sa.Column("positions", sa.SmallInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["account.id"], name=op.f("fk_dial_trial_asked_by_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dial_trial")),
    )
    op.create_table(
        "dial_position",
        sa.Column("trial_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("urgency", sa.Float(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("mode IN ('open', 'deferred', 'strict')", name=op.f("ck_dial_position_mode")),
        sa.CheckConstraint("urgency BETWEEN 0 AND 1", name=op.f("ck_dial_position_urgency")),
        sa.ForeignKeyConstraint(["trial_id"], ["dial_trial.id"], name=op.f("fk_dial_position_trial_id_dial_trial")),
        sa.PrimaryKeyConstraint("trial_id", "place", name=op.f("pk_dial_position")),
    )
    op.create_index("ix_question_paid", "question", ["paid_at"])
    op.create_index("ix_answer_posted", "answer", ["posted_at"])
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    """Drop them: the next calculation starts anew."""
    op.drop_index("ix_answer_posted", "answer")
    op.drop_index("ix_question_paid", "question")
    op.drop_table("dial_position")
    op.drop_table("dial_trial")
