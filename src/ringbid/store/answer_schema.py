"""The table of answers that are kept for who asks again (`accounts.kept_answers`)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from ringbid.store.base import metadata

kept_answer = Table(
    "kept_answer",
    metadata,
    Column("use_hash", Text, primary_key=True, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("begun_at_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary),  # null: still at work
    Index("ix_kept_answer_begun_at_ms", "begun_at_ms"),
    sqlite_with_rowid=False,
)
