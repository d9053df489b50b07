"""Answers that are kept for who asks again. `store.answer_schema` says what they are for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "kept_answer",
        sa.Column("use_hash", sa.Text(), primary_key=True, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("begun_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("use_hash", name="pk_kept_answer"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_kept_answer_begun_at_ms", "kept_answer", ["begun_at_ms"])
