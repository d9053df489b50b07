"""The tables of the ledger: postings, their entries, the balances that the entries add up to, and disputes."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text

from ringbid.store.base import growing_id, metadata

# One decision about money. `posting_key` names its cause, so that nothing is booked twice.
posting = Table(
    "posting",
    metadata,
    growing_id(),
    Column("posting_key", Text, nullable=False, unique=True),
    Column("company_id", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("rule_id", Text),
    Column("rule_version", Text),
    Column("currency", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    CheckConstraint("kind in ('conversion', 'adjustment', 'void')", name="kind"),
    CheckConstraint("side in ('revenue', 'payout')", name="side"),
    Index("ix_posting_call_id", "call_id"),
    Index("ix_posting_listing", "company_id", "at_ms", "id"),
    sqlite_autoincrement=True,
)

# The lines of a posting: they sum to zero, and never change. What a statement looks for stands here once more.
ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("posting_id", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("amount_micros", BigInteger, nullable=False),
    Index("ix_ledger_entry_statement", "company_id", "account", "currency", "at_ms", "posting_id"),
    sqlite_with_rowid=False,
)

# What the entries of an account add up to; `ringbid doctor` counts it again.
balance = Table(
    "balance",
    metadata,
    Column("company_id", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("balance_micros", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# A buyer's word against a call, and the answer to it.
dispute = Table(
    "dispute",
    metadata,
    Column("company_id", Text, primary_key=True),
    Column("call_id", Text, primary_key=True),
    Column("buyer_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("closed_at_ms", BigInteger),
    Column("closed_by", Text),
    Column("answer", Text),
    CheckConstraint("(closed_at_ms is null) = (answer is null)", name="answer"),
    sqlite_with_rowid=False,
)
