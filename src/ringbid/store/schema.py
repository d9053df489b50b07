"""The tables, and what the database itself forbids. `migrations` makes them; a test compares the two.

Times are milliseconds since 1970 in UTC on the store's clock, money is micros, yes and no are 1 and 0. A ping and its
reservation share one uuid; a reservation that a call made for itself (to try one more buyer) has a uuid of its own and
the call's. There are no foreign keys: rows of one uuid are written and flushed together, in one transaction each (a
test looks for orphans), and on PostgreSQL each key would cost the ping a look-up and a row lock.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, text

from ringbid.reservations.reservation import State
from ringbid.store import (
    accounts_schema,
    answer_schema,
    call_schema,
    draft_schema,
    ledger_schema,
    outbox_schema,
    posting_schema,
    report_schema,
)
from ringbid.store.base import growing_id, metadata

__all__ = [
    "PERSONAL",
    "accounts_schema",
    "answer_schema",
    "call_schema",
    "draft_schema",
    "ledger_schema",
    "metadata",
    "outbox_schema",
    "posting_schema",
    "report_schema",
]

_STATES = ", ".join(f"'{state.value}'" for state in State)
_OPEN = ", ".join(f"'{state.value}'" for state in State if state.open)

# Every ping, with the trace that explains it.
ping = Table(
    "ping",
    metadata,
    growing_id(),
    Column("uuid", Text, nullable=False, unique=True),
    Column("company_id", Text, nullable=False),
    Column("campaign_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("publisher_id", Text, nullable=False),
    Column("caller_number", Text),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("buyer_id", Text),
    Column("duplicate_of", Text),
    Column("duplicate_order", Integer),
    Column("snapshot_version", BigInteger, nullable=False),
    Column("trace", LargeBinary, nullable=False),
    # What lists show and filter by: where the caller is, and what the ping's own reservation promised.
    Column("caller_state", Text),
    Column("caller_country", Text),
    Column("caller_city", Text),
    Column("caller_zip", Text),
    Column("revenue_micros", BigInteger),
    Column("payout_micros", BigInteger),
    Column("currency", Text),
    Column("took_ms", BigInteger),
    CheckConstraint("status in ('reserved', 'rejected', 'no-target')", name="status"),
    CheckConstraint("(duplicate_of is null) = (duplicate_order is null)", name="duplicate"),
    sqlite_autoincrement=True,
)
# Lists of pings are read from this index alone, whatever they are filtered by, for the rows are long. It grows at its
# end.
Index(
    "ix_ping_listing",
    ping.c.company_id,
    ping.c.received_at_ms,
    ping.c.id,
    ping.c.campaign_id,
    ping.c.publisher_id,
    ping.c.buyer_id,
    ping.c.reason,
    ping.c.caller_state,
    ping.c.caller_country,
    ping.c.caller_number,
    ping.c.revenue_micros,
    ping.c.payout_micros,
)

# A place held with one buyer. The state past `expires_at_ms` is derived on reading.
reservation = Table(
    "reservation",
    metadata,
    Column("ping_id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("campaign_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("publisher_id", Text, nullable=False),
    Column("caller_number", Text),
    Column("buyer_id", Text, nullable=False),
    Column("buyer_number", Text, nullable=False),
    Column("inbound_number", Text, nullable=False),
    Column("revenue_micros", BigInteger, nullable=False),
    Column("payout_micros", BigInteger, nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("rule_id", Text),
    Column("rule_version", Text),
    Column("duplicate_key", Text),
    Column("reserved_at_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("counted", SmallInteger, nullable=False),
    Column("ttl_seconds", Integer, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("confirmed_at_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
    Column("extended", SmallInteger, nullable=False),
    Column("in_windows", SmallInteger, nullable=False),  # its call was counted in the windows of its buyer and groups
    Column("live_until_ms", BigInteger),  # the end of the longest call there can be
    Column("call_id", Text),  # the call that claimed it, or that made it to try one more buyer
    Column("terms", Text),  # by what rules its call converts, as JSON; fixed when it was reserved
    Column("refused", Text),  # why it could not be confirmed: actual, expected and setting, as JSON
    CheckConstraint(f"state in ({_STATES})", name="state"),
    CheckConstraint("revenue_micros >= 0 and payout_micros >= 0 and seconds >= 0", name="quote"),
    CheckConstraint("expires_at_ms > reserved_at_ms", name="expires"),
    CheckConstraint("(state = 'live') <= (live_until_ms is not null)", name="live"),
    CheckConstraint(f"(ended_at_ms is null) = (state in ({_OPEN}, 'live'))", name="ended"),
    sqlite_with_rowid=False,
)
# What the sweeper looks for.
_WAITING, _LIVE = text(f"state in ({_OPEN})"), text("state = 'live'")
Index("ix_reservation_waiting", reservation.c.expires_at_ms, sqlite_where=_WAITING, postgresql_where=_WAITING)
Index("ix_reservation_live", reservation.c.live_until_ms, sqlite_where=_LIVE, postgresql_where=_LIVE)

_OF_CALL = text("call_id is not null")
Index("ix_reservation_call", reservation.c.call_id, sqlite_where=_OF_CALL, postgresql_where=_OF_CALL)

# The pings of a caller: a call looks for the newest that is open, or that has just expired.
Index("ix_reservation_caller_number_reserved_at_ms", reservation.c.caller_number, reservation.c.reserved_at_ms)

# What calls made for themselves to try one more buyer: no ping leads to these, so they are flushed by their age.
_OWN = text("key_id = ''")
Index("ix_reservation_own", reservation.c.reserved_at_ms, sqlite_where=_OWN, postgresql_where=_OWN)

# A place taken with a buyer or a group now: used = the rows that have not expired. It frees itself.
place = Table(
    "place",
    metadata,
    Column("ping_id", Text, primary_key=True),
    Column("subject_id", Text, primary_key=True),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("waiting", SmallInteger, nullable=False),  # may its call still add to the windows?
    CheckConstraint("waiting in (0, 1)", name="waiting"),
    sqlite_with_rowid=False,
)
Index("ix_place_subject", place.c.subject_id, place.c.expires_at_ms, place.c.waiting)

# Calls counted in a window of a buyer or a group.
usage = Table(
    "usage",
    metadata,
    Column("subject_id", Text, primary_key=True),
    Column("window_start_ms", BigInteger, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("counted", BigInteger, nullable=False),
    CheckConstraint("kind in ('hourly', 'daily', 'monthly', 'total')", name="kind"),
    CheckConstraint("counted > 0", name="counted"),
    sqlite_with_rowid=False,
)

# The one open reservation of a caller under a key or campaign.
open_caller = Table(
    "open_caller",
    metadata,
    Column("duplicate_key", Text, primary_key=True),
    Column("ping_id", Text, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("duplicates", Integer, nullable=False),
    CheckConstraint("duplicates >= 0", name="duplicates"),
    sqlite_with_rowid=False,
)

# The reply to the first use of each Idempotency-Key.
idempotency = Table(
    "idempotency",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("idem_key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("reply_status", Integer, nullable=False),
    Column("reply_body", LargeBinary, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Index("ix_idempotency_created_at_ms", "created_at_ms"),
    sqlite_with_rowid=False,
)

# Each state change of a reservation after it was reserved.
reservation_move = Table(
    "reservation_move",
    metadata,
    Column("ping_id", Text, primary_key=True),
    Column("to_state", Text, primary_key=True),  # a state is entered once
    Column("from_state", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("moved_by", Text, nullable=False),
    CheckConstraint(f"from_state in ({_STATES}) and to_state in ({_STATES})", name="states"),
    CheckConstraint("moved_by in ('publisher', 'call', 'sweep')", name="moved_by"),
    sqlite_with_rowid=False,
)

# Every catalog that was ever in force; a company's newest is its head. The newest id of all is the version.
catalog_change = Table(
    "catalog_change",
    metadata,
    growing_id(),
    Column("company_id", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("applied_at_ms", BigInteger, nullable=False),
    Column("applied_by", Text, nullable=False),
    Index("ix_catalog_change_company_id_id", "company_id", "id"),
    sqlite_autoincrement=True,
)

# Whose an RTB key is: a key leads to one company.
rtb_key = Table(
    "rtb_key",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("company_id", Text, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# The last batch each writing process committed on PostgreSQL: it tells what became of a COMMIT whose answer was lost.
writer = Table(
    "writer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("batch", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What holds personal data, and is flushed.
PERSONAL = (
    ping,
    reservation,
    place,
    open_caller,
    idempotency,
    reservation_move,
    call_schema.call,
    call_schema.call_event,
    call_schema.written_tag,
    outbox_schema.outbox,
    outbox_schema.outbox_try,
)
