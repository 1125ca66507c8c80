"""Invitations to answer: each one, the newest round, who wants none; a notice may be too late.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

GRANTS = (
    "GRANT SELECT, INSERT ON invitation TO upss_app",
    "GRANT SELECT, UPDATE ON invitation_round TO upss_app",
    "GRANT SELECT, INSERT, DELETE ON no_invitations TO upss_app",
    "GRANT USAGE, SELECT ON SEQUENCE invitation_id_seq TO upss_app",
)


def upgrade() -> None:
    """Make the tables, with a round long ago, and the column."""
    op.create_table(
        "invitation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("round_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_invitation_account_id_account")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_invitation_question_id_question")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("account_id", "round_at", name=op.f("uq_invitation_account_id_round_at")),
    )
    op.create_index("ix_invitation_lately", "invitation", ["at"])
    op.create_table(
        "invitation_round",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_invitation_round_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation_round")),
    )
    op.create_table(
        "no_invitations",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_no_invitations_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_no_invitations")),
    )
    op.add_column("notice", sa.Column("send_until", sa.DateTime(timezone=True), nullable=True))
    for grant in GRANTS:
        op.execute(grant)
    op.execute("INSERT INTO invitation_round VALUES (1, '2020-01-01T00:00Z')")


def downgrade() -> None:
    """Drop them."""
    op.drop_column("notice", "send_until")
    op.drop_table("no_invitations")
    op.drop_table("invitation_round")
    op.drop_table("invitation")
