"""The tables of the outbox: messages that must leave, their tries, and endpoints that want no more."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, text

from ringbid.store.base import growing_id, metadata

# A message, written in the transaction of its cause. `message_id` stays the same over all tries.
outbox = Table(
    "outbox",
    metadata,
    growing_id(),
    Column("message_id", Text, nullable=False, unique=True),
    Column("company_id", Text, nullable=False),
    Column("call_id", Text),
    Column("kind", Text, nullable=False),
    Column("endpoint", Text, nullable=False),  # what a 410 disables: campaign and webhook's name
    Column("queue", Text, nullable=False),  # company and endpoint: those of one queue share the sender's places for it
    Column("request", LargeBinary, nullable=False),  # method, URL, headers and body as JSON
    Column("created_at_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),  # all that were recorded
    Column("step", Integer, nullable=False),  # of these, the failed ones since it was last put to wait
    Column("next_at_ms", BigInteger),  # when it is due; while it is under way: when its lease ends
    Column("lease", Text),  # whose it is while it is under way
    Column("ended_at_ms", BigInteger),  # when it was delivered, given up or kept back
    Column("last_status", Integer),
    Column("last_error", Text),
    CheckConstraint("state in ('waiting', 'delivered', 'dead', 'disabled')", name="state"),
    CheckConstraint("(state = 'waiting') = (next_at_ms is not null)", name="next"),
    CheckConstraint("(state = 'waiting') = (ended_at_ms is null)", name="ended"),
    CheckConstraint("lease is null or state = 'waiting'", name="lease"),
    Index("ix_outbox_call_id", "call_id"),
    Index("ix_outbox_company_id_id", "company_id", "id"),
    Index("ix_outbox_listing", "company_id", "created_at_ms", "id", "state", "kind"),
    sqlite_autoincrement=True,
)
# What waits and what has ended is never looked for together, and each index leaves the other half out: SQLite, which
# knows no statistics, would else take the wrong one.
_WAITING, _ENDED = text("state = 'waiting'"), text("ended_at_ms is not null")
Index(
    "ix_outbox_queue_next_at_ms_id",
    outbox.c.queue,
    outbox.c.next_at_ms,
    outbox.c.id,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
Index(
    "ix_outbox_state_ended_at_ms",
    outbox.c.state,
    outbox.c.ended_at_ms,
    sqlite_where=_ENDED,
    postgresql_where=_ENDED,
)

# Each try of a message, with what came back.
outbox_try = Table(
    "outbox_try",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("took_ms", BigInteger, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    sqlite_with_rowid=False,
)

# Endpoints that answered 410: nothing more is sent there until the owner enables them.
outbox_endpoint = Table(
    "outbox_endpoint",
    metadata,
    Column("company_id", Text, primary_key=True),
    Column("endpoint", Text, primary_key=True),
    Column("disabled_at_ms", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    sqlite_with_rowid=False,
)
