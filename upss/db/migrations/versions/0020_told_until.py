"""Until when everybody was told what time has brought: nothing is told again each minute.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table with its row, long ago."""
    op.create_table(
        "told_until",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_told_until_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_told_until")),
    )
    op.execute("GRANT SELECT, UPDATE ON told_until TO upss_app")
    op.execute("INSERT INTO told_until VALUES (1, '2020-01-01T00:00Z')")


def downgrade() -> None:
    """Drop it."""
    op.drop_table("told_until")
