"""The table of links to posting instructions (`accounts.posting_links`)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from ringbid.store.base import metadata

posting_link = Table(
    "posting_link",
    metadata,
    Column("link_id", Text, primary_key=True, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("company_id", Text, nullable=False),
    Column("campaign_id", Text, nullable=False),
    Column("key_name", Text, nullable=False),
    Column("publisher_id", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger),
    Column("revoked_at_ms", BigInteger),
    Column("sealed_key", LargeBinary),
    Column("first_ping_at_ms", BigInteger),
    Index("ix_posting_link_company_id_campaign_id", "company_id", "campaign_id"),
    sqlite_with_rowid=False,
)
