"""The tables of the ledger. `store.ledger_schema` says what each is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "posting",
        _growing_id(),
        sa.Column("posting_key", sa.Text(), nullable=False),
        sa.UniqueConstraint("posting_key", name="uq_posting_posting_key"),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text()),
        sa.Column("rule_version", sa.Text()),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('conversion', 'adjustment', 'void')", name=op.f("ck_posting_kind")),
        sa.CheckConstraint("side in ('revenue', 'payout')", name=op.f("ck_posting_side")),
        sa.PrimaryKeyConstraint("id", name="pk_posting"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_posting_call_id", "posting", ["call_id"])
    op.create_table(
        "ledger_entry",
        sa.Column("posting_id", sa.BigInteger(), primary_key=True, nullable=False, autoincrement=False),
        sa.Column("account", sa.Text(), primary_key=True, nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("posting_id", "account", name="pk_ledger_entry"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_ledger_entry_statement", "ledger_entry", ["company_id", "account", "currency", "at_ms", "posting_id"]
    )
    op.create_table(
        "balance",
        sa.Column("company_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("account", sa.Text(), primary_key=True, nullable=False),
        sa.Column("currency", sa.Text(), primary_key=True, nullable=False),
        sa.Column("balance_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("company_id", "account", "currency", name="pk_balance"),
        sqlite_with_rowid=False,
    )


def _growing_id() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True)
