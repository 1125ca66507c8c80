"""The role of the auditor, who reads the books and changes nothing.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let an account be an auditor's."""
    _roles("'answerer', 'organizer', 'auditor'")


def downgrade() -> None:
    """Take the role from those who have it, then forget it."""
    op.execute("DELETE FROM account_role WHERE role = 'auditor'")
    _roles("'answerer', 'organizer'")


def _roles(allowed: str) -> None:
    op.drop_constraint(op.f("ck_account_role_role"), "account_role", type_="check")
    op.create_check_constraint(op.f("ck_account_role_role"), "account_role", f"role IN ({allowed})")
