"""The tables of calls, and what a reservation knows of its call. `store.call_schema` says what each is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_DUE = sa.text("check_at_ms is not null")
_PARKED = sa.text('"row" is null')
_OWN = sa.text("key_id = ''")
_OF_CALL = sa.text("call_id is not null")


def upgrade() -> None:
    _calls()
    _told()
    _written_and_remembered()
    _reservations()


def _calls() -> None:
    op.create_table(
        "call",
        _growing_id(),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.UniqueConstraint("uuid", name="uq_call_uuid"),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_call_id", sa.Text(), nullable=False),
        sa.Column("reservation_id", sa.Text()),
        sa.Column("publisher_id", sa.Text()),
        sa.Column("caller_number", sa.Text()),
        sa.Column("inbound_number", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("answered_at_ms", sa.BigInteger()),
        sa.Column("ended_at_ms", sa.BigInteger()),
        sa.Column("duration_ms", sa.BigInteger()),
        sa.Column("buyer_id", sa.Text()),
        sa.Column("check_at_ms", sa.BigInteger()),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("trace", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("provider", "provider_call_id", name="uq_call_provider_provider_call_id"),
        sa.CheckConstraint(
            "phase in ('routing', 'ringing', 'connected', 'ended', 'refused')", name=op.f("ck_call_phase")
        ),
        sa.CheckConstraint("duration_ms is null or duration_ms >= 0", name=op.f("ck_call_duration")),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_call_check_at_ms", "call", ["check_at_ms"], sqlite_where=_DUE, postgresql_where=_DUE)
    op.create_index("ix_call_reservation_id", "call", ["reservation_id"])
    op.create_index("ix_call_received_at_ms", "call", ["received_at_ms"])
    op.create_index("ix_call_caller_number_received_at_ms", "call", ["caller_number", "received_at_ms"])


def _told() -> None:
    op.create_table(
        "call_event",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("provider_call_id", sa.Text(), nullable=False),
        sa.Column("stored_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Text()),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "provider", name="pk_call_event"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_call_event_provider_provider_call_id", "call_event", ["provider", "provider_call_id"])
    op.create_index(
        "ix_call_event_parked", "call_event", ["stored_at_ms"], sqlite_where=_PARKED, postgresql_where=_PARKED
    )


def _written_and_remembered() -> None:
    op.create_table(
        "written_tag",
        sa.Column("subject", sa.Text(), primary_key=True, nullable=False),
        sa.Column("name", sa.Text(), primary_key=True, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "name", name="pk_written_tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_written_tag_expires_at_ms", "written_tag", ["expires_at_ms"])
    op.create_table(
        "converted_caller",
        sa.Column("dedupe_key", sa.Text(), primary_key=True, nullable=False),
        sa.Column("converted_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("dedupe_key", name="pk_converted_caller"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "secret",
        sa.Column("name", sa.Text(), primary_key=True, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secret"),
        sqlite_with_rowid=False,
    )


def _reservations() -> None:
    op.create_index("ix_reservation_own", "reservation", ["reserved_at_ms"], sqlite_where=_OWN, postgresql_where=_OWN)
    op.create_index("ix_reservation_caller_number_reserved_at_ms", "reservation", ["caller_number", "reserved_at_ms"])
    op.add_column("reservation", sa.Column("call_id", sa.Text()))
    op.add_column("reservation", sa.Column("terms", sa.Text()))
    op.create_index("ix_reservation_call", "reservation", ["call_id"], sqlite_where=_OF_CALL, postgresql_where=_OF_CALL)


def _growing_id() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True)
