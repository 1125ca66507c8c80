"""Each night's place of every answerer by earnings per declared hour.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; until the first night nobody waits for anybody."""
    op.create_table(
        "answerer_rank",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("percentile", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("percentile BETWEEN 0 AND 1", name=op.f("ck_answerer_rank_percentile")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_answerer_rank_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_answerer_rank")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON answerer_rank TO upss_app")


def downgrade() -> None:
    """Drop it."""
    op.drop_table("answerer_rank")
