"""The tables of the outbox. `store.outbox_schema` says what each is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_WAITING, _ENDED = sa.text("state = 'waiting'"), sa.text("ended_at_ms is not null")


def upgrade() -> None:
    op.create_table(
        "outbox",
        _growing_id(),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.UniqueConstraint("message_id", name="uq_outbox_message_id"),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("next_at_ms", sa.BigInteger()),
        sa.Column("lease", sa.Text()),
        sa.Column("ended_at_ms", sa.BigInteger()),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.Text()),
        sa.CheckConstraint("state in ('waiting', 'delivered', 'dead', 'disabled')", name=op.f("ck_outbox_state")),
        sa.CheckConstraint("(state = 'waiting') = (next_at_ms is not null)", name=op.f("ck_outbox_next")),
        sa.CheckConstraint("(state = 'waiting') = (ended_at_ms is null)", name=op.f("ck_outbox_ended")),
        sa.CheckConstraint("lease is null or state = 'waiting'", name=op.f("ck_outbox_lease")),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_call_id", "outbox", ["call_id"])
    op.create_index("ix_outbox_company_id_id", "outbox", ["company_id", "id"])
    op.create_index(
        "ix_outbox_state_ended_at_ms",
        "outbox",
        ["state", "ended_at_ms"],
        sqlite_where=_ENDED,
        postgresql_where=_ENDED,
    )
    op.create_index(
        "ix_outbox_queue_next_at_ms_id",
        "outbox",
        ["queue", "next_at_ms", "id"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_table(
        "outbox_try",
        sa.Column("message_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("number", sa.Integer(), primary_key=True, nullable=False, autoincrement=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("message_id", "number", name="pk_outbox_try"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox_endpoint",
        sa.Column("company_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("endpoint", sa.Text(), primary_key=True, nullable=False),
        sa.Column("disabled_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("company_id", "endpoint", name="pk_outbox_endpoint"),
        sqlite_with_rowid=False,
    )


def _growing_id() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True)
