"""The tables of reports. `store.report_schema` says what each is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_DUE = sa.text("check_at_ms is not null")


def upgrade() -> None:
    _make_journeys()
    _make_rollups()


def _make_journeys() -> None:
    op.create_table(
        "journey",
        sa.Column("uuid", sa.Text(), primary_key=True, nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("direct", sa.SmallInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("caller_state", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("first_step", sa.SmallInteger(), nullable=False),
        sa.Column("first_ending", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("ending", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("revenue_micros", sa.BigInteger(), nullable=False),
        sa.Column("payout_micros", sa.BigInteger(), nullable=False),
        sa.Column("connected_ms", sa.BigInteger(), nullable=False),
        sa.Column("check_at_ms", sa.BigInteger()),
        sa.CheckConstraint("direct in (0, 1)", name=op.f("ck_journey_direct")),
        sa.CheckConstraint("step between 1 and 8", name=op.f("ck_journey_step")),
        sa.PrimaryKeyConstraint("uuid", name="pk_journey"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_journey_start_ms", "journey", ["start_ms"])
    op.create_index("ix_journey_check_at_ms", "journey", ["check_at_ms"], sqlite_where=_DUE, postgresql_where=_DUE)
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "journey_due",
        sa.Column("id", kind, primary_key=True, autoincrement=True),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journey_due"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "journey_mark",
        sa.Column("name", sa.Text(), primary_key=True, nullable=False),
        sa.Column("ping_id", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_journey_mark"),
        sqlite_with_rowid=False,
    )


def _make_rollups() -> None:
    key = ("company_id", "facet", "start_ms", "value", "campaign_id", "publisher_id", "buyer_id", "currency")
    counts = (
        "pings",
        "direct_calls",
        "asked",
        "bid",
        "reserved",
        "delivered",
        "connected",
        "converted",
        "paid",
        "revenue_micros",
        "payout_micros",
        "connected_ms",
    )
    op.create_table(
        "journey_rollup",
        *(
            sa.Column(
                name,
                sa.BigInteger() if name == "start_ms" else sa.Text(),
                primary_key=True,
                nullable=False,
                autoincrement=False,
            )
            for name in key
        ),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.PrimaryKeyConstraint(*key, name="pk_journey_rollup"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_journey_rollup_start_ms", "journey_rollup", ["start_ms"])
