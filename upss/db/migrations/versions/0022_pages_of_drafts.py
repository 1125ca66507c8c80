"""Which page saved a draft: what another window sends late does not take its place.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column."""
    op.add_column(
        "answer_draft", sa.Column("page", sa.String(24), nullable=False, server_default="")
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("answer_draft", "page")
