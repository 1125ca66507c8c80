"""Indexes of the queue: what waits for a quieter hour, and what a person holds or did lately.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Who asks signed in has no session: a claim on such a question keeps one index less."""
    op.create_index(
        "ix_question_released", "question", ["released_at"],
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.drop_index("ix_question_session_id", "question")
    op.create_index(
        "ix_question_session", "question", ["session_id"],
        postgresql_where=sa.text("session_id IS NOT NULL"),
    )
    op.drop_index("ix_claim_answerer", "claim")
    op.create_index("ix_claim_answerer", "claim", ["answerer_id", "ended_at"])


def downgrade() -> None:
    """Put them back as they were."""
    op.drop_index("ix_claim_answerer", "claim")
    op.create_index("ix_claim_answerer", "claim", ["answerer_id", "id"])
    op.drop_index("ix_question_session", "question")
    op.create_index("ix_question_session_id", "question", ["session_id"])
    op.drop_index("ix_question_released", "question")
