"""Questions are released in quieter hours: when each one may be taken, and the peaks in force.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

GRANTS = (
    "GRANT SELECT, INSERT ON peak_version TO upss_app",
    "GRANT SELECT, UPDATE ON activity TO upss_app",
    "GRANT USAGE, SELECT ON SEQUENCE peak_version_id_seq TO upss_app",
)


def upgrade() -> None:
    """Add the times of release and the peaks; what waits already may be taken at once."""
    op.add_column("question", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("question", sa.Column("urgent_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE question SET released_at = paid_at, urgent_at = paid_at")
    op.drop_index("ix_question_queue", "question")
    op.create_index(
        "ix_question_queue", "question", ["topic", "language", "paid_at", "id"],
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counts", sa.ARRAY(sa.Float()), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("counted_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_activity_single_row")),
        sa.CheckConstraint("cardinality(counts) = 48", name=op.f("ck_activity_counts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    op.create_table(
        "peak_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cells", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("source", sa.String(length=12), nullable=False),
        sa.Column("changes", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("source IN ('start', 'week', 'organizer')", name=op.f("ck_peak_version_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peak_version")),
    )
    for grant in GRANTS:
        op.execute(grant)
    op.execute(
        "INSERT INTO activity VALUES (1, array_fill(0.0::float, ARRAY[48]), 0, 0, '2020-01-01T00:00Z')"
    )
    op.execute(
        "INSERT INTO peak_version (created_at, cells, source, changes)"
        " SELECT created_at, fixed_cells, 'start', '[]' FROM offpeak_version ORDER BY id DESC LIMIT 1"
    )


def downgrade() -> None:
    """Drop them: everything that waits may be taken."""
    op.drop_table("peak_version")
    op.drop_table("activity")
    op.drop_index("ix_question_queue", "question")
    op.create_index(
        "ix_question_queue", "question", ["topic", "paid_at", "id"],
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.drop_column("question", "urgent_at")
    op.drop_column("question", "released_at")
