"""Limits that answerers set for themselves: rules, what is reserved and booked, and a guard.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APP = "upss_app"

# A limit is never deleted or rewritten: only its end may be written.
GRANTS = f"""
GRANT SELECT, INSERT ON cap_rule TO {APP};
GRANT UPDATE (ended_at, replaced_by) ON cap_rule TO {APP};
GRANT USAGE, SELECT ON SEQUENCE cap_rule_id_seq TO {APP};
GRANT SELECT, INSERT, UPDATE ON cap_standing, cap_counter, cap_reservation, answerer_flag TO {APP};
"""

# The last word on room: more is reserved only if it fits in what the period leaves. Bookings of
# the period are added from the newest to the oldest, because a refund makes no room for work that
# may be counted after its day has left a rolling period.
GUARD = """
CREATE FUNCTION cap_room() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  most bigint;
  used bigint;
BEGIN
  SELECT ceiling INTO most FROM public.cap_rule WHERE id = NEW.rule_id AND action = 'block';
  IF NOT FOUND THEN
    RETURN NEW;
  END IF;
  SELECT greatest(0, max(total)) INTO used
    FROM (SELECT sum(booked) OVER (ORDER BY period_start DESC) AS total FROM public.cap_counter
           WHERE rule_id = NEW.rule_id AND period_start >= NEW.period_start) AS sums;
  IF coalesce(used, 0) + NEW.reserved > most THEN
    RAISE EXCEPTION 'no room under limit %', NEW.rule_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER cap_room BEFORE UPDATE ON cap_standing FOR EACH ROW
  WHEN (NEW.reserved > OLD.reserved) EXECUTE FUNCTION cap_room();
"""


def upgrade() -> None:
    """Make the tables and the guard."""
    _rules()
    op.create_table(
        "cap_standing",
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("latest", sa.Date(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_cap_standing_reserved")),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["cap_rule.id"], name=op.f("fk_cap_standing_rule_id_cap_rule")
        ),
        sa.PrimaryKeyConstraint("rule_id", name=op.f("pk_cap_standing")),
    )
    op.create_table(
        "cap_counter",
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("booked", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["cap_rule.id"], name=op.f("fk_cap_counter_rule_id_cap_rule")
        ),
        sa.PrimaryKeyConstraint("rule_id", "period_start", name=op.f("pk_cap_counter")),
    )
    op.create_table(
        "cap_reservation",
        sa.Column("claim_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=True),
        sa.CheckConstraint("held >= 0", name=op.f("ck_cap_reservation_held")),
        sa.CheckConstraint(
            "counted = 0 OR counted_on IS NOT NULL", name=op.f("ck_cap_reservation_counted")
        ),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["claim.id"], name=op.f("fk_cap_reservation_claim_id_claim")
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["cap_rule.id"], name=op.f("fk_cap_reservation_rule_id_cap_rule")
        ),
        sa.PrimaryKeyConstraint("claim_id", "rule_id", name=op.f("pk_cap_reservation")),
    )
    op.create_index(op.f("ix_cap_reservation_rule_id"), "cap_reservation", ["rule_id"])
    op.create_table(
        "answerer_flag",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("no_paid_work", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_answerer_flag_account_id_account")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_answerer_flag")),
    )
    _raw(GUARD)
    _raw(GRANTS)


def _rules() -> None:
    op.create_table(
        "cap_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("metric", sa.String(length=10), nullable=False),
        sa.Column("basis", sa.String(length=10), nullable=False),
        sa.Column("amount", sa.String(length=10), nullable=False),
        sa.Column("period", sa.String(length=20), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("anchor_month", sa.Integer(), nullable=False),
        sa.Column("anchor_day", sa.Integer(), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("expenses_pct", sa.Integer(), nullable=False),
        sa.Column("safety_pct", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaced_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "ceiling",
            sa.BigInteger(),
            sa.Computed("most * (100 - safety_pct) / 100", persisted=True),
            nullable=False,
        ),
        sa.CheckConstraint("metric IN ('money', 'minutes')", name=op.f("ck_cap_rule_metric")),
        sa.CheckConstraint("basis IN ('accrual', 'payment')", name=op.f("ck_cap_rule_basis")),
        sa.CheckConstraint("amount IN ('gross', 'net')", name=op.f("ck_cap_rule_amount")),
        sa.CheckConstraint(
            "period IN ('day', 'week', 'month', 'quarter', 'year', 'rolling_n_days', 'tax_year')",
            name=op.f("ck_cap_rule_period"),
        ),
        sa.CheckConstraint("action IN ('warn', 'block')", name=op.f("ck_cap_rule_action")),
        sa.CheckConstraint("most > 0", name=op.f("ck_cap_rule_most_positive")),
        sa.CheckConstraint(
            "(metric = 'money') = (currency IS NOT NULL)", name=op.f("ck_cap_rule_currency")
        ),
        sa.CheckConstraint("safety_pct BETWEEN 0 AND 90", name=op.f("ck_cap_rule_safety")),
        sa.CheckConstraint("expenses_pct BETWEEN 0 AND 99", name=op.f("ck_cap_rule_expenses")),
        sa.CheckConstraint(
            "replaced_by IS NULL OR ended_at IS NOT NULL", name=op.f("ck_cap_rule_replaced")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_cap_rule_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by"], ["cap_rule.id"], name=op.f("fk_cap_rule_replaced_by_cap_rule")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cap_rule")),
        sa.UniqueConstraint("public_id", name=op.f("uq_cap_rule_public_id")),
    )
    op.create_index(
        "ix_cap_rule_in_force", "cap_rule", ["account_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_cap_rule_account", "cap_rule", ["account_id", "id"])


def _raw(statements: str) -> None:
    """Send SQL as it is: it holds colons and percent signs that would pass for parameters."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute(statements)


def downgrade() -> None:
    """Forget every limit."""
    _raw("DROP TRIGGER cap_room ON cap_standing; DROP FUNCTION cap_room();")
    for table in ("answerer_flag", "cap_reservation", "cap_counter", "cap_standing", "cap_rule"):
        op.drop_table(table)
