"""The ledger's tables, for reading; the migration that makes them is written by hand.

They stand in a MetaData of their own: Alembic must never guess at them, and no ORM object
of theirs exists that could be changed.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, MetaData, Table, Text

from upss.db.types import MinorUnits, UtcDateTime

metadata = MetaData(schema="ledger")

account = Table(
    "account",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("guarded", Boolean, nullable=False),
)

entry = Table(
    "entry",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("request_hash", Text, nullable=False),
    Column("external_ref", Text),
    Column("reverses_id", BigInteger),
    Column("booked_at", UtcDateTime, nullable=False),
    Column("value_date", Date, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("approver", Text),
)

posting = Table(
    "posting",
    metadata,
    Column("entry_id", BigInteger, primary_key=True),
    Column("line_no", Integer, primary_key=True),
    Column("account_id", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount", MinorUnits, nullable=False),
    Column("question_id", BigInteger),
)

seal = Table(
    "seal",
    metadata,
    Column("entry_id", BigInteger, primary_key=True),
    Column("n_lines", Integer, nullable=False),
    Column("debits", MinorUnits, nullable=False),
    Column("digest", Text, nullable=False),
)

balance = Table(
    "balance",
    metadata,
    Column("account_id", BigInteger, primary_key=True),
    Column("question_id", BigInteger, primary_key=True),
    Column("balance", MinorUnits, nullable=False),
)

block = Table(
    "block",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("prev_hash", Text, nullable=False),
    Column("n_entries", Integer, nullable=False),
    Column("root", Text, nullable=False),
    Column("sealed_at", UtcDateTime, nullable=False),
    Column("hash", Text, nullable=False),
)

block_entry = Table(
    "block_entry",
    metadata,
    Column("block_seq", BigInteger, primary_key=True),
    Column("pos", Integer, primary_key=True),
    Column("entry_id", BigInteger, nullable=False),
)

pending = Table(
    "pending",
    metadata,
    Column("entry_id", BigInteger, primary_key=True),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("account_id", BigInteger, primary_key=True),
    Column("block_seq", BigInteger, primary_key=True),
    Column("debit", MinorUnits, nullable=False),
    Column("credit", MinorUnits, nullable=False),
)
