"""What the self-checks found.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APP = "upss_app"


def upgrade() -> None:
    """Make the tables of runs and findings."""
    op.create_table(
        "self_check_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("is_quick", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("results", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'running', 'done', 'stopped')",
            name=op.f("ck_self_check_run_status"),
        ),
        sa.CheckConstraint(
            "(status = 'done') = (results IS NOT NULL)", name=op.f("ck_self_check_run_results")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["account.id"], name=op.f("fk_self_check_run_asked_by_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_check_run")),
    )
    op.create_index(
        "ix_self_check_run_set", "self_check_run", ["is_quick", "id"],
        postgresql_where=sa.text("status = 'done'"),
    )
    op.create_index(
        "ix_self_check_run_open", "self_check_run", ["id"],
        postgresql_where=sa.text("status IN ('waiting', 'running')"),
    )
    op.create_index(
        "uq_self_check_run_asked", "self_check_run", [sa.literal_column("(true)")], unique=True,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "self_check_finding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("check_code", sa.String(length=40), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=True),
        sa.Column("found", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("first_run_id", sa.BigInteger(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "severity IN ('error', 'warning')", name=op.f("ck_self_check_finding_severity")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_check_finding")),
    )
    op.create_index(
        "uq_self_check_finding_open", "self_check_finding", ["check_code", "subject", "what"],
        unique=True, postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index("ix_self_check_finding_ended", "self_check_finding", ["resolved_at"])
    op.create_index("ix_self_check_finding_run", "self_check_finding", ["first_run_id"])
    for table in ("self_check_run", "self_check_finding"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")
        op.execute(f"GRANT USAGE, SELECT ON SEQUENCE {table}_id_seq TO {APP}")


def downgrade() -> None:
    """Forget runs and findings."""
    op.drop_table("self_check_finding")
    op.drop_table("self_check_run")
