"""The tables of calls: the call, what its provider told, tags written to it, who has converted, and our own secrets."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ringbid.store.base import growing_id, metadata

# Every call. `state` is what `call.state` knows of it, `trace` why it went where it went; both are JSON.
call = Table(
    "call",
    metadata,
    growing_id(),
    Column("uuid", Text, nullable=False, unique=True),
    Column("company_id", Text, nullable=False),
    Column("campaign_id", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_call_id", Text, nullable=False),
    Column("reservation_id", Text),  # the ping whose reservation it claimed, or came too late for
    Column("publisher_id", Text),
    Column("caller_number", Text),
    Column("inbound_number", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("answered_at_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
    Column("duration_ms", BigInteger),
    Column("buyer_id", Text),  # who answered last
    Column("check_at_ms", BigInteger),  # when `worker.calls` must look at it again; null: never
    Column("state", LargeBinary, nullable=False),
    Column("trace", LargeBinary, nullable=False),
    UniqueConstraint("provider", "provider_call_id"),
    CheckConstraint("phase in ('routing', 'ringing', 'connected', 'ended', 'refused')", name="phase"),
    CheckConstraint("duration_ms is null or duration_ms >= 0", name="duration"),
    sqlite_autoincrement=True,
)
_DUE = text("check_at_ms is not null")
Index("ix_call_check_at_ms", call.c.check_at_ms, sqlite_where=_DUE, postgresql_where=_DUE)
Index("ix_call_reservation_id", call.c.reservation_id)
Index("ix_call_received_at_ms", call.c.received_at_ms)
Index("ix_call_caller_number_received_at_ms", call.c.caller_number, call.c.received_at_ms)
# Lists of calls are read from this index alone, whatever they are filtered by, for the rows are long.
Index(
    "ix_call_listing",
    call.c.company_id,
    call.c.received_at_ms,
    call.c.id,
    call.c.campaign_id,
    call.c.publisher_id,
    call.c.buyer_id,
    call.c.phase,
    call.c.inbound_number,
    call.c.caller_number,
    call.c.duration_ms,
)

# The inbox: each thing a provider told, once. `row` is the row of the state's table that handled it; null: its call is
# not known yet, and it waits for it.
call_event = Table(
    "call_event",
    metadata,
    Column("provider", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("provider_call_id", Text, nullable=False),
    Column("stored_at_ms", BigInteger, nullable=False),
    Column("row", Text),
    Column("document", LargeBinary, nullable=False),
    # In this order: SQLite would look for the events of one call among all of its provider's.
    PrimaryKeyConstraint("event_id", "provider"),
    Index("ix_call_event_provider_provider_call_id", "provider", "provider_call_id"),
    sqlite_with_rowid=False,
)
# What waits for its call: next to nothing of a table that holds what was told in a year.
_PARKED = text('"row" is null')
Index("ix_call_event_parked", call_event.c.stored_at_ms, sqlite_where=_PARKED, postgresql_where=_PARKED)

# Tags that a key wrote for a caller whose call is not there yet. Those that are written to a call are in its trace.
written_tag = Table(
    "written_tag",
    metadata,
    Column("subject", Text, primary_key=True),  # company, campaign, publisher (empty: any) and the caller's number
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("written_by", Text, nullable=False),
    Column("written_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Index("ix_written_tag_expires_at_ms", "expires_at_ms"),
    sqlite_with_rowid=False,
)

# When a caller last converted under a rule, for its dedupe window. `dedupe_key` is a keyed hash: no number stands here.
converted_caller = Table(
    "converted_caller",
    metadata,
    Column("dedupe_key", Text, primary_key=True),
    Column("converted_at_ms", BigInteger, nullable=False),
    Column("call_id", Text, nullable=False),
    sqlite_with_rowid=False,
)

# Secrets of our own, made when they are first needed.
secret = Table(
    "secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
