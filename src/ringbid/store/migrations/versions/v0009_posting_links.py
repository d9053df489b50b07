"""Links to posting instructions. `store.posting_schema` says what they are for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "posting_link",
        sa.Column("link_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger()),
        sa.Column("revoked_at_ms", sa.BigInteger()),
        sa.Column("sealed_key", sa.LargeBinary()),
        sa.Column("first_ping_at_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("link_id", name="pk_posting_link"),
        sa.UniqueConstraint("token_hash", name="uq_posting_link_token_hash"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_posting_link_company_id_campaign_id", "posting_link", ["company_id", "campaign_id"])
