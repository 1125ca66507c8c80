"""A claim keeps what its end is counted from, and a draft what a late page saved.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the parts of the lease; what is held now goes on as it was."""
    op.add_column("claim", sa.Column("last_saved", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE claim SET last_saved = CASE WHEN status = 'active'"
        " THEN greatest(claimed_at, ends_at - interval '120 minutes') ELSE claimed_at END"
    )
    op.alter_column("claim", "last_saved", nullable=False)
    op.add_column("claim", sa.Column("extensions", sa.Integer(), server_default="0", nullable=False))
    op.add_column("claim", sa.Column("kept_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("answer_draft", sa.Column("aside", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    """Forget them: a claim ends when it was last said to end."""
    op.drop_column("answer_draft", "aside")
    op.drop_column("claim", "kept_until")
    op.drop_column("claim", "extensions")
    op.drop_column("claim", "last_saved")
