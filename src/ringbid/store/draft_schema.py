"""The table of drafts (`accounts.drafts`)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from ringbid.store.base import metadata

draft = Table(
    "draft",
    metadata,
    Column("company_id", Text, primary_key=True, nullable=False),
    Column("user_id", Text, primary_key=True, nullable=False),
    Column("form", Text, primary_key=True, nullable=False),
    Column("fields", Text, nullable=False),
    Column("saved_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
