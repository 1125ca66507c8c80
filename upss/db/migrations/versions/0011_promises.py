"""Promises from the capacity clock: dials, desks, what each promise was calculated from.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

GRANTS = (
    "GRANT SELECT, INSERT ON offpeak_version, promise_score TO upss_app",
    "GRANT SELECT, INSERT, UPDATE ON topic_desk, calibration, question_promise TO upss_app",
    "GRANT SELECT, INSERT, DELETE ON waiting_list TO upss_app",
    "GRANT USAGE, SELECT ON SEQUENCE offpeak_version_id_seq, waiting_list_id_seq TO upss_app",
)

# The organizer's peaks of a new site: Monday to Friday, 9 to 14 and 17 to 21.
PEAKS = [day * 24 + hour for day in range(5) for hour in (*range(9, 14), *range(17, 21))]

# What was promised for money stays as it was promised, whatever the application does.
PROMISE = """
CREATE FUNCTION promise_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT paid_at FROM question WHERE id = OLD.question_id) IS NOT NULL THEN
    RAISE EXCEPTION 'the promise of question % was paid for', OLD.question_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER promise_stays BEFORE UPDATE ON question_promise
  FOR EACH ROW EXECUTE FUNCTION promise_stays();

CREATE FUNCTION promised_time_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the promise of question % was paid for', OLD.id
    USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER promised_time_stays BEFORE UPDATE OF promise_at ON question FOR EACH ROW
  WHEN (OLD.paid_at IS NOT NULL AND NEW.promise_at IS DISTINCT FROM OLD.promise_at)
  EXECUTE FUNCTION promised_time_stays();
"""


def upgrade() -> None:
    """Make the tables, and the dials that a new site begins with."""
    _dials()
    _desks()
    _promises()
    op.create_index(
        "ix_question_move_queue", "question_move", ["at"],
        postgresql_where=sa.text("from_status = 'queued' OR to_status = 'queued'"),
    )
    op.execute(PROMISE)
    for grant in GRANTS:
        op.execute(grant)
    op.execute(
        "INSERT INTO offpeak_version (created_at, mode, urgency, margin, max_promise_hours,"
        " prior_per_hour, stagger_minutes, peak_source, fixed_cells, pins, closed_dates)"
        " VALUES ('2020-01-01T00:00Z', 'deferred', 0.7, 0.1, 168, 0.5, 240, 'learned_pins',"
        f" '{{{','.join(map(str, PEAKS))}}}', '[]', '{{}}')"
    )


def _dials() -> None:
    op.create_table(
        "offpeak_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("urgency", sa.Float(), nullable=False),
        sa.Column("margin", sa.Float(), nullable=False),
        sa.Column("max_promise_hours", sa.SmallInteger(), nullable=False),
        sa.Column("prior_per_hour", sa.Float(), nullable=False),
        sa.Column("stagger_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("peak_source", sa.String(length=12), nullable=False),
        sa.Column("fixed_cells", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("pins", postgresql.JSONB(), nullable=False),
        sa.Column("closed_dates", sa.ARRAY(sa.Date()), nullable=False),
        sa.CheckConstraint("mode IN ('open', 'deferred', 'strict')", name=op.f("ck_offpeak_version_mode")),
        sa.CheckConstraint("urgency BETWEEN 0 AND 1", name=op.f("ck_offpeak_version_urgency")),
        sa.CheckConstraint("margin BETWEEN 0 AND 1", name=op.f("ck_offpeak_version_margin")),
        sa.CheckConstraint("max_promise_hours BETWEEN 2 AND 720", name=op.f("ck_offpeak_version_max_promise")),
        sa.CheckConstraint("prior_per_hour > 0", name=op.f("ck_offpeak_version_prior")),
        sa.CheckConstraint("stagger_minutes BETWEEN 0 AND 1440", name=op.f("ck_offpeak_version_stagger")),
        sa.CheckConstraint("peak_source IN ('fixed', 'learned', 'learned_pins')", name=op.f("ck_offpeak_version_peak_source")),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_offpeak_version_created_by_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offpeak_version")),
    )


def _desks() -> None:
    op.create_table(
        "topic_desk",
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("clock_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_base", sa.Float(), nullable=False),
        sa.Column("completions", sa.Float(), nullable=False),
        sa.Column("exposure_h", sa.Float(), nullable=False),
        sa.Column("counted_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["topic"], ["topic.code"], name=op.f("fk_topic_desk_topic_topic")),
        sa.PrimaryKeyConstraint("topic", "language", name=op.f("pk_topic_desk")),
    )
    op.create_table(
        "calibration",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("factor", sa.Float(), nullable=False),
        sa.Column("n_scores", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_calibration_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration")),
    )
    op.create_table(
        "waiting_list",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("reads", sa.String(length=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["topic"], ["topic.code"], name=op.f("fk_waiting_list_topic_topic")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_list")),
        sa.UniqueConstraint("topic", "language", "email", name=op.f("uq_waiting_list_topic_language_email")),
    )


def _promises() -> None:
    op.create_table(
        "question_promise",
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("n_ahead", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("factor", sa.Float(), nullable=False),
        sa.Column("margin", sa.Float(), nullable=False),
        sa.Column("base_h", sa.Float(), nullable=False),
        sa.Column("reading", sa.Float(), nullable=False),
        sa.Column("n_scores", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_question_promise_question_id_question")),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_question_promise")),
    )
    op.create_table(
        "promise_score",
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_promise_score_question_id_question")),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_promise_score")),
    )
    op.create_index("ix_promise_score_newest", "promise_score", ["at", "question_id"])


def downgrade() -> None:
    """Drop them: the promises themselves stay with their questions."""
    op.execute("DROP FUNCTION promise_stays() CASCADE")
    op.execute("DROP FUNCTION promised_time_stays() CASCADE")
    op.drop_index("ix_question_move_queue", "question_move")
    for table in (
        "promise_score", "question_promise", "waiting_list", "calibration", "topic_desk",
        "offpeak_version",
    ):
        op.drop_table(table)
