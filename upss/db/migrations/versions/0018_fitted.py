"""When a question's release was last fitted to hours and dials; every change of "no paid work".

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the flags that there are become the first version of each person's."""
    op.add_column("question", sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE question SET fitted_at = paid_at")
    op.create_index(
        "ix_question_fitted", "question", ["fitted_at"], postgresql_where=sa.text("status = 'queued'")
    )
    op.drop_constraint(op.f("pk_answerer_flag"), "answerer_flag")
    op.add_column(
        "answerer_flag", sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)
    )
    op.create_primary_key(op.f("pk_answerer_flag"), "answerer_flag", ["id"])
    op.create_index("ix_answerer_flag_account", "answerer_flag", ["account_id", "id"])
    op.execute("GRANT USAGE, SELECT ON SEQUENCE answerer_flag_id_seq TO upss_app")


def downgrade() -> None:
    """Keep only the newest flag of each person, and drop the column."""
    op.execute(
        "DELETE FROM answerer_flag f USING answerer_flag newer"
        " WHERE newer.account_id = f.account_id AND newer.id > f.id"
    )
    op.drop_index("ix_answerer_flag_account", "answerer_flag")
    op.drop_constraint(op.f("pk_answerer_flag"), "answerer_flag")
    op.drop_column("answerer_flag", "id")
    op.create_primary_key(op.f("pk_answerer_flag"), "answerer_flag", ["account_id"])
    op.drop_index("ix_question_fitted", "question")
    op.drop_column("question", "fitted_at")
