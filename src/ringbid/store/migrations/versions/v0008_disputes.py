"""Disputes of calls. `store.ledger_schema` says what they are for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "dispute",
        sa.Column("company_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("call_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger()),
        sa.Column("closed_by", sa.Text()),
        sa.Column("answer", sa.Text()),
        sa.CheckConstraint("(closed_at_ms is null) = (answer is null)", name=op.f("ck_dispute_answer")),
        sa.PrimaryKeyConstraint("company_id", "call_id", name="pk_dispute"),
        sqlite_with_rowid=False,
    )
