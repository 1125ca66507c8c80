"""An index of what is urgent: in a busy hour nothing else may be taken.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it."""
    op.create_index(
        "ix_question_urgent", "question", ["urgent_at"],
        postgresql_where=sa.text("status = 'queued'"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_question_urgent", "question")
