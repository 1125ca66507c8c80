"""What answerers declare: weekly hours, pauses, absences, languages and topics, in versions.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A version is in force until the next one: no row ever changes.
GRANTS = (
    "GRANT SELECT, INSERT ON hours_version TO upss_app",
    "GRANT USAGE, SELECT ON SEQUENCE hours_version_id_seq TO upss_app",
)


def upgrade() -> None:
    """Make the table of versions."""
    op.create_table(
        "hours_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("windows", postgresql.JSONB(), nullable=False),
        sa.Column("quiet_start_min", sa.SmallInteger(), nullable=False),
        sa.Column("quiet_end_min", sa.SmallInteger(), nullable=False),
        sa.Column("absences", postgresql.JSONB(), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rest_days", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("daily_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("daily_answers", sa.SmallInteger(), nullable=True),
        sa.Column("languages", sa.ARRAY(sa.String(length=2)), nullable=False),
        sa.Column("topics_off", sa.ARRAY(sa.String(length=40)), nullable=False),
        sa.CheckConstraint("quiet_start_min BETWEEN 0 AND 1439", name=op.f("ck_hours_version_quiet_start")),
        sa.CheckConstraint("quiet_end_min BETWEEN 0 AND 1439", name=op.f("ck_hours_version_quiet_end")),
        sa.CheckConstraint("daily_minutes BETWEEN 15 AND 480", name=op.f("ck_hours_version_daily_minutes")),
        sa.CheckConstraint("daily_answers >= 1", name=op.f("ck_hours_version_daily_answers")),
        sa.CheckConstraint("cardinality(languages) > 0", name=op.f("ck_hours_version_languages")),
        sa.CheckConstraint("jsonb_typeof(windows) = 'array'", name=op.f("ck_hours_version_windows")),
        sa.CheckConstraint("jsonb_typeof(absences) = 'array'", name=op.f("ck_hours_version_absences")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_hours_version_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours_version")),
    )
    op.create_index("ix_hours_version_account", "hours_version", ["account_id", "id"])
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    """Drop the table: everybody has the assumed hours again."""
    op.drop_table("hours_version")
