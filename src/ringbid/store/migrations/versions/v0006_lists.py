"""What lists are made of: columns of pings, and an index for each list. `store.schema` says what each is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_TEXTS = ("caller_state", "caller_country", "caller_city", "caller_zip")
_PING = [
    "company_id",
    "received_at_ms",
    "id",
    "campaign_id",
    "publisher_id",
    "buyer_id",
    "reason",
    "caller_state",
    "caller_country",
    "caller_number",
    "revenue_micros",
    "payout_micros",
]
_CALL = [
    "company_id",
    "received_at_ms",
    "id",
    "campaign_id",
    "publisher_id",
    "buyer_id",
    "phase",
    "inbound_number",
    "caller_number",
    "duration_ms",
]


def upgrade() -> None:
    for name in _TEXTS:
        op.add_column("ping", sa.Column(name, sa.Text()))
    op.add_column("ping", sa.Column("revenue_micros", sa.BigInteger()))
    op.add_column("ping", sa.Column("payout_micros", sa.BigInteger()))
    op.add_column("ping", sa.Column("currency", sa.Text()))
    op.add_column("ping", sa.Column("took_ms", sa.BigInteger()))
    op.create_index("ix_ping_listing", "ping", _PING)
    op.create_index("ix_call_listing", "call", _CALL)
    op.create_index("ix_posting_listing", "posting", ["company_id", "at_ms", "id"])
    op.create_index("ix_outbox_listing", "outbox", ["company_id", "created_at_ms", "id", "state", "kind"])
