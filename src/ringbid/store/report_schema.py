"""The tables of reports: a row for each journey, their sums by the hour, and what is to be folded. None has a number
of a caller in it, so they live as long as calls do.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, SmallInteger, Table, Text, text

from ringbid.store.base import growing_id, metadata

# What became of one ping, or of one direct call (`reports.journey`). `start_ms` is the hour whose sums it is in.
journey = Table(
    "journey",
    metadata,
    Column("uuid", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("direct", SmallInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("start_ms", BigInteger, nullable=False, index=True),
    Column("campaign_id", Text, nullable=False),
    Column("publisher_id", Text, nullable=False),
    Column("caller_state", Text, nullable=False),
    Column("tags", Text, nullable=False),  # as JSON: declared, not private, and shortened
    Column("first_step", SmallInteger, nullable=False),  # what the ping alone says: it is flushed before its journey
    Column("first_ending", Text, nullable=False),
    Column("buyer_id", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("ending", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("revenue_micros", BigInteger, nullable=False),
    Column("payout_micros", BigInteger, nullable=False),
    Column("connected_ms", BigInteger, nullable=False),
    Column("check_at_ms", BigInteger),
    CheckConstraint("direct in (0, 1)", name="direct"),
    CheckConstraint("step between 1 and 8", name="step"),
    sqlite_with_rowid=False,
)
_DUE = text("check_at_ms is not null")
Index("ix_journey_check_at_ms", journey.c.check_at_ms, sqlite_where=_DUE, postgresql_where=_DUE)

# Calls whose journey must be folded again. It only grows and is emptied by row, so that a change which is written while
# an older one is being folded is not lost.
journey_due = Table(
    "journey_due",
    metadata,
    growing_id(),
    Column("call_id", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Up to which ping all are folded (`floor`), and what will be that once it is certain (`next`).
journey_mark = Table(
    "journey_mark",
    metadata,
    Column("name", Text, primary_key=True),
    Column("ping_id", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The journeys of an hour (of a quarter of it, where the company's clock is not whole hours from UTC), added up. Every
# journey stands in each facet once: under its number (`number`), its ending, its state, and the value of each tag
# (`tag:NAME`); and once more in each view of the facet (`report_views`), where some of campaign, publisher and buyer
# are left empty: `*state`, `campaign*state` and so on. The facet `ask` counts asks: its value is how they went, and
# whose they were.
rollup = Table(
    "journey_rollup",
    metadata,
    Column("company_id", Text, primary_key=True),
    Column("facet", Text, primary_key=True),
    Column("publisher_id", Text, primary_key=True),
    Column("campaign_id", Text, primary_key=True),
    Column("buyer_id", Text, primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("currency", Text, primary_key=True),  # empty where nothing is booked
    Column("pings", BigInteger, nullable=False),
    Column("direct_calls", BigInteger, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("bid", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("connected", BigInteger, nullable=False),
    Column("converted", BigInteger, nullable=False),
    Column("paid", BigInteger, nullable=False),
    Column("revenue_micros", BigInteger, nullable=False),
    Column("payout_micros", BigInteger, nullable=False),
    Column("connected_ms", BigInteger, nullable=False),
    Index("ix_journey_rollup_start_ms", "start_ms"),
    sqlite_with_rowid=False,
)
