"""The first tables: pings, reservations and their places, replies, catalogs. `store.schema` says what each is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

STATES = "'held', 'confirmed', 'live', 'done', 'expired', 'released', 'rejected'"
WAITING = sa.text("state in ('held', 'confirmed')")
LIVE = sa.text("state = 'live'")


def upgrade() -> None:
    _pings()
    _reservations()
    _places()
    _catalogs()


def _growing_id() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True)


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), primary_key=key, nullable=False)


def _pings() -> None:
    op.create_table(
        "ping",
        _growing_id(),
        _text("uuid"),
        _text("company_id"),
        _text("campaign_id"),
        _text("key_id"),
        _text("publisher_id"),
        sa.Column("caller_number", sa.Text()),
        _number("received_at_ms"),
        _text("reason"),
        _text("status"),
        sa.Column("buyer_id", sa.Text()),
        sa.Column("duplicate_of", sa.Text()),
        sa.Column("duplicate_order", sa.Integer()),
        _number("snapshot_version"),
        sa.Column("trace", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ping"),
        sa.UniqueConstraint("uuid", name="uq_ping_uuid"),
        sa.CheckConstraint("status in ('reserved', 'rejected', 'no-target')", name=op.f("ck_ping_status")),
        sa.CheckConstraint("(duplicate_of is null) = (duplicate_order is null)", name=op.f("ck_ping_duplicate")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "idempotency",
        _text("key_id", key=True),
        _text("idem_key", key=True),
        _text("fingerprint"),
        sa.Column("reply_status", sa.Integer(), nullable=False),
        sa.Column("reply_body", sa.LargeBinary(), nullable=False),
        _number("created_at_ms"),
        sa.PrimaryKeyConstraint("key_id", "idem_key", name="pk_idempotency"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_created_at_ms", "idempotency", ["created_at_ms"])


def _reservations() -> None:
    op.create_table(
        "reservation",
        _text("ping_id", key=True),
        _text("company_id"),
        _text("campaign_id"),
        _text("key_id"),
        _text("publisher_id"),
        sa.Column("caller_number", sa.Text()),
        _text("buyer_id"),
        _text("buyer_number"),
        _text("inbound_number"),
        _number("revenue_micros"),
        _number("payout_micros"),
        sa.Column("seconds", sa.Integer(), nullable=False),
        _text("currency"),
        sa.Column("rule_id", sa.Text()),
        sa.Column("rule_version", sa.Text()),
        sa.Column("duplicate_key", sa.Text()),
        _number("reserved_at_ms"),
        _text("state"),
        sa.Column("counted", sa.SmallInteger(), nullable=False),
        sa.Column("ttl_seconds", sa.Integer(), nullable=False),
        _number("expires_at_ms"),
        sa.Column("confirmed_at_ms", sa.BigInteger()),
        sa.Column("ended_at_ms", sa.BigInteger()),
        sa.Column("extended", sa.SmallInteger(), nullable=False),
        sa.Column("in_windows", sa.SmallInteger(), nullable=False),
        sa.Column("live_until_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("ping_id", name="pk_reservation"),
        sa.CheckConstraint(f"state in ({STATES})", name=op.f("ck_reservation_state")),
        sa.CheckConstraint(
            "revenue_micros >= 0 and payout_micros >= 0 and seconds >= 0", name=op.f("ck_reservation_quote")
        ),
        sa.CheckConstraint("expires_at_ms > reserved_at_ms", name=op.f("ck_reservation_expires")),
        sa.CheckConstraint("(state = 'live') <= (live_until_ms is not null)", name=op.f("ck_reservation_live")),
        sa.CheckConstraint(
            "(ended_at_ms is null) = (state in ('held', 'confirmed', 'live'))", name=op.f("ck_reservation_ended")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_reservation_waiting", "reservation", ["expires_at_ms"], sqlite_where=WAITING, postgresql_where=WAITING
    )
    op.create_index("ix_reservation_live", "reservation", ["live_until_ms"], sqlite_where=LIVE, postgresql_where=LIVE)
    op.create_table(
        "reservation_move",
        _text("ping_id", key=True),
        _text("to_state", key=True),
        _text("from_state"),
        _number("at_ms"),
        _text("moved_by"),
        sa.PrimaryKeyConstraint("ping_id", "to_state", name="pk_reservation_move"),
        sa.CheckConstraint(
            f"from_state in ({STATES}) and to_state in ({STATES})", name=op.f("ck_reservation_move_states")
        ),
        sa.CheckConstraint("moved_by in ('publisher', 'call', 'sweep')", name=op.f("ck_reservation_move_moved_by")),
        sqlite_with_rowid=False,
    )


def _places() -> None:
    op.create_table(
        "place",
        _text("ping_id", key=True),
        _text("subject_id", key=True),
        _number("expires_at_ms"),
        sa.Column("waiting", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ping_id", "subject_id", name="pk_place"),
        sa.CheckConstraint("waiting in (0, 1)", name=op.f("ck_place_waiting")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_place_subject", "place", ["subject_id", "expires_at_ms", "waiting"])
    op.create_table(
        "usage",
        _text("subject_id", key=True),
        _number("window_start_ms", key=True),
        _text("kind", key=True),
        _number("counted"),
        sa.PrimaryKeyConstraint("subject_id", "window_start_ms", "kind", name="pk_usage"),
        sa.CheckConstraint("kind in ('hourly', 'daily', 'monthly', 'total')", name=op.f("ck_usage_kind")),
        sa.CheckConstraint("counted > 0", name=op.f("ck_usage_counted")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "open_caller",
        _text("duplicate_key", key=True),
        _text("ping_id"),
        _number("expires_at_ms"),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("duplicate_key", name="pk_open_caller"),
        sa.CheckConstraint("duplicates >= 0", name=op.f("ck_open_caller_duplicates")),
        sqlite_with_rowid=False,
    )


def _catalogs() -> None:
    op.create_table(
        "catalog_change",
        _growing_id(),
        _text("company_id"),
        _text("document"),
        _number("applied_at_ms"),
        _text("applied_by"),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_change"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_catalog_change_company_id_id", "catalog_change", ["company_id", "id"])
    op.create_table(
        "rtb_key",
        _text("key_id", key=True),
        _text("company_id"),
        sa.PrimaryKeyConstraint("key_id", name="pk_rtb_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_rtb_key_company_id", "rtb_key", ["company_id"])
    op.create_table(
        "writer",
        _text("id", key=True),
        _number("batch"),
        _number("at_ms"),
        sa.PrimaryKeyConstraint("id", name="pk_writer"),
        sqlite_with_rowid=False,
    )
